#ifndef HOLDFAST_NET_SOCKET_ADDRESS_H_
#define HOLDFAST_NET_SOCKET_ADDRESS_H_

#include <sys/socket.h>

#include <string>

#include "absl/strings/string_view.h"

namespace holdfast::net {

// Addresses as CLIENT LIST prints them: "127.0.0.1:6379", "[::1]:6379", and
// "/path/to.sock:0" for unix sockets. "?:0" where there is none.
std::string FormatAddress(const sockaddr* addr, socklen_t length);
std::string PeerAddress(int fd);  // Unix: the path that was connected to.
std::string LocalAddress(int fd);

// Host and port apart: {"::1", 6379}; of a unix socket the path and 0.
struct HostPort {
  std::string host;
  int port = 0;
};
HostPort PeerHostPort(int fd);
HostPort LocalHostPort(int fd);

// "host:port", the host in brackets when it has a colon.
std::string JoinHostPort(absl::string_view host, int port);

// Whether the peer is on a loopback address or a unix socket (protected-mode).
bool PeerIsLocal(int fd);

// Whether a TCP socket is connected to itself. A port of the loopback that
// nobody listens on may be picked as our own source port, and TCP's
// simultaneous open does the rest: a replica that redials its dead primary
// would find itself talking to itself.
bool IsSelfConnected(int fd);

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_SOCKET_ADDRESS_H_
