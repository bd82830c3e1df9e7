#include "server/types/zset.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/support/dice.h"

namespace holdfast::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Element =
    std::pair<double, std::string>;  // In the order of a sorted set.
using AddResult = Zset::AddResult;

constexpr PackedLimits kDefaults = {128, 64};
constexpr PackedLimits kLargeOnly = {0, 64};
constexpr PackedLimits kSmallOnly = {SIZE_MAX, SIZE_MAX};
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<Element> Contents(const Zset& zset) {
  std::vector<Element> out;
  zset.ForEach([&](absl::string_view m, double s) { out.emplace_back(s, m); });
  return out;
}

std::vector<Element> InRanks(const Zset& zset, Zset::Ranks ranks,
                             bool reverse) {
  std::vector<Element> out;
  zset.ForRanks(ranks, reverse, [&](absl::string_view m, double s) {
    out.emplace_back(s, m);
    return true;
  });
  return out;
}

std::vector<std::string> Members(const std::vector<Element>& elements) {
  std::vector<std::string> out;
  for (const Element& e : elements) out.push_back(e.second);
  return out;
}

Zset SetOf(const std::vector<Element>& elements, const PackedLimits& limits) {
  Zset zset;
  for (const Element& e : elements) {
    EXPECT_EQ(zset.Add(e.second, e.first, {}, limits), AddResult::kAdded);
  }
  return zset;
}

Listpack ListOf(const std::vector<std::string>& elements) {
  Listpack lp;
  for (const std::string& e : elements) lp.Append(e);
  return lp;
}

// Both forms have to behave the same.
class ZsetFormTest : public ::testing::TestWithParam<PackedLimits> {
 protected:
  const PackedLimits limits_ = GetParam();
};
INSTANTIATE_TEST_SUITE_P(Forms, ZsetFormTest,
                         ::testing::Values(kSmallOnly, kLargeOnly),
                         [](const auto& info) {
                           return info.param.max_entries > 0 ? "Small"
                                                             : "Large";
                         });

// The bytes were asked of redis-server 7.0.15: DUMP of sets of these.
TEST(ZsetTest, SmallFormIsWhatRedisWrites) {
  const auto hex = [](const std::vector<Element>& elements) {
    return absl::BytesToHexString(SetOf(elements, kDefaults).PackedBytes());
  };
  EXPECT_EQ(hex({{0, "m"}}), "0c0000000200816d020001ff");
  EXPECT_EQ(hex({{-0.0, "m"}}), "0c0000000200816d020001ff");
  EXPECT_EQ(hex({{1e20, "m"}}), "110000000200816d028531652b323006ff");
  EXPECT_EQ(hex({{kInf, "m"}}), "0f0000000200816d0283696e6604ff");
  EXPECT_EQ(hex({{4611686018427387904.0, "m"}}),
            "140000000200816d02f4000000000000004009ff");
}

TEST_P(ZsetFormTest, OrdersByScoreThenMember) {
  const Zset zset = SetOf({{2, "b"},
                           {kInf, "z"},
                           {2, "a"},
                           {-kInf, "y"},
                           {2, ""},
                           {1.5, "c"},
                           {2, "aa"}},
                          limits_);
  EXPECT_THAT(Members(Contents(zset)),
              ElementsAre("y", "c", "", "a", "aa", "b", "z"));
  EXPECT_EQ(zset.EncodingName(),
            limits_.max_entries > 0 ? "listpack" : "skiplist");
}

