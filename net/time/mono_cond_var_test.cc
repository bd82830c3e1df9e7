#include "net/time/mono_cond_var.h"

#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"
#include "net/time/manual_clock.h"

namespace holdfast::net {
namespace {

TEST(MonoCondVarTest, TimesOutNotBeforeTheDeadline) {
  absl::Mutex mu;
  MonoCondVar cv;
  const MonoTime start = Clock::Real()->Now();
  absl::MutexLock lock(&mu);
  EXPECT_FALSE(
      cv.Wait(&mu, Deadline::After(Clock::Real(), absl::Milliseconds(30))));
  const absl::Duration took = Clock::Real()->Now() - start;
  EXPECT_GE(took, absl::Milliseconds(30));
  EXPECT_LT(took, absl::Seconds(5));
}

TEST(MonoCondVarTest, AnExpiredDeadlineDoesNotSleep) {
  absl::Mutex mu;
  MonoCondVar cv;
  absl::MutexLock lock(&mu);
  EXPECT_FALSE(cv.Wait(&mu, Deadline::After(Clock::Real(), -absl::Seconds(1))));
  EXPECT_TRUE(cv.WaitUntil(&mu,
                           Deadline::After(Clock::Real(), -absl::Seconds(1)),
                           [] { return true; }));
}

TEST(MonoCondVarTest, FollowsAManualClock) {
  absl::Mutex mu;
  MonoCondVar cv;
  ManualClock clock;
  const Deadline deadline = Deadline::After(&clock, absl::Minutes(59));
  std::thread mover([&] { clock.Advance(absl::Hours(1)); });
  {
    absl::MutexLock lock(&mu);
    EXPECT_FALSE(cv.Wait(&mu, deadline));
  }
  EXPECT_TRUE(deadline.Expired());
  mover.join();
}

// Two threads hand a token to and fro; a lost signal would hang the test.
TEST(MonoCondVarTest, LosesNoSignal) {
  struct State {
    absl::Mutex mu;
    MonoCondVar cv;
    int turn ABSL_GUARDED_BY(mu) = 0;
  } s;
  constexpr int kRounds = 5'000;
  auto play = [&s](int me) {
    for (int i = 0; i < kRounds; ++i) {
      absl::MutexLock lock(&s.mu);
      ASSERT_TRUE(s.cv.WaitUntil(
          &s.mu,
          i % 2 == 0 ? Deadline::Never()
                     : Deadline::After(Clock::Real(), absl::Seconds(60)),
          [&s, me]()
              ABSL_EXCLUSIVE_LOCKS_REQUIRED(s.mu) { return s.turn == me; }));
      s.turn = 1 - me;
      s.cv.SignalAll();
    }
  };
  std::thread other([&] { play(1); });
  play(0);
  other.join();
}

TEST(MonoCondVarTest, WakesEveryWaiter) {
  absl::Mutex mu;
  MonoCondVar cv;
  bool go = false;
  int waiting = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      absl::MutexLock lock(&mu);
      ++waiting;
      EXPECT_TRUE(
          cv.WaitUntil(&mu, Deadline::After(Clock::Real(), absl::Seconds(60)),
                       [&] { return go; }));
    });
  }
  mu.LockWhen(absl::Condition(
      +[](int* n) { return *n == 8; }, &waiting));
  go = true;
  mu.Unlock();
  cv.SignalAll();  // Allowed after the mutex is released, too.
  for (auto& t : threads) t.join();
}

}  // namespace
}  // namespace holdfast::net
