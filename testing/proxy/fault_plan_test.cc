#include "testing/proxy/fault_plan.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/socket/stop_signal.h"
#include "testing/proxy/fault_proxy.h"

namespace holdfast::test {
namespace {

using ::testing::HasSubstr;

TEST(FaultPlanTest, TheSameSeedMakesTheSamePlan) {
  EXPECT_EQ(FaultPlan::Random(7).ToString(), FaultPlan::Random(7).ToString());
  EXPECT_NE(FaultPlan::Random(7).ToString(), FaultPlan::Random(8).ToString());
}

TEST(FaultPlanTest, PrintsOneLineAnEvent) {
  const std::string text = FaultPlan::RandomCuts(1, 5, 1000).ToString();
  const std::vector<std::string> lines =
      absl::StrSplit(text, '\n', absl::SkipEmpty());
  EXPECT_EQ(lines.size(), 5u);
  EXPECT_THAT(lines[0], HasSubstr("cut_after to_"));
}

TEST(FaultPlanTest, ReadsBackWhatItPrints) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const FaultPlan plan = FaultPlan::Random(seed);
    const absl::StatusOr<FaultPlan> again = FaultPlan::Parse(plan.ToString());
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->ToString(), plan.ToString());
  }
}

TEST(FaultPlanTest, CutsStayBelowTheBound) {
  for (const FaultEvent& e : FaultPlan::RandomCuts(3, 1000, 17).events()) {
    EXPECT_EQ(e.kind, FaultEvent::Kind::kCutAfter);
    EXPECT_LT(e.amount, 17);
    EXPECT_GE(e.amount, 0);
  }
}

TEST(FaultPlanTest, RefusesWhatItDoesNotKnow) {
  for (const char* text :
       {"explode to_server", "cut_now to_nowhere", "pause=soon cut_now",
        "cut_after amount=-1", "cut_after amount=x", "pause=1ms",
        "cut_now kind=hard", "cut_now freeze", "hold=1ms\n"}) {
    const absl::StatusOr<FaultPlan> plan = FaultPlan::Parse(text);
    EXPECT_EQ(plan.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_EQ(FaultPlan::Parse("# nothing\n\n")->events().size(), 0u);
}

TEST(FaultPlanTest, PlaysEveryKindAndHeals) {
  auto proxy = FaultProxy::Start("127.0.0.1", 1);
  ASSERT_TRUE(proxy.ok()) << proxy.status();
  const absl::StatusOr<FaultPlan> plan = FaultPlan::Parse(
      "pause=1ms cut_now to_server kind=fin\n"
      "cut_after to_client amount=5 hold=1ms\n"
      "corrupt to_client amount=5 hold=1ms\n"
      "half_close to_server\n"
      "freeze to_server hold=1ms\n"
      "delay to_server amount=10 hold=1ms\n"
      "throttle to_server amount=10 hold=1ms\n"
      "trickle to_server amount=10 hold=1ms\n"
      "refuse hold=1ms\n"
      "black_hole hold=1ms\n"
      "partition hold=1ms\n");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->events().size(), 11u);
  EXPECT_TRUE(plan->Play(proxy->get()).ok());
  EXPECT_FALSE((*proxy)->rule(Direction::kToServer).frozen);
}

TEST(FaultPlanTest, StopsInTheMiddleOfAHold) {
  auto proxy = FaultProxy::Start("127.0.0.1", 1);
  ASSERT_TRUE(proxy.ok()) << proxy.status();
  for (const char* text : {"freeze to_server hold=1h", "pause=1h cut_now",
                           "cut_after to_client amount=1 hold=1h"}) {
    net::StopSignal stop;
    std::thread stopper([&] { stop.Stop(); });
    EXPECT_EQ(FaultPlan::Parse(text)->Play(proxy->get(), &stop).code(),
              absl::StatusCode::kCancelled);
    stopper.join();
    EXPECT_FALSE((*proxy)->rule(Direction::kToServer).frozen);
  }
}

}  // namespace
}  // namespace holdfast::test
