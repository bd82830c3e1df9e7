// Sorted sets and their scores beside those of redis-server.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "server/text/double.h"
#include "server/types/real_redis_testing.h"
#include "server/types/zset.h"
#include "testing/support/dice.h"

namespace holdfast::server {
namespace {

using Args = std::vector<std::string>;

std::string Format(double value) {
  char buffer[kDoubleChars];
  return std::string(FormatDouble(value, buffer));
}

std::string RandomScore(test::Dice* dice) {
  switch (dice->Below(8)) {
    case 0:
      return absl::StrCat(dice->Between(-100000, 100000));
    case 1:
      return absl::StrCat(dice->Between(-1000, 1000), ".", dice->Below(1000));
    case 2:
      return absl::StrCat(dice->Between(-99, 99), "e",
                          dice->Between(-330, 320));
    case 3:
      return absl::StrCat(dice->Between(-INT64_MAX / 2, INT64_MAX / 2 - 1));
    case 4:
      return Format(std::ldexp(1, static_cast<int>(dice->Between(50, 66))) +
                    static_cast<double>(dice->Between(-2, 2)));
    case 5: {
      const uint64_t bits = static_cast<uint64_t>(dice->Below(INT64_MAX)) * 2;
      double value;
      memcpy(&value, &bits, sizeof(value));
      return Format(value);
    }
    case 6:
      return dice->Pick({"inf",      "-inf",      "+inf",  "-0",  "0",
                         "0x1p-3",   "0x10",      "1e400", "nan", "-nan",
                         "1.",       ".5",        "",      " 1",  "1 ",
                         "infinity", "-Infinity", "1e",    "0x",  "+-1",
                         "1e5",      "1d",        "nan(7)"});
    default: {
      std::string text;
      for (int64_t n = dice->Between(1, 5); n > 0; --n)
        text += "0123456789.eE+-x infanp("[dice->Below(24)];
      return text;
    }
  }
}

TEST(ZsetRedisTest, ScoresAreReadAndWrittenTheSame) {
  if (!RealRedis::Available()) GTEST_SKIP() << "no redis-server 7.0 here";
  RealRedis redis;
  for (const bool small : {true, false}) {
    redis.Call(
        {"CONFIG", "SET", "zset-max-listpack-entries", small ? "128" : "0"});
    const PackedLimits limits = {small ? 128u : 0u, 64};
    test::Dice dice(small ? 1 : 2);
    for (int i = 0; i < 1200; ++i) {
      const std::string text = RandomScore(&dice);
      redis.Call({"DEL", "z"});
      const std::string added = redis.Call({"ZADD", "z", text, "m"});
      double score = 0;
      ASSERT_EQ(ParseDouble(text, &score), added == "1")
          << text << ": " << added;
      // As a bound of a range: anything that is one gives a number, not an
      // error.
      const std::string counted = redis.Call({"ZCOUNT", "none", text, "+inf"});
      const std::string listed = redis.Call({"ZCOUNT", "z", text, text});
      double bound = 0;
      bool exclusive = false;
      ASSERT_EQ(ParseScoreBound(text, &bound, &exclusive), counted == "0")
          << text << ": " << counted;
      if (added != "1") continue;
      Zset zset;
      zset.Add("m", score, {}, limits);
      ASSERT_TRUE(zset.Score("m", &score));
      ASSERT_EQ(Format(score), redis.Call({"ZSCORE", "z", "m"})) << text;
      ASSERT_EQ(
          absl::StrCat(
              zset.RanksByScore({bound, bound, exclusive, exclusive}).size()),
          listed)
          << text;
      if (small) {
        const std::string dump = redis.Call({"DUMP", "z"});
        ASSERT_TRUE(absl::StrContains(dump, std::string(zset.PackedBytes())))
            << text << absl::CHexEscape(dump);
      }
    }
  }
}

// ZADD with all flags, ZRANGE with all kinds of bounds, both forms.
TEST(ZsetRedisTest, DoesWhatRedisDoes) {
  if (!RealRedis::Available()) GTEST_SKIP() << "no redis-server 7.0 here";
  RealRedis redis;
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    test::Dice dice(seed);
    const PackedLimits limits = {static_cast<size_t>(dice.Pick({0, 10, 128})),
                                 20};
    redis.Call({"FLUSHALL"});
    redis.Call({"CONFIG", "SET", "zset-max-listpack-entries",
                absl::StrCat(limits.max_entries)});
    redis.Call({"CONFIG", "SET", "zset-max-listpack-value",
                absl::StrCat(limits.max_value)});
    Zset zset;
    const auto score_text = [&] {
      return std::string(
          dice.Pick({"1", "2", "2.5", "inf", "-inf", "-3", "1e20", "0"}));
    };
    for (int step = 0; step < 400; ++step) {
      const std::string member =
          dice.OneIn(30) ? std::string(21, 'x')
                         : absl::StrCat(dice.Pick({"", "m"}), dice.Below(15));
      const std::string text = score_text();
      Args args = {"ZADD", "z"};
      Zset::AddFlags flags;
      flags.increment = dice.OneIn(3);
      flags.only_new = dice.OneIn(5);
      flags.only_existing = !flags.only_new && dice.OneIn(4);
      flags.only_greater = !flags.only_new && dice.OneIn(4);
      flags.only_less = !flags.only_new && !flags.only_greater && dice.OneIn(4);
      if (flags.increment) args.push_back("INCR");
      if (flags.only_new) args.push_back("NX");
      if (flags.only_existing) args.push_back("XX");
      if (flags.only_greater) args.push_back("GT");
      if (flags.only_less) args.push_back("LT");
      if (!flags.increment) args.push_back("CH");
      args.insert(args.end(), {text, member});
      double by = 0;
      ASSERT_TRUE(ParseDouble(text, &by));
      double now = 0;
      const Zset::AddResult result = zset.Add(member, by, flags, limits, &now);
      const std::string theirs = redis.Call(args);
      switch (result) {
        case Zset::AddResult::kNotANumber:
          ASSERT_EQ(theirs, "ERR resulting score is not a number (NaN)");
          break;
        case Zset::AddResult::kSkipped:
          ASSERT_EQ(theirs, flags.increment ? "(nil)" : "0");
          break;
        default:
          ASSERT_EQ(theirs, flags.increment ? Format(now)
                            : result == Zset::AddResult::kUnchanged ? "0"
                                                                    : "1");
      }
      if (dice.OneIn(8)) {
        ASSERT_EQ(redis.Call({"ZREM", "z", member}),
                  zset.Erase(member) ? "1" : "0");
      }
      if (zset.empty()) {  // Redis begins anew.
        zset = Zset();
        continue;
      }
      ASSERT_EQ(redis.Call({"OBJECT", "ENCODING", "z"}),
                std::string(zset.EncodingName()));
      if (!dice.OneIn(5)) continue;
      Args ours;
      const auto take = [&](absl::string_view m, double s) {
        ours.emplace_back(m);
        ours.push_back(Format(s));
        return true;
      };
      zset.ForRanks({0, zset.size()}, false, take);
      ASSERT_EQ(absl::StrJoin(ours, " "),
                redis.Call({"ZRANGE", "z", "0", "-1", "WITHSCORES"}));
      const std::string min = (dice.OneIn(2) ? "(" : "") + score_text();
      const std::string max = (dice.OneIn(2) ? "(" : "") + score_text();
      ScoreRange range;
      ASSERT_TRUE(ParseScoreBound(min, &range.min, &range.min_exclusive));
      ASSERT_TRUE(ParseScoreBound(max, &range.max, &range.max_exclusive));
      ours.clear();
      zset.ForRanks(zset.RanksByScore(range), true, take);
      ASSERT_EQ(
          absl::StrJoin(ours, " "),
          redis.Call({"ZRANGE", "z", max, min, "BYSCORE", "REV", "WITHSCORES"}))
          << min << " " << max;
    }
  }
}

TEST(ZsetRedisTest, FindsTheSameMembers) {
  if (!RealRedis::Available()) GTEST_SKIP() << "no redis-server 7.0 here";
  RealRedis redis;
  for (const bool small : {true, false}) {
    redis.Call({"FLUSHALL"});
    redis.Call(
        {"CONFIG", "SET", "zset-max-listpack-entries", small ? "128" : "0"});
    Zset zset;
    test::Dice dice(3);
    for (int i = 0; i < 60; ++i) {
      std::string member;
      for (int64_t n = dice.Below(4); n > 0; --n)
        member += "ab1\xff"[dice.Below(4)];
      redis.Call({"ZADD", "z", "5", member});
      zset.Add(member, 5, {}, {small ? 128u : 0u, 64});
    }
    for (int i = 0; i < 500; ++i) {
      std::string bounds[2];
      LexRange range;
      bool good = true;
      for (int b = 0; b < 2; ++b) {
        bounds[b] = dice.Pick({"(", "[", "-", "+", "", "x", "(", "["});
        for (int64_t n = bounds[b].size() == 1 && bounds[b][0] > '(' &&
                                 bounds[b][0] < '['
                             ? 0
                             : dice.Below(3);
             n > 0; --n) {
          bounds[b] += "ab1\xff"[dice.Below(4)];
        }
        good =
            ParseLexBound(bounds[b], b == 0 ? &range.min : &range.max) && good;
      }
      const std::string theirs =
          redis.Call({"ZRANGEBYLEX", "z", bounds[0], bounds[1]});
      if (!good) {
        ASSERT_EQ(theirs, "ERR min or max not valid string range item");
        continue;
      }
      Args ours;
      zset.ForRanks(zset.RanksByLex(range), false,
                    [&](absl::string_view m, double) {
                      ours.emplace_back(m);
                      return true;
                    });
      ASSERT_EQ(absl::StrJoin(ours, " "), theirs)
          << bounds[0] << " " << bounds[1];
    }
  }
}

}  // namespace
}  // namespace holdfast::server
