#include "net/resp/integer.h"

#include <cstdint>
#include <limits>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace holdfast::net {
namespace {

TEST(ParseIntegerTest, TakesTheCanonicalText) {
  int64_t v = 77;
  EXPECT_TRUE(ParseInteger("0", &v));
  EXPECT_EQ(v, 0);
  EXPECT_TRUE(ParseInteger("-1", &v));
  EXPECT_EQ(v, -1);
  EXPECT_TRUE(ParseInteger("9223372036854775807", &v));
  EXPECT_EQ(v, std::numeric_limits<int64_t>::max());
  EXPECT_TRUE(ParseInteger("-9223372036854775808", &v));
  EXPECT_EQ(v, std::numeric_limits<int64_t>::min());
}

TEST(ParseIntegerTest, RefusesEverythingElse) {
  for (absl::string_view bad :
       {"", "-", "+1", "-0", "00", "01", "-01", " 1", "1 ", "1a", "a", "--1",
        "0x1", "1.0", "9223372036854775808", "-9223372036854775809",
        "99999999999999999999999999"}) {
    int64_t v;
    EXPECT_FALSE(ParseInteger(bad, &v)) << bad;
  }
  int64_t v;
  EXPECT_FALSE(ParseInteger(absl::string_view("1\0", 2), &v));
}

}  // namespace
}  // namespace holdfast::net
