#include "net/time/clock.h"

#include <time.h>

#include <cstdint>
#include <limits>
#include <ostream>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace holdfast::net {
namespace {

class RealClock final : public Clock {
 public:
  MonoTime Now() const override {
    timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return MonoTime::FromNanos(ts.tv_sec * int64_t{1'000'000'000} + ts.tv_nsec);
  }
  absl::Time WallNow() const override { return absl::Now(); }
};

}  // namespace

MonoTime operator+(MonoTime t, absl::Duration d) {
  if (t == MonoTime::Max() || d == absl::ZeroDuration()) return t;
  // ToInt64Nanoseconds() saturates, also for infinite durations.
  int64_t sum;
  if (__builtin_add_overflow(t.nanos(), absl::ToInt64Nanoseconds(d), &sum)) {
    return d > absl::ZeroDuration() ? MonoTime::Max() : MonoTime::Min();
  }
  return MonoTime::FromNanos(sum);
}

absl::Duration operator-(MonoTime a, MonoTime b) {
  if (a == b) return absl::ZeroDuration();
  if (a == MonoTime::Max()) return absl::InfiniteDuration();
  if (b == MonoTime::Max()) return -absl::InfiniteDuration();
  int64_t difference;
  if (__builtin_sub_overflow(a.nanos(), b.nanos(), &difference)) {
    return a > b ? absl::InfiniteDuration() : -absl::InfiniteDuration();
  }
  return absl::Nanoseconds(difference);
}

std::ostream& operator<<(std::ostream& os, MonoTime t) {
  if (t == MonoTime::Max()) return os << "never";
  return os << "mono+" << absl::Nanoseconds(t.nanos());
}

const Clock* Clock::Real() {
  // No destructor runs at exit: threads may still read the time then.
  static const RealClock* const clock = new RealClock;
  return clock;
}

}  // namespace holdfast::net
