#include "server/commands/value_args.h"

#include <limits>
#include <string>

#include "gtest/gtest.h"

namespace holdfast::server {
namespace {

std::string Round(absl::string_view text) {
  long double value = 0;
  return ParseLongDouble(text, &value) ? FormatLongDouble(value) : "refused";
}

TEST(LongDoubleTest, RefusesWhatIsNoNumber) {
  for (const std::string text :
       {"", " 1", "\t1", "1 ", "nan", "-nan", "1e5000", "-1e5000", "1e-5000",
        "5e", ".", "-", "0x", "1,5", "--1", "infinit"}) {
    EXPECT_EQ(Round(text), "refused") << text;
  }
  EXPECT_EQ(Round(absl::string_view("1\0", 2)), "refused");
  EXPECT_EQ(Round(absl::string_view("\0", 1)), "refused");
  EXPECT_EQ(Round(std::string(kMaxLongDoubleChars, '0')), "refused");
}

TEST(LongDoubleTest, TakesAllThatStrtoldDoes) {
  EXPECT_EQ(Round("+3"), "3");
  EXPECT_EQ(Round("1."), "1");
  EXPECT_EQ(Round(".5"), "0.5");
  EXPECT_EQ(Round("0x1p-3"), "0.125");
  EXPECT_EQ(Round("INF"), "inf");
  EXPECT_EQ(Round("-infinity"), "-inf");
  EXPECT_EQ(Round(std::string(kMaxLongDoubleChars - 1, '0')), "0");
  EXPECT_EQ(Round("1e-4950"), "0");  // Subnormal, but a number.
}

TEST(LongDoubleTest, FormatsWithoutExponentZerosOrNegativeZero) {
  EXPECT_EQ(FormatLongDouble(0.0L), "0");
  EXPECT_EQ(FormatLongDouble(-0.0L), "0");
  EXPECT_EQ(FormatLongDouble(-1e-20L), "0");
  EXPECT_EQ(FormatLongDouble(100), "100");
  EXPECT_EQ(FormatLongDouble(-1.25L), "-1.25");
  EXPECT_EQ(FormatLongDouble(3.1L), "3.1");
  EXPECT_EQ(FormatLongDouble(1e20L), "100000000000000000000");
  EXPECT_EQ(FormatLongDouble(std::numeric_limits<long double>::max()).size(),
            4933u);
  EXPECT_EQ(FormatLongDouble(std::numeric_limits<long double>::lowest()).size(),
            4934u);
}

}  // namespace
}  // namespace holdfast::server
