#include "server/text/double.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "testing/support/dice.h"

namespace holdfast::server {
namespace {

std::string Format(double value) {
  char buffer[kDoubleChars];
  return std::string(FormatDouble(value, buffer));
}

std::string Packed(double value) {
  char buffer[kDoubleChars];
  return std::string(FormatPackedScore(value, buffer));
}

double FromBits(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

// Doubles of every kind: near integers, near powers, decimal fractions, any
// bits.
double RandomDouble(test::Dice* dice) {
  const double sign = dice->OneIn(2) ? 1 : -1;
  switch (dice->Below(6)) {
    case 0:
      return sign * static_cast<double>(dice->Below(100000));
    case 1:
      return sign * static_cast<double>(dice->Below(1000000)) / 1000;
    case 2:
      return sign * std::ldexp(static_cast<double>(dice->Below(9)),
                               static_cast<int>(dice->Between(-1075, 1020)));
    case 3:
      return sign * (std::ldexp(1, static_cast<int>(dice->Between(40, 66))) +
                     static_cast<double>(dice->Between(-3, 3)) / 2);
    case 4:
      return sign * std::pow(10, static_cast<double>(dice->Between(-20, 20)));
    default:
      return FromBits(static_cast<uint64_t>(dice->Below(INT64_MAX)) * 2 +
                      static_cast<uint64_t>(dice->Below(2)));
  }
}

// All of these were given to redis-server 7.0.15 as scores.
TEST(DoubleTest, TakesWhatRedisTakesAsAScore) {
  const struct {
    const char* text;
    double value;
  } kGood[] = {{"1", 1},
               {"-0", 0},
               {"+5", 5},
               {"0x10", 16},
               {"0x1p-3", 0.125},
               {"1e5", 1e5},
               {".5", 0.5},
               {"5.", 5},
               {"3.14", 3.14},
               {"1e-310", 1e-310},
               {"0e-400", 0},
               {"inf", HUGE_VAL},
               {"+inf", HUGE_VAL},
               {"-inf", -HUGE_VAL},
               {"INF", HUGE_VAL},
               {"infinity", HUGE_VAL},
               {"-Infinity", -HUGE_VAL},
               {"9223372036854775807", 9223372036854775808.0},
               {"4503599627370497.5", 4503599627370498.0}};
  for (const auto& good : kGood) {
    double value = -1;
    EXPECT_TRUE(ParseDouble(good.text, &value)) << good.text;
    EXPECT_EQ(value, good.value) << good.text;
  }
  for (const char* bad :
       {"",       " ",      " 5",      "5 ",     "\t5", "\v5",
        "5\n",    "nan",    "-nan",    "nan(1)", "NaN", "1e400",
        "-1e400", "1e-400", "-1e-400", "0x",     "0xg", "1d",
        "1,5",    "--1",    "+-1",     "+",      "-",   ".",
        "e5",     "1e",     "infin",   "(1",     "1 2"}) {
    double value = -1;
    EXPECT_FALSE(ParseDouble(bad, &value)) << bad;
    EXPECT_EQ(value, -1) << bad;
  }
  double value = -1;
  EXPECT_FALSE(ParseDouble(absl::string_view("5\0", 2), &value));
  EXPECT_FALSE(ParseDouble(absl::string_view("\0", 1), &value));
  EXPECT_FALSE(ParseDouble(absl::string_view("+5\0x", 4), &value));
  EXPECT_TRUE(ParseDouble(std::string(100000, '0') + "7", &value));
  EXPECT_EQ(value, 7);
  EXPECT_TRUE(ParseDouble("+0." + std::string(100000, '1'), &value));
}

TEST(DoubleTest, TakesWhatRedisTakesAsABound) {
  const struct {
    absl::string_view text;
    double value;
    bool exclusive;
  } kGood[] = {{"1", 1, false},
               {"(1", 1, true},
               {"( 1", 1, true},
               {" 1", 1, false},
               {"", 0, false},
               {"(", 0, true},
               {"(inf", HUGE_VAL, true},
               {"-inf", -HUGE_VAL, false},
               {"+inf", HUGE_VAL, false},
               {"1e400", HUGE_VAL, false},
               {"1e-400", 0, false},
               {"0x10", 16, false},
               {absl::string_view("3\0rest", 6), 3, false},
               {absl::string_view("\0", 1), 0, false}};
  for (const auto& good : kGood) {
    double value = -1;
    bool exclusive = !good.exclusive;
    EXPECT_TRUE(ParseScoreBound(good.text, &value, &exclusive)) << good.text;
    EXPECT_EQ(value, good.value) << good.text;
    EXPECT_EQ(exclusive, good.exclusive) << good.text;
  }
  for (const char* bad :
       {"nan", "(nan", "5 ", "((1", "[1", "x", "1x", " ", "+", "(-", "1e"}) {
    double value = -1;
    bool exclusive = false;
    EXPECT_FALSE(ParseScoreBound(bad, &value, &exclusive)) << bad;
  }
}

TEST(DoubleTest, WritesWhatPrintfWrites) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    test::Dice dice(seed);
    for (int i = 0; i < 30000; ++i) {
      const double value = RandomDouble(&dice);
      char expected[64];
      snprintf(expected, sizeof(expected), "%.17g", value);
      ASSERT_EQ(Format(value), expected);
    }
  }
}

TEST(DoubleTest, WritesTheEdges) {
  EXPECT_EQ(Format(0), "0");
  EXPECT_EQ(Format(-0.0), "-0");
  EXPECT_EQ(Format(HUGE_VAL), "inf");
  EXPECT_EQ(Format(-HUGE_VAL), "-inf");
  EXPECT_EQ(Format(std::numeric_limits<double>::quiet_NaN()), "nan");
  EXPECT_EQ(Format(1e15), "1000000000000000");
  EXPECT_EQ(Format(1e16), "10000000000000000");
  EXPECT_EQ(Format(1e17), "1e+17");
  EXPECT_EQ(Format(3.14), "3.1400000000000001");
  EXPECT_EQ(Format(-std::numeric_limits<double>::denorm_min()),
            "-4.9406564584124654e-324");
  EXPECT_EQ(Format(-2.2250738585072014e-308), "-2.2250738585072014e-308");
}

TEST(DoubleTest, PacksIntegersUpToTwoToThe62) {
  EXPECT_EQ(Packed(-0.0), "0");
  EXPECT_EQ(Packed(1e17), "100000000000000000");
  EXPECT_EQ(Packed(4611686018427387904.0), "4611686018427387904");
  EXPECT_EQ(Packed(-4611686018427387904.0), "-4611686018427387904");
  EXPECT_EQ(Packed(std::nextafter(4611686018427387904.0, HUGE_VAL)),
            "4.6116860184273889e+18");
  EXPECT_EQ(Packed(HUGE_VAL), "inf");
  EXPECT_EQ(Packed(0.1), "0.10000000000000001");
  int64_t integer = 7;
  EXPECT_FALSE(
      ScoreAsInteger(std::numeric_limits<double>::quiet_NaN(), &integer));
  EXPECT_FALSE(ScoreAsInteger(0.5, &integer));
}

TEST(DoubleTest, ReadsBackWhatItPacks) {
  test::Dice dice(5);
  for (int i = 0; i < 30000; ++i) {
    const double value = RandomDouble(&dice);
    if (std::isnan(value)) continue;
    double back = 0;
    ASSERT_TRUE(ParsePackedScore(Packed(value), &back)) << value;
    ASSERT_EQ(back, value);
    ASSERT_TRUE(ParseDouble(Format(value), &back)) << value;
    ASSERT_EQ(back, value);
  }
  for (const char* bad :
       {"", "nan", "abc", "1x", " 1", "1 ", "0x10", "1e400"}) {
    double back = 0;
    EXPECT_FALSE(ParsePackedScore(bad, &back)) << bad;
  }
}

}  // namespace
}  // namespace holdfast::server
