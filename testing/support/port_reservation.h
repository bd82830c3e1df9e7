#ifndef HOLDFAST_TESTING_SUPPORT_PORT_RESERVATION_H_
#define HOLDFAST_TESTING_SUPPORT_PORT_RESERVATION_H_

#include "absl/status/statusor.h"
#include "net/socket/socket.h"

namespace holdfast::test {

// A port of 127.0.0.1 that is ours while this lives, although nobody need be
// listening on it: a socket that is bound, with SO_REUSEADDR, and never
// listens. Who sets SO_REUSEADDR too (every Redis does) can listen beside it;
// the kernel gives the port to nobody who asks for just any. A connection while
// nobody listens is refused. So there is no race between choosing a port and a
// child process binding it, and a server can come back on its old port.
// Movable, thread-compatible.
class PortReservation {
 public:
  // Below this, so that the cluster bus's port (port + 10000) exists too.
  static constexpr int kMaxPort = 55000;

  static absl::StatusOr<PortReservation> Make();

  int port() const { return port_; }

 private:
  PortReservation(net::Socket socket, int port)
      : socket_(static_cast<net::Socket&&>(socket)), port_(port) {}

  net::Socket socket_;
  int port_;
};

}  // namespace holdfast::test

#endif  // HOLDFAST_TESTING_SUPPORT_PORT_RESERVATION_H_
