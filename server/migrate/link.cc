#include "server/migrate/link.h"

#include <sys/uio.h>

#include <algorithm>
#include <utility>

#include "net/dial/dial.h"
#include "net/resp/integer.h"

namespace holdfast::server {
namespace {

// What one deadline is for.
constexpr size_t kChunkBytes = 64 * 1024;
// How long given_up() goes unasked.
constexpr absl::Duration kSlice = absl::Milliseconds(100);

// Calls `operation` with deadlines of at most kSlice until it does something,
// fails, or `until` has passed.
template <typename Operation>
auto InSlices(const Patience& patience, net::Deadline until,
              const Operation& operation)
    -> decltype(operation(net::Deadline())) {
  for (;;) {
    if (patience.given_up()) return absl::CancelledError("given up");
    auto result = operation(net::Deadline::Earlier(
        until, net::Deadline::After(patience.clock, kSlice)));
    if (result.ok() || !absl::IsDeadlineExceeded(result.status()) ||
        until.Expired())
      return result;
  }
}

}  // namespace

MigrateLink::MigrateLink(std::string h, std::string p, bool a,
                         std::unique_ptr<net::Stream> stream)
    : host(std::move(h)),
      port(std::move(p)),
      authenticates(a),
      client_(std::move(stream)) {}

absl::Status MigrateLink::Write(absl::string_view bytes,
                                const Patience& patience) {
  while (!bytes.empty()) {
    absl::string_view chunk = bytes.substr(0, kChunkBytes);
    bytes.remove_prefix(chunk.size());
    const net::Deadline until = patience.Next();
    while (!chunk.empty()) {
      const absl::StatusOr<size_t> n =
          InSlices(patience, until, [&](net::Deadline deadline) {
            const iovec part = {const_cast<char*>(chunk.data()), chunk.size()};
            return client_.stream().WriteSome({&part, 1}, deadline);
          });
      if (!n.ok()) return n.status();
      chunk.remove_prefix(*n);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> MigrateLink::ReadLine(const Patience& patience) {
  return InSlices(patience, patience.Next(), [&](net::Deadline deadline) {
    return client_.ReadLine(deadline);
  });
}

std::unique_ptr<MigrateLink> MigrateLinks::Take(absl::string_view host,
                                                absl::string_view port,
                                                bool authenticates) {
  absl::MutexLock lock(&mu_);
  const auto found =
      std::find_if(kept_.rbegin(), kept_.rend(), [&](const auto& link) {
        return link->authenticates == authenticates && link->host == host &&
               link->port == port;
      });
  if (found == kept_.rend()) return nullptr;
  std::unique_ptr<MigrateLink> link = std::move(*found);
  kept_.erase(std::next(found).base());
  return link;
}

absl::StatusOr<std::unique_ptr<MigrateLink>> MigrateLinks::Dial(
    absl::string_view host, absl::string_view port, bool authenticates,
    const Patience& patience) {
  int64_t number = 0;
  // Not a unix socket's path, which whoever may dial could mean by it.
  if (host.empty() || host[0] == '/' || !net::ParseInteger(port, &number) ||
      number < 1 || number > 65535) {
    return absl::InvalidArgumentError("no host and port of TCP");
  }
  net::DialOptions options;
  options.clock = patience.clock;
  options.timeout = patience.Next().Remaining();
  options.stop = &stop_;
  absl::StatusOr<std::unique_ptr<net::Stream>> stream =
      net::Dial(host, static_cast<int>(number), options);
  if (!stream.ok()) return stream.status();
  return std::make_unique<MigrateLink>(std::string(host), std::string(port),
                                       authenticates, *std::move(stream));
}

void MigrateLinks::Put(std::unique_ptr<MigrateLink> link) {
  link->last_use_ = clock_->Now();
  std::unique_ptr<MigrateLink> dropped;  // Closed when the lock is given up.
  absl::MutexLock lock(&mu_);
  if (kept_.size() >= kMost) {
    dropped = std::move(kept_.front());
    kept_.erase(kept_.begin());
  }
  kept_.push_back(std::move(link));
}

void MigrateLinks::CloseIdle() {
  std::vector<std::unique_ptr<MigrateLink>> dropped;
  const net::MonoTime now = clock_->Now();
  absl::MutexLock lock(&mu_);
  const auto fresh = std::find_if(
      kept_.begin(), kept_.end(),
      [&](const auto& link) { return now - link->last_use_ <= kIdle; });
  std::move(kept_.begin(), fresh, std::back_inserter(dropped));
  kept_.erase(kept_.begin(), fresh);
}

size_t MigrateLinks::size() const {
  absl::MutexLock lock(&mu_);
  return kept_.size();
}

}  // namespace holdfast::server
