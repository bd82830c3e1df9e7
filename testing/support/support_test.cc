// Matchers, waiting, temporary directories and ports.

#include <sys/socket.h>
#include <sys/stat.h>

#include <fstream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/resp/value.h"
#include "testing/support/port_reservation.h"
#include "testing/support/reply_matchers.h"
#include "testing/support/temp_dir.h"
#include "testing/support/wait_for.h"

namespace holdfast::test {
namespace {

using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ReplyMatchersTest, AreStrictAboutTheTypeOnTheWire) {
  EXPECT_THAT(Reply::SimpleString("OK"), IsOk());
  EXPECT_THAT(Reply::Bulk("OK"), Not(IsOk()));
  EXPECT_THAT(Reply::Bulk("OK"), IsBulk("OK"));
  EXPECT_THAT(Reply::SimpleString("OK"), Not(IsBulk("OK")));
  EXPECT_THAT(Reply::SimpleString("QUEUED"), IsSimple("QUEUED"));
  EXPECT_THAT(Reply::Integer(3), IsInt(3));
  EXPECT_THAT(Reply::Integer(3), IsInt(Gt(2)));
  EXPECT_THAT(Reply::Bulk("3"), Not(IsInt(3)));
  EXPECT_THAT(Reply::Error("ERR no"), IsError("ERR no"));
  EXPECT_THAT(Reply::Error("ERR no"), IsError(HasSubstr("no")));
  EXPECT_THAT(Reply::Bulk("ERR no"), Not(IsAnyError()));
  EXPECT_THAT(Reply::Null(), IsNil());
  EXPECT_THAT(Reply::NullArray(), IsNil());
  EXPECT_THAT(Reply::NullArray(), IsNilArray());
  EXPECT_THAT(Reply::Null(), IsNilBulk());
  EXPECT_THAT(Reply::Null(), Not(IsNilArray()));
  EXPECT_THAT(Reply::Bulk(""), Not(IsNil()));
}

TEST(ReplyMatchersTest, LookIntoAggregates) {
  const Reply reply = Reply::Array(
      {Reply::Bulk("a"), Reply::Integer(1), Reply::Array({Reply::Null()})});
  EXPECT_THAT(reply, IsArray(ElementsAre(IsBulk("a"), IsInt(1),
                                         IsArray(ElementsAre(IsNil())))));
  EXPECT_THAT(reply, Not(IsEmptyArray()));
  EXPECT_THAT(Reply::Array({Reply::Bulk("a"), Reply::Bulk("b")}),
              IsBulks("a", "b"));
  EXPECT_THAT(Reply::Array({Reply::Bulk("a"), Reply::Bulk("b")}),
              Not(IsBulks("b", "a")));
  EXPECT_THAT(Reply::Array({Reply::Bulk("a"), Reply::Bulk("b")}),
              IsBulksInAnyOrder("b", "a"));
  EXPECT_THAT(Reply::Map({Reply::Bulk("k"), Reply::Bool(true)}),
              IsMap(ElementsAre(IsBulk("k"), IsBool(true))));
  EXPECT_THAT(Reply::Set({}), Not(IsEmptyArray()));
}

TEST(WaitForTest, SaysWhatItSawLast) {
  int looks = 0;
  const ::testing::AssertionResult result = WaitFor(
      [&](std::string* seen) {
        *seen = "look " + std::to_string(++looks);
        return false;
      },
      absl::Milliseconds(20));
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message(), HasSubstr("look " + std::to_string(looks)));
  EXPECT_GE(looks, 2);
}

TEST(WaitForTest, LooksOnceWhenThereIsNoTime) {
  EXPECT_TRUE(WaitFor([] { return true; }, absl::ZeroDuration()));
  EXPECT_FALSE(WaitFor([] { return false; }, absl::ZeroDuration()));
}

TEST(WaitForTest, WaitsForAValue) {
  int value = 0;
  EXPECT_TRUE(WaitForValue([&] { return ++value; }, 3));
  const auto result = WaitForValue([] { return Reply::Integer(7); }, IsInt(8),
                                   absl::Milliseconds(1));
  EXPECT_THAT(result.message(), HasSubstr("7"));
  EXPECT_THAT(result.message(), HasSubstr("integer"));
}

TEST(TempDirTest, IsGoneAfterwards) {
  std::string path;
  {
    TempDir dir;
    path = dir.path();
    std::ofstream(dir.File("f")) << "x";
    TempDir moved = std::move(dir);
    struct stat st;
    EXPECT_EQ(stat(moved.File("f").c_str(), &st), 0);
  }
  struct stat st;
  EXPECT_NE(stat(path.c_str(), &st), 0);
}

TEST(PortReservationTest, PortsDiffer) {
  std::set<int> ports;
  std::vector<PortReservation> reserved;
  for (int i = 0; i < 20; ++i) {
    auto port = PortReservation::Make();
    ASSERT_TRUE(port.ok()) << port.status();
    EXPECT_LT(port->port(), PortReservation::kMaxPort);
    EXPECT_TRUE(ports.insert(port->port()).second);
    reserved.push_back(*std::move(port));
  }
}

}  // namespace
}  // namespace holdfast::test
