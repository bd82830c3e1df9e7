#include "net/time/deadline.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "net/time/clock.h"
#include "net/time/manual_clock.h"

namespace holdfast::net {
namespace {

TEST(DeadlineTest, CountsDownAndStopsAtZero) {
  ManualClock clock;
  const Deadline d = Deadline::After(&clock, absl::Seconds(5));
  EXPECT_EQ(d.Remaining(), absl::Seconds(5));
  clock.Advance(absl::Seconds(4));
  EXPECT_EQ(d.Remaining(), absl::Seconds(1));
  EXPECT_FALSE(d.Expired());
  clock.Advance(absl::Seconds(1));
  EXPECT_TRUE(d.Expired());
  clock.Advance(absl::Hours(1));
  EXPECT_EQ(d.Remaining(), absl::ZeroDuration());
  EXPECT_TRUE(d.Expired());
}

TEST(DeadlineTest, ZeroAndNegativeTimeoutsHaveExpired) {
  ManualClock clock;
  EXPECT_TRUE(Deadline::After(&clock, absl::ZeroDuration()).Expired());
  EXPECT_TRUE(Deadline::After(&clock, -absl::Hours(1)).Expired());
  EXPECT_TRUE(Deadline::After(&clock, -absl::InfiniteDuration()).Expired());
}

TEST(DeadlineTest, NeverNeverExpires) {
  ManualClock clock;
  for (const Deadline& d : {Deadline(), Deadline::Never(),
                            Deadline::After(&clock, absl::InfiniteDuration()),
                            Deadline::At(&clock, MonoTime::Max())}) {
    clock.Advance(absl::Hours(24 * 365));
    EXPECT_TRUE(d.IsNever());
    EXPECT_FALSE(d.Expired());
    EXPECT_EQ(d.Remaining(), absl::InfiniteDuration());
    EXPECT_EQ(d.NextWait(), absl::InfiniteDuration());
  }
}

TEST(DeadlineTest, StepsOfTheWallClockDoNotMoveIt) {
  ManualClock clock;
  const Deadline d = Deadline::After(&clock, absl::Seconds(5));
  clock.SetWall(clock.WallNow() + absl::Hours(24));
  EXPECT_EQ(d.Remaining(), absl::Seconds(5));
  clock.SetWall(clock.WallNow() - absl::Hours(48));
  EXPECT_EQ(d.Remaining(), absl::Seconds(5));
}

TEST(DeadlineTest, EarlierPicksTheEarlier) {
  ManualClock clock;
  const Deadline a = Deadline::After(&clock, absl::Seconds(1));
  const Deadline b = Deadline::After(&clock, absl::Seconds(2));
  EXPECT_EQ(Deadline::Earlier(a, b).when(), a.when());
  EXPECT_EQ(Deadline::Earlier(b, a).when(), a.when());
  EXPECT_EQ(Deadline::Earlier(Deadline::Never(), b).when(), b.when());
  EXPECT_TRUE(
      Deadline::Earlier(Deadline::Never(), Deadline::Never()).IsNever());
}

TEST(DeadlineTest, AManualClockIsLookedAtOften) {
  ManualClock clock;
  EXPECT_EQ(Deadline::After(&clock, absl::Hours(1)).NextWait(),
            absl::Milliseconds(1));
  EXPECT_GT(Deadline::After(Clock::Real(), absl::Hours(1)).NextWait(),
            absl::Minutes(59));
}

}  // namespace
}  // namespace holdfast::net
