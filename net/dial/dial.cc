#include "net/dial/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "net/dial/resolver.h"
#include "net/socket/address.h"
#include "net/socket/errors.h"
#include "net/socket/options.h"
#include "net/socket/poll.h"
#include "net/socket/socket.h"
#include "net/socket/socket_stream.h"
#include "net/socket/stop_signal.h"
#include "net/time/deadline.h"

namespace holdfast::net {
namespace {

absl::Status Stopped() { return absl::CancelledError("stopped"); }

absl::StatusOr<Socket> ConnectOne(const ResolvedAddress& to,
                                  const DialOptions& options,
                                  Deadline deadline) {
  const std::string what =
      absl::StrCat("connect to ", FormatAddress(to.addr(), to.length));
  const int family = to.addr()->sa_family;
  Socket s(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!s.valid()) return ErrnoStatus(errno, what);
  ApplyOptions(s.fd(), options.tcp);
  if (!options.source_address.empty() && family != AF_UNIX) {
    const absl::StatusOr<ResolvedAddress> from =
        ParseLiteral(options.source_address, 0);
    if (!from.ok()) return from.status();
    // Fails also where the families differ, which another address may cure.
    if (bind(s.fd(), from->addr(), from->length) != 0) {
      return ErrnoStatus(errno,
                         absl::StrCat(what, " from ", options.source_address));
    }
  }
  int result;
  do {
    result = connect(s.fd(), to.addr(), to.length);
  } while (result != 0 && errno == EINTR);
  // EAGAIN: a unix socket's queue is full; it does not become writable when
  // there is room, so this is an attempt that failed.
  if (result != 0 && errno != EINPROGRESS && errno != EALREADY) {
    return errno == EAGAIN ? ErrnoStatus(ECONNREFUSED, what)
                           : ErrnoStatus(errno, what);
  }
  if (result != 0) {
    pollfd fds[2] = {
        {s.fd(), POLLOUT, 0},
        {options.stop != nullptr ? options.stop->fd() : -1, POLLIN, 0}};
    const absl::StatusOr<int> ready = PollUntil(absl::MakeSpan(fds), deadline);
    if (!ready.ok()) return ready.status();
    if (options.stop != nullptr && options.stop->stopped()) return Stopped();
    if (*ready == 0) {
      return absl::DeadlineExceededError(absl::StrCat(what, ": timed out"));
    }
    int err = 0;
    socklen_t length = sizeof(err);
    if (getsockopt(s.fd(), SOL_SOCKET, SO_ERROR, &err, &length) != 0) {
      err = errno;
    }
    if (err != 0) return ErrnoStatus(err, what);
  }
  if (family != AF_UNIX && IsSelfConnected(s.fd())) {
    return ErrnoStatus(ECONNREFUSED, what);
  }
  if (absl::Status status = SetNonBlocking(s.fd(), false); !status.ok()) {
    return status;
  }
  return s;
}

absl::StatusOr<ResolvedAddress> UnixAddress(absl::string_view path) {
  ResolvedAddress a;
  auto* un = reinterpret_cast<sockaddr_un*>(&a.storage);
  if (path.size() >= sizeof(un->sun_path) ||
      path.find('\0') != absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("unix socket path too long: ", path));
  }
  un->sun_family = AF_UNIX;
  memcpy(un->sun_path, path.data(), path.size());
  a.length =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return a;
}

// The error of the last address, with what happened to those before it.
absl::Status WithEarlier(const absl::Status& last, const std::string& earlier) {
  if (earlier.empty()) return last;
  const std::string text =
      absl::StrCat(last.message(), " (before: ", earlier, ")");
  absl::Status status(last.code(), text);
  last.ForEachPayload(
      [&status](absl::string_view key, const absl::Cord& value) {
        status.SetPayload(key, value);
      });
  return status;
}

}  // namespace

absl::StatusOr<Socket> DialSocket(absl::string_view host, int port,
                                  const DialOptions& options) {
  if (options.stop != nullptr && options.stop->stopped()) return Stopped();
  const Deadline deadline = Deadline::After(options.clock, options.timeout);
  std::vector<ResolvedAddress> addresses;
  if (!host.empty() && host[0] == '/') {
    absl::StatusOr<ResolvedAddress> a = UnixAddress(host);
    if (!a.ok()) return a.status();
    addresses.push_back(*a);
  } else {
    auto resolved =
        options.resolver->Resolve(host, port, deadline, options.stop);
    if (!resolved.ok()) return resolved.status();
    addresses = *std::move(resolved);
  }
  absl::Status last;
  std::string earlier;
  for (size_t i = 0; i < addresses.size(); ++i) {
    if (!last.ok()) {
      absl::StrAppend(&earlier, earlier.empty() ? "" : "; ", last.message());
    }
    const absl::Duration share =
        deadline.Remaining() / static_cast<int64_t>(addresses.size() - i);
    absl::StatusOr<Socket> s = ConnectOne(
        addresses[i], options,
        Deadline::Earlier(deadline, Deadline::After(options.clock, share)));
    if (s.ok() || absl::IsCancelled(s.status())) return s;
    last = s.status();
    if (deadline.Expired()) break;
  }
  return WithEarlier(last, earlier);
}

absl::StatusOr<std::unique_ptr<Stream>> Dial(absl::string_view host, int port,
                                             const DialOptions& options) {
  absl::StatusOr<Socket> s = DialSocket(host, port, options);
  if (!s.ok()) return s.status();
  return std::make_unique<SocketStream>(*std::move(s));
}

}  // namespace holdfast::net
