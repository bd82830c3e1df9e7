#include "testing/proxy/shaper.h"

#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "net/time/clock.h"

namespace holdfast::test {
namespace {

using net::MonoTime;

MonoTime At(double seconds) {
  return MonoTime::FromNanos(static_cast<int64_t>(seconds * 1e9));
}

// Takes everything that may go at `now`.
std::string Drain(Shaper* shaper, const FlowRule& rule, MonoTime now) {
  std::string out;
  for (;;) {
    const absl::string_view ready = shaper->Ready(rule, now);
    if (ready.empty()) return out;
    out.append(ready.data(), ready.size());
    shaper->Pop(ready.size(), rule, now);
  }
}

TEST(ShaperTest, PassesAtOnceWithoutARule) {
  Shaper shaper;
  shaper.Push("abc", At(1));
  shaper.Push("def", At(1));
  EXPECT_EQ(Drain(&shaper, {}, At(1)), "abcdef");
  EXPECT_EQ(shaper.queued(), 0u);
  EXPECT_EQ(shaper.NextTime({}), MonoTime::Max());
}

TEST(ShaperTest, DelayHoldsEachChunkFromItsOwnArrival) {
  const FlowRule rule{.delay = absl::Milliseconds(100)};
  Shaper shaper;
  shaper.Push("a", At(1.0));
  shaper.Push("b", At(1.05));
  EXPECT_EQ(Drain(&shaper, rule, At(1.099)), "");
  EXPECT_EQ(shaper.NextTime(rule), At(1.1));
  EXPECT_EQ(Drain(&shaper, rule, At(1.1)), "a");
  EXPECT_EQ(Drain(&shaper, rule, At(1.149)), "");
  EXPECT_EQ(Drain(&shaper, rule, At(1.15)), "b");
}

TEST(ShaperTest, DelayHoldsTheEndToo) {
  const FlowRule rule{.delay = absl::Milliseconds(100)};
  Shaper shaper;
  shaper.PushEnd(At(1));
  EXPECT_FALSE(shaper.EndReady(rule, At(1.05)));
  EXPECT_EQ(shaper.NextTime(rule), At(1.1));
  EXPECT_TRUE(shaper.EndReady(rule, At(1.1)));
}

TEST(ShaperTest, EndComesAfterTheLastByte) {
  Shaper shaper;
  shaper.Push("x", At(1));
  shaper.PushEnd(At(1));
  EXPECT_FALSE(shaper.EndReady({}, At(1)));
  EXPECT_EQ(shaper.Room({}), 0u);
  EXPECT_EQ(Drain(&shaper, {}, At(1)), "x");
  EXPECT_TRUE(shaper.EndReady({}, At(1)));
}

TEST(ShaperTest, ThrottleNeverExceedsItsRateByMoreThanOneBurst) {
  const FlowRule rule{.bytes_per_second = 1000};
  Shaper shaper;
  shaper.Push(std::string(5000, 'x'), At(0));
  size_t sent = 0;
  for (int ms = 0; ms <= 2000; ++ms) {
    sent += Drain(&shaper, rule, At(ms / 1000.0)).size();
    EXPECT_LE(sent, static_cast<size_t>(ms + 50)) << ms;
  }
  EXPECT_GE(sent, 1990u);
}

TEST(ShaperTest, ThrottleOfOneByteASecondStillMoves) {
  const FlowRule rule{.bytes_per_second = 1};
  Shaper shaper;
  shaper.Push("ab", At(0));
  EXPECT_EQ(Drain(&shaper, rule, At(0)), "a");
  EXPECT_EQ(Drain(&shaper, rule, At(0.5)), "");
  EXPECT_EQ(shaper.NextTime(rule), At(1));
  EXPECT_EQ(Drain(&shaper, rule, At(1)), "b");
}

TEST(ShaperTest, TrickleGivesOneByteAnInterval) {
  const FlowRule rule{.trickle = absl::Milliseconds(10)};
  Shaper shaper;
  shaper.Push("abc", At(1));
  EXPECT_EQ(Drain(&shaper, rule, At(1)), "a");
  EXPECT_EQ(Drain(&shaper, rule, At(1.009)), "");
  EXPECT_EQ(shaper.NextTime(rule), At(1.01));
  EXPECT_EQ(Drain(&shaper, rule, At(1.5)), "b");  // No catching up.
  EXPECT_EQ(Drain(&shaper, rule, At(1.51)), "c");
}

TEST(ShaperTest, FrozenTakesNothingInAndLetsNothingOut) {
  const FlowRule rule{.frozen = true};
  Shaper shaper;
  shaper.Push("abc", At(1));
  EXPECT_EQ(shaper.Room(rule), 0u);
  EXPECT_EQ(Drain(&shaper, rule, At(100)), "");
  EXPECT_EQ(shaper.NextTime(rule), MonoTime::Max());
  EXPECT_EQ(Drain(&shaper, {}, At(100)), "abc");
}

TEST(ShaperTest, AChangedRuleHoldsForWhatIsQueued) {
  Shaper shaper;
  shaper.Push("abc", At(1));
  EXPECT_EQ(Drain(&shaper, {.delay = absl::Hours(1)}, At(2)), "");
  EXPECT_EQ(Drain(&shaper, {}, At(2)), "abc");
}

TEST(ShaperTest, RoomIsBounded) {
  Shaper shaper;
  shaper.Push(std::string(Shaper::kMaxQueued - 1, 'x'), At(1));
  EXPECT_EQ(shaper.Room({}), 1u);
  shaper.Push("x", At(1));
  EXPECT_EQ(shaper.Room({}), 0u);
  shaper.Discard();
  EXPECT_EQ(shaper.Room({}), Shaper::kMaxQueued);
}

TEST(ShaperTest, PartialPopKeepsTheRest) {
  Shaper shaper;
  shaper.Push("abcdef", At(1));
  ASSERT_EQ(shaper.Ready({}, At(1)), "abcdef");
  shaper.Pop(2, {}, At(1));
  EXPECT_EQ(Drain(&shaper, {}, At(1)), "cdef");
}

}  // namespace
}  // namespace holdfast::test
