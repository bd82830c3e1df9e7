#include "server/config/text.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace holdfast::server::config {
namespace {

using Words = std::vector<std::string>;

TEST(SplitArgsTest, SplitsAtBlanksAndUnderstandsQuotes) {
  EXPECT_EQ(SplitArgs("  a\tb \r\n"), Words({"a", "b"}));
  EXPECT_EQ(SplitArgs(""), Words());
  EXPECT_EQ(SplitArgs(R"(a "" '')"), Words({"a", "", ""}));
  EXPECT_EQ(SplitArgs(R"("x y\n\x41\q" 'it\'s \n')"),
            Words({"x y\nAq", "it's \\n"}));
  EXPECT_EQ(SplitArgs(R"("\x4" "\xZZ")"), Words({"x4", "xZZ"}));
}

TEST(SplitArgsTest, RefusesUnbalancedQuotes) {
  for (const char* line : {"\"a", "'a", "\"a\"b", "'a'b", "a \"", "\"\\\"",
                           "\"\\", "'\\'", "a\"b", "\"\\x"}) {
    EXPECT_EQ(SplitArgs(line), std::nullopt) << line;
  }
}

TEST(SplitArgsTest, EveryByteSurvivesQuoting) {
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  const std::string quoted = Quote(all);
  for (const char c : quoted) EXPECT_TRUE(c >= ' ' && c <= '~');
  EXPECT_EQ(SplitArgs(quoted), Words({all}));
  EXPECT_EQ(QuoteIfNeeded("plain-1"), "plain-1");
  for (const char* text : {"", "a b", "a\nb", "a\"", "'", "\\", "\xff"}) {
    EXPECT_EQ(SplitArgs(QuoteIfNeeded(text)), Words({text}));
  }
}

TEST(ParseIntTest, ReadsTheWholeRangeOnly) {
  EXPECT_EQ(ParseInt("0"), 0);
  EXPECT_EQ(ParseInt("-1"), -1);
  EXPECT_EQ(ParseInt("9223372036854775807"),
            std::numeric_limits<int64_t>::max());
  EXPECT_EQ(ParseInt("-9223372036854775808"),
            std::numeric_limits<int64_t>::min());
  for (const char* text :
       {"", "-", "+1", " 1", "1 ", "01", "-0", "1x", "0x1", "1.0", "--1",
        "9223372036854775808", "-9223372036854775809",
        "99999999999999999999999999"}) {
    EXPECT_EQ(ParseInt(text), std::nullopt) << text;
  }
}

TEST(ParseMemoryTest, KnowsUnitsAndRefusesOverflow) {
  EXPECT_EQ(ParseMemory("0"), 0u);
  EXPECT_EQ(ParseMemory("10b"), 10u);
  EXPECT_EQ(ParseMemory("1k"), 1000u);
  EXPECT_EQ(ParseMemory("1Kb"), 1024u);
  EXPECT_EQ(ParseMemory("64mB"), 64u << 20);
  EXPECT_EQ(ParseMemory("1m"), 1000000u);
  EXPECT_EQ(ParseMemory("2g"), 2000000000u);
  EXPECT_EQ(ParseMemory("1GB"), 1u << 30);
  EXPECT_EQ(ParseMemory("18446744073709551615"),
            std::numeric_limits<uint64_t>::max());
  for (const char* text :
       {"", "-1", "mb", "1tb", "1 mb", "1.5gb", "0x10", "1mbx", "+1",
        "18446744073709551616", "18446744073709551615kb", "17179869184gb"}) {
    EXPECT_EQ(ParseMemory(text), std::nullopt) << text;
  }
}

TEST(ParseMemoryTest, FormatReadsBack) {
  for (const int64_t bytes :
       {int64_t{0}, int64_t{1}, int64_t{1000}, int64_t{1024}, int64_t{1536},
        int64_t{64} << 20, int64_t{3} << 30,
        std::numeric_limits<int64_t>::max()}) {
    EXPECT_EQ(ParseMemory(FormatMemory(bytes)), static_cast<uint64_t>(bytes));
  }
  EXPECT_EQ(FormatMemory(64 << 20), "64mb");
}

TEST(ParseOctalTest, TakesOctalDigitsOnly) {
  EXPECT_EQ(ParseOctal("700"), 0700);
  EXPECT_EQ(ParseOctal("0755"), 0755);
  for (const char* text : {"", "8", "-1", "7x", "7777777777777777777777777"}) {
    EXPECT_EQ(ParseOctal(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace holdfast::server::config
