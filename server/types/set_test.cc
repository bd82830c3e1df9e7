#include "server/types/set.h"

#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/support/dice.h"

namespace holdfast::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Model = std::set<std::string>;

constexpr SetLimits kUsual = {512, {32, 64}};
constexpr SetLimits kNeverInBlocks = {0, {0, 0}};
constexpr SetLimits kNeverPacked = {512, {0, 0}};

Model Contents(const Set& set) {
  Model out;
  set.ForEach([&](absl::string_view member) {
    EXPECT_TRUE(out.emplace(member).second) << "seen twice: " << member;
  });
  EXPECT_EQ(out.size(), set.size());
  return out;
}

auto RandomOf(test::Dice* dice) {
  return [dice] {
    return static_cast<uint64_t>(dice->Below(int64_t{1} << 62)) << 2 |
           static_cast<uint64_t>(dice->Below(4));
  };
}

TEST(SetTest, BeginsEmptyAndOwnsNothing) {
  Set set;
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(set.MemoryUsage(), 0u);
  EXPECT_FALSE(set.Contains("a"));
  EXPECT_FALSE(set.ContainsInteger(0));
  EXPECT_FALSE(set.Erase("a"));
  EXPECT_FALSE(set.Erase("1"));
  EXPECT_FALSE(set.EraseInteger(1));
  EXPECT_THAT(Contents(set), IsEmpty());
  EXPECT_EQ(set.IntsetBytes(), "");
  EXPECT_EQ(set.Scan(5, 10, [](absl::string_view) { FAIL(); }), 0u);
  EXPECT_TRUE(set.Clone().empty());
}

TEST(SetTest, IsAnIntsetOfCanonicalIntegersOnly) {
  Set set;
  EXPECT_TRUE(set.Add("10", kUsual));
  EXPECT_FALSE(set.Add("10", kUsual));
  EXPECT_FALSE(set.AddInteger(10, kUsual));
  EXPECT_TRUE(set.AddInteger(-9223372036854775807 - 1, kUsual));
  EXPECT_EQ(set.EncodingName(), "intset");
  EXPECT_EQ(set.IntegerAt(0), INT64_MIN);
  EXPECT_EQ(set.IntsetBytes().size(), 8u + 16);
  for (const char* no_member : {"010", "+10", "10.0", " 10", "1e1", ""}) {
    EXPECT_FALSE(set.Contains(no_member)) << no_member;
    EXPECT_FALSE(set.Erase(no_member)) << no_member;
  }
  Set strings = set.Clone();
  EXPECT_TRUE(strings.Add("010", kUsual));
  EXPECT_EQ(strings.EncodingName(), "hashtable");
  EXPECT_EQ(strings.IntsetBytes(), "");
  EXPECT_EQ(Contents(strings), Model({"10", "-9223372036854775808", "010"}));
  // It does not come back.
  EXPECT_TRUE(strings.Erase("010"));
  EXPECT_EQ(strings.EncodingName(), "hashtable");
  EXPECT_EQ(Contents(strings), Contents(set));
  EXPECT_TRUE(strings.ContainsInteger(INT64_MIN));
  EXPECT_TRUE(strings.EraseInteger(INT64_MIN));
  EXPECT_FALSE(strings.AddInteger(10, kUsual));
}

TEST(SetTest, LeavesTheIntsetWithOneMemberTooMany) {
  for (const SetLimits& limits :
       {SetLimits{10, {32, 64}}, SetLimits{10, {0, 0}},
        SetLimits{10, {32, 19}}}) {
    Set set;
    for (int64_t i = 0; i < 10; ++i) set.AddInteger(i * 1000, limits);
    EXPECT_EQ(set.EncodingName(), "intset");
    EXPECT_FALSE(set.AddInteger(9000, limits));
    EXPECT_EQ(set.EncodingName(), "intset");
    Model expected = Contents(set);
    expected.insert("-1");
    EXPECT_TRUE(set.AddInteger(-1, limits));
    EXPECT_EQ(set.EncodingName(), "hashtable");
    EXPECT_EQ(Contents(set), expected);
    EXPECT_FALSE(set.Add("-1", limits));
  }
  Set never;
  EXPECT_TRUE(never.Add("1", kNeverInBlocks));
  EXPECT_EQ(never.EncodingName(), "hashtable");
  EXPECT_EQ(Contents(never), Model({"1"}));
}

