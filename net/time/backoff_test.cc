#include "net/time/backoff.h"

#include <cmath>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace holdfast::net {
namespace {

constexpr auto kLowest = [] { return 0.0; };
constexpr auto kHalf = [] { return 0.5; };

TEST(BackoffTest, DoublesUpToTheCap) {
  Backoff b({absl::Milliseconds(100), absl::Seconds(1), absl::Seconds(5)});
  EXPECT_EQ(b.Next(kHalf), absl::Milliseconds(50));
  EXPECT_EQ(b.Next(kHalf), absl::Milliseconds(100));
  EXPECT_EQ(b.Next(kHalf), absl::Milliseconds(200));
  EXPECT_EQ(b.Next(kHalf), absl::Milliseconds(400));
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(b.Next(kHalf), absl::Milliseconds(500));  // No overflow, ever.
  }
}

TEST(BackoffTest, JitterIsFull) {
  Backoff b;
  EXPECT_EQ(b.Next(kLowest), absl::ZeroDuration());
  EXPECT_EQ(b.Ceiling(), absl::Milliseconds(200));
  EXPECT_LT(b.Next([] { return 0.999; }), absl::Milliseconds(200));
}

TEST(BackoffTest, ARandomSourceThatLiesIsClamped) {
  Backoff b;
  EXPECT_EQ(b.Next([] { return -3.0; }), absl::ZeroDuration());
  EXPECT_EQ(b.Next([] { return 77.0; }), absl::Milliseconds(200));
  EXPECT_EQ(b.Next([] { return std::nan(""); }), absl::ZeroDuration());
}

TEST(BackoffTest, OnlyAHealthyPeriodResets) {
  Backoff b({absl::Milliseconds(100), absl::Seconds(30), absl::Seconds(5)});
  for (int i = 0; i < 4; ++i) b.Next(kHalf);
  const absl::Duration before = b.Ceiling();
  EXPECT_FALSE(b.NoteHealthy(absl::ZeroDuration()));
  EXPECT_FALSE(b.NoteHealthy(absl::Milliseconds(4999)));
  EXPECT_EQ(b.Ceiling(), before);
  EXPECT_TRUE(b.NoteHealthy(absl::Seconds(5)));
  EXPECT_EQ(b.Ceiling(), absl::Milliseconds(100));
}

TEST(BackoffDeathTest, RefusesNonsense) {
  EXPECT_DEATH(
      Backoff({absl::ZeroDuration(), absl::Seconds(1), absl::Seconds(1)}), "");
  EXPECT_DEATH(Backoff({absl::Seconds(2), absl::Seconds(1), absl::Seconds(1)}),
               "");
}

}  // namespace
}  // namespace holdfast::net
