#ifndef HOLDFAST_NET_DIAL_DIAL_H_
#define HOLDFAST_NET_DIAL_DIAL_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "net/dial/resolver.h"
#include "net/socket/options.h"
#include "net/socket/socket.h"
#include "net/socket/stop_signal.h"
#include "net/socket/stream.h"
#include "net/time/clock.h"

namespace holdfast::net {

struct DialOptions {
  const Clock* clock = Clock::Real();
  // For resolving and connecting together, over all addresses of the host.
  absl::Duration timeout = absl::Seconds(5);
  // bind-source-addr: a literal to connect from; empty: the kernel's choice.
  std::string source_address;
  // Set before connect(2), so the handshake of TCP is under them too.
  TcpOptions tcp;
  // Raised: return kCancelled at once. May be null. Outlives the call.
  const StopSignal* stop = nullptr;
  Resolver* resolver = Resolver::Default();
};

// One attempt to connect, with one bound for all of it. Every address of the
// host is tried in the resolver's order, each with an equal share of what
// remains, so that one that swallows packets leaves time for the others. A
// `host` that begins with '/' is a unix socket's path (port ignored).
//
// Failures: kDeadlineExceeded, kCancelled, kUnavailable (the last address's
// errno), kNotFound (no such host), kInvalidArgument, kResourceExhausted; the
// text names the addresses tried. A connection of a socket to itself, which
// the loopback allows when nobody listens, counts as refused.
//
// Thread-safe. DialSocket() is for those that put TLS on top.
absl::StatusOr<Socket> DialSocket(absl::string_view host, int port,
                                  const DialOptions& options = {});
absl::StatusOr<std::unique_ptr<Stream>> Dial(absl::string_view host, int port,
                                             const DialOptions& options = {});

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_DIAL_DIAL_H_
