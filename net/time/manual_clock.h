#ifndef HOLDFAST_NET_TIME_MANUAL_CLOCK_H_
#define HOLDFAST_NET_TIME_MANUAL_CLOCK_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "net/time/clock.h"

namespace holdfast::net {

// A clock that stands still until a test moves it. Thread-safe. Starts at
// monotonic second 1000 and 2024-01-01 00:00:00 UTC. Waits in net/ that were
// given a deadline of this clock look at it every millisecond of real time.
class ManualClock : public Clock {
 public:
  ManualClock();

  MonoTime Now() const override ABSL_LOCKS_EXCLUDED(mu_);
  absl::Time WallNow() const override ABSL_LOCKS_EXCLUDED(mu_);
  absl::Duration MaxRealWait() const override { return absl::Milliseconds(1); }

  // Moves both clocks forward. REQUIRES: d >= 0, finite.
  void Advance(absl::Duration d) ABSL_LOCKS_EXCLUDED(mu_);

  // Steps the wall clock alone, in either direction, as an administrator or
  // NTP would.
  void SetWall(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  mutable absl::Mutex mu_;
  MonoTime mono_ ABSL_GUARDED_BY(mu_);
  absl::Time wall_ ABSL_GUARDED_BY(mu_);
};

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_TIME_MANUAL_CLOCK_H_
