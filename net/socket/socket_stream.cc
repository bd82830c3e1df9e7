#include "net/socket/socket_stream.h"

#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "glog/logging.h"
#include "net/socket/errors.h"
#include "net/socket/options.h"
#include "net/time/deadline.h"

namespace holdfast::net {
namespace {

// The kernel counts in jiffies of 1 to 10 ms; zero would mean for ever.
constexpr int64_t kMinTimeoutUs = 1000;
constexpr int64_t kMaxLateUs = 50'000;
constexpr absl::Duration kWriteSlice = absl::Milliseconds(250);

bool WouldBlock(int err) { return err == EAGAIN || err == EWOULDBLOCK; }

absl::Status Cancelled() {
  return absl::CancelledError("connection shut down");
}

}  // namespace

SocketStream::SocketStream(Socket socket) : socket_(std::move(socket)) {
  CHECK(socket_.valid());
  const absl::Status status = SetNonBlocking(socket_.fd(), false);
  CHECK(status.ok()) << status;
}

absl::Status SocketStream::Arm(int option, absl::Duration wait,
                               int64_t* armed) {
  int64_t us = 0;
  if (wait != absl::InfiniteDuration()) {
    us = std::max(absl::ToInt64Microseconds(wait), kMinTimeoutUs);
    if (*armed >= us / 2 && *armed > 0 &&
        *armed <= us + std::min(us / 10, kMaxLateUs)) {
      return absl::OkStatus();
    }
  } else if (*armed == 0) {
    return absl::OkStatus();
  }
  timeval tv;
  tv.tv_sec = us / 1'000'000;
  tv.tv_usec = us % 1'000'000;
  if (setsockopt(socket_.fd(), SOL_SOCKET, option, &tv, sizeof(tv)) != 0) {
    return ErrnoStatus(errno,
                       option == SO_RCVTIMEO ? "SO_RCVTIMEO" : "SO_SNDTIMEO");
  }
  *armed = us;
  return absl::OkStatus();
}

absl::StatusOr<size_t> SocketStream::TryRead(absl::Span<char> area) {
  DCHECK(!area.empty());
  while (true) {
    if (shut_down_.load(std::memory_order_acquire)) return Cancelled();
    const ssize_t n =
        recv(socket_.fd(), area.data(), area.size(), MSG_DONTWAIT);
    if (n > 0) return static_cast<size_t>(n);
    if (n == 0) {
      if (shut_down_.load(std::memory_order_acquire)) return Cancelled();
      return size_t{0};
    }
    if (errno == EINTR) continue;
    if (WouldBlock(errno))
      return absl::DeadlineExceededError("nothing to read");
    return ErrnoStatus(errno, "recv");
  }
}

absl::StatusOr<size_t> SocketStream::ReadSome(absl::Span<char> area,
                                              Deadline deadline) {
  while (true) {
    const absl::Duration wait = deadline.NextWait();
    if (wait <= absl::ZeroDuration()) {
      absl::StatusOr<size_t> n = TryRead(area);
      if (absl::IsDeadlineExceeded(n.status())) {
        return absl::DeadlineExceededError("read timed out");
      }
      return n;
    }
    if (shut_down_.load(std::memory_order_acquire)) return Cancelled();
    if (absl::Status s = Arm(SO_RCVTIMEO, wait, &armed_receive_us_); !s.ok()) {
      return s;
    }
    const ssize_t n = recv(socket_.fd(), area.data(), area.size(), 0);
    if (n > 0) return static_cast<size_t>(n);
    if (n == 0) {
      if (shut_down_.load(std::memory_order_acquire)) return Cancelled();
      return size_t{0};
    }
    if (errno != EINTR && !WouldBlock(errno)) return ErrnoStatus(errno, "recv");
  }
}

absl::StatusOr<size_t> SocketStream::WriteSome(absl::Span<const iovec> parts,
                                               Deadline deadline) {
  if (absl::Status s = CheckWritable(); !s.ok()) return s;
  while (!parts.empty() && parts[0].iov_len == 0) parts.remove_prefix(1);
  if (parts.empty()) return size_t{0};
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts.data());
  message.msg_iovlen = std::min<size_t>(parts.size(), IOV_MAX);
  int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
  while (true) {
    if (shut_down_.load(std::memory_order_acquire)) return Cancelled();
    const ssize_t n = sendmsg(socket_.fd(), &message, flags);
    if (n > 0) return static_cast<size_t>(n);
    const int err = errno;
    if (shut_down_.load(std::memory_order_acquire)) return Cancelled();
    if (n == 0 || err == EINTR) continue;
    if (!WouldBlock(err)) return ErrnoStatus(err, "send");
    const absl::Duration wait = deadline.NextWait();
    if (wait <= absl::ZeroDuration()) {
      return absl::DeadlineExceededError("write timed out");
    }
    if (absl::Status s =
            Arm(SO_SNDTIMEO, std::min(wait, kWriteSlice), &armed_send_us_);
        !s.ok()) {
      return s;
    }
    flags = MSG_NOSIGNAL;
  }
}

void SocketStream::Shutdown() {
  shut_down_.store(true, std::memory_order_release);
  // Fails only when the peer is gone already, which wakes readers as well.
  shutdown(socket_.fd(), SHUT_RDWR);
}

int64_t SocketStream::UnacknowledgedBytes() const {
  int bytes;
  if (ioctl(socket_.fd(), SIOCOUTQ, &bytes) != 0) return -1;
  return bytes;
}

}  // namespace holdfast::net
