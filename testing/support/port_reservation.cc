#include "testing/support/port_reservation.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "net/socket/errors.h"
#include "net/socket/socket.h"

namespace holdfast::test {
namespace {

constexpr int kMaxTries = 64;

}  // namespace

absl::StatusOr<PortReservation> PortReservation::Make() {
  std::vector<net::Socket> too_high;  // Held, so that we get another one.
  for (int i = 0; i < kMaxTries; ++i) {
    net::Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket.valid()) return net::ErrnoStatus(errno, "socket");
    const int on = 1;
    if (setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) {
      return net::ErrnoStatus(errno, "SO_REUSEADDR");
    }
    sockaddr_in addr{};
    addr.sin_family = AF_INET;
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(socket.fd(), reinterpret_cast<sockaddr*>(&addr), sizeof addr) <
        0) {
      return net::ErrnoStatus(errno, "bind 127.0.0.1:0");
    }
    socklen_t length = sizeof addr;
    if (getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&addr), &length) <
        0) {
      return net::ErrnoStatus(errno, "getsockname");
    }
    const int port = ntohs(addr.sin_port);
    if (port < kMaxPort) return PortReservation(std::move(socket), port);
    too_high.push_back(std::move(socket));
  }
  return absl::ResourceExhaustedError("no port below 55000 was offered");
}

}  // namespace holdfast::test
