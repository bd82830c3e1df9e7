#include "net/listen/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "glog/logging.h"
#include "net/socket/address.h"
#include "net/socket/errors.h"
#include "net/socket/poll.h"
#include "net/socket/socket.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"

namespace holdfast::net {
namespace {

// With port 0 and several addresses, the port the kernel gave to the first may
// be taken on another; so often another one is tried.
constexpr int kPortAttempts = 20;

struct BindAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  int family = AF_INET;
  bool optional = false;

  void set_port(int port) {
    const auto n = htons(static_cast<uint16_t>(port));
    if (family == AF_INET) {
      reinterpret_cast<sockaddr_in*>(&storage)->sin_port = n;
    } else {
      reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port = n;
    }
  }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

absl::StatusOr<BindAddress> ParseBind(absl::string_view text) {
  BindAddress a;
  absl::string_view host = text;
  a.optional = absl::ConsumePrefix(&host, "-");
  if (absl::StrContains(host, ':')) {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&a.storage);
    a.family = in6->sin6_family = AF_INET6;
    a.length = sizeof(*in6);
    in6->sin6_addr = in6addr_any;
    if (host == "::*" ||
        inet_pton(AF_INET6, std::string(host).c_str(), &in6->sin6_addr) == 1) {
      return a;
    }
  } else {
    auto* in = reinterpret_cast<sockaddr_in*>(&a.storage);
    a.family = in->sin_family = AF_INET;
    a.length = sizeof(*in);
    in->sin_addr.s_addr = htonl(INADDR_ANY);
    if (host == "*" ||
        inet_pton(AF_INET, std::string(host).c_str(), &in->sin_addr) == 1) {
      return a;
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("not an address to bind: '", text, "'"));
}

// Redis goes on without an address whose family this machine does not have,
// and, where it is marked, one that no interface has.
bool MayBeMissing(int err, bool optional) {
  return err == ENOPROTOOPT || err == EPROTONOSUPPORT ||
         err == ESOCKTNOSUPPORT || err == EPFNOSUPPORT || err == EAFNOSUPPORT ||
         (optional && err == EADDRNOTAVAIL);
}

// Non-blocking, for a connection may be gone between poll() and accept().
absl::StatusOr<Socket> Listen(const sockaddr* addr, socklen_t length,
                              int backlog) {
  Socket s(
      socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!s.valid()) return ErrnoStatus(errno, "socket");
  const int one = 1;
  if (addr->sa_family == AF_INET6 &&
      setsockopt(s.fd(), IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) != 0) {
    return ErrnoStatus(errno, "IPV6_V6ONLY");
  }
  if (addr->sa_family != AF_UNIX &&
      setsockopt(s.fd(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0) {
    return ErrnoStatus(errno, "SO_REUSEADDR");
  }
  if (bind(s.fd(), addr, length) != 0) return ErrnoStatus(errno, "bind");
  if (listen(s.fd(), backlog) != 0) return ErrnoStatus(errno, "listen");
  return s;
}

absl::Status Annotate(const absl::Status& s, absl::string_view what) {
  const int err = ErrnoOf(s);
  if (err != 0) return ErrnoStatus(err, what);
  return absl::Status(s.code(), absl::StrCat(what, ": ", s.message()));
}

// Whether somebody accepts connections at the path.
bool SomebodyListens(const sockaddr_un& addr, socklen_t length) {
  Socket probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // Full (EAGAIN) is alive, too.
  return connect(probe.fd(), reinterpret_cast<const sockaddr*>(&addr),
                 length) == 0 ||
         (errno != ECONNREFUSED && errno != ENOENT);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Listener>> Listener::Tcp(
    const TcpListenOptions& options) {
  if (options.port < 0 || options.port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("not a port: ", options.port));
  }
  std::vector<BindAddress> addresses;
  for (const std::string& text : options.bind) {
    absl::StatusOr<BindAddress> a = ParseBind(text);
    if (!a.ok()) return a.status();
    addresses.push_back(*a);
  }
  for (int attempt = 1;; ++attempt) {
    std::unique_ptr<Listener> l(new Listener);
    int port = options.port;
    absl::Status last = absl::InvalidArgumentError("no address to bind");
    bool again = false;
    for (BindAddress& a : addresses) {
      a.set_port(port);
      const std::string name = FormatAddress(a.get(), a.length);
      absl::StatusOr<Socket> s = Listen(a.get(), a.length, options.backlog);
      if (!s.ok()) {
        last = Annotate(s.status(), absl::StrCat("cannot listen on ", name));
        if (MayBeMissing(ErrnoOf(last), a.optional)) {
          LOG(WARNING) << last.message() << "; going on without it";
          continue;
        }
        again = options.port == 0 && !l->sockets_.empty() &&
                ErrnoOf(last) == EADDRINUSE && attempt < kPortAttempts;
        if (again) break;
        return last;
      }
      port = LocalHostPort(s->fd()).port;
      l->addresses_.push_back(LocalAddress(s->fd()));
      l->sockets_.push_back(*std::move(s));
    }
    if (again) continue;
    if (l->sockets_.empty()) return last;
    l->port_ = port;
    return l;
  }
}

absl::StatusOr<std::unique_ptr<Listener>> Listener::Unix(
    const UnixListenOptions& options) {
  sockaddr_un addr{};
  addr.sun_family = AF_UNIX;
  if (options.path.empty() || options.path.size() >= sizeof(addr.sun_path) ||
      absl::StrContains(options.path, '\0')) {
    return absl::InvalidArgumentError(
        absl::StrCat("a unix socket's path has 1 to ",
                     sizeof(addr.sun_path) - 1, " bytes: ", options.path));
  }
  memcpy(addr.sun_path, options.path.data(), options.path.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) +
                                             options.path.size() + 1);
  const std::string what =
      absl::StrCat("cannot listen on unix socket ", options.path);
  struct stat info;
  if (lstat(options.path.c_str(), &info) == 0) {
    if (!S_ISSOCK(info.st_mode)) {
      return absl::FailedPreconditionError(
          absl::StrCat(what, ": the path is there and no socket"));
    }
    if (SomebodyListens(addr, length)) return ErrnoStatus(EADDRINUSE, what);
    if (unlink(options.path.c_str()) != 0 && errno != ENOENT) {
      return ErrnoStatus(errno, absl::StrCat(what, ": removing a stale one"));
    }
  }
  absl::StatusOr<Socket> s =
      Listen(reinterpret_cast<sockaddr*>(&addr), length, options.backlog);
  if (!s.ok()) return Annotate(s.status(), what);
  std::unique_ptr<Listener> l(new Listener);
  l->sockets_.push_back(*std::move(s));
  l->addresses_.push_back(options.path);
  if (lstat(options.path.c_str(), &info) != 0) return ErrnoStatus(errno, what);
  l->unlink_path_ = options.path;
  l->unlink_device_ = info.st_dev;
  l->unlink_inode_ = info.st_ino;
  if (options.mode != 0 && chmod(options.path.c_str(), options.mode) != 0) {
    return ErrnoStatus(errno, absl::StrCat(what, ": setting its permissions"));
  }
  return l;
}

Listener::~Listener() {
  Shutdown();
  struct stat info;
  // Another server may have put its own in the place of ours.
  if (!unlink_path_.empty() && lstat(unlink_path_.c_str(), &info) == 0 &&
      info.st_dev == unlink_device_ && info.st_ino == unlink_inode_) {
    unlink(unlink_path_.c_str());
  }
}

absl::StatusOr<Socket> Listener::Accept() {
  if (pause_first_) {
    pause_first_ = false;
    stop_.WaitUntil(Deadline::After(Clock::Real(),
                                    absl::Milliseconds(kPauseAfterFailureMs)));
  }
  std::vector<pollfd> fds;
  fds.reserve(sockets_.size() + 1);
  for (const Socket& s : sockets_) fds.push_back({s.fd(), POLLIN, 0});
  fds.push_back({stop_.fd(), POLLIN, 0});
  while (true) {
    const absl::StatusOr<int> ready =
        PollUntil(absl::MakeSpan(fds), Deadline::Never());
    if (stop_.stopped()) return absl::CancelledError("listener shut down");
    if (!ready.ok()) {
      pause_first_ = true;
      return ready.status();
    }
    // In turn, so that a flood at one address does not starve the others.
    for (size_t i = 0; i < sockets_.size(); ++i) {
      const size_t at = next_++ % sockets_.size();
      if (fds[at].revents == 0) continue;
      Socket s(accept4(sockets_[at].fd(), nullptr, nullptr, SOCK_CLOEXEC));
      if (s.valid()) return s;
      const int err = errno;
      if (stop_.stopped()) return absl::CancelledError("listener shut down");
      if (err == EAGAIN || err == EWOULDBLOCK || err == EINTR) continue;
      // A peer that left before we came is of the network's making (accept(2)
      // lists them) and gone from the queue; the rest would come back at once.
      if (err != ECONNABORTED && err != EPERM && err != EPROTO) {
        pause_first_ = true;
      }
      return ErrnoStatus(err, absl::StrCat("accept on ", addresses_[at]));
    }
  }
}

void Listener::Shutdown() {
  stop_.Stop();
  // New connections are refused from here on, before the descriptors close.
  for (const Socket& s : sockets_) shutdown(s.fd(), SHUT_RDWR);
}

}  // namespace holdfast::net
