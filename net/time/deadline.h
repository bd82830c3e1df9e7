#ifndef HOLDFAST_NET_TIME_DEADLINE_H_
#define HOLDFAST_NET_TIME_DEADLINE_H_

#include "absl/time/time.h"
#include "net/time/clock.h"

namespace holdfast::net {

// The point on a monotonic clock after which an operation has failed; the last
// argument of everything in net/ that blocks. Absolute, so that an operation of
// many system calls has one bound and a peer that trickles a byte a call does
// not stretch it. A value of two words, cheap to copy; thread-compatible. The
// clock outlives the deadline.
class Deadline {
 public:
  // Never: the default, so that a forgotten deadline is visible in review and
  // not an accidental immediate failure.
  constexpr Deadline() = default;
  static constexpr Deadline Never() { return Deadline(); }

  // `timeout` from now. Zero or less has expired at once; InfiniteDuration()
  // is Never().
  static Deadline After(const Clock* clock, absl::Duration timeout);

  // MonoTime::Max() is Never().
  static Deadline At(const Clock* clock, MonoTime when);

  // The earlier of the two. Both must be of the same clock, or one Never().
  static Deadline Earlier(Deadline a, Deadline b);

  // What is left: zero when expired, InfiniteDuration() for Never().
  absl::Duration Remaining() const;

  bool Expired() const { return clock_ != nullptr && clock_->Now() >= when_; }
  bool IsNever() const { return clock_ == nullptr; }

  // MonoTime::Max() for Never().
  MonoTime when() const { return when_; }

  // How long a thread may sleep in one go: Remaining(), cut to what the clock
  // allows (Clock::MaxRealWait). Whoever wakes from that looks at Expired().
  absl::Duration NextWait() const;

 private:
  Deadline(const Clock* clock, MonoTime when) : clock_(clock), when_(when) {}

  const Clock* clock_ = nullptr;  // Null: never.
  MonoTime when_ = MonoTime::Max();
};

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_TIME_DEADLINE_H_
