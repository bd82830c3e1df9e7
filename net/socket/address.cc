#include "net/socket/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace holdfast::net {
namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const {
    return reinterpret_cast<const sockaddr*>(&storage);
  }
};

SocketAddress Query(int fd, int (*query)(int, sockaddr*, socklen_t*)) {
  SocketAddress a;
  a.length = sizeof(a.storage);
  if (query(fd, reinterpret_cast<sockaddr*>(&a.storage), &a.length) != 0) {
    a.length = 0;
  }
  return a;
}

std::string UnixPath(const sockaddr_un* addr, socklen_t length) {
  constexpr size_t kHeader = offsetof(sockaddr_un, sun_path);
  if (length <= kHeader) return "";
  const size_t n = std::min<size_t>(length - kHeader, sizeof(addr->sun_path));
  // An abstract name begins with a NUL and has no end mark.
  if (addr->sun_path[0] == '\0') return "";
  return std::string(addr->sun_path, strnlen(addr->sun_path, n));
}

// False where there is no address.
bool Split(const sockaddr* addr, socklen_t length, HostPort* out) {
  char text[INET6_ADDRSTRLEN];
  if (length < sizeof(addr->sa_family)) return false;
  switch (addr->sa_family) {
    case AF_INET: {
      if (length < sizeof(sockaddr_in)) return false;
      const auto* in = reinterpret_cast<const sockaddr_in*>(addr);
      inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
      *out = {text, ntohs(in->sin_port)};
      return true;
    }
    case AF_INET6: {
      if (length < sizeof(sockaddr_in6)) return false;
      const auto* in6 = reinterpret_cast<const sockaddr_in6*>(addr);
      inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
      *out = {text, ntohs(in6->sin6_port)};
      return true;
    }
    case AF_UNIX:
      out->host = UnixPath(reinterpret_cast<const sockaddr_un*>(addr), length);
      out->port = 0;
      return !out->host.empty();
    default:
      return false;
  }
}

HostPort Local(int fd) {
  const SocketAddress a = Query(fd, getsockname);
  HostPort hp;
  return Split(a.get(), a.length, &hp) ? hp : HostPort{"?", 0};
}

}  // namespace

std::string JoinHostPort(absl::string_view host, int port) {
  if (absl::StrContains(host, ':')) {
    return absl::StrCat("[", host, "]:", port);
  }
  return absl::StrCat(host, ":", port);
}

std::string FormatAddress(const sockaddr* addr, socklen_t length) {
  HostPort hp;
  if (!Split(addr, length, &hp)) return "?:0";
  // A path may have a colon and is printed as it is.
  if (addr->sa_family == AF_UNIX) return absl::StrCat(hp.host, ":0");
  return JoinHostPort(hp.host, hp.port);
}

std::string LocalAddress(int fd) {
  const SocketAddress a = Query(fd, getsockname);
  return FormatAddress(a.get(), a.length);
}

std::string PeerAddress(int fd) {
  const SocketAddress a = Query(fd, getpeername);
  // A unix client has no name of its own: what tells it apart is where it came
  // in, the path the socket was accepted on.
  if (a.length > 0 && a.storage.ss_family == AF_UNIX &&
      FormatAddress(a.get(), a.length) == "?:0") {
    return LocalAddress(fd);
  }
  return FormatAddress(a.get(), a.length);
}

HostPort LocalHostPort(int fd) { return Local(fd); }

HostPort PeerHostPort(int fd) {
  const SocketAddress a = Query(fd, getpeername);
  HostPort hp;
  if (Split(a.get(), a.length, &hp)) return hp;
  if (a.length > 0 && a.storage.ss_family == AF_UNIX) return Local(fd);
  return {"?", 0};
}

bool IsSelfConnected(int fd) {
  const HostPort local = LocalHostPort(fd);
  const HostPort peer = PeerHostPort(fd);
  return local.port != 0 && local.port == peer.port && local.host == peer.host;
}

bool PeerIsLocal(int fd) {
  const SocketAddress a = Query(fd, getpeername);
  if (a.length < sizeof(sa_family_t)) return false;
  if (a.storage.ss_family == AF_UNIX) return true;
  if (a.storage.ss_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(&a.storage);
    return ntohl(in->sin_addr.s_addr) >> 24 == 127;
  }
  if (a.storage.ss_family == AF_INET6) {
    const auto* in6 = reinterpret_cast<const sockaddr_in6*>(&a.storage);
    return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr) ||
           (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) &&
            in6->sin6_addr.s6_addr[12] == 127);
  }
  return false;
}

}  // namespace holdfast::net
