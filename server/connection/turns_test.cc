#include "server/connection/turns.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "net/time/manual_clock.h"

namespace holdfast::server {
namespace {

class TurnsTest : public ::testing::Test {
 protected:
  // Gives turns, each of which lasts `each`, and says how many there were.
  int Given(absl::Duration each) {
    int given = 0;
    EXPECT_FALSE(turns_.Give([&] {
      ++given;
      clock_.Advance(each);
      return false;
    }));
    return given;
  }

  net::ManualClock clock_;
  Turns turns_{&clock_, /*crowd=*/1};
  Turns::Change self_ = turns_.Awake();
};

TEST_F(TurnsTest, EndWithSuccess) {
  int given = 0;
  EXPECT_TRUE(turns_.Give([&] { return ++given == 2; }));
  EXPECT_EQ(given, 2);
}

TEST_F(TurnsTest, AreFewInARow) {
  EXPECT_EQ(Given(absl::Microseconds(100)), Turns::kMost);
}

TEST_F(TurnsTest, AreForACrowdOnly) {
  Turns turns(&clock_, /*crowd=*/3);
  const auto gives = [&] {
    int given = 0;
    turns.Give([&] { return ++given > 0; });
    return given > 0;
  };
  const Turns::Change one = turns.Awake(), two = turns.Awake();
  EXPECT_FALSE(gives());
  const Turns::Change three = turns.Awake();
  EXPECT_TRUE(gives());
  {
    const Turns::Change blocked = turns.Asleep();
    EXPECT_FALSE(gives());
  }
  EXPECT_TRUE(gives());
}

TEST_F(TurnsTest, AfterALongOneThereAreNoneForAWhile) {
  EXPECT_EQ(Given(Turns::kLong + absl::Microseconds(1)), 1);
  EXPECT_EQ(Given(absl::ZeroDuration()), 0);
  clock_.Advance(Turns::kNone - absl::Microseconds(1));
  EXPECT_EQ(Given(absl::ZeroDuration()), 0);
  clock_.Advance(absl::Microseconds(2));
  EXPECT_EQ(Given(absl::ZeroDuration()), Turns::kMost);
}

}  // namespace
}  // namespace holdfast::server