TEST(SetTest, TakesAnIntsetFromALoader) {
  Intset integers;
  for (int64_t i = 0; i < 20; ++i) integers.Insert(i);
  EXPECT_EQ(Set::FromIntset(integers.Clone(), {20, {32, 64}}).EncodingName(),
            "intset");
  const Set large = Set::FromIntset(integers.Clone(), {19, {32, 64}});
  EXPECT_EQ(large.EncodingName(), "hashtable");
  EXPECT_EQ(Contents(large),
            Contents(Set::FromIntset(integers.Clone(), kUsual)));
}

TEST(SetTest, FewShortStringsAreOneBlockAndMoreATable) {
  Set set;
  for (int i = 0; i < 32; ++i)
    EXPECT_TRUE(set.Add(absl::StrCat("m", i), kUsual));
  EXPECT_EQ(set.FreeEffort(), 1u);
  EXPECT_LT(set.MemoryUsage(), 300u);
  Set longer = set.Clone();
  longer.Erase("m0");
  EXPECT_TRUE(longer.Add(std::string(64, 'x'), kUsual));
  EXPECT_EQ(longer.FreeEffort(), 1u);
  longer.Erase("m1");
  EXPECT_TRUE(longer.Add(std::string(65, 'x'), kUsual));
  EXPECT_EQ(longer.FreeEffort(), 32u);
  EXPECT_FALSE(set.Add("m0", kUsual));
  EXPECT_EQ(set.FreeEffort(), 1u);
  EXPECT_TRUE(set.Add("one more", kUsual));
  EXPECT_EQ(set.FreeEffort(), 33u);
  EXPECT_EQ(set.size(), 33u);
}

TEST(SetTest, MembersMayBeAnyBytes) {
  for (const SetLimits& limits : {kUsual, kNeverPacked}) {
    Set set;
    const Model members = {"",   std::string(1, '\0'), std::string(2, '\0'),
                           "-0", "\xff\xfe",           std::string(5000, 'x')};
    for (const std::string& m : members) EXPECT_TRUE(set.Add(m, limits));
    for (const std::string& m : members) EXPECT_FALSE(set.Add(m, limits));
    EXPECT_EQ(Contents(set), members);
    EXPECT_FALSE(set.Contains("0"));
    for (const std::string& m : members) EXPECT_TRUE(set.Erase(m));
    EXPECT_TRUE(set.empty());
  }
}

std::string RandomMember(test::Dice* dice, bool integers) {
  if (integers && !dice->OneIn(500)) {
    return absl::StrCat(dice->OneIn(50)
                            ? dice->Between(INT64_MIN / 4, INT64_MAX / 4)
                            : dice->Between(-60, 60));
  }
  switch (dice->Below(6)) {
    case 0:
      return absl::StrCat(dice->Below(30) - 15);
    case 1:
      return std::string(static_cast<size_t>(dice->Below(70)), 'x');
    default:
      return absl::StrCat("m", dice->Below(100));
  }
}

TEST(SetTest, DoesWhatASetDoes) {
  const SetLimits kinds[] = {kUsual,
                             kNeverInBlocks,
                             {100, {1000, 1000}},
                             {1000, {20, 64}},
                             kNeverPacked};
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    test::Dice dice(seed);
    const SetLimits& limits = kinds[seed % 5];
    Set set;
    Model model;
    for (int step = 0; step < 1200; ++step) {
      const std::string member = RandomMember(&dice, seed > 5);
      switch (dice.Below(5)) {
        case 0:
          ASSERT_EQ(set.Erase(member), model.erase(member) == 1);
          break;
        case 1:
          if (model.empty() || !dice.OneIn(3)) break;
          set.PopRandom(RandomOf(&dice), [&](absl::string_view m) {
            ASSERT_EQ(model.erase(std::string(m)), 1u) << m;
          });
          break;
        default:
          ASSERT_EQ(set.Add(member, limits), model.insert(member).second);
      }
      const std::string other = RandomMember(&dice, seed > 5);
      ASSERT_EQ(set.Contains(other), model.count(other) == 1);
      ASSERT_EQ(set.size(), model.size());
    }
    EXPECT_EQ(Contents(set), model);
    Set copy = set.Clone();
    EXPECT_EQ(copy.EncodingName(), set.EncodingName());
    set.Add("only here", limits);
    EXPECT_EQ(Contents(copy), model);
    Set moved = std::move(copy);
    EXPECT_TRUE(copy.empty());  // NOLINT: a moved-from set is an empty one.
    while (!moved.empty()) {
      moved.PopRandom(RandomOf(&dice), [&](absl::string_view m) {
        ASSERT_EQ(model.erase(std::string(m)), 1u);
      });
    }
    EXPECT_TRUE(model.empty());
    EXPECT_LT(moved.MemoryUsage(), 100u);
  }
}

