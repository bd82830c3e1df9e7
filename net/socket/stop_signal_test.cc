#include "net/socket/stop_signal.h"

#include <poll.h>

#include <thread>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "net/socket/poll.h"
#include "net/socket/socket.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"
#include "net/time/manual_clock.h"

namespace holdfast::net {
namespace {

TEST(StopSignalTest, WaitsForTheDeadlineAndNotLess) {
  StopSignal stop;
  const MonoTime start = Clock::Real()->Now();
  EXPECT_FALSE(
      stop.WaitUntil(Deadline::After(Clock::Real(), absl::Milliseconds(30))));
  const absl::Duration took = Clock::Real()->Now() - start;
  EXPECT_GE(took, absl::Milliseconds(30));
  EXPECT_LT(took, absl::Seconds(5));
}

TEST(StopSignalTest, WakesEveryWaiterForGood) {
  StopSignal stop;
  std::thread a([&] { EXPECT_TRUE(stop.WaitUntil(Deadline::Never())); });
  std::thread b([&] { EXPECT_TRUE(stop.WaitUntil(Deadline::Never())); });
  stop.Stop();
  stop.Stop();
  a.join();
  b.join();
  EXPECT_TRUE(stop.stopped());
  EXPECT_TRUE(
      stop.WaitUntil(Deadline::After(Clock::Real(), -absl::Seconds(1))));
  pollfd p{stop.fd(), POLLIN, 0};
  EXPECT_EQ(PollUntil(absl::MakeSpan(&p, 1), Deadline::Never()).value(), 1);
}

TEST(PollUntilTest, FollowsAManualClock) {
  ManualClock clock;
  const Deadline deadline = Deadline::After(&clock, absl::Hours(1));
  std::thread mover([&] { clock.Advance(absl::Hours(1)); });
  EXPECT_EQ(PollUntil({}, deadline).value(), 0);
  mover.join();
}

TEST(PollUntilTest, LooksOnceWhenExpired) {
  auto pair = Socket::Pair();
  ASSERT_TRUE(pair.ok());
  const Deadline expired = Deadline::After(Clock::Real(), -absl::Seconds(1));
  pollfd p{pair->first.fd(), POLLIN, 0};
  EXPECT_EQ(PollUntil(absl::MakeSpan(&p, 1), expired).value(), 0);
  p.events = POLLOUT;
  EXPECT_EQ(PollUntil(absl::MakeSpan(&p, 1), expired).value(), 1);
}

}  // namespace
}  // namespace holdfast::net
