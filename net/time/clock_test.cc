#include "net/time/clock.h"

#include <limits>
#include <sstream>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace holdfast::net {
namespace {

TEST(MonoTimeTest, AddsAndSubtractsDurations) {
  const MonoTime t = MonoTime::FromNanos(5'000);
  EXPECT_EQ((t + absl::Microseconds(1)).nanos(), 6'000);
  EXPECT_EQ((t - absl::Microseconds(7)).nanos(), -2'000);
  EXPECT_EQ((t + absl::Seconds(2)) - t, absl::Seconds(2));
  EXPECT_EQ(t - (t + absl::Seconds(2)), -absl::Seconds(2));
  EXPECT_LT(t, t + absl::Nanoseconds(1));
}

TEST(MonoTimeTest, SaturatesInsteadOfWrapping) {
  const MonoTime late =
      MonoTime::FromNanos(std::numeric_limits<int64_t>::max() - 1);
  EXPECT_EQ(late + absl::Nanoseconds(5), MonoTime::Max());
  EXPECT_EQ(MonoTime() + absl::InfiniteDuration(), MonoTime::Max());
  EXPECT_EQ(late + absl::InfiniteDuration(), MonoTime::Max());
  EXPECT_EQ(MonoTime::FromNanos(-5) - absl::InfiniteDuration(),
            MonoTime::Min());
  EXPECT_EQ(late - MonoTime::Min(), absl::InfiniteDuration());
  EXPECT_EQ(MonoTime::Min() - late, -absl::InfiniteDuration());
}

TEST(MonoTimeTest, NeverStaysNever) {
  EXPECT_EQ(MonoTime::Max() - absl::Hours(1), MonoTime::Max());
  EXPECT_EQ(MonoTime::Max() + absl::Hours(1), MonoTime::Max());
  EXPECT_EQ(MonoTime::Max() - MonoTime(), absl::InfiniteDuration());
  EXPECT_EQ(MonoTime() - MonoTime::Max(), -absl::InfiniteDuration());
  EXPECT_EQ(MonoTime::Max() - MonoTime::Max(), absl::ZeroDuration());
}

TEST(MonoTimeTest, Prints) {
  std::ostringstream os;
  os << MonoTime::FromNanos(1'500'000'000) << " " << MonoTime::Max();
  EXPECT_EQ(os.str(), "mono+1.5s never");
}

TEST(ClockTest, RealTimeDoesNotGoBack) {
  const Clock* clock = Clock::Real();
  MonoTime last = clock->Now();
  for (int i = 0; i < 10'000; ++i) {
    const MonoTime now = clock->Now();
    ASSERT_GE(now, last);
    last = now;
  }
  EXPECT_EQ(clock->MaxRealWait(), absl::InfiniteDuration());
  EXPECT_GT(clock->WallNow(), absl::FromUnixSeconds(1'600'000'000));
}

}  // namespace
}  // namespace holdfast::net
