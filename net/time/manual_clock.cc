#include "net/time/manual_clock.h"

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "glog/logging.h"

namespace holdfast::net {

ManualClock::ManualClock()
    : mono_(MonoTime() + absl::Seconds(1000)),
      wall_(absl::FromUnixSeconds(1704067200)) {}

MonoTime ManualClock::Now() const {
  absl::MutexLock lock(&mu_);
  return mono_;
}

absl::Time ManualClock::WallNow() const {
  absl::MutexLock lock(&mu_);
  return wall_;
}

void ManualClock::Advance(absl::Duration d) {
  CHECK(d >= absl::ZeroDuration() && d < absl::InfiniteDuration()) << d;
  absl::MutexLock lock(&mu_);
  mono_ += d;
  wall_ += d;
}

void ManualClock::SetWall(absl::Time now) {
  absl::MutexLock lock(&mu_);
  wall_ = now;
}

}  // namespace holdfast::net
