#include "net/dial/resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "glog/logging.h"
#include "net/socket/errors.h"
#include "net/socket/poll.h"
#include "net/socket/socket.h"
#include "net/socket/stop_signal.h"
#include "net/time/deadline.h"

namespace holdfast::net {
namespace {

using Addresses = std::vector<ResolvedAddress>;

absl::StatusOr<Addresses> SystemLookup(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(host.c_str(), absl::StrCat(port).c_str(), &hints, &found);
  if (error != 0) {
    const std::string text =
        absl::StrCat("cannot resolve '", host, "': ", gai_strerror(error));
    if (error == EAI_NONAME || error == EAI_NODATA) {
      return absl::NotFoundError(text);
    }
    return absl::UnavailableError(text);
  }
  Addresses addresses;
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
    ResolvedAddress r;
    if (a->ai_addrlen > sizeof(r.storage)) continue;
    memcpy(&r.storage, a->ai_addr, a->ai_addrlen);
    r.length = a->ai_addrlen;
    addresses.push_back(r);
  }
  freeaddrinfo(found);
  return addresses;
}

// std::thread would throw where there is no thread to be had; this returns the
// errno, 0 when the thread runs.
int StartDetached(std::function<void()> work) {
  auto* const arg = new std::function<void()>(std::move(work));
  pthread_t thread;
  const int error = pthread_create(
      &thread, nullptr,
      [](void* p) -> void* {
        std::unique_ptr<std::function<void()>> f(
            static_cast<std::function<void()>*>(p));
        pthread_setname_np(pthread_self(), "resolver");
        (*f)();
        return nullptr;
      },
      arg);
  if (error != 0) {
    delete arg;
    return error;
  }
  pthread_detach(thread);
  return 0;
}

// What one look-up shares with whoever waits for it.
struct Lookup {
  Socket done_event;  // Readable once `result` is there.
  absl::Mutex mu;
  absl::StatusOr<Addresses> result ABSL_GUARDED_BY(mu);
};

}  // namespace

struct Resolver::InFlight {
  absl::Mutex mu;
  int count ABSL_GUARDED_BY(mu) = 0;
};

absl::StatusOr<ResolvedAddress> ParseLiteral(absl::string_view host, int port) {
  const std::string text(host);
  const auto port_n = htons(static_cast<uint16_t>(port));
  ResolvedAddress a;
  auto* in = reinterpret_cast<sockaddr_in*>(&a.storage);
  if (inet_pton(AF_INET, text.c_str(), &in->sin_addr) == 1) {
    in->sin_family = AF_INET;
    in->sin_port = port_n;
    a.length = sizeof(*in);
    return a;
  }
  a = ResolvedAddress();
  auto* in6 = reinterpret_cast<sockaddr_in6*>(&a.storage);
  if (inet_pton(AF_INET6, text.c_str(), &in6->sin6_addr) == 1) {
    in6->sin6_family = AF_INET6;
    in6->sin6_port = port_n;
    a.length = sizeof(*in6);
    return a;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("not an IP address: '", host, "'"));
}

Resolver::Resolver() : Resolver(SystemLookup) {}

Resolver::Resolver(LookupFn lookup)
    : lookup_(std::move(lookup)), in_flight_(std::make_shared<InFlight>()) {}

Resolver::~Resolver() = default;

Resolver* Resolver::Default() {
  // Never destroyed: a look-up left behind may outlive main().
  static Resolver* const resolver = new Resolver;
  return resolver;
}

absl::StatusOr<Addresses> Resolver::Resolve(absl::string_view host, int port,
                                            Deadline deadline,
                                            const StopSignal* stop) {
  if (port < 1 || port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat("not a port: ", port));
  }
  // RFC 1035: a name has at most 253 characters.
  if (host.empty() || host.size() > 253 ||
      host.find('\0') != absl::string_view::npos) {
    return absl::InvalidArgumentError("not a host name");
  }
  if (stop != nullptr && stop->stopped()) {
    return absl::CancelledError("stopped");
  }
  if (auto literal = ParseLiteral(host, port); literal.ok()) {
    return Addresses{*literal};
  }
  auto lookup = std::make_shared<Lookup>();
  lookup->done_event = Socket(eventfd(0, EFD_CLOEXEC));
  if (!lookup->done_event.valid()) return ErrnoStatus(errno, "eventfd");
  {
    absl::MutexLock lock(&in_flight_->mu);
    if (in_flight_->count >= kMaxInFlight) {
      return absl::ResourceExhaustedError(
          absl::StrCat("cannot resolve '", host, "': ", kMaxInFlight,
                       " look-ups are still under way"));
    }
    ++in_flight_->count;
  }
  auto work = [lookup, in_flight = in_flight_, function = lookup_,
               name = std::string(host), port] {
    absl::StatusOr<Addresses> result = function(name, port);
    if (result.ok() && result->empty()) {
      result = absl::NotFoundError(
          absl::StrCat("cannot resolve '", name, "': no address"));
    }
    {
      absl::MutexLock lock(&lookup->mu);
      lookup->result = std::move(result);
    }
    {
      absl::MutexLock lock(&in_flight->mu);
      --in_flight->count;
    }
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n =
        write(lookup->done_event.fd(), &one, sizeof(one));
  };
  if (const int error = StartDetached(std::move(work)); error != 0) {
    absl::MutexLock lock(&in_flight_->mu);
    --in_flight_->count;
    return ErrnoStatus(error,
                       absl::StrCat("cannot resolve '", host, "': no thread"));
  }
  pollfd fds[2] = {{lookup->done_event.fd(), POLLIN, 0},
                   {stop != nullptr ? stop->fd() : -1, POLLIN, 0}};
  const absl::StatusOr<int> ready = PollUntil(absl::MakeSpan(fds), deadline);
  if (!ready.ok()) return ready.status();
  if (stop != nullptr && stop->stopped()) {
    return absl::CancelledError("stopped");
  }
  if (*ready == 0) {
    return absl::DeadlineExceededError(
        absl::StrCat("resolving '", host, "' timed out"));
  }
  absl::MutexLock lock(&lookup->mu);
  return std::move(lookup->result);
}

}  // namespace holdfast::net
