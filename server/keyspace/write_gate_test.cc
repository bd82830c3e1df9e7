#include "server/keyspace/write_gate.h"

#include <atomic>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"

namespace holdfast::server {
namespace {

using net::Deadline;

Deadline In(absl::Duration time) {
  return Deadline::After(net::Clock::Real(), time);
}

// A write that takes as long as the test wants.
class LongWrite {
 public:
  explicit LongWrite(WriteGate* gate)
      : thread_([this, gate] {
          const size_t stripe = gate->LockShared();
          under_way_.Notify();
          end_.WaitForNotification();
          gate->UnlockShared(stripe);
        }) {
    under_way_.WaitForNotification();
  }
  ~LongWrite() { End(); }
  void End() {
    if (!end_.HasBeenNotified()) end_.Notify();
    if (thread_.joinable()) thread_.join();
  }

 private:
  absl::Notification under_way_, end_;
  std::thread thread_;
};

TEST(WriteGateTest, SharedPassagesAreTogether) {
  WriteGate gate;
  LongWrite one(&gate), two(&gate);
  gate.UnlockShared(gate.LockShared());
}

// A plain counter that only the gate protects: under tsan a missing barrier is
// a race, without it a lost update.
TEST(WriteGateTest, ExclusiveMeansAlone) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 2000;
  WriteGate gate;
  int64_t exclusive = 0;
  std::atomic<int> inside{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      int64_t seen = 0;
      for (int i = 0; i < kRounds; ++i) {
        if (t < 2 && i % 10 == 0) {
          const ExclusiveGate alone(&gate);
          EXPECT_EQ(inside.load(), 0);
          ++exclusive;
        } else {
          const size_t stripe = gate.LockShared();
          ++inside;
          EXPECT_GE(exclusive, seen);
          seen = exclusive;
          --inside;
          gate.UnlockShared(stripe);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(exclusive, 2 * kRounds / 10);
}

TEST(WriteGateTest, WhileOneWriteTakesLongOthersPass) {
  WriteGate gate;
  LongWrite slow(&gate);
  std::atomic<bool> passed{false};
  std::thread waiting([&] {
    EXPECT_TRUE(
        gate.LockExclusiveBefore(Deadline::Never(), absl::InfiniteDuration()));
    passed = true;
    gate.UnlockExclusive();
  });
  // Each may meet a try, none more than that: they pass though nobody ends the
  // slow one.
  for (int i = 0; i < 1000; ++i) gate.UnlockShared(gate.LockShared());
  EXPECT_FALSE(passed);
  slow.End();
  waiting.join();
  EXPECT_TRUE(passed);
}

TEST(WriteGateTest, GivesUpAtTheDeadlineAndLeavesItOpen) {
  WriteGate gate;
  {
    LongWrite slow(&gate);
    for (const absl::Duration patience :
         {absl::InfiniteDuration(), absl::ZeroDuration()}) {
      EXPECT_FALSE(
          gate.LockExclusiveBefore(In(absl::Milliseconds(60)), patience));
      gate.UnlockShared(gate.LockShared());
    }
  }
  EXPECT_TRUE(
      gate.LockExclusiveBefore(In(absl::Seconds(30)), absl::ZeroDuration()));
  EXPECT_FALSE(
      gate.LockExclusiveBefore(In(absl::Milliseconds(1)), absl::ZeroDuration()))
      << "held by another";
  gate.UnlockExclusive();
  gate.UnlockShared(gate.LockShared());
}

// Writes that take turns at being long, so that one is always under way.
TEST(WriteGateTest, AStreamOfLongWritesDoesNotStarveIt) {
  WriteGate gate;
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  std::atomic<int> under_way{0};
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      while (!stop) {
        const size_t stripe = gate.LockShared();
        ++under_way;
        // Until the other is in too, or nobody can come in.
        const Deadline closed = In(absl::Milliseconds(100));
        while (under_way < 2 && !stop && !closed.Expired())
          std::this_thread::yield();
        gate.UnlockShared(stripe);
        --under_way;
      }
    });
  }
  EXPECT_TRUE(
      gate.LockExclusiveBefore(In(absl::Seconds(30)), absl::Milliseconds(10)));
  gate.UnlockExclusive();
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace holdfast::server