TEST_P(ZsetFormTest, AddObeysItsFlags) {
  Zset zset = SetOf({{5, "m"}}, limits_);
  double score = 0;
  const auto add = [&](const char* member, double by, Zset::AddFlags flags) {
    score = -1;
    return zset.Add(member, by, flags, limits_, &score);
  };
  EXPECT_EQ(add("m", kNan, {}), AddResult::kNotANumber);
  EXPECT_EQ(add("n", kNan, {.only_existing = true}), AddResult::kNotANumber);
  EXPECT_EQ(add("m", 6, {.only_new = true}), AddResult::kSkipped);
  EXPECT_EQ(add("n", 6, {.only_existing = true}), AddResult::kSkipped);
  EXPECT_EQ(add("m", 5, {.only_greater = true}), AddResult::kSkipped);
  EXPECT_EQ(add("m", 4, {.only_greater = true}), AddResult::kSkipped);
  EXPECT_EQ(add("m", 5, {.only_less = true}), AddResult::kSkipped);
  EXPECT_EQ(add("m", 6, {.only_less = true}), AddResult::kSkipped);
  EXPECT_EQ(add("m", -1, {.only_greater = true, .increment = true}),
            AddResult::kSkipped);
  EXPECT_EQ(score, -1);
  EXPECT_EQ(add("m", 5, {}), AddResult::kUnchanged);
  EXPECT_EQ(score, 5);
  EXPECT_EQ(add("m", 0, {.increment = true}), AddResult::kUnchanged);
  EXPECT_EQ(add("m", 6, {.only_greater = true}), AddResult::kUpdated);
  EXPECT_EQ(add("m", 1, {.only_existing = true, .only_less = true}),
            AddResult::kUpdated);
  EXPECT_EQ(add("m", 1.5, {.increment = true}), AddResult::kUpdated);
  EXPECT_EQ(score, 2.5);
  EXPECT_EQ(add("new", 7, {.only_greater = true, .increment = true}),
            AddResult::kAdded);
  EXPECT_EQ(score, 7);
  EXPECT_EQ(add("inf", kInf, {}), AddResult::kAdded);
  EXPECT_EQ(add("inf", -kInf, {.increment = true}), AddResult::kNotANumber);
  EXPECT_EQ(add("inf", 1, {.increment = true}), AddResult::kUnchanged);
  EXPECT_THAT(Members(Contents(zset)), ElementsAre("m", "new", "inf"));
}

TEST_P(ZsetFormTest, RefusesToFindWhatIsNotThere) {
  Zset zset;
  double score = 0;
  size_t rank = 0;
  std::string member;
  for (int round = 0; round < 2; ++round) {
    EXPECT_FALSE(zset.Score("x", &score));
    EXPECT_FALSE(zset.Rank("x", false, &rank));
    EXPECT_FALSE(zset.Erase("x"));
    // A score is not a member.
    EXPECT_FALSE(zset.Contains("7"));
    EXPECT_FALSE(zset.Rank("7", false, &rank));
    if (round == 0) {
      EXPECT_FALSE(zset.PopMin(&member, &score));
      EXPECT_FALSE(zset.PopMax(&member, &score));
      EXPECT_EQ(zset.RanksByScore({-kInf, kInf}).size(), 0u);
      EXPECT_EQ(zset.RanksByLex({{LexBound::Kind::kMin, {}},
                                 {LexBound::Kind::kMax, {}}})
                    .size(),
                0u);
      zset.EraseRanks({0, 0});
      EXPECT_THAT(Contents(zset), IsEmpty());
    }
    zset.Add("y", 7, {}, limits_);
  }
}

TEST_P(ZsetFormTest, FindsRangesOfMembers) {
  Zset zset =
      SetOf({{0, "a"}, {0, "b"}, {0, "bb"}, {0, "c"}, {0, "17"}}, limits_);
  const auto range = [&](absl::string_view min, absl::string_view max) {
    LexRange range;
    EXPECT_TRUE(ParseLexBound(min, &range.min) &&
                ParseLexBound(max, &range.max));
    return Members(InRanks(zset, zset.RanksByLex(range), false));
  };
  EXPECT_THAT(range("-", "+"), ElementsAre("17", "a", "b", "bb", "c"));
  EXPECT_THAT(range("[b", "[bb"), ElementsAre("b", "bb"));
  EXPECT_THAT(range("(b", "(c"), ElementsAre("bb"));
  EXPECT_THAT(range("-", "(a"), ElementsAre("17"));
  EXPECT_THAT(range("[", "[1"), IsEmpty());
  for (const auto& [min, max] :
       std::vector<std::pair<const char*, const char*>>{{"+", "-"},
                                                        {"-", "-"},
                                                        {"+", "+"},
                                                        {"(b", "(b"},
                                                        {"[b", "(b"},
                                                        {"[c", "[a"},
                                                        {"[d", "+"},
                                                        {"-", "["}}) {
    EXPECT_THAT(range(min, max), IsEmpty()) << min << " " << max;
  }
}

TEST(ZsetTest, RefusesBoundsThatAreNone) {
  LexBound bound;
  for (const char* bad : {"", "a", "-a", "+a", "--", "]a", "5", " [a"}) {
    EXPECT_FALSE(ParseLexBound(bad, &bound)) << bad;
  }
  EXPECT_TRUE(ParseLexBound("(", &bound));
  EXPECT_EQ(bound.kind, LexBound::Kind::kExclusive);
  EXPECT_EQ(bound.member, "");
  EXPECT_TRUE(ParseLexBound("[-", &bound));
  EXPECT_EQ(bound.member, "-");
}

