#include "tools/build/selftest/counter.h"

#include <thread>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace holdfast::selftest {
namespace {

TEST(CounterTest, LosesNoIncrementOfTwoThreads) {
  constexpr int kEach = 2000;
  Counter counter;
  auto count = [&counter] {
    for (int i = 0; i < kEach; ++i) counter.Increment();
  };
  std::thread first(count);
  std::thread second(count);
  EXPECT_TRUE(counter.AwaitAtLeast(2 * kEach, absl::Seconds(30)));
  first.join();
  second.join();
  EXPECT_THAT(counter.value(), testing::Eq(2 * kEach));
}

TEST(CounterTest, AWaitForWhatNeverComesEndsAtItsTimeout) {
  Counter counter;
  counter.Increment();
  EXPECT_FALSE(counter.AwaitAtLeast(2, absl::Milliseconds(5)));
}

}  // namespace
}  // namespace holdfast::selftest
