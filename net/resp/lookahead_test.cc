#include "net/resp/lookahead.h"

#include <array>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/support/dice.h"

namespace holdfast::net {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::string_view kSet =
    "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n";
constexpr absl::string_view kGet = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";

std::vector<std::string> Peek(absl::string_view bytes) {
  std::array<absl::string_view, 4> arguments;
  const size_t n = PeekFirstArguments(bytes, absl::MakeSpan(arguments));
  return {arguments.begin(), arguments.begin() + n};
}

TEST(LookaheadTest, FindsTheKeysOfAPipeline) {
  EXPECT_THAT(Peek(absl::StrCat(kSet, kGet, kSet)),
              ElementsAre("key", "k", "key"));
  EXPECT_THAT(Peek(absl::StrCat(kGet, kGet, kGet, kGet, kGet)),
              ElementsAre("k", "k", "k", "k"))
      << "as far as there is room";
}

TEST(LookaheadTest, StopsAtWhatIsNotThereYet) {
  const std::string two = absl::StrCat(kGet, kSet);
  for (size_t n = 0; n <= two.size(); ++n) {
    const size_t keys = Peek(two.substr(0, n)).size();
    EXPECT_EQ(keys, (n >= kGet.size()) + (n >= kGet.size() + kSet.size() - 11))
        << n;
  }
}

TEST(LookaheadTest, StopsAtAnythingElse) {
  EXPECT_THAT(Peek("PING\r\n"), IsEmpty());
  EXPECT_THAT(Peek("*1\r\n$4\r\nPING\r\n"), IsEmpty());
  EXPECT_THAT(Peek("*2\r\n$-1\r\n$1\r\nk\r\n"), IsEmpty());
  EXPECT_THAT(Peek("*2\r\n$99999999999999999999\r\nGET"), IsEmpty());
  EXPECT_THAT(Peek("*2\r\n$3\r\nGET\r\n:1\r\n"), IsEmpty());
  EXPECT_THAT(Peek(absl::StrCat(kGet, "\r\n", kGet)), ElementsAre("k"));
}

TEST(LookaheadTest, ReadsNothingOutsideWhateverTheBytes) {
  test::Dice dice(1);
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = absl::StrCat(kSet, kGet, kSet)
                            .substr(0, static_cast<size_t>(dice.Below(80)));
    for (int64_t n = dice.Below(3); n > 0 && !bytes.empty(); --n) {
      bytes[static_cast<size_t>(
          dice.Below(static_cast<int64_t>(bytes.size())))] =
          dice.Pick({'9', '*', '$', '\r', '-', 'x'});
    }
    Peek(std::string(bytes));
  }
}

}  // namespace
}  // namespace holdfast::net
