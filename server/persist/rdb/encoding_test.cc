#include "server/persist/rdb/encoding.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "server/persist/rdb/byte_source.h"
#include "server/persist/rdb/input.h"
#include "server/persist/rdb/rdb_testing.h"

namespace holdfast::server {
namespace {

std::string Length(uint64_t n) {
  std::string out;
  AppendRdbLength(n, &out);
  return absl::BytesToHexString(out);
}

std::string String(absl::string_view s, bool compress = true) {
  std::string out;
  RdbOptions options;
  options.compress = compress;
  AppendRdbString(s, options, &out);
  return out;
}

std::string Hex(absl::string_view s) {
  return absl::BytesToHexString(String(s));
}

std::string ReadBack(absl::string_view encoded) {
  TricklingSource source(encoded, 3);
  RdbInput input(&source);
  std::string scratch;
  const absl::StatusOr<absl::string_view> value =
      input.ReadString(&scratch, "a test");
  EXPECT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(input.offset(), encoded.size());
  return value.ok() ? std::string(*value) : "";
}

TEST(RdbEncodingTest, LengthsInTheirShortestForm) {
  EXPECT_EQ(Length(0), "00");
  EXPECT_EQ(Length(63), "3f");
  EXPECT_EQ(Length(64), "4040");
  EXPECT_EQ(Length(16383), "7fff");
  EXPECT_EQ(Length(16384), "8000004000");
  EXPECT_EQ(Length(0xffffffff), "80ffffffff");
  EXPECT_EQ(Length(0x100000000), "810000000100000000");
  EXPECT_EQ(Length(std::numeric_limits<uint64_t>::max()), "81ffffffffffffffff");
}

TEST(RdbEncodingTest, LengthsReadBack) {
  for (uint64_t n : {uint64_t{0}, uint64_t{63}, uint64_t{64}, uint64_t{16383},
                     uint64_t{16384}, uint64_t{0xffffffff},
                     uint64_t{0x100000000}, ~uint64_t{0}}) {
    std::string out;
    AppendRdbLength(n, &out);
    TricklingSource source(out, 1);
    RdbInput input(&source);
    EXPECT_EQ(*input.ReadLength("a test"), n);
  }
}

TEST(RdbEncodingTest, IntegersAreStoredAsSuchOnlyInCanonicalForm) {
  EXPECT_EQ(Hex("0"), "c000");
  EXPECT_EQ(Hex("-1"), "c0ff");
  EXPECT_EQ(Hex("-128"), "c080");
  EXPECT_EQ(Hex("128"), "c18000");
  EXPECT_EQ(Hex("-32768"), "c10080");
  EXPECT_EQ(Hex("32768"), "c200800000");
  EXPECT_EQ(Hex("2147483647"), "c2ffffff7f");
  EXPECT_EQ(Hex("-2147483648"), "c200000080");
  for (const char* text :
       {"", "-", "-0", "00", "01", "-01", "+1", " 1", "1 ", "1.0", "0x1",
        "2147483648", "-2147483649", "99999999999", "-9999999999",
        "123456789012", "12a", "--1"}) {
    EXPECT_EQ(
        String(text),
        absl::StrCat(
            std::string(1, static_cast<char>(absl::string_view(text).size())),
            text))
        << text;
  }
}

TEST(RdbEncodingTest, IntegerValuesLikeTheirText) {
  for (int64_t n :
       {int64_t{0}, int64_t{127}, int64_t{128}, int64_t{-129}, int64_t{65536},
        int64_t{2147483648}, std::numeric_limits<int64_t>::min(),
        std::numeric_limits<int64_t>::max()}) {
    std::string out;
    AppendRdbInteger(n, &out);
    EXPECT_EQ(out, String(absl::StrCat(n)));
    EXPECT_EQ(ReadBack(out), absl::StrCat(n));
  }
}

TEST(RdbEncodingTest, CompressesOver20BytesIfItSaves) {
  EXPECT_EQ(String(std::string(20, 'a')), "\x14" + std::string(20, 'a'));
  const std::string packed = String(std::string(21, 'a'));
  EXPECT_EQ(packed[0], '\xc3');
  EXPECT_LT(packed.size(), 21u);
  EXPECT_EQ(String("abcdefghijklmnopqrstuvwxyz"),
            "\x1a"
            "abcdefghijklmnopqrstuvwxyz");
  EXPECT_EQ(String(std::string(21, 'a'), false), "\x15" + std::string(21, 'a'));
  // It does not disturb what stands before it.
  std::string out = "before";
  AppendRdbString(std::string(5000, 'x'), RdbOptions(), &out);
  EXPECT_EQ(out.substr(0, 6), "before");
  EXPECT_EQ(ReadBack(out.substr(6)), std::string(5000, 'x'));
}

TEST(RdbEncodingTest, StringsReadBack) {
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  for (const std::string& s :
       {std::string(), std::string("\0", 1), all, all + all + all,
        std::string(63, 'q'), std::string(64, 'q'), std::string(16384, 'q'),
        std::string("-2147483648"), std::string(200000, 'z')}) {
    EXPECT_EQ(ReadBack(String(s)), s);
    EXPECT_EQ(ReadBack(String(s, false)), s);
  }
}

TEST(RdbEncodingTest, DoublesReadBack) {
  for (double d : {0.0, -0.0, 1.0, 0.1, -1e300, 5e-324, 17179869184.0,
                   std::numeric_limits<double>::infinity(),
                   -std::numeric_limits<double>::infinity(),
                   std::numeric_limits<double>::quiet_NaN()}) {
    std::string out;
    AppendRdbDouble(d, &out);
    AppendRdbTextDouble(d, &out);
    TricklingSource source(out, 2);
    RdbInput input(&source);
    for (const absl::StatusOr<double>& got :
         {input.ReadDouble("a test"), input.ReadTextDouble("a test")}) {
      ASSERT_TRUE(got.ok()) << got.status();
      if (std::isnan(d)) {
        EXPECT_TRUE(std::isnan(*got));
      } else {
        EXPECT_EQ(*got, d);
        EXPECT_EQ(std::signbit(*got), std::signbit(d));
      }
    }
  }
}

TEST(RdbEncodingTest, TimesReadBack) {
  for (int64_t ms : {int64_t{0}, int64_t{-1}, int64_t{1783736000123},
                     std::numeric_limits<int64_t>::min()}) {
    std::string out;
    AppendRdbMillis(ms, &out);
    StringSource source(out);
    RdbInput input(&source);
    EXPECT_EQ(*input.ReadMillis("a test"), ms);
  }
  StringSource source(absl::string_view("\xff\xff\xff\xff", 4));
  RdbInput input(&source);
  EXPECT_EQ(*input.ReadSeconds("a test"), -1);
}

}  // namespace
}  // namespace holdfast::server
