#include "net/socket/stream.h"

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"

namespace holdfast::net {
namespace {

iovec AsIovec(absl::string_view bytes) {
  return {const_cast<char*>(bytes.data()), bytes.size()};
}

// What is still to be written, given out in portions of a bounded number of
// parts, so that no memory is needed for it.
class Remainder {
 public:
  explicit Remainder(absl::Span<const iovec> parts) : parts_(parts) { Skip(); }

  bool empty() const { return parts_.empty(); }

  // Valid until Advance().
  absl::Span<const iovec> Portion() {
    size_t n = 0;
    for (; n < parts_.size() && n < kMaxParts; ++n) portion_[n] = parts_[n];
    if (n > 0) {
      portion_[0].iov_base = static_cast<char*>(portion_[0].iov_base) + done_;
      portion_[0].iov_len -= done_;
    }
    return absl::MakeConstSpan(portion_, n);
  }

  void Advance(size_t n) {
    while (n > 0) {
      const size_t step = std::min(n, parts_[0].iov_len - done_);
      done_ += step;
      n -= step;
      Skip();
    }
  }

 private:
  static constexpr size_t kMaxParts = 64;

  void Skip() {
    while (!parts_.empty() && parts_[0].iov_len == done_) {
      parts_.remove_prefix(1);
      done_ = 0;
    }
  }

  absl::Span<const iovec> parts_;
  size_t done_ = 0;  // Bytes of parts_[0].
  iovec portion_[kMaxParts];
};

}  // namespace

absl::Status Stream::CheckWritable() const {
  if (!broken_) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "an earlier write was cut part way; the stream is broken");
}

absl::Status Stream::WriteAll(absl::Span<const iovec> parts,
                              Deadline deadline) {
  Remainder rest(parts);
  bool begun = false;
  while (!rest.empty()) {
    const absl::StatusOr<size_t> n = WriteSome(rest.Portion(), deadline);
    if (!n.ok()) {
      if (begun) broken_ = true;
      return n.status();
    }
    begun = true;
    rest.Advance(*n);
  }
  return absl::OkStatus();
}

absl::Status Stream::WriteAll(absl::string_view bytes, Deadline deadline) {
  const iovec part = AsIovec(bytes);
  return WriteAll(absl::MakeConstSpan(&part, 1), deadline);
}

absl::Status Stream::WriteAllWithProgress(absl::Span<const iovec> parts,
                                          absl::Duration progress_timeout,
                                          const Clock* clock) {
  Remainder rest(parts);
  bool begun = false;
  Deadline stalled = Deadline::After(clock, progress_timeout);
  int64_t unacknowledged = -1;
  while (!rest.empty()) {
    const Deadline look = Deadline::Earlier(
        stalled, Deadline::After(clock, progress_timeout / 4));
    const absl::StatusOr<size_t> n = WriteSome(rest.Portion(), look);
    if (n.ok()) {
      begun = true;
      rest.Advance(*n);
      stalled = Deadline::After(clock, progress_timeout);
      unacknowledged = -1;
      continue;
    }
    absl::Status error = n.status();
    if (absl::IsDeadlineExceeded(error)) {
      // A send buffer can be full of bytes that a slow peer is taking one
      // after the other: what it acknowledges is progress, too.
      const int64_t now = UnacknowledgedBytes();
      const bool progress = unacknowledged >= 0 && now < unacknowledged;
      unacknowledged = now;
      if (progress) stalled = Deadline::After(clock, progress_timeout);
      if (!stalled.Expired()) continue;
      error = absl::DeadlineExceededError(absl::StrCat(
          "no byte accepted for ", absl::FormatDuration(progress_timeout)));
    }
    if (begun) broken_ = true;
    return error;
  }
  return absl::OkStatus();
}

absl::Status Stream::WriteAllWithProgress(absl::string_view bytes,
                                          absl::Duration progress_timeout,
                                          const Clock* clock) {
  const iovec part = AsIovec(bytes);
  return WriteAllWithProgress(absl::MakeConstSpan(&part, 1), progress_timeout,
                              clock);
}

}  // namespace holdfast::net
