#include "net/time/deadline.h"

#include <algorithm>

#include "absl/time/time.h"
#include "net/time/clock.h"

namespace holdfast::net {

Deadline Deadline::After(const Clock* clock, absl::Duration timeout) {
  if (timeout == absl::InfiniteDuration()) return Never();
  return At(clock, clock->Now() + timeout);
}

Deadline Deadline::At(const Clock* clock, MonoTime when) {
  if (when == MonoTime::Max()) return Never();
  return Deadline(clock, when);
}

Deadline Deadline::Earlier(Deadline a, Deadline b) {
  return a.when_ <= b.when_ ? a : b;
}

absl::Duration Deadline::Remaining() const {
  if (clock_ == nullptr) return absl::InfiniteDuration();
  return std::max(when_ - clock_->Now(), absl::ZeroDuration());
}

absl::Duration Deadline::NextWait() const {
  if (clock_ == nullptr) return absl::InfiniteDuration();
  return std::min(Remaining(), clock_->MaxRealWait());
}

}  // namespace holdfast::net
