#ifndef HOLDFAST_NET_SOCKET_SOCKET_STREAM_H_
#define HOLDFAST_NET_SOCKET_SOCKET_STREAM_H_

#include <atomic>
#include <cstdint>

#include "net/socket/socket.h"
#include "net/socket/stream.h"

namespace holdfast::net {

// A Stream over a connected blocking stream socket (TCP or unix).
//
// Deadlines: SO_RCVTIMEO and SO_SNDTIMEO count per system call, so before each
// one that may block the option is set from what remains of the deadline. The
// system call is saved while the value set last is still good: it may be
// shorter than what remains, to the half (the call then returns early and is
// repeated), and longer by at most 10 % and at most 50 ms, which is how late a
// deadline can be noticed. Reads block in recv(2) directly. Writes try without
// blocking first and then block in slices of at most 250 ms, because
// the kernel wakes a writer only when a third of the send buffer is free: a
// slow reader's progress shows when one asks, not by being woken.
//
// See Stream for threads and failures. A read of kUnavailable carries the
// errno (ECONNRESET; ETIMEDOUT for TCP_USER_TIMEOUT and keepalive).
class SocketStream final : public Stream {
 public:
  // Takes ownership. Clears O_NONBLOCK.
  explicit SocketStream(Socket socket);
  ~SocketStream() override = default;

  absl::StatusOr<size_t> ReadSome(absl::Span<char> area,
                                  Deadline deadline) override;
  absl::StatusOr<size_t> TryRead(absl::Span<char> area) override;
  absl::StatusOr<size_t> WriteSome(absl::Span<const iovec> parts,
                                   Deadline deadline) override;
  void Shutdown() override;
  int fd() const override { return socket_.fd(); }
  int64_t UnacknowledgedBytes() const override;

 private:
  // Microseconds last set, kUnarmed before the first; 0 is "no timeout".
  static constexpr int64_t kUnarmed = -1;

  // Makes `option` (SO_RCVTIMEO or SO_SNDTIMEO) fit for `wait`.
  absl::Status Arm(int option, absl::Duration wait, int64_t* armed);

  const Socket socket_;
  std::atomic<bool> shut_down_{false};
  int64_t armed_receive_us_ = kUnarmed;  // Of the reading thread.
  int64_t armed_send_us_ = kUnarmed;     // Of the writing thread.
};

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_SOCKET_SOCKET_STREAM_H_
