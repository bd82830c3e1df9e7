#ifndef HOLDFAST_NET_SOCKET_STREAM_H_
#define HOLDFAST_NET_SOCKET_STREAM_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"

namespace holdfast::net {

// A connection: bytes in order, both ways. Every call that blocks takes a
// Deadline. Implementations: SocketStream; TLS and in-memory ones elsewhere.
//
// Threads: at most one in the read calls and one in the write calls at a time
// (they may be two threads); Shutdown() and the const accessors from any.
// Destruction needs that nobody is inside.
//
// Failures:
//   kDeadlineExceeded  the deadline passed (the stream is usable for reading)
//   kCancelled         Shutdown() was called here
//   kUnavailable       the connection is broken; ErrnoOf() says how
//   kFailedPrecondition  a write after one that was cut part way
class Stream {
 public:
  virtual ~Stream() = default;

  // Waits for at least one byte and returns what is there, up to area.size()
  // (> 0); 0 is the peer's orderly end. With an expired deadline it still
  // returns what has arrived.
  virtual absl::StatusOr<size_t> ReadSome(absl::Span<char> area,
                                          Deadline deadline) = 0;

  // The same without waiting: kDeadlineExceeded when there is nothing.
  virtual absl::StatusOr<size_t> TryRead(absl::Span<char> area) = 0;

  // Waits until at least one byte is accepted and returns how many were (at
  // least 1 unless `parts` is empty of bytes). Nothing was accepted when it
  // fails, so a deadline does not cut the stream here: what to do with the
  // rest is the caller's decision.
  virtual absl::StatusOr<size_t> WriteSome(absl::Span<const iovec> parts,
                                           Deadline deadline) = 0;

  // Everything or an error. When it fails with some of the bytes accepted, the
  // stream is cut inside a message: it is broken() and no later write is tried.
  absl::Status WriteAll(absl::Span<const iovec> parts, Deadline deadline);
  absl::Status WriteAll(absl::string_view bytes, Deadline deadline);

  // Everything, however long it takes, as long as some byte is accepted (or,
  // where the kernel tells, acknowledged by the peer) in every
  // `progress_timeout`. kDeadlineExceeded otherwise, with the stream broken()
  // if it was cut. Detects a stall within 1.25 times the timeout.
  absl::Status WriteAllWithProgress(absl::Span<const iovec> parts,
                                    absl::Duration progress_timeout,
                                    const Clock* clock);
  absl::Status WriteAllWithProgress(absl::string_view bytes,
                                    absl::Duration progress_timeout,
                                    const Clock* clock);

  // Ends both directions, now and for good: a blocked read or write of another
  // thread returns kCancelled, as do all later ones. Does not block. The
  // descriptor stays open until destruction, so its number cannot be reused
  // under a thread that is still inside a call.
  virtual void Shutdown() = 0;

  // For poll(2), options and addresses; -1 when there is none behind it.
  virtual int fd() const = 0;

  // Whether bytes wait inside the stream that poll(2) on fd() cannot see (TLS).
  virtual bool HasBufferedInput() const { return false; }

  // Bytes handed to the kernel that the peer has not acknowledged, or -1 where
  // that is unknown.
  virtual int64_t UnacknowledgedBytes() const { return -1; }

  // Whether a write was cut part way. Of the writing thread.
  bool broken() const { return broken_; }

 protected:
  // For implementations whose WriteSome() can fail in the middle of a record.
  void set_broken() { broken_ = true; }

  // kFailedPrecondition when broken(): WriteSome() begins with it.
  absl::Status CheckWritable() const;

 private:
  bool broken_ = false;
};

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_SOCKET_STREAM_H_
