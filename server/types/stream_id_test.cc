#include "server/types/stream_id.h"

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace holdfast::server {
namespace {

constexpr StreamId kUntouched = {77, 77};

// The good and the bad were given to redis-server 7.0.15.
TEST(StreamIdTest, TakesWhatRedisTakes) {
  const struct {
    absl::string_view text;
    StreamId id;
  } kGood[] = {{"5", {5, 9}},
               {"5-3", {5, 3}},
               {"0-0", {0, 0}},
               {"18446744073709551615-18446744073709551615", StreamId::Max()},
               {"18446744073709551615", {UINT64_MAX, 9}},
               {"007-+5", {7, 5}},
               {"+9-1", {9, 1}},
               {" 8-1", {8, 1}},
               {"8- 1", {8, 1}},
               {"7--0", {7, 0}},
               {"6- -3", {6, UINT64_MAX - 2}},
               {absl::string_view("4-2\0x", 5), {4, 2}},
               {absl::string_view("4\0-2", 4), {4, 9}}};
  for (const auto& good : kGood) {
    StreamId id = kUntouched;
    EXPECT_TRUE(ParseStreamId(good.text, 9, &id)) << good.text;
    EXPECT_EQ(id, good.id) << good.text;
    EXPECT_TRUE(ParseStreamIdOrEnd(good.text, 9, &id)) << good.text;
  }
}

TEST(StreamIdTest, RefusesWhatRedisRefuses) {
  for (const std::string& bad :
       std::vector<std::string>{"",
                                "-",
                                "+",
                                "*",
                                "-5",
                                "5-",
                                "5--3",
                                "5-*",
                                "a",
                                "5a",
                                "5-3a",
                                "5 ",
                                "5-3 ",
                                "5-3-1",
                                "1.5",
                                "0x5",
                                "18446744073709551616",
                                "5-18446744073709551616",
                                "99999999999999999999999",
                                " ",
                                "5- ",
                                "(5",
                                "-1-1",
                                "$",
                                ">",
                                std::string(127, '0') + "5",
                                std::string("\0 5", 3)}) {
    StreamId id = kUntouched;
    EXPECT_FALSE(ParseStreamId(bad, 0, &id)) << bad;
    EXPECT_EQ(id, kUntouched) << bad;
  }
  StreamId id;
  EXPECT_TRUE(ParseStreamId(std::string(126, '0') + "5", 0, &id));
}

TEST(StreamIdTest, LeavesTheSequenceToXadd) {
  StreamId id;
  bool given = true;
  EXPECT_TRUE(ParseNewStreamId("5-*", &id, &given));
  EXPECT_EQ(id, (StreamId{5, 0}));
  EXPECT_FALSE(given);
  EXPECT_TRUE(ParseNewStreamId("5", &id, &given));
  EXPECT_EQ(id, (StreamId{5, 0}));
  EXPECT_TRUE(given);
  for (const char* bad : {"*", "*-5", "-*", "5-**", "5-* ", "+-*"})
    EXPECT_FALSE(ParseNewStreamId(bad, &id, &given)) << bad;
}

TEST(StreamIdTest, ReadsEndsOfRanges) {
  StreamId id;
  bool exclusive = true;
  EXPECT_TRUE(ParseStreamRangeEnd("-", 5, &id, &exclusive));
  EXPECT_EQ(id, StreamId::Min());
  EXPECT_FALSE(exclusive);
  EXPECT_TRUE(ParseStreamRangeEnd("+", 5, &id, &exclusive));
  EXPECT_EQ(id, StreamId::Max());
  EXPECT_TRUE(ParseStreamRangeEnd("(3", 5, &id, &exclusive));
  EXPECT_EQ(id, (StreamId{3, 5}));
  EXPECT_TRUE(exclusive);
  for (const char* bad : {"(", "(-", "(+", "((3", "[3", "--", "+5+", "(3-*"}) {
    EXPECT_FALSE(ParseStreamRangeEnd(bad, 5, &id, &exclusive)) << bad;
  }
}

TEST(StreamIdTest, CountsThroughTheMillisecond) {
  StreamId id = {5, UINT64_MAX};
  EXPECT_TRUE(id.Increment());
  EXPECT_EQ(id, (StreamId{6, 0}));
  EXPECT_TRUE(id.Decrement());
  EXPECT_EQ(id, (StreamId{5, UINT64_MAX}));
  id = StreamId::Max();
  EXPECT_FALSE(id.Increment());
  EXPECT_EQ(id, StreamId::Max());
  id = StreamId::Min();
  EXPECT_FALSE(id.Decrement());
  EXPECT_EQ(id, StreamId::Min());
}

TEST(StreamIdTest, PacksInTheOrderOfIds) {
  const StreamId ids[] = {
      {0, 1}, {1, 0}, {1, UINT64_MAX}, {256, 3}, StreamId::Max()};
  std::string last;
  for (const StreamId& id : ids) {
    char bytes[StreamId::kPackedBytes];
    id.Pack(bytes);
    EXPECT_EQ(StreamId::Unpack(bytes), id);
    const std::string packed(bytes, sizeof(bytes));
    EXPECT_LT(last, packed);
    last = packed;
  }
  EXPECT_EQ((StreamId{12, 34}.ToString()), "12-34");
}

}  // namespace
}  // namespace holdfast::server
