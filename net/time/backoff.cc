#include "net/time/backoff.h"

#include <algorithm>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "glog/logging.h"

namespace holdfast::net {

Backoff::Backoff(BackoffOptions options)
    : options_(options), ceiling_(options.base) {
  CHECK(options.base > absl::ZeroDuration()) << options.base;
  CHECK(options.cap >= options.base) << options.cap;
  CHECK(options.cap < absl::InfiniteDuration());
}

absl::Duration Backoff::Next(absl::FunctionRef<double()> uniform01) {
  double share = uniform01();
  if (!(share > 0)) share = 0;  // Also NaN, which would be a pause for ever.
  const absl::Duration pause = ceiling_ * std::min(share, 1.0);
  ceiling_ = std::min(options_.cap, ceiling_ * 2);
  return pause;
}

bool Backoff::NoteHealthy(absl::Duration lasted) {
  if (lasted < options_.healthy_after) return false;
  Reset();
  return true;
}

}  // namespace holdfast::net