TEST(SetTest, EveryMemberHasTheSameChance) {
  // An intset, a block, a small table, and one with segments of two depths.
  struct Case {
    const char* prefix;
    int members;
    SetLimits limits;
  };
  for (const Case& c : {Case{"", 30, kUsual}, Case{"m", 30, kUsual},
                        Case{"m", 64, kUsual}, Case{"", 1500, kNeverPacked}}) {
    SCOPED_TRACE(absl::StrCat(c.prefix, c.members));
    Set set;
    for (int i = 0; i < c.members; ++i)
      set.Add(absl::StrCat(c.prefix, i), c.limits);
    test::Dice dice(9);
    std::map<std::string, int> picked;
    constexpr int kEach = 20;
    for (int i = 0; i < kEach * c.members; ++i) {
      set.RandomMember(RandomOf(&dice),
                       [&](absl::string_view m) { ++picked[std::string(m)]; });
    }
    double chi_square = 0;
    for (int i = 0; i < c.members; ++i) {
      const double off = picked[absl::StrCat(c.prefix, i)] - kEach;
      chi_square += off * off / kEach;
    }
    // Bounds that chance never meets, whatever the seed of the hash function
    // is.
    const double degrees = c.members - 1;
    EXPECT_LT(chi_square, degrees + 6 * std::sqrt(2 * degrees) + 20);
  }
}

// A table that was large keeps its directory: the last members have to be found
// in it.
TEST(SetTest, PopsTheLastMembersOfASetThatWasLarge) {
  Set set;
  test::Dice dice(4);
  for (int i = 0; i < 20000; ++i) set.Add(absl::StrCat("m", i), kUsual);
  for (int i = 0; i < 19980; ++i) ASSERT_TRUE(set.Erase(absl::StrCat("m", i)));
  Model last;
  while (!set.empty())
    set.PopRandom(RandomOf(&dice),
                  [&](absl::string_view m) { last.emplace(m); });
  EXPECT_EQ(last.size(), 20u);
  EXPECT_EQ(last.count("m19999"), 1u);
}

TEST(SetTest, ScanShowsAllThatStays) {
  Set set;
  for (int i = 0; i < 3000; ++i) set.Add(absl::StrCat("m", i), kUsual);
  Model seen;
  int calls = 0;
  uint64_t cursor = 0;
  do {
    cursor =
        set.Scan(cursor, 10, [&](absl::string_view m) { seen.emplace(m); });
    set.Erase(absl::StrCat("m", 2999 - calls));
    ASSERT_LT(++calls, 1000);
  } while (cursor != 0);
  EXPECT_GT(calls, 100);
  for (int i = 0; i < 2000; ++i)
    EXPECT_EQ(seen.count(absl::StrCat("m", i)), 1u) << i;
  Set integers;
  for (const int64_t v : {3, 1, 2}) integers.AddInteger(v, kUsual);
  std::vector<std::string> in_order;
  EXPECT_EQ(
      integers.Scan(12345, 1,
                    [&](absl::string_view m) { in_order.emplace_back(m); }),
      0u);
  EXPECT_THAT(in_order, ElementsAre("1", "2", "3"));
}

TEST(SetTest, SaysWhatItOwns) {
  Set set;
  for (int i = 0; i < 10000; ++i) set.Add(absl::StrCat("member:", i), kUsual);
  EXPECT_EQ(set.FreeEffort(), 10000u);
  const double all = static_cast<double>(set.MemoryUsage());
  EXPECT_GT(all, 10000 * (12 + 10));
  EXPECT_LT(all, 10000 * 70);
  EXPECT_NEAR(static_cast<double>(set.MemoryUsage(5)), all, all / 5);
}

}  // namespace
}  // namespace holdfast::server
