#include "server/session/mailbox.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

#include "absl/memory/memory.h"
#include "net/socket/errors.h"

namespace holdfast::server {

absl::StatusOr<std::unique_ptr<Mailbox>> Mailbox::Create() {
  net::Socket event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event.valid())
    return net::ErrnoStatus(errno, "no descriptor for messages");
  return absl::WrapUnique(new Mailbox(std::move(event)));
}

bool Mailbox::Post(absl::string_view value, size_t unsent, const Limit& limit,
                   net::MonoTime now) {
  absl::MutexLock lock(&mu_);
  if (closed()) return false;
  const size_t waiting = values_.size() + value.size() + unsent;
  bool too_much = limit.hard_bytes != 0 && waiting > limit.hard_bytes;
  if (limit.soft_bytes == 0 || waiting <= limit.soft_bytes) {
    over_ = false;
  } else if (!over_) {
    over_ = true;
    over_since_ = now;
  } else if (now - over_since_ > limit.soft_time) {
    too_much = true;
  }
  if (too_much) {
    std::string().swap(values_);
    bytes_.store(0, std::memory_order_release);
    closed_.store(true, std::memory_order_release);
    Ring();
    return false;
  }
  const bool first = values_.empty();
  values_.append(value.data(), value.size());
  bytes_.store(values_.size(), std::memory_order_release);
  if (first) Ring();
  return true;
}

void Mailbox::Ring() {
  // Cannot fail: the counter is 0 or 1.
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = write(fd(), &one, sizeof(one));
}

void Mailbox::Take(std::string* out) {
  absl::MutexLock lock(&mu_);
  if (values_.empty()) return;
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t n = read(fd(), &count, sizeof(count));
  if (out->empty()) {
    out->swap(values_);
    values_.clear();
  } else {
    out->append(values_);
    std::string().swap(values_);
  }
  bytes_.store(0, std::memory_order_release);
}

}  // namespace holdfast::server
