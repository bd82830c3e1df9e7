#ifndef HOLDFAST_NET_TIME_BACKOFF_H_
#define HOLDFAST_NET_TIME_BACKOFF_H_

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"

namespace holdfast::net {

struct BackoffOptions {
  absl::Duration base = absl::Milliseconds(100);  // > 0
  absl::Duration cap = absl::Seconds(30);         // >= base
  // A connection that lasted less than this was not a success.
  absl::Duration healthy_after = absl::Seconds(5);  // >= 0
};

// How long to wait before the next attempt: exponential with full jitter, a
// uniform draw from [0, min(cap, base * 2^n)) for the n-th failure in a row
// (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015),
// so that a thousand replicas do not come back to a restarted primary in step.
// Pure: no clock, no sleep, no randomness of its own. Thread-compatible.
class Backoff {
 public:
  explicit Backoff(BackoffOptions options = {});

  // The next pause. `uniform01` gives a number in [0, 1); values outside are
  // clamped.
  absl::Duration Next(absl::FunctionRef<double()> uniform01);

  // The upper bound of what Next() would draw now.
  absl::Duration Ceiling() const { return ceiling_; }

  void Reset() { ceiling_ = options_.base; }

  // Says that a link was up for `lasted`. Only a link that was healthy for
  // options.healthy_after resets the pause: a peer that accepts, answers once
  // and drops must not be hammered. Returns whether it did.
  bool NoteHealthy(absl::Duration lasted);

 private:
  const BackoffOptions options_;
  absl::Duration ceiling_;
};

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_TIME_BACKOFF_H_
