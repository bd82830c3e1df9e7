#include "server/text/glob.h"

#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace holdfast::server {
namespace {

using std::string_literals::operator""s;

bool Folded(absl::string_view pattern, absl::string_view text) {
  return GlobMatch(pattern, text, GlobCase::kIgnore);
}

TEST(GlobTest, LiteralsMatchThemselvesOnly) {
  EXPECT_TRUE(GlobMatch("abc", "abc"));
  EXPECT_FALSE(GlobMatch("abc", "ab"));
  EXPECT_FALSE(GlobMatch("abc", "abcd"));
  EXPECT_FALSE(GlobMatch("abc", "abC"));
  EXPECT_FALSE(GlobMatch("", "a"));
  EXPECT_TRUE(GlobMatch("a\0b"s, "a\0b"s));
  EXPECT_FALSE(GlobMatch("a\0b"s, "a\0c"s));
}

TEST(GlobTest, AnEmptyTextMatchesOnlyAnEmptyPattern) {
  EXPECT_TRUE(GlobMatch("", ""));
  EXPECT_FALSE(GlobMatch("*", ""));
  EXPECT_FALSE(GlobMatch("**", ""));
  EXPECT_FALSE(GlobMatch("?", ""));
}

TEST(GlobTest, StarsTakeAnyRunOfBytes) {
  EXPECT_TRUE(GlobMatch("*", "a"));
  EXPECT_TRUE(GlobMatch("a*", "a"));
  EXPECT_TRUE(GlobMatch("*a", "a"));
  EXPECT_TRUE(GlobMatch("a***b*", "axxb"));
  EXPECT_TRUE(GlobMatch("*ab", "aab"));
  EXPECT_TRUE(GlobMatch("*a*b*c*", "xaxbxcx"));
  EXPECT_FALSE(GlobMatch("*a*b*c", "xaxbxcx"));
  EXPECT_FALSE(GlobMatch("a*", "ba"));
  EXPECT_FALSE(GlobMatch("*ab*ab", "xab"));
}

TEST(GlobTest, AQuestionMarkTakesExactlyOneByte) {
  EXPECT_TRUE(GlobMatch("?", "a"));
  EXPECT_TRUE(GlobMatch("?*?", "ab"));
  EXPECT_FALSE(GlobMatch("?*?", "a"));
  EXPECT_FALSE(GlobMatch("?", "ab"));
}

TEST(GlobTest, Classes) {
  EXPECT_TRUE(GlobMatch("[abc]", "b"));
  EXPECT_FALSE(GlobMatch("[abc]", "d"));
  EXPECT_TRUE(GlobMatch("[^abc]", "d"));
  EXPECT_FALSE(GlobMatch("[^abc]", "b"));
  EXPECT_TRUE(GlobMatch("[a-c]x", "bx"));
  EXPECT_TRUE(GlobMatch("[c-a]x", "bx")) << "either way round";
  EXPECT_FALSE(GlobMatch("[a-c]x", "dx"));
  EXPECT_TRUE(GlobMatch("*[0-9][0-9]", "k12"));
  EXPECT_FALSE(GlobMatch("[]", "]")) << "the first bracket closes: empty";
  EXPECT_TRUE(GlobMatch("[^]", "]")) << "not in the empty class";
  EXPECT_TRUE(GlobMatch("[\\]]", "]"));
  EXPECT_TRUE(GlobMatch("[\\^a]", "^"));
}

TEST(GlobTest, UnclosedClassesEndWithThePattern) {
  EXPECT_FALSE(GlobMatch("[", "["));
  EXPECT_TRUE(GlobMatch("[^", "x"));
  EXPECT_TRUE(GlobMatch("[ab", "b"));
  EXPECT_FALSE(GlobMatch("[ab", "bb"));
  EXPECT_TRUE(GlobMatch("[a-]", "]")) << "a range whose end is the bracket";
  EXPECT_TRUE(GlobMatch("[a-", "-"));
  EXPECT_TRUE(GlobMatch("[a\\", "\\"));
}

TEST(GlobTest, BytesAreComparedSignedInRanges) {
  EXPECT_TRUE(GlobMatch("[\x80-\xff]", "\xc3"));
  EXPECT_FALSE(GlobMatch("[\x80-\xff]", "a"));
  EXPECT_TRUE(GlobMatch("[\xfe-\x01]", "\xff"));
}

TEST(GlobTest, Escapes) {
  EXPECT_TRUE(GlobMatch("\\*", "*"));
  EXPECT_FALSE(GlobMatch("\\*", "a"));
  EXPECT_TRUE(GlobMatch("\\a", "a"));
  EXPECT_TRUE(GlobMatch("a\\", "a\\")) << "at the end it stands for itself";
  EXPECT_TRUE(GlobMatch("\\\\", "\\"));
  EXPECT_FALSE(GlobMatch("\\[a]", "a"));
}

TEST(GlobTest, CaseIsIgnoredWhenToldSo) {
  EXPECT_TRUE(Folded("AbC*", "aBcD"));
  EXPECT_TRUE(Folded("[a-c]", "B"));
  EXPECT_TRUE(Folded("[XYZ]", "y"));
  EXPECT_TRUE(Folded("\\A", "a"));
  EXPECT_FALSE(Folded("[\\A]", "a"))
      << "an escaped letter in a class keeps its case, as in Redis";
}

// Exponential in a matcher that recurses into every star.
TEST(GlobTest, ManyStarsDoNotBlowUp) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "a*";
  const std::string text(5000, 'a');
  EXPECT_FALSE(GlobMatch(pattern + "b", text));
  EXPECT_TRUE(GlobMatch(pattern, text));
  EXPECT_FALSE(GlobMatch(std::string(100000, '*') + "b", text));
  EXPECT_FALSE(GlobMatch(std::string(100000, '['), text));
}

}  // namespace
}  // namespace holdfast::server
