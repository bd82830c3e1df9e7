#include "tools/build/selftest/counter.h"

namespace holdfast::selftest {

void Counter::Increment() {
  absl::MutexLock lock(&mutex_);
  ++value_;
}

int64_t Counter::value() const {
  absl::MutexLock lock(&mutex_);
  return value_;
}

bool Counter::AwaitAtLeast(int64_t target, absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  auto reached = [this, target]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return value_ >= target;
  };
  return mutex_.AwaitWithTimeout(absl::Condition(&reached), timeout);
}

}  // namespace holdfast::selftest
