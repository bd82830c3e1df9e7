#include "server/text/hash.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace holdfast::server {
namespace {

TEST(HashTest, IsOfTheBytesNotOfWhereTheyAre) {
  const std::string text = "xabcabc";
  EXPECT_EQ(HashOfBytes(absl::string_view(text).substr(1, 3)),
            HashOfBytes(absl::string_view(text).substr(4, 3)));
  EXPECT_EQ(HashOfBytes(""), HashOfBytes(absl::string_view()));
}

TEST(HashTest, EveryByteCounts) {
  std::set<uint64_t> hashes;
  size_t texts = 0;
  for (size_t length = 0; length <= 200; ++length) {
    std::string text(length, '\0');
    hashes.insert(HashOfBytes(text));
    ++texts;
    for (size_t i = 0; i < length; ++i) {
      text[i] = '\1';
      hashes.insert(HashOfBytes(text));
      ++texts;
      text[i] = '\0';
    }
  }
  EXPECT_EQ(hashes.size(), texts);
}

// Dict takes its buckets from the top bits, tags of nodes come from the bottom
// ones.
TEST(HashTest, TopAndBottomBitsAreSpread) {
  constexpr int kNames = 64000;
  std::vector<int> top(64), bottom(64);
  for (int i = 0; i < kNames; ++i) {
    const uint64_t hash = HashOfBytes(absl::StrCat("member:", i));
    ++top[hash >> 58];
    ++bottom[hash & 63];
  }
  for (int i = 0; i < 64; ++i) {
    EXPECT_NEAR(top[static_cast<size_t>(i)], kNames / 64, 200)
        << i;  // Over six standard deviations.
    EXPECT_NEAR(bottom[static_cast<size_t>(i)], kNames / 64, 200) << i;
  }
}

}  // namespace
}  // namespace holdfast::server
