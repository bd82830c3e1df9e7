#ifndef HOLDFAST_NET_SOCKET_SOCKET_H_
#define HOLDFAST_NET_SOCKET_SOCKET_H_

#include <utility>

#include "absl/status/statusor.h"

namespace holdfast::net {

// Owns one file descriptor and closes it at the end of its life. Movable.
// Thread-compatible.
class Socket {
 public:
  Socket() = default;  // Owns nothing.
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() { Close(); }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept;

  // -1 when it owns nothing.
  int fd() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }
  void Close();

  // A connected pair of unix stream sockets, close-on-exec.
  static absl::StatusOr<std::pair<Socket, Socket>> Pair();

 private:
  int fd_ = -1;
};

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_SOCKET_SOCKET_H_
