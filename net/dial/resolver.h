#ifndef HOLDFAST_NET_DIAL_RESOLVER_H_
#define HOLDFAST_NET_DIAL_RESOLVER_H_

#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "net/socket/stop_signal.h"
#include "net/time/deadline.h"

namespace holdfast::net {

struct ResolvedAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* addr() const {
    return reinterpret_cast<const sockaddr*>(&storage);
  }
};

// The address of an IPv4 or IPv6 literal; kInvalidArgument for anything else.
// Never blocks, never asks a name server.
absl::StatusOr<ResolvedAddress> ParseLiteral(absl::string_view host, int port);

// Names to addresses with a deadline that holds.
//
// getaddrinfo(3) cannot be interrupted and may block for minutes. Each look-up
// runs in a detached thread of its own that shares only its result with the
// caller; a caller whose deadline passes leaves it behind. At most kMaxInFlight
// look-ups run at a time, also those left behind; one more is refused at
// once with kResourceExhausted. Thread-safe.
class Resolver {
 public:
  // What does the look-up, getaddrinfo(3) by default; tests put another in its
  // place. Runs in the detached thread and must not refer to the Resolver.
  using LookupFn = std::function<absl::StatusOr<std::vector<ResolvedAddress>>(
      const std::string& host, int port)>;

  static constexpr int kMaxInFlight = 16;

  Resolver();
  explicit Resolver(LookupFn lookup);
  ~Resolver();

  // At least one address, literals without a look-up. kDeadlineExceeded,
  // kCancelled (stop was raised; may be null), kNotFound (no such host),
  // kUnavailable (the name server failed), kResourceExhausted.
  absl::StatusOr<std::vector<ResolvedAddress>> Resolve(absl::string_view host,
                                                       int port,
                                                       Deadline deadline,
                                                       const StopSignal* stop);

  // One for the process, since its threads are the process's.
  static Resolver* Default();

 private:
  struct InFlight;

  const LookupFn lookup_;
  const std::shared_ptr<InFlight> in_flight_;
};

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_DIAL_RESOLVER_H_
