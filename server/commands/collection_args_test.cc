#include "server/commands/collection_args.h"

#include <cstdint>
#include <map>
#include <random>

#include "gtest/gtest.h"

namespace holdfast::server {
namespace {

TEST(ScanCursorTest, TakesWhatStrtoulTakes) {
  uint64_t cursor = 7;
  EXPECT_TRUE(ParseScanCursor("", &cursor));
  EXPECT_EQ(cursor, 0u);
  EXPECT_TRUE(ParseScanCursor("18446744073709551615", &cursor));
  EXPECT_EQ(cursor, UINT64_MAX);
  EXPECT_TRUE(ParseScanCursor("-1", &cursor));
  EXPECT_EQ(cursor, UINT64_MAX);
  EXPECT_TRUE(ParseScanCursor("+007", &cursor));
  EXPECT_EQ(cursor, 7u);
}

TEST(ScanCursorTest, RefusesTheRest) {
  uint64_t cursor = 0;
  for (const char* bad :
       {" 1", "1 ", "x", "1x", "--1", "+-1", "-", "0x10", "1.0", "1e3",
        "18446744073709551616", "-99999999999999999999"})
    EXPECT_FALSE(ParseScanCursor(bad, &cursor)) << bad;
}

TEST(WalkSampleTest, IsAlwaysOfTheSizeWanted) {
  // Dice that always fall the same, at either end, and fair ones.
  std::mt19937_64 random(20240607);  // NOLINT: the same each time.
  for (size_t size = 0; size < 20; ++size) {
    for (size_t want = 0; want <= size; ++want) {
      for (int dice = 0; dice < 3; ++dice) {
        WalkSample sample(want, size);
        size_t taken = 0;
        for (size_t i = 0; i < size; ++i)
          taken += sample.Takes(dice == 0   ? 0
                                : dice == 1 ? UINT64_MAX
                                            : random())
                       ? 1
                       : 0;
        EXPECT_EQ(taken, want) << "of " << size;
      }
    }
  }
}

TEST(WalkSampleTest, EverySampleHasTheSameChance) {
  constexpr int kRounds = 20000;
  std::mt19937_64 random(42);  // NOLINT: the same each time.
  std::map<int, int> seen;     // By the bits of what is in it.
  for (int round = 0; round < kRounds; ++round) {
    WalkSample sample(2, 5);
    int bits = 0;
    for (int i = 0; i < 5; ++i) bits |= sample.Takes(random()) ? 1 << i : 0;
    ++seen[bits];
  }
  EXPECT_EQ(seen.size(), 10u);
  double chi_square = 0;
  for (const auto& [bits, times] : seen) {
    const double off = times - kRounds / 10.0;
    chi_square += off * off / (kRounds / 10.0);
  }
  EXPECT_LT(chi_square, 40);  // 9 degrees of freedom: once in 100,000.
}

}  // namespace
}  // namespace holdfast::server
