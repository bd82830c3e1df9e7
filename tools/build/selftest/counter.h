#ifndef HOLDFAST_TOOLS_BUILD_SELFTEST_COUNTER_H_
#define HOLDFAST_TOOLS_BUILD_SELFTEST_COUNTER_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace holdfast::selftest {

// The smallest thing that needs a lock, a wait and a deadline: what the
// toolchain's own test builds and runs. Any thread may call any method; only
// AwaitAtLeast blocks, and never past its timeout.
class Counter {
 public:
  void Increment() ABSL_LOCKS_EXCLUDED(mutex_);

  int64_t value() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Waits until the count is `target` or more; false if `timeout` passed before
  // that.
  bool AwaitAtLeast(int64_t target, absl::Duration timeout) const
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable absl::Mutex mutex_;
  int64_t value_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace holdfast::selftest

#endif  // HOLDFAST_TOOLS_BUILD_SELFTEST_COUNTER_H_
