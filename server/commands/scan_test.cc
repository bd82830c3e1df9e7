#include "server/commands/scan.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "server/command/unit.h"
#include "server/commands/keys_testing.h"
#include "server/commands/scan_walk.h"
#include "server/keyspace/keyspace.h"
#include "server/keyspace/slot.h"

namespace holdfast::server {
namespace {

class ScanTest : public KeysTest {
 protected:
  struct Page {
    uint64_t cursor = 0;
    std::vector<std::string> keys;
  };
  // One call; `options` as in "count 5 match a*".
  Page Scan(uint64_t cursor, absl::string_view options = "") {
    const std::string reply =
        Do(absl::StrCat("scan ", cursor, options.empty() ? "" : " ", options));
    // "*2", then "$<n>" and the cursor, then the keys.
    Page page;
    const size_t cursor_at = reply.find("\r\n", 4) + 2;
    const size_t cursor_end = reply.find("\r\n", cursor_at);
    EXPECT_TRUE(absl::SimpleAtoi(
        reply.substr(cursor_at, cursor_end - cursor_at), &page.cursor))
        << reply;
    page.keys = Sorted(absl::string_view(reply).substr(cursor_end + 2));
    return page;
  }
  // Keys seen, with how often, in at most `most_calls` calls.
  std::map<std::string, int> ScanAll(absl::string_view options,
                                     int most_calls) {
    std::map<std::string, int> seen;
    uint64_t cursor = 0;
    for (int calls = 1;; ++calls) {
      EXPECT_LE(calls, most_calls);
      const Page page = Scan(cursor, options);
      for (const std::string& key : page.keys) ++seen[key];
      cursor = page.cursor;
      EXPECT_LT(cursor, uint64_t{1} << 62);
      if (cursor == 0 || calls > most_calls) return seen;
    }
  }
};

TEST_F(ScanTest, AnEmptyDatabaseEndsAtOnce) {
  EXPECT_EQ(Do("scan 0"), "*2\r\n$1\r\n0\r\n*0\r\n");
  EXPECT_EQ(Do("keys *"), "*0\r\n");
  EXPECT_EQ(Do("randomkey"), kNullReply);
}

TEST_F(ScanTest, AsManyKeysAsTheCountComeInOneCall) {
  for (int i = 0; i < 10; ++i) Do(absl::StrCat("set k", i, " v"));
  std::set<std::string> all;
  const Page page = Scan(0);
  all.insert(page.keys.begin(), page.keys.end());
  EXPECT_EQ(all.size(), 10u)
      << "spread over slots far apart, and still one page";
  EXPECT_EQ(Scan(0, "count 11").cursor, 0u);
}

TEST_F(ScanTest, EveryKeyOnceWhenNothingChanges) {
  for (int i = 0; i < 1000; ++i) Do(absl::StrCat("set key:", i, " v"));
  for (const auto& [options, calls] : {std::pair<const char*, int>("", 200),
                                       {"count 1", 1100},
                                       {"count 1000", 2}}) {
    const auto seen = ScanAll(options, calls);
    EXPECT_EQ(seen.size(), 1000u) << options;
    for (const auto& [key, times] : seen) EXPECT_EQ(times, 1) << key;
  }
}

TEST_F(ScanTest, OneSlotWithAllKeysIsScannedInPagesToo) {
  for (int i = 0; i < 5000; ++i) Do(absl::StrCat("set {x}", i, " v"));
  const Page page = Scan(0, "count 100");
  EXPECT_GE(page.keys.size(), 100u);
  EXPECT_LT(page.keys.size(), 150u)
      << "a page is not much more than was asked for";
  EXPECT_EQ(ScanAll("count 100", 100).size(), 5000u);
  EXPECT_EQ(Sorted(Do("keys {x}*")).size(), 5000u);
}

TEST_F(ScanTest, MatchAndTypeFilterWhatIsReturnedNotWhatIsVisited) {
  for (int i = 0; i < 100; ++i) Do(absl::StrCat("set k", i, " v"));
  EXPECT_EQ(ScanAll("match k1? count 7", 40).size(), 10u);
  EXPECT_EQ(ScanAll("type string match k*", 40).size(), 100u);
  EXPECT_EQ(ScanAll("TYPE StRiNg", 40).size(), 100u);
  EXPECT_EQ(ScanAll("type list", 40).size(), 0u);
  EXPECT_EQ(ScanAll("type nonsense", 40).size(), 0u);
}

TEST_F(ScanTest, Refusals) {
  for (const char* bad :
       {"x", "1x", "0x1", "99999999999999999999999", "+-1", "--1"}) {
    EXPECT_EQ(Do(absl::StrCat("scan ", bad)), "-ERR invalid cursor\r\n") << bad;
  }
  EXPECT_EQ(Do({"scan", " 1"}), "-ERR invalid cursor\r\n");
  EXPECT_EQ(Do("scan 0 count 0"), kSyntaxReply);
  EXPECT_EQ(Do("scan 0 count -1"), kSyntaxReply);
  EXPECT_EQ(Do("scan 0 count x"), kNotIntegerReply);
  EXPECT_EQ(Do("scan 0 count"), kSyntaxReply);
  EXPECT_EQ(Do("scan 0 match"), kSyntaxReply);
  EXPECT_EQ(Do("scan 0 nonsense 1"), kSyntaxReply);
  EXPECT_EQ(Do("scan x nonsense 1"), "-ERR invalid cursor\r\n");
}

TEST_F(ScanTest, CursorsThatNobodyGaveOutDoNoHarm) {
  for (int i = 0; i < 100; ++i) Do(absl::StrCat("set k", i, " v"));
  EXPECT_EQ(Do("scan 18446744073709551615"), "*2\r\n$1\r\n0\r\n*0\r\n");
  EXPECT_EQ(Do("scan -1"), "*2\r\n$1\r\n0\r\n*0\r\n");
  EXPECT_EQ(Do("scan 4611686018427387904"), "*2\r\n$1\r\n0\r\n*0\r\n");
  std::mt19937_64 random(11);
  for (int i = 0; i < 300; ++i) Scan(random() >> (random() % 64), "count 3");
  EXPECT_EQ(Do("scan ''"), Do("scan 0"));
  Scan(0, "count 9223372036854775807");
}

// The guarantee of SCAN, with the table growing and shrinking under it.
TEST_F(ScanTest, WhatStaysIsSeenWhateverElseChanges) {
  for (const uint32_t seed : {1u, 2u, 3u}) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    std::mt19937 random(seed);
    Do("flushall");
    for (int i = 0; i < 300; ++i)
      Do(absl::StrCat("set stays{", i % 3, "}", i, " v"));
    std::set<std::string> seen;
    uint64_t cursor = 0;
    int calls = 0;
    int filler = 0;
    do {
      const Page page = Scan(cursor, "count 10");
      seen.insert(page.keys.begin(), page.keys.end());
      cursor = page.cursor;
      if (random() % 2 == 0) {
        for (int i = 0; i < 100; ++i)
          Do(absl::StrCat("set goes{", random() % 3, "}", filler++, " v"));
      } else {
        for (int i = 0; i < 100 && filler > 0; ++i) {
          --filler;
          for (int tag = 0; tag < 3; ++tag)
            Do(absl::StrCat("del goes{", tag, "}", filler));
        }
      }
      ASSERT_LT(++calls, 10000);
    } while (cursor != 0);
    for (int i = 0; i < 300; ++i) {
      EXPECT_TRUE(seen.contains(absl::StrCat("stays{", i % 3, "}", i))) << i;
    }
  }
}

TEST_F(ScanTest, ExpiredKeysAreLeftOutAndDeleted) {
  Do("set a 1 px 10");
  Do("set b 1 px 10");
  Do("set live 1");
  Advance(absl::Milliseconds(11));
  EXPECT_EQ(Sorted(Do("keys *")), std::vector<std::string>{"live"});
  EXPECT_EQ(Do("dbsize"), Int(3)) << "KEYS deletes nothing";
  EXPECT_EQ(EffectsOf("scan 0 match a"), "DEL a");
  EXPECT_EQ(Do("dbsize"), Int(2)) << "only what would have been returned";
  EXPECT_EQ(ScanAll("", 3).size(), 1u);
  EXPECT_EQ(Do("dbsize"), Int(1));
}

TEST_F(ScanTest, AReplicaLeavesExpiredKeysOutAndAlone) {
  Do("set a 1 px 10");
  Advance(absl::Milliseconds(11));
  BecomeReplica(true);
  EXPECT_TRUE(ScanAll("", 3).empty());
  EXPECT_EQ(Do("dbsize"), Int(1));
  EXPECT_EQ(Do("randomkey"), Bulk("a")) << "what else should it say";
  EXPECT_EQ(Do("dbsize"), Int(1));
}

TEST_F(ScanTest, OnlyTheSelectedDatabaseIsWalked) {
  Do("set a 1");
  Do("copy a b db 5");
  EXPECT_EQ(Sorted(Do("keys *")), std::vector<std::string>{"a"});
  EXPECT_EQ(ScanAll("", 3).count("b"), 0u);
  Do("del a");
  EXPECT_EQ(Do("randomkey"), kNullReply);
}

TEST_F(ScanTest, KeysWithOddNames) {
  Do({"set", "", "1"});
  Do({"set", absl::string_view("a\0b", 3), "1"});
  Do("set * 1");
  EXPECT_EQ(Sorted(Do("keys *")).size(), 3u) << "with the empty one";
  EXPECT_EQ(Sorted(Do("keys **")).size(), 2u)
      << "which no other pattern matches";
  EXPECT_EQ(Sorted(Do("keys \\*")), std::vector<std::string>{"*"});
  EXPECT_EQ(Sorted(Do("keys [")), std::vector<std::string>{});
}

TEST_F(ScanTest, WalksWorkInsideTransactions) {
  Do("set a 1");
  Do("multi");
  for (const char* line :
       {"keys *", "scan 0", "randomkey", "dbsize", "set b 1", "dbsize"})
    Do(line);
  EXPECT_EQ(Do("exec"),
            absl::StrCat("*6\r\n*1\r\n", Bulk("a"), "*2\r\n$1\r\n0\r\n*1\r\n",
                         Bulk("a"), Bulk("a"), Int(1), "+OK\r\n", Int(2)));
}

TEST_F(ScanTest, RandomKeyIsFair) {
  // Most keys in one slot, the others alone in theirs.
  for (int i = 0; i < 30; ++i) Do(absl::StrCat("set {x}", i, " v"));
  for (int i = 0; i < 10; ++i) Do(absl::StrCat("set k", i, " v"));
  std::map<std::string, int> times;
  constexpr int kDraws = 4000;
  for (int i = 0; i < kDraws; ++i) ++times[Do("randomkey")];
  EXPECT_EQ(times.size(), 40u);
  for (const auto& [key, n] : times) {
    EXPECT_GT(n, kDraws / 40 / 4) << key;
    EXPECT_LT(n, kDraws / 40 * 4) << key;
  }
}

TEST_F(ScanTest, RandomKeyFindsTheLastLiveOne) {
  for (int i = 0; i < 2000; ++i) Do(absl::StrCat("set k", i, " v px 10"));
  Do("set live 1");
  Advance(absl::Milliseconds(11));
  EXPECT_EQ(Do("randomkey"), Bulk("live"));
  Do("del live");
  EXPECT_EQ(Do("randomkey"), kNullReply);
}

TEST_F(ScanTest, AWalkStopsAtItsBounds) {
  for (int i = 0; i < 100; ++i) Do(absl::StrCat("set {x}", i, " v"));
  ExecutionUnit unit(&engine_);
  unit.Begin(NowMs(), false);
  int seen = 0;
  const auto count = [&](const Entry&) { ++seen; };
  WalkBounds bounds;
  bounds.entries = 5;
  const WalkCursor cursor = WalkEntries(unit, 0, kWalkBegin, bounds, count);
  EXPECT_GE(seen, 5);
  EXPECT_LT(seen, 30);
  EXPECT_EQ(cursor >> Database::kPositionBits, uint64_t{SlotOfKey("{x}")});
  bounds = WalkBounds();
  bounds.slots = 1;
  seen = 0;
  EXPECT_NE(WalkEntries(unit, 0, kWalkBegin, bounds, count), 0u);
  bounds.slots = 1;
  bounds.buckets = 1;
  EXPECT_EQ(
      WalkEntries(unit, 0, cursor, bounds, count) >> Database::kPositionBits,
      uint64_t{SlotOfKey("{x}")});
  EXPECT_EQ(WalkEntries(unit, 0, kWalkEnd, WalkBounds(), count), 0u);
  unit.End();
}

}  // namespace
}  // namespace holdfast::server
