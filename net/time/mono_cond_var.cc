#include "net/time/mono_cond_var.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include <cstdint>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"

namespace holdfast::net {

MonoCondVar::MonoCondVar() {
  CHECK_EQ(pthread_mutex_init(&inner_, nullptr), 0);
  pthread_condattr_t attributes;
  CHECK_EQ(pthread_condattr_init(&attributes), 0);
  CHECK_EQ(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC), 0);
  CHECK_EQ(pthread_cond_init(&cond_, &attributes), 0);
  pthread_condattr_destroy(&attributes);
}

MonoCondVar::~MonoCondVar() {
  CHECK_EQ(waiters_.load(std::memory_order_relaxed), 0);
  // A SignalAll() that woke the last waiter may still be on its way out of
  // inner_ when the waiter's owner destroys us.
  pthread_mutex_lock(&inner_);
  pthread_mutex_unlock(&inner_);
  pthread_cond_destroy(&cond_);
  pthread_mutex_destroy(&inner_);
}

bool MonoCondVar::Wait(absl::Mutex* mu, Deadline deadline) {
  if (deadline.Expired()) return false;
  waiters_.fetch_add(1, std::memory_order_relaxed);
  pthread_mutex_lock(&inner_);
  const uint64_t seen = generation_;
  // From here a signal cannot be lost: it needs inner_, which we give up only
  // inside pthread_cond_wait().
  mu->Unlock();
  bool expired = false;
  while (generation_ == seen && !expired) {
    const absl::Duration wait = deadline.NextWait();
    if (wait == absl::InfiniteDuration()) {
      pthread_cond_wait(&cond_, &inner_);
      continue;
    }
    const timespec until = absl::ToTimespec(
        absl::Nanoseconds((Clock::Real()->Now() + wait).nanos()));
    pthread_cond_timedwait(&cond_, &inner_, &until);
    expired = deadline.Expired();
  }
  const bool signalled = generation_ != seen;
  pthread_mutex_unlock(&inner_);
  waiters_.fetch_sub(1, std::memory_order_relaxed);
  mu->Lock();
  return signalled;
}

void MonoCondVar::SignalAll() {
  if (waiters_.load(std::memory_order_relaxed) == 0) return;
  pthread_mutex_lock(&inner_);
  ++generation_;
  pthread_cond_broadcast(&cond_);
  pthread_mutex_unlock(&inner_);
}

}  // namespace holdfast::net
