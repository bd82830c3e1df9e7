#ifndef HOLDFAST_NET_TIME_CLOCK_H_
#define HOLDFAST_NET_TIME_CLOCK_H_

#include <cstdint>
#include <limits>
#include <ostream>

#include "absl/time/time.h"

namespace holdfast::net {

// A point on CLOCK_MONOTONIC, in nanoseconds since an unspecified start
// (Linux: boot, not counting suspend). A value type; comparing points of
// different clocks (a real and a manual one) is meaningless.
//
// Arithmetic saturates at Min() and Max(), and Max() is "never": Max() plus or
// minus anything finite stays Max().
class MonoTime {
 public:
  constexpr MonoTime() = default;  // The clock's own zero.

  static constexpr MonoTime FromNanos(int64_t nanos) { return MonoTime(nanos); }
  static constexpr MonoTime Max() {
    return MonoTime(std::numeric_limits<int64_t>::max());
  }
  static constexpr MonoTime Min() {
    return MonoTime(std::numeric_limits<int64_t>::min());
  }

  constexpr int64_t nanos() const { return nanos_; }

  friend MonoTime operator+(MonoTime t, absl::Duration d);
  friend MonoTime operator-(MonoTime t, absl::Duration d) { return t + (-d); }
  // InfiniteDuration() when `a` is Max() and `b` is not.
  friend absl::Duration operator-(MonoTime a, MonoTime b);
  MonoTime& operator+=(absl::Duration d) { return *this = *this + d; }
  MonoTime& operator-=(absl::Duration d) { return *this = *this - d; }

  friend constexpr bool operator==(MonoTime, MonoTime) = default;
  friend constexpr auto operator<=>(MonoTime, MonoTime) = default;
  friend std::ostream& operator<<(std::ostream& os, MonoTime t);

 private:
  explicit constexpr MonoTime(int64_t nanos) : nanos_(nanos) {}

  int64_t nanos_ = 0;
};

// Where the process gets its time from. Timeouts, silence and pacing use Now(),
// which no wall clock step touches; only what users see as a date (EXPIREAT,
// TIME, INFO) uses WallNow(). Thread-safe; no call blocks. Clocks are passed as
// `const Clock*` and outlive whoever holds them.
class Clock {
 public:
  virtual ~Clock() = default;

  virtual MonoTime Now() const = 0;
  virtual absl::Time WallNow() const = 0;

  // The longest a thread may sleep in real time before it must look at this
  // clock again. Infinite for real time; a manual clock answers a millisecond,
  // so that every wait in net/ notices when a test moves it.
  virtual absl::Duration MaxRealWait() const {
    return absl::InfiniteDuration();
  }

  // The system's clocks. Never null, never destroyed.
  static const Clock* Real();
};

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_TIME_CLOCK_H_
