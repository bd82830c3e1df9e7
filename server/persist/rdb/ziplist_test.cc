#include "server/persist/rdb/ziplist.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "server/persist/rdb/object_testing.h"

namespace holdfast::server {
namespace {

// Walks a copy that ends where its memory ends, so that a sanitizer sees any
// byte too far.
std::string Walk(bool zipmap, absl::string_view bytes) {
  const auto copy = std::make_unique<char[]>(bytes.size());
  bytes.copy(copy.get(), bytes.size());
  const absl::string_view exact(copy.get(), bytes.size());
  std::vector<std::string> seen;
  const absl::Status status =
      zipmap ? ForEachZipmapPair(exact,
                                 [&](absl::string_view f, absl::string_view v) {
                                   seen.push_back(absl::StrCat(f, "=", v));
                                   return absl::OkStatus();
                                 })
             : ForEachZiplistElement(exact, [&](absl::string_view element) {
                 seen.emplace_back(element);
                 return absl::OkStatus();
               });
  if (!status.ok()) {
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return absl::StrCat("error: ", status.message());
  }
  return absl::StrJoin(seen, ",");
}

std::string Ziplist(absl::string_view hex) {
  return Walk(false, absl::HexStringToBytes(hex));
}
std::string Zipmap(absl::string_view bytes) { return Walk(true, bytes); }

bool Refused(const std::string& result) {
  return absl::StartsWith(result, "error: ");
}

TEST(ZiplistTest, TheExampleOfTheFormat) {
  EXPECT_EQ(Ziplist("0f0000000c000000020000f302f6ff"), "2,5");
  EXPECT_EQ(Ziplist("0b0000000a0000000000ff"), "");
}

TEST(ZiplistTest, EveryEncodingIsRead) {
  // 16, 32, 64, 24 and 8 bits, below and above zero; 0 and 12.
  EXPECT_EQ(Ziplist("330000002e0000000900"
                    "00c0ffff"
                    "04d000000080"
                    "06e00000000000000080"
                    "0af0ffff7f"
                    "05f0000080"
                    "05fe80"
                    "03fe7f"
                    "03f1"
                    "02fd"
                    "ff"),
            "error: a ziplist does not know its last one");
  EXPECT_EQ(Ziplist("33000000300000000900"
                    "00c0ffff"
                    "04d000000080"
                    "06e00000000000000080"
                    "0af0ffff7f"
                    "05f0000080"
                    "05fe80"
                    "03fe7f"
                    "03f1"
                    "02fd"
                    "ff"),
            "-1,-2147483648,-9223372036854775808,8388607,-8388608,-128,127,0,"
            "12");
  for (const size_t size : {0, 63, 64, 253, 254, 16383, 16384, 70000}) {
    const std::string text(size, 't');
    EXPECT_EQ(Walk(false, MakeZiplist({text, "1", text})),
              absl::StrCat(text, ",1,", text));
  }
}

// Redis keeps the long form of a length when the element before got shorter,
// and never looked at six bits of a long string's encoding.
TEST(ZiplistTest, WhatRedisLetsPassPasses) {
  EXPECT_EQ(Ziplist("130000000c000000020000f3fe02000000f6ff"), "2,5");
  EXPECT_EQ(Ziplist("12000000"
                    "0a000000"
                    "0100"
                    "00bf0000000161ff"),
            "a");
  EXPECT_EQ(Ziplist("0f0000000c000000ffff00f302f6ff"), "2,5");
}

TEST(ZiplistTest, BrokenOnesAreRefused) {
  for (const char* hex : {
           "",
           "ff",
           "0a0000000a0000000000",
           "0c0000000a0000000000ff",          // Too long a size.
           "0b0000000b0000000000ff",          // The tail behind the end.
           "0b0000000a0000000000fe",          // No end mark.
           "0b0000000a0000000100ff",          // One too many.
           "0f0000000c000000010000f302f6ff",  // One too few.
           "0f0000000c000000020000f303f6ff",  // Wrong length of the first.
           "0f0000000c000000020001f302f6ff",
           "0f0000000b000000020000f302f6ff",  // Wrong tail.
           "0f0000000c000000020000ff02f6ff",  // The end mark as encoding.
           "0f0000000c000000020000c102f6ff",  // No such encoding.
           "0f0000000c0000000200fff302f6ff",
           "0f0000000c000000020000f30205ff",  // A string beyond the end,
           "0f0000000c000000020000f302e0ff",  // an integer,
           "0f0000000c000000020000f30280ff",  // a length,
           "0f0000000c000000020000f302fe02ff",
           "0e0000000c000000020000f302ff",  // an encoding,
           "0e0000000c000000020000f3feff",  // a length of the one before.
           "13000000"
           "0a000000"
           "0100"
           "0080ffffffff6161ff",
       }) {
    EXPECT_TRUE(Refused(Ziplist(hex))) << hex;
  }
}

TEST(ZiplistTest, AVisitorMayStop) {
  int calls = 0;
  const absl::Status status =
      ForEachZiplistElement(MakeZiplist({"a", "b"}), [&](absl::string_view) {
        ++calls;
        return absl::CancelledError("enough");
      });
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(calls, 1);
}

TEST(ZiplistTest, DamageAnywhereIsSurvived) {
  const std::vector<std::string> forms = {
      MakeZiplist({"a", "1000", std::string(300, 'x'), "", "-70000"}),
      MakeZipmap({{"a", "1"}, {std::string(300, 'x'), ""}, {"b", "22"}})};
  for (int form = 0; form < 2; ++form) {
    const std::string& valid = forms[form];
    ASSERT_FALSE(Refused(Walk(form == 1, valid)));
    for (size_t size = 0; size < valid.size(); ++size) {
      EXPECT_TRUE(Refused(Walk(form == 1, valid.substr(0, size)))) << size;
    }
    EXPECT_TRUE(Refused(Walk(form == 1, valid + "\xff")));
    for (size_t at = 0; at < valid.size(); ++at) {
      for (int byte = 0; byte < 256; byte += at < 40 ? 1 : 17) {
        std::string damaged = valid;
        damaged[at] = static_cast<char>(byte);
        Walk(form == 1, damaged);
      }
    }
  }
}

TEST(ZipmapTest, TheExampleOfTheFormat) {
  EXPECT_EQ(Zipmap(absl::string_view("\x02\x03"
                                     "foo\x03\x00"
                                     "bar\x05"
                                     "hello\x05\x00"
                                     "world\xff",
                                     24)),
            "foo=bar,hello=world");
}

TEST(ZipmapTest, SpareBytesLongLengthsAndUnknownCounts) {
  const std::string big(254, 'b');
  EXPECT_EQ(Zipmap(MakeZipmap({{"a", "1"}, {"b", "2"}, {big, big}})),
            absl::StrCat("a=1,b=2,", big, "=", big));
  std::vector<std::pair<std::string, std::string>> many;
  std::vector<std::string> expected;
  for (int i = 0; i < 300; ++i) {
    many.emplace_back(absl::StrCat("f", i), "v");
    expected.push_back(absl::StrCat("f", i, "=v"));
  }
  EXPECT_EQ(Zipmap(MakeZipmap(many)), absl::StrJoin(expected, ","));
}

TEST(ZipmapTest, BrokenOnesAreRefused) {
  for (const char* hex : {
           "",
           "00",
           "ff",
           "00ff",  // No pairs.
           "0101610100",
           "ff00",
           "0201610100"
           "31ff",  // One too few.
           "0001610100"
           "31ff",  // One too many.
           "01016102"
           "0031ff",  // A value beyond the end,
           "01016101"
           "0131ff",    // spare bytes,
           "010161ff",  // a value missing,
           "0102"
           "61ff",  // a field,
           "0101"
           "61"
           "ff"
           "0031ff",  // an end mark as length,
           "01fe0100"
           "ff",  // a long length cut short,
           "01feffffffff"
           "6101"
           "0031ff",
       }) {
    EXPECT_TRUE(Refused(Zipmap(absl::HexStringToBytes(hex)))) << hex;
  }
}

}  // namespace
}  // namespace holdfast::server
