#ifndef HOLDFAST_NET_TIME_MONO_COND_VAR_H_
#define HOLDFAST_NET_TIME_MONO_COND_VAR_H_

#include <pthread.h>

#include <atomic>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "net/time/deadline.h"

namespace holdfast::net {

// A condition variable for an absl::Mutex whose timed waits follow
// CLOCK_MONOTONIC.
//
// Why it exists: Abseil 20220623 turns every timed wait (AwaitWithTimeout,
// CondVar::WaitWithTimeout) into a futex wait until an absolute time of
// CLOCK_REALTIME. When the wall clock is set back an hour during a wait of one
// second, that wait lasts an hour and a second; slicing it does not help, for
// the slice itself is stretched. A heartbeat must not depend on that. Use
// absl::Mutex's own Await where there is no timeout, and this class where a
// timeout decides whether a link lives.
//
// Thread-safe. As with any condition variable: change the state under the
// mutex, Signal, and have waiters test the state in a loop; wake-ups may be
// spurious. Signalling with no waiter costs one atomic load.
class MonoCondVar {
 public:
  MonoCondVar();
  ~MonoCondVar();  // REQUIRES: no waiter.
  MonoCondVar(const MonoCondVar&) = delete;
  MonoCondVar& operator=(const MonoCondVar&) = delete;

  // Releases `mu`, sleeps until SignalAll() or the deadline, takes `mu` again.
  // Returns false when the deadline has passed (the state may have become true
  // all the same), true otherwise.
  bool Wait(absl::Mutex* mu, Deadline deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);

  // Sleeps until `pred()`, which is called with `mu` held, is true or the
  // deadline passes; returns the last pred(). A lambda that reads guarded
  // members is annotated with ABSL_EXCLUSIVE_LOCKS_REQUIRED(their mutex); that
  // this is `mu` is more than clang's analysis can follow, so it is off inside.
  template <typename Predicate>
  bool WaitUntil(absl::Mutex* mu, Deadline deadline, Predicate pred)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    while (!pred()) {
      if (!Wait(mu, deadline)) return pred();
    }
    return true;
  }

  // Wakes every waiter. The caller holds the mutex, or held it when it changed
  // the state that waiters look at.
  void SignalAll();

 private:
  // Lock order: the caller's absl::Mutex, then inner_. POSIX's own, because
  // only pthread_condattr_setclock() gives a monotonic wait.
  pthread_mutex_t inner_;
  pthread_cond_t cond_;
  uint64_t generation_ = 0;  // Under inner_: SignalAll() calls so far.
  // Raised with the caller's mutex held, so whoever changes the state after
  // that sees it.
  std::atomic<int> waiters_{0};
};

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_TIME_MONO_COND_VAR_H_
