#include "server/persist/aof/manifest.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace holdfast::server {
namespace {

void ExpectRefused(absl::string_view text, absl::string_view words) {
  const auto manifest = AofManifest::Parse(text);
  EXPECT_FALSE(manifest.ok()) << text;
  EXPECT_TRUE(absl::StartsWith(manifest.status().message(), words))
      << manifest.status();
}

TEST(AofManifestTest, WhatIsFormattedIsReadBack) {
  AofManifest manifest;
  manifest.AddIncrement(manifest.NextIncrement("a b.aof"));
  manifest.ReplaceBase(manifest.NextBase("a b.aof", true), 1);
  manifest.AddIncrement(manifest.NextIncrement("a b.aof"));
  manifest.ReplaceBase(manifest.NextBase("a b.aof", false), 2);
  EXPECT_EQ(manifest.Format(),
            "file \"a b.aof.2.base.aof\" seq 2 type b\n"
            "file \"a b.aof.1.incr.aof\" seq 1 type h\n"
            "file \"a b.aof.1.base.rdb\" seq 1 type h\n"
            "file \"a b.aof.2.incr.aof\" seq 2 type i\n");
  const auto again = AofManifest::Parse(manifest.Format());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, manifest);
}

TEST(AofManifestTest, CommentsAndUnknownKeysAreLeftOut) {
  const auto manifest = AofManifest::Parse(
      "# a comment\nfile x seq 3 type i more words\nFILE y SEQ 7 TYPE i\n");
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->increments.size(), 2u);
  EXPECT_EQ(manifest->NextIncrement("s").name, "s.8.incr.aof");
}

TEST(AofManifestTest, WhatIsNoManifestIsRefusedInRedissWords) {
  constexpr absl::string_view kInvalid = "Invalid AOF manifest file format";
  ExpectRefused("", "Found an empty AOF manifest");
  for (const char* text :
       {"\n", "file x seq 1\n", "file x seq 1 type i odd\n", "file x\n",
        "file x seq 0 type i\n", "file x seq nan type i\n",
        "file \"x seq 1 type i\n", "file \"\" seq 1 type i\n",
        "seq 1 type i seq 2\n", "file x seq 1 type i\n\n"}) {
    ExpectRefused(text, kInvalid);
  }
  ExpectRefused("file x seq 1 type i",
                "The AOF manifest file contains too long line");
  ExpectRefused(
      absl::StrCat("file ", std::string(2000, 'x'), " seq 1 type i\n"),
      "The AOF manifest file contains too long line");
  ExpectRefused("file ../x seq 1 type i\n",
                "File can't be a path, just a filename");
  ExpectRefused("file .. seq 1 type i\n",
                "File can't be a path, just a filename");
  ExpectRefused("file x seq 1 type z\n", "Unknown AOF file type");
  ExpectRefused("file x seq 1 type b\nfile y seq 2 type b\n",
                "Found duplicate base file information");
  ExpectRefused("file x seq 2 type i\nfile y seq 2 type i\n",
                "Found a non-monotonic sequence number");
}

}  // namespace
}  // namespace holdfast::server