TEST(ZsetTest, BecomesLargeWhereRedisDoes) {
  Zset zset;
  for (int i = 0; i < 128; ++i) zset.Add(absl::StrCat(i), i, {}, kDefaults);
  EXPECT_EQ(zset.EncodingName(), "listpack");
  // No new member, no conversion: not for an update, nor if the flags forbid
  // it.
  EXPECT_EQ(zset.Add("5", 1e300, {}, kDefaults), AddResult::kUpdated);
  EXPECT_EQ(zset.Add("x", 1, {.only_existing = true}, kDefaults),
            AddResult::kSkipped);
  EXPECT_EQ(zset.EncodingName(), "listpack");
  const std::vector<Element> before = Contents(zset);
  zset.Add("last", kInf, {}, kDefaults);
  EXPECT_EQ(zset.EncodingName(), "skiplist");
  EXPECT_TRUE(zset.PackedBytes().empty());
  EXPECT_TRUE(zset.Erase("last"));
  EXPECT_EQ(Contents(zset), before);
  EXPECT_EQ(zset.EncodingName(), "skiplist");

  Zset by_value;
  by_value.Add(std::string(64, 'x'), 1, {}, kDefaults);
  EXPECT_EQ(by_value.EncodingName(), "listpack");
  by_value.Add(std::string(65, 'x'), 1, {}, kDefaults);
  EXPECT_EQ(by_value.EncodingName(), "skiplist");
}

// As redis-server does: -0 is a score of the large form only.
TEST(ZsetTest, KeepsNegativeZeroOnlyInTheLargeForm) {
  double score = 1;
  SetOf({{-0.0, "m"}}, kLargeOnly).Score("m", &score);
  EXPECT_TRUE(std::signbit(score));
  SetOf({{-0.0, "m"}}, kSmallOnly).Score("m", &score);
  EXPECT_FALSE(std::signbit(score));
}

TEST_P(ZsetFormTest, TakesListpacks) {
  const absl::StatusOr<Zset> zset = Zset::FromListpack(
      ListOf({"b", "-inf", "5", "-0.5", "a", "1", "", "1e+20", "z", "inf"}),
      limits_);
  ASSERT_TRUE(zset.ok());
  EXPECT_EQ(Contents(*zset),
            (std::vector<Element>{
                {-kInf, "b"}, {-0.5, "5"}, {1, "a"}, {1e20, ""}, {kInf, "z"}}));
  EXPECT_EQ(zset->EncodingName(),
            limits_.max_entries > 0 ? "listpack" : "skiplist");
  ASSERT_TRUE(Zset::FromListpack(Listpack(), limits_).ok());
}

TEST_P(ZsetFormTest, PutsListpacksInOrder) {
  const absl::StatusOr<Zset> zset =
      Zset::FromListpack(ListOf({"b", "3", "a", "3", "c", "0.1"}), limits_);
  ASSERT_TRUE(zset.ok());
  EXPECT_THAT(Members(Contents(*zset)), ElementsAre("c", "a", "b"));
}

TEST_P(ZsetFormTest, RefusesListpacksThatAreNoSortedSets) {
  for (const std::vector<std::string>& bad :
       std::vector<std::vector<std::string>>{{"a"},
                                             {"a", "1", "b"},
                                             {"a", "b"},
                                             {"a", ""},
                                             {"a", "nan"},
                                             {"a", "-nan"},
                                             {"a", "1x"},
                                             {"a", " 1"},
                                             {"a", "1e400"},
                                             {"a", "1", "a", "2"},
                                             {"a", "1", "b", "1", "a", "1"},
                                             {"5", "1", "5", "2"}}) {
    EXPECT_EQ(Zset::FromListpack(ListOf(bad), limits_).status().code(),
              absl::StatusCode::kInvalidArgument)
        << bad.size() << " " << bad[0];
  }
}

struct Model {
  std::map<std::string, double> scores;
  std::set<Element> order;

  void Set(const std::string& member, double score) {
    Erase(member);
    scores[member] = score;
    order.insert({score, member});
  }
  bool Erase(const std::string& member) {
    const auto at = scores.find(member);
    if (at == scores.end()) return false;
    order.erase({at->second, member});
    scores.erase(at);
    return true;
  }
  std::vector<Element> All() const { return {order.begin(), order.end()}; }
};

double RandomScore(test::Dice* dice) {
  switch (dice->Below(5)) {
    case 0:
      return static_cast<double>(dice->Between(-1000, 1000)) / 8;
    case 1:
      return dice->Pick({kInf, -kInf, 0.0, 1e20, 0.1});
    default:
      return static_cast<double>(dice->Below(30));
  }
}

