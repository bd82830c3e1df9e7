#include "server/persist/rdb/object_loaders.h"

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "server/persist/rdb/encoding.h"
#include "server/persist/rdb/format.h"
#include "server/persist/rdb/object_testing.h"
#include "server/persist/rdb/value_context.h"
#include "server/types/limits.h"

namespace holdfast::server {
namespace {

std::string Binary(double value) {
  std::string out;
  AppendRdbDouble(value, &out);
  return out;
}
std::string Text(double value) {
  std::string out;
  AppendRdbTextDouble(value, &out);
  return out;
}
// RDB strings, one behind the other.
std::string Strings(const std::vector<std::string>& all) {
  std::string out;
  for (const std::string& one : all) out += RdbString(one);
  return out;
}
std::string Lengths(const std::vector<uint64_t>& all) {
  std::string out;
  for (const uint64_t one : all) out += RdbLength(one);
  return out;
}

void ExpectRefused(uint8_t type, const std::string& payload,
                   absl::string_view why) {
  const Loaded loaded = LoadPayload(type, payload);
  EXPECT_EQ(loaded.status.code(), absl::StatusCode::kDataLoss) << why;
  EXPECT_TRUE(absl::StrContains(loaded.status.message(), why))
      << loaded.status << " instead of: " << why;
  EXPECT_TRUE(absl::StrContains(loaded.status.message(), " at offset "))
      << loaded.status;
  EXPECT_EQ(loaded.seen, "");
}

TEST(ObjectLoadersTest, EveryTypeIsReadHoweverItArrives) {
  for (const SamplePayload& sample : SamplePayloads()) {
    SCOPED_TRACE(absl::StrCat("type ", sample.type));
    const Loaded whole = LoadPayload(sample.type, sample.payload);
    ASSERT_TRUE(whole.status.ok()) << whole.status;
    ASSERT_NE(whole.seen, "");
    for (const size_t step : {1, 7}) {
      EXPECT_EQ(LoadPayload(sample.type, sample.payload, {}, step).seen,
                whole.seen);
    }
    // What we write of it is the same value, and then stays as it is.
    const Loaded again =
        LoadPayload(static_cast<uint8_t>(whole.rewritten[0]),
                    absl::string_view(whole.rewritten).substr(1));
    ASSERT_TRUE(again.status.ok()) << again.status;
    EXPECT_EQ(again.seen, whole.seen);
  }
}

TEST(ObjectLoadersTest, OldAndNewFormsAreTheSameValues) {
  const std::vector<std::string> list = {"a", "-1", "", "70000"};
  std::string expected = "list quicklist: 'a' '-1' '' '70000'";
  EXPECT_EQ(LoadPayload(1, RdbLength(4) + Strings(list)).seen, expected);
  EXPECT_EQ(LoadPayload(10, RdbString(MakeZiplist(list))).seen, expected);
  EXPECT_EQ(LoadPayload(14, RdbLength(1) + RdbString(MakeZiplist(list))).seen,
            expected);
  EXPECT_EQ(
      LoadPayload(18, Lengths({1, 2}) + RdbString(MakeListpack(list))).seen,
      expected);
  EXPECT_EQ(LoadPayload(18, Lengths({1, 1}) + RdbString("x")).seen,
            "list quicklist: 'x'");

  const std::vector<std::string> pairs = {"f", "v", "2", "-3"};
  expected = "hash listpack: '2'='-3' 'f'='v'";
  EXPECT_EQ(LoadPayload(4, RdbLength(2) + Strings(pairs)).seen, expected);
  EXPECT_EQ(
      LoadPayload(9, RdbString(MakeZipmap({{"f", "v"}, {"2", "-3"}}))).seen,
      expected);
  EXPECT_EQ(LoadPayload(13, RdbString(MakeZiplist(pairs))).seen, expected);
  EXPECT_EQ(LoadPayload(16, RdbString(MakeListpack(pairs))).seen, expected);

  const std::vector<std::string> scores = {"b", "-inf", "a", "2.5"};
  const std::string zset =
      LoadPayload(17, RdbString(MakeListpack(scores))).seen;
  EXPECT_TRUE(absl::StartsWith(zset, "zset listpack: 'b':-inf/")) << zset;
  EXPECT_EQ(LoadPayload(12, RdbString(MakeZiplist(scores))).seen, zset);
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(LoadPayload(3, RdbLength(2) + RdbString("a") + Text(2.5) +
                               RdbString("b") + Text(-inf))
                .seen,
            zset);
  EXPECT_EQ(LoadPayload(5, RdbLength(2) + RdbString("a") + Binary(2.5) +
                               RdbString("b") + Binary(-inf))
                .seen,
            zset);

  EXPECT_EQ(LoadPayload(2, RdbLength(2) + Strings({"7", "-1"})).seen,
            "set intset: '-1' '7'");
  EXPECT_EQ(LoadPayload(20, RdbString(MakeListpack({"7", "-1"}))).seen,
            "set intset: '-1' '7'");
  EXPECT_EQ(LoadPayload(20, RdbString(MakeListpack({"7", "x"}))).seen,
            "set hashtable: '7' 'x'");
}

TEST(ObjectLoadersTest, StreamsOfAllVersionsAreTheSame) {
  std::vector<std::string> seen;
  for (const SamplePayload& sample : SamplePayloads()) {
    if (sample.type == kRdbTypeStream || sample.type == kRdbTypeStream2 ||
        sample.type == kRdbTypeStream3) {
      seen.push_back(LoadPayload(sample.type, sample.payload).seen);
    }
  }
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[1], seen[2]);
  EXPECT_TRUE(absl::StrContains(seen[1], "meta 4 5000-5 1000-1 2000-2 5"))
      << seen[1];
  // The old form does not know what was deleted.
  EXPECT_TRUE(absl::StrContains(seen[0], "meta 4 5000-5 1000-1 0-0 4"))
      << seen[0];
  for (const std::string& one : seen) {
    EXPECT_TRUE(absl::StrContains(
        one,
        "pending 1000-1 'first' 1700000000002 1, pending 3000-3 'first' "
        "1700000000002 1, pending 4000-4 '2' 1700000000003 1"))
        << one;
    EXPECT_TRUE(absl::StrContains(
        one, "1000-1 'field'='value', 3000-3 'other'='x' 'f'='12', "))
        << one;
  }
}

TEST(ObjectLoadersTest, CutAnywhereIsRefused) {
  for (const SamplePayload& sample : SamplePayloads()) {
    for (size_t size = 0; size < sample.payload.size(); ++size) {
      const Loaded loaded =
          LoadPayload(sample.type, sample.payload.substr(0, size));
      ASSERT_EQ(loaded.status.code(), absl::StatusCode::kDataLoss)
          << "type " << static_cast<int>(sample.type) << " cut at " << size;
      ASSERT_EQ(loaded.seen, "");
    }
  }
}

TEST(ObjectLoadersTest, DamageAnywhereIsRefusedOrAnotherValue) {
  constexpr uint64_t kSeed = 20260711;
  SCOPED_TRACE(absl::StrCat("seed ", kSeed));
  std::mt19937_64 random(kSeed);
  int accepted = 0;
  for (const SamplePayload& sample : SamplePayloads()) {
    for (size_t at = 0; at < sample.payload.size(); ++at) {
      std::string damaged = sample.payload;
      damaged[at] = static_cast<char>(random());
      const Loaded loaded = LoadPayload(sample.type, damaged);
      if (!loaded.status.ok() || loaded.was_empty) continue;
      ++accepted;
      const Loaded again =
          LoadPayload(static_cast<uint8_t>(loaded.rewritten[0]),
                      absl::string_view(loaded.rewritten).substr(1));
      ASSERT_TRUE(again.status.ok()) << again.status;
      ASSERT_EQ(again.seen, loaded.seen);
    }
  }
  EXPECT_GT(accepted, 100);
}

TEST(ObjectLoadersTest, EmptyCollectionsAreNoKeys) {
  const std::string listpack = RdbString(MakeListpack({}));
  const std::string ziplist = RdbString(MakeZiplist({}));
  const std::vector<SamplePayload> empty = {
      {1, RdbLength(0)},  {2, RdbLength(0)},
      {3, RdbLength(0)},  {4, RdbLength(0)},
      {5, RdbLength(0)},  {10, ziplist},
      {12, ziplist},      {13, ziplist},
      {14, RdbLength(0)}, {14, RdbLength(2) + ziplist + ziplist},
      {16, listpack},     {17, listpack},
      {18, RdbLength(0)}, {18, Lengths({1, 2}) + listpack},
      {20, listpack}};
  for (const auto& [type, payload] : empty) {
    const Loaded loaded = LoadPayload(type, payload);
    EXPECT_TRUE(loaded.status.ok()) << loaded.status;
    EXPECT_TRUE(loaded.was_empty) << static_cast<int>(type);
    EXPECT_EQ(loaded.seen, "");
  }
  // An empty stream is a value.
  const Loaded stream = LoadPayload(15, Lengths({0, 0, 7, 8, 0}));
  EXPECT_EQ(stream.seen, "stream stream: meta 0 7-8 0-0 0-0 0");
  EXPECT_FALSE(stream.was_empty);
  // These are errors in Redis, too.
  ExpectRefused(11, RdbString(absl::string_view("\2\0\0\0\0\0\0\0", 8)), "");
  ExpectRefused(9, RdbString(absl::string_view("\0\xff", 2)), "no pairs");
  ExpectRefused(18, Lengths({1, 1}) + RdbString(""), "node is empty");
  ExpectRefused(18, Lengths({1, 2}) + RdbString(""), "node is empty");
}

TEST(ObjectLoadersTest, TwiceIsRefused) {
  const std::string twice = "Duplicate";
  ExpectRefused(2, RdbLength(2) + Strings({"a", "a"}), twice);
  ExpectRefused(2, RdbLength(2) + Strings({"7", "7"}), twice);
  ExpectRefused(20, RdbString(MakeListpack({"a", "b", "a"})), twice);
  ExpectRefused(
      5, RdbLength(2) + RdbString("a") + Binary(1) + RdbString("a") + Binary(2),
      twice);
  ExpectRefused(
      3, RdbLength(2) + RdbString("a") + Text(1) + RdbString("a") + Text(1),
      twice);
  ExpectRefused(4, RdbLength(2) + Strings({"a", "1", "a", "2"}), "twice");
  const std::string big(100, 'b');  // The second as a table.
  ExpectRefused(4, RdbLength(2) + Strings({"a", "1", "a", big}), twice);
  ExpectRefused(4, RdbLength(3) + Strings({"a", "1", "a", "2", "x", big}),
                "twice");
  ExpectRefused(9, RdbString(MakeZipmap({{"a", "1"}, {"a", "1"}})), "twice");
  const std::vector<std::string> pairs = {"a", "1", "b", "2", "a", "1"};
  ExpectRefused(12, RdbString(MakeZiplist(pairs)), "twice");
  ExpectRefused(13, RdbString(MakeZiplist(pairs)), "twice");
  ExpectRefused(16, RdbString(MakeListpack(pairs)), "twice");
  ExpectRefused(17, RdbString(MakeListpack(pairs)), "twice");
}

TEST(ObjectLoadersTest, WhatDoesNotFitTogetherIsRefused) {
  for (const uint8_t type : {16, 17}) {
    ExpectRefused(type, RdbString(MakeListpack({"a", "1", "b"})), "without");
    ExpectRefused(type, RdbString("nonsense"), "listpack");
    ExpectRefused(type, RdbString(MakeListpack({"a"}) + "\xff"), "listpack");
  }
  for (const uint8_t type : {12, 13}) {
    ExpectRefused(type, RdbString(MakeZiplist({"a", "1", "b"})), "without");
    ExpectRefused(type, RdbString("nonsense"), "ziplist");
  }
  ExpectRefused(17, RdbString(MakeListpack({"a", "b"})), "no number");
  ExpectRefused(12, RdbString(MakeZiplist({"a", "nan"})), "no number");
  ExpectRefused(10, RdbString("nonsense"), "ziplist");
  ExpectRefused(11, RdbString("nonsense"), "");
  ExpectRefused(14, RdbLength(1) + RdbString("nonsense"), "ziplist");
  ExpectRefused(18, Lengths({1, 0}) + RdbString("x"), "Unknown kind 0");
  ExpectRefused(18, Lengths({1, 3}) + RdbString("x"), "Unknown kind 3");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  ExpectRefused(3, RdbLength(1) + RdbString("a") + Text(nan), "NAN");
  ExpectRefused(5, RdbLength(1) + RdbString("a") + Binary(nan), "NAN");
  ExpectRefused(3,
                RdbLength(1) + RdbString("a") +
                    "\x03"
                    "abc",
                "Not a number");
}

// A count is only a claim: nothing is taken for it.
TEST(ObjectLoadersTest, CountsThatLieCostNothing) {
  const uint64_t huge = std::numeric_limits<uint64_t>::max();
  for (const uint8_t type : {1, 2, 3, 4, 5, 14, 15, 18, 19, 21}) {
    ExpectRefused(type, RdbLength(huge), "EOF");
    ExpectRefused(type, RdbLength(huge) + RdbLength(2), "EOF");
  }
  ExpectRefused(15, Lengths({0, 0, 0, 0, huge}), "EOF");
}

TEST(ObjectLoadersTest, TheLimitsChooseTheForm) {
  RdbObjectLimits limits;
  limits.hash = {2, 3};
  limits.zset = {2, 3};
  limits.set = {2, {2, 3}};
  const auto encoding = [&](uint8_t type, const std::string& payload) {
    const Loaded loaded = LoadPayload(type, payload, limits);
    EXPECT_TRUE(loaded.status.ok()) << loaded.status;
    return loaded.seen.substr(0, loaded.seen.find(':'));
  };
  EXPECT_EQ(encoding(4, RdbLength(2) + Strings({"a", "1", "b", "222"})),
            "hash listpack");
  EXPECT_EQ(encoding(4, RdbLength(2) + Strings({"a", "1", "b", "2222"})),
            "hash hashtable");
  EXPECT_EQ(encoding(4, RdbLength(3) + Strings({"a", "1", "b", "2", "c", "3"})),
            "hash hashtable");
  EXPECT_EQ(encoding(9, RdbString(MakeZipmap({{"a", "1"}, {"bbbb", "2"}}))),
            "hash hashtable");
  EXPECT_EQ(
      encoding(9, RdbString(MakeZipmap({{"a", "1"}, {"b", "2"}, {"c", ""}}))),
      "hash hashtable");
  // Of a packed form, only the number counts, as in Redis.
  EXPECT_EQ(encoding(13, RdbString(MakeZiplist({"a", "1", "bbbbb", "2"}))),
            "hash listpack");
  EXPECT_EQ(
      encoding(16, RdbString(MakeListpack({"a", "1", "b", "2", "c", "3"}))),
      "hash hashtable");
  EXPECT_EQ(encoding(5, RdbLength(2) + RdbString("a") + Binary(1) +
                            RdbString("bbb") + Binary(2)),
            "zset listpack");
  EXPECT_EQ(encoding(5, RdbLength(2) + RdbString("a") + Binary(1) +
                            RdbString("bbbb") + Binary(2)),
            "zset skiplist");
  EXPECT_EQ(
      encoding(12, RdbString(MakeZiplist({"a", "1", "b", "2", "c", "3"}))),
      "zset skiplist");
  EXPECT_EQ(encoding(2, RdbLength(2) + Strings({"1", "2"})), "set intset");
  EXPECT_EQ(encoding(2, RdbLength(3) + Strings({"1", "2", "3"})),
            "set hashtable");
  limits.list = {1};
  const Loaded list =
      LoadPayload(1, RdbLength(2) + Strings({"a", "b"}), limits);
  EXPECT_EQ(list.rewritten.substr(0, 2), "\x12\x02");  // Two nodes.
}

class StreamLoaderTest : public ::testing::Test {
 protected:
  // A stream of version 2 without entries, with one group.
  static std::string Empty(const std::string& groups, uint64_t count = 1) {
    return Lengths({0, 0, 9, 9, 0, 0, 0, 0, 3, count}) + groups;
  }
  static std::string Id(char last) { return std::string(15, '\0') + last; }
  static std::string Group(const std::string& name, uint64_t read,
                           const std::string& rest) {
    return RdbString(name) + Lengths({1, 1, read}) + rest;
  }
  static std::string Pending(char id) {
    return Id(id) + Id(0).substr(8) + "\1";
  }
  static std::string Consumer(const std::string& name,
                              const std::string& pending, uint64_t count) {
    return RdbString(name) + std::string(8, '\1') + RdbLength(count) + pending;
  }
};

TEST_F(StreamLoaderTest, AGroupIsRead) {
  const Loaded loaded =
      LoadPayload(19, Empty(Group("g", ~uint64_t{0},
                                  RdbLength(1) + Pending('\5') + RdbLength(1) +
                                      Consumer("c", Id('\5'), 1))));
  EXPECT_TRUE(loaded.status.ok()) << loaded.status;
  EXPECT_EQ(loaded.seen,
            "stream stream: meta 0 9-9 0-0 0-0 3, group 'g' 1-1 -1, pending "
            "0-5 'c' 0 1, consumer 'c' 72340172838076673 0-5");
}

TEST_F(StreamLoaderTest, BrokenGroupsAreRefused) {
  const std::string none = Lengths({0, 0});
  ExpectRefused(19, Empty(Group("g", 0, none) + Group("g", 0, none), 2),
                "a group twice");
  // Redis's count of entries read goes on below zero: not known.
  EXPECT_EQ(LoadPayload(19, Empty(Group("g", uint64_t{1} << 63, none))).seen,
            LoadPayload(19, Empty(Group("g", ~uint64_t{0}, none))).seen);
  ExpectRefused(
      19, Empty(Group("g", 0, RdbLength(1) + Pending('a') + RdbLength(0))),
      "no consumer's");
  ExpectRefused(
      19,
      Empty(Group("g", 0,
                  RdbLength(2) + Pending('a') + Pending('a') + RdbLength(0))),
      "twice");
  ExpectRefused(
      19, Empty(Group("g", 0, Lengths({0, 1}) + Consumer("c", Id('a'), 1))),
      "not pending");
  ExpectRefused(
      19,
      Empty(Group("g", 0,
                  RdbLength(1) + Pending('a') + RdbLength(2) +
                      Consumer("c", Id('a'), 1) + Consumer("d", Id('a'), 1))),
      "already");
  ExpectRefused(19,
                Empty(Group("g", 0,
                            Lengths({0, 2}) + Consumer("c", "", 0) +
                                Consumer("c", "", 0))),
                "Duplicate stream consumer detected");
}

TEST_F(StreamLoaderTest, BrokenNodesAreRefused) {
  // One entry 1-1 of one field.
  const std::string node =
      MakeListpack({"1", "0", "1", "f", "0", "2", "0", "0", "v", "4"});
  const std::string master = RdbString(Id('\1'));
  const std::string meta = Lengths({1, 0, 1, 0, 1, 0, 0, 1, 0});
  const Loaded loaded =
      LoadPayload(19, RdbLength(1) + master + RdbString(node) + meta);
  EXPECT_TRUE(loaded.status.ok()) << loaded.status;
  EXPECT_EQ(loaded.seen, "stream stream: 0-1 'f'='v', meta 1 0-1 0-1 0-0 1");
  // Whatever is said of it, the first id is that of the first entry.
  EXPECT_EQ(LoadPayload(19, RdbLength(1) + master + RdbString(node) +
                                Lengths({1, 0, 1, ~uint64_t{0}, ~uint64_t{0}, 0,
                                         0, 1, 0}))
                .seen,
            loaded.seen);
  ExpectRefused(19, RdbLength(1) + RdbString("short") + RdbString(node) + meta,
                "not the size of a stream ID");
  ExpectRefused(
      19,
      RdbLength(1) + RdbString(std::string(17, 'x')) + RdbString(node) + meta,
      "not the size of a stream ID");
  ExpectRefused(19, RdbLength(1) + master + RdbString("nonsense") + meta,
                "listpack");
  ExpectRefused(19, RdbLength(1) + master + RdbString(MakeListpack({})) + meta,
                "head");
  ExpectRefused(
      19,
      RdbLength(2) + master + RdbString(node) + master + RdbString(node) + meta,
      "do not rise");
  ExpectRefused(19,
                RdbLength(1) + master + RdbString(node) +
                    Lengths({2, 0, 1, 0, 1, 0, 0, 2, 0}),
                "says that it has 2");
  ExpectRefused(19,
                RdbLength(1) + master + RdbString(node) +
                    Lengths({1, 0, 0, 0, 1, 0, 0, 1, 0}),
                "last id");
  ExpectRefused(19,
                RdbLength(1) + master + RdbString(node) +
                    Lengths({1, 0, 1, 0, 1, 0, 0, 0, 0}),
                "never given as many");
}

}  // namespace
}  // namespace holdfast::server