void Compare(const Zset& zset, const Model& model, test::Dice* dice) {
  const std::vector<Element> all = model.All();
  ASSERT_EQ(zset.size(), all.size());
  ASSERT_EQ(Contents(zset), all);
  for (size_t i = 0; i < all.size(); ++i) {
    size_t rank = 0;
    double score = 0;
    ASSERT_TRUE(zset.Rank(all[i].second, false, &rank));
    ASSERT_EQ(rank, i);
    ASSERT_TRUE(zset.Rank(all[i].second, true, &rank));
    ASSERT_EQ(rank, all.size() - 1 - i);
    ASSERT_TRUE(zset.Score(all[i].second, &score));
    ASSERT_EQ(score, all[i].first);
    zset.At(i, [&](absl::string_view m, double s) {
      EXPECT_EQ(m, all[i].second);
      EXPECT_EQ(s, all[i].first);
    });
  }
  for (int i = 0; i < 10; ++i) {
    const ScoreRange range = {RandomScore(dice), RandomScore(dice),
                              dice->OneIn(2), dice->OneIn(2)};
    std::vector<Element> expected;
    for (const Element& e : all) {
      if ((range.min_exclusive ? e.first > range.min : e.first >= range.min) &&
          (range.max_exclusive ? e.first < range.max : e.first <= range.max)) {
        expected.push_back(e);
      }
    }
    const Zset::Ranks ranks = zset.RanksByScore(range);
    ASSERT_EQ(ranks.size(), expected.size()) << range.min << " " << range.max;
    ASSERT_EQ(InRanks(zset, ranks, false), expected);
    std::reverse(expected.begin(), expected.end());
    ASSERT_EQ(InRanks(zset, ranks, true), expected);
  }
}

void RunAgainstModel(uint64_t seed, const PackedLimits& limits, int steps,
                     int members) {
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  test::Dice dice(seed);
  Zset zset;
  Model model;
  for (int step = 0; step < steps; ++step) {
    const std::string member =
        dice.OneIn(2) ? absl::StrCat(dice.Below(members))
                      : absl::StrCat("member:", dice.Below(members));
    const auto at = model.scores.find(member);
    switch (dice.Below(12)) {
      case 0:
        ASSERT_EQ(zset.Erase(member), model.Erase(member));
        break;
      case 1: {
        const auto size = static_cast<int64_t>(model.order.size());
        const int64_t first = dice.Below(size + 1);
        const int64_t count = std::min(size - first, dice.Below(4));
        auto begin = std::next(model.order.begin(), first);
        std::vector<Element> expected(begin, std::next(begin, count));
        std::vector<Element> erased;
        zset.EraseRanks(
            {static_cast<size_t>(first), static_cast<size_t>(first + count)},
            [&](absl::string_view m, double s) { erased.emplace_back(s, m); });
        ASSERT_EQ(erased, expected);
        for (const Element& e : expected) model.Erase(e.second);
        break;
      }
      case 2: {
        std::string popped;
        double score;
        const bool max = dice.OneIn(2);
        ASSERT_EQ(
            max ? zset.PopMax(&popped, &score) : zset.PopMin(&popped, &score),
            !model.order.empty());
        if (model.order.empty()) break;
        ASSERT_EQ((Element{score, popped}),
                  max ? *model.order.rbegin() : *model.order.begin());
        model.Erase(popped);
        break;
      }
      default: {
        const double score = RandomScore(&dice);
        double now = 0;
        const bool increment = dice.OneIn(4);
        const double wanted =
            increment && at != model.scores.end() ? at->second + score : score;
        const AddResult result =
            zset.Add(member, score, {.increment = increment}, limits, &now);
        if (std::isnan(wanted)) {
          ASSERT_EQ(result, AddResult::kNotANumber);
          break;
        }
        ASSERT_EQ(now, wanted);
        ASSERT_EQ(result, at == model.scores.end() ? AddResult::kAdded
                          : at->second == wanted   ? AddResult::kUnchanged
                                                   : AddResult::kUpdated);
        model.Set(member, wanted);
      }
    }
    if (dice.OneIn(steps / 8)) {
      ASSERT_NO_FATAL_FAILURE(Compare(zset, model, &dice));
    }
  }
  ASSERT_NO_FATAL_FAILURE(Compare(zset, model, &dice));
  const Zset copy = zset.Clone();
  zset.Add("only in one", 1, {}, limits);
  ASSERT_NO_FATAL_FAILURE(Compare(copy, model, &dice));
  ASSERT_EQ(copy.EncodingName(), zset.EncodingName());
}

TEST_P(ZsetFormTest, DoesWhatAModelDoes) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    ASSERT_NO_FATAL_FAILURE(RunAgainstModel(seed, limits_, 400, 40));
  }
}

TEST(ZsetTest, DoesWhatAModelDoesAcrossTheConversion) {
  for (uint64_t seed = 21; seed <= 24; ++seed) {
    ASSERT_NO_FATAL_FAILURE(RunAgainstModel(seed, {30, 64}, 600, 100));
  }
}

TEST(ZsetTest, DoesWhatAModelDoesWhenLarge) {
  ASSERT_NO_FATAL_FAILURE(RunAgainstModel(31, kDefaults, 10000, 5000));
}

TEST_P(ZsetFormTest, ReverseStopsWhereItIsTold) {
  const Zset zset = SetOf({{1, "a"}, {2, "b"}, {3, "c"}, {4, "d"}}, limits_);
  std::vector<std::string> seen;
  zset.ForRanks({0, 4}, true, [&](absl::string_view m, double) {
    seen.emplace_back(m);
    return seen.size() < 2;
  });
  EXPECT_THAT(seen, ElementsAre("d", "c"));
}

TEST_P(ZsetFormTest, PicksEveryElementEquallyOften) {
  Zset zset;
  for (int i = 0; i < 20; ++i) zset.Add(absl::StrCat(i), i, {}, limits_);
  test::Dice dice(9);
  std::map<std::string, int> picked;
  for (int i = 0; i < 20000; ++i) {
    zset.Random([&] { return static_cast<uint64_t>(dice.Below(INT64_MAX)); },
                [&](absl::string_view m, double) { ++picked[std::string(m)]; });
  }
  EXPECT_EQ(picked.size(), 20u);
  for (const auto& [member, times] : picked) {
    EXPECT_GT(times, 800) << member;
    EXPECT_LT(times, 1200) << member;
  }
}

TEST(ZsetTest, ScanSeesAllThatStays) {
  Zset zset;
  for (int i = 0; i < 5000; ++i)
    zset.Add(absl::StrCat("stays", i), i, {}, kDefaults);
  for (int i = 0; i < 5000; ++i)
    zset.Add(absl::StrCat("goes", i), i, {}, kDefaults);
  std::set<std::string> seen;
  uint64_t cursor = 0;
  int step = 0;
  do {
    size_t shown = 0;
    cursor = zset.Scan(cursor, 10, [&](absl::string_view m, double) {
      ++shown;
      if (m[0] == 's') seen.insert(std::string(m));
    });
    EXPECT_LT(shown, 100u);
    for (int i = 0; i < 20 && step < 5000; ++i, ++step)
      zset.Erase(absl::StrCat("goes", step));
  } while (cursor != 0);
  EXPECT_EQ(seen.size(), 5000u);
  zset.Scan(UINT64_MAX, 10,
            [](absl::string_view, double) { FAIL() << "behind the end"; });
}

TEST(ZsetTest, SmallFormIsScannedAtOnce) {
  const Zset zset = SetOf({{1, "a"}, {2, "b"}}, kDefaults);
  int seen = 0;
  EXPECT_EQ(zset.Scan(0, 1, [&](absl::string_view, double) { ++seen; }), 0u);
  EXPECT_EQ(seen, 2);
}

TEST(ZsetTest, CountsItsMemory) {
  Zset zset;
  for (int i = 0; i < 10000; ++i)
    zset.Add(absl::StrCat("member:", 1000000 + i), i, {}, kDefaults);
  // 37 bytes and the member, five for higher links, one to two bucket pointers.
  const double per_element = static_cast<double>(zset.MemoryUsage()) / 10000;
  RecordProperty("bytes_per_element", absl::StrCat(per_element));
  EXPECT_GT(per_element, 55);
  EXPECT_LT(per_element, 90);
  EXPECT_EQ(zset.FreeEffort(), 10000u);
  while (!zset.empty())
    zset.EraseRanks({0, std::min<size_t>(zset.size(), 777)});
  EXPECT_LT(zset.MemoryUsage(), 1024u);
  EXPECT_EQ(zset.EncodingName(), "skiplist");
}

TEST(ZsetTest, MovesAndIsAssigned) {
  Zset a = SetOf({{1, "a"}}, kLargeOnly);
  Zset b = SetOf({{2, "b"}}, kSmallOnly);
  b = std::move(a);
  EXPECT_THAT(Members(Contents(b)), ElementsAre("a"));
  const Zset c(std::move(b));
  EXPECT_THAT(Members(Contents(c)), ElementsAre("a"));
}

}  // namespace
}  // namespace holdfast::server
