#include "server/types/hyperloglog.h"

#include <cmath>
#include <cstdlib>
#include <map>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace holdfast::server::hll {
namespace {

constexpr uint64_t kSeed = 20261122;
constexpr size_t kMaxSparse = 3000;

Raised Add(std::string* bytes, absl::string_view element,
           size_t max_sparse = kMaxSparse) {
  return Raise(bytes, PlaceOf(element), max_sparse);
}

std::string Decoded(absl::string_view bytes) {
  std::string text;
  return DecodeSparse(bytes, &text) ? text : "corrupt";
}

Registers RegistersOf(absl::string_view bytes) {
  Registers registers = {};
  EXPECT_TRUE(MergeInto(bytes, &registers));
  return registers;
}

uint64_t EstimateOf(absl::string_view bytes) {
  uint64_t estimate = 0;
  EXPECT_TRUE(Estimate(bytes, &estimate));
  return estimate;
}

std::string Sparse(absl::string_view runs) {
  return absl::StrCat(Empty().substr(0, kHeaderSize), runs);
}

// Zeros before, so that what follows are the last `n` registers.
std::string LastRegisters(int n, absl::string_view runs) {
  const int zeros = kRegisters - n - 1;
  return Sparse(
      absl::StrCat(std::string(1, static_cast<char>(0x40 | zeros >> 8)),
                   std::string(1, static_cast<char>(zeros & 0xff)), runs));
}

TEST(HyperLogLogTest, ANewOneIsAsRedisMakesIt) {
  EXPECT_EQ(Empty(), std::string("HYLL\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff", 18));
  EXPECT_EQ(Decoded(Empty()), "Z:16384");
  uint64_t estimate = 1;
  EXPECT_TRUE(CachedEstimate(Empty(), &estimate));
  EXPECT_EQ(estimate, 0u);
  EXPECT_EQ(EstimateOf(Empty()), 0u);
}

// What PFDEBUG DECODE of redis-server 7.0.15 shows.
TEST(HyperLogLogTest, ElementsCountWhereTheyDoInRedis) {
  std::string bytes = Empty();
  for (const char* element : {"a", "b", "c"})
    EXPECT_EQ(Add(&bytes, element), Raised::kYes);
  EXPECT_EQ(Decoded(bytes), "Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603");
  for (const char* element :
       {"", "1234567", "12345678", "123456789", "foo bar baz, and more"}) {
    EXPECT_EQ(Add(&bytes, element), Raised::kYes) << element;
  }
  EXPECT_EQ(Decoded(bytes),
            "Z:5938 v:2,1 Z:1191 v:2,1 Z:1305 v:1,1 Z:856 v:2,1 Z:1033 v:3,1 "
            "Z:251 v:3,1 Z:2131 v:2,1 Z:3068 v:1,1 Z:603");
  EXPECT_EQ(EstimateOf(bytes), 8u);
  EXPECT_EQ(Add(&bytes, "a"), Raised::kNo);
}

TEST(HyperLogLogTest, ARunIsSplitAtTheRegister) {
  std::string bytes = Empty();
  EXPECT_EQ(Raise(&bytes, {0, 5}, kMaxSparse), Raised::kYes);
  EXPECT_EQ(Decoded(bytes), "v:5,1 Z:16383");
  EXPECT_EQ(Raise(&bytes, {16383, 32}, kMaxSparse), Raised::kYes);
  EXPECT_EQ(Decoded(bytes), "v:5,1 Z:16382 v:32,1");
  EXPECT_EQ(Raise(&bytes, {65, 1}, kMaxSparse), Raised::kYes);
  EXPECT_EQ(Decoded(bytes), "v:5,1 z:64 v:1,1 Z:16317 v:32,1");
  EXPECT_EQ(Raise(&bytes, {33, 1}, kMaxSparse), Raised::kYes);
  EXPECT_EQ(Decoded(bytes), "v:5,1 z:32 v:1,1 z:31 v:1,1 Z:16317 v:32,1");
  EXPECT_EQ(Raise(&bytes, {33, 1}, kMaxSparse), Raised::kNo);
  EXPECT_EQ(Raise(&bytes, {0, 4}, kMaxSparse), Raised::kNo);
}

TEST(HyperLogLogTest, RunsOfOneValueAreJoined) {
  std::string bytes = Empty();
  for (const int index : {10, 12, 11, 13, 14})
    EXPECT_EQ(Raise(&bytes, {index, 3}, kMaxSparse), Raised::kYes);
  EXPECT_EQ(Decoded(bytes), "z:10 v:3,4 v:3,1 Z:16369");
  EXPECT_EQ(Raise(&bytes, {11, 4}, kMaxSparse), Raised::kYes);
  EXPECT_EQ(Decoded(bytes), "z:10 v:3,1 v:4,1 v:3,3 Z:16369");
}

TEST(HyperLogLogTest, ASparseOneBecomesDenseWhenItMust) {
  std::string bytes = Empty();
  EXPECT_EQ(Raise(&bytes, {7, 32}, kMaxSparse), Raised::kYes);
  EXPECT_FALSE(IsDense(bytes));
  EXPECT_EQ(Raise(&bytes, {8, 33}, kMaxSparse), Raised::kYes);
  ASSERT_TRUE(IsDense(bytes));
  EXPECT_EQ(bytes.size(), kDenseSize);
  EXPECT_EQ(DenseRegister(bytes, 7), 32);
  EXPECT_EQ(DenseRegister(bytes, 8), 33);

  bytes = Empty();
  EXPECT_EQ(Raise(&bytes, {100, 1}, 21), Raised::kYes);
  EXPECT_FALSE(IsDense(bytes)) << bytes.size();
  EXPECT_EQ(Raise(&bytes, {200, 1}, 21), Raised::kYes);
  EXPECT_TRUE(IsDense(bytes)) << "three bytes more would be too many";
  bytes = Empty();
  EXPECT_EQ(Raise(&bytes, {0, 1}, 0), Raised::kYes);
  EXPECT_TRUE(IsDense(bytes));
}

TEST(HyperLogLogTest, BothFormsHoldTheSameRegisters) {
  for (const size_t max_sparse :
       {size_t{0}, size_t{100}, kMaxSparse, kMaxSparseSize}) {
    std::mt19937_64 random(kSeed);
    std::string sparse = Empty();
    std::string dense = Empty();
    ASSERT_TRUE(ToDense(&dense));
    Registers model = {};
    for (int i = 0; i < 3000; ++i) {
      const Place place{static_cast<int>(random() % kRegisters),
                        static_cast<int>(1 + random() % (i % 8 + 1))};
      uint8_t& r = model[static_cast<size_t>(place.index)];
      const bool rises = r < place.rank;
      r = std::max(r, static_cast<uint8_t>(place.rank));
      ASSERT_EQ(Raise(&sparse, place, max_sparse),
                rises ? Raised::kYes : Raised::kNo);
      ASSERT_EQ(RaiseDense(dense.data(), place), rises);
      ASSERT_LE(sparse.size(), std::max(max_sparse, kDenseSize));
    }
    EXPECT_EQ(RegistersOf(sparse), model);
    EXPECT_EQ(RegistersOf(dense), model);
    EXPECT_EQ(EstimateOf(sparse), EstimateOf(dense));
    EXPECT_EQ(Estimate(model), EstimateOf(dense));
    std::string converted = sparse;
    ASSERT_TRUE(ToDense(&converted));
    EXPECT_EQ(converted, dense);
    for (int i = 0; i < kRegisters; ++i)
      ASSERT_EQ(DenseRegister(dense, i), model[static_cast<size_t>(i)]);
  }
}

TEST(HyperLogLogTest, EstimatesAreNear) {
  std::string bytes = Empty();
  int added = 0;
  for (const int n : {10, 100, 1000, 10000, 100000}) {
    for (; added < n; ++added) Add(&bytes, absl::StrCat("element:", added));
    const double error =
        std::abs(static_cast<double>(EstimateOf(bytes)) - n) / n;
    EXPECT_LT(error, 0.03) << n;
  }
}

TEST(HyperLogLogTest, TheEstimateInTheHeaderIsGoodUntilItIsNot) {
  std::string bytes = Empty();
  uint64_t estimate = 0;
  CacheEstimate(bytes.data(), 0x0123456789abcdef);
  EXPECT_EQ(bytes.substr(8, 8), "\xef\xcd\xab\x89\x67\x45\x23\x01");
  EXPECT_TRUE(CachedEstimate(bytes, &estimate));
  EXPECT_EQ(estimate, 0x0123456789abcdefu);
  InvalidateEstimate(bytes.data());
  EXPECT_FALSE(CachedEstimate(bytes, &estimate));
  EXPECT_EQ(static_cast<uint8_t>(bytes[15]), 0x81);
}

TEST(HyperLogLogTest, RegistersThatNoHashMakesAreCountedLikeRedisDoes) {
  std::string bytes(kDenseSize, '\xff');
  bytes.replace(0, kHeaderSize, Empty().substr(0, kHeaderSize));
  bytes[4] = 0;
  ASSERT_TRUE(IsHyperLogLog(bytes));
  EXPECT_EQ(EstimateOf(bytes), uint64_t{1} << 63);
  Registers raw;
  raw.fill(255);
  EXPECT_EQ(Estimate(raw), uint64_t{1} << 63);
}

TEST(HyperLogLogTest, OtherStringsAreNone) {
  std::string dense = Empty();
  ASSERT_TRUE(ToDense(&dense));
  EXPECT_TRUE(IsHyperLogLog(dense));
  EXPECT_TRUE(IsHyperLogLog(Empty()));
  EXPECT_TRUE(IsHyperLogLog(Empty().substr(0, 16)));
  EXPECT_FALSE(IsHyperLogLog(""));
  EXPECT_FALSE(IsHyperLogLog(Empty().substr(0, 15)));
  EXPECT_FALSE(IsHyperLogLog("hyll" + Empty().substr(4)));
  EXPECT_FALSE(IsHyperLogLog(dense + "x"));
  EXPECT_FALSE(IsHyperLogLog(dense.substr(0, kDenseSize - 1)));
  std::string other = Empty();
  other[4] = 2;
  EXPECT_FALSE(IsHyperLogLog(other));
}

TEST(HyperLogLogTest, CorruptRunsAreToldAndChangeNothing) {
  const std::string corrupt[] = {
      Sparse(""),                          // No register at all.
      Sparse("\x7f"),                      // Ends inside of a run.
      Sparse("\x7f\xfe"),                  // One register too few.
      Sparse("\x7f\xff\x80"),              // One too many.
      LastRegisters(1, "\x80\x80"),        // The same.
      LastRegisters(3, "\x83"),            // A run beyond the end.
      Sparse(std::string(50000, '\x80')),  // Far too long.
      Sparse("\x7f\xff" + std::string(1000, '\x7f')),
  };
  for (const std::string& bytes : corrupt) {
    ASSERT_TRUE(IsHyperLogLog(bytes));
    uint64_t estimate = 0;
    EXPECT_FALSE(Estimate(bytes, &estimate));
    Registers registers = {};
    EXPECT_FALSE(MergeInto(bytes, &registers));
    std::string changed = bytes;
    EXPECT_FALSE(ToDense(&changed));
    EXPECT_EQ(changed, bytes);
    EXPECT_EQ(Raise(&changed, {16383, 33}, kMaxSparse), Raised::kCorrupt);
    EXPECT_EQ(changed, bytes);
  }
  std::string changed = corrupt[2];
  EXPECT_EQ(Raise(&changed, {16383, 1}, kMaxSparse), Raised::kCorrupt);
  EXPECT_EQ(changed, corrupt[2]);
  EXPECT_EQ(Decoded(Sparse("\x7f")), "corrupt");
  EXPECT_EQ(Decoded(corrupt[6]), "corrupt");
  EXPECT_EQ(Decoded(LastRegisters(3, "\x83")), "Z:16381 v:1,4");
}

// Any bytes behind the header: an answer, and never a step out of bounds (run
// under AddressSanitizer).
TEST(HyperLogLogTest, NoBytesDoHarm) {
  std::mt19937_64 random(kSeed + 1);
  std::string text;
  for (int round = 0; round < 300; ++round) {
    std::string runs(random() % (round % 10 == 0 ? 33000 : 60), '\0');
    const int mask = round % 3 == 0 ? 0xff : round % 3 == 1 ? 0x83 : 0x7f;
    for (char& c : runs)
      c = static_cast<char>(static_cast<int>(random()) & mask);
    std::string bytes = Sparse(runs);
    // Exactly as long as its heap block, so that reading beyond it shows.
    bytes.shrink_to_fit();
    ASSERT_TRUE(IsHyperLogLog(bytes));
    uint64_t estimate = 0;
    Registers registers = {};
    const bool whole = Estimate(bytes, &estimate);
    EXPECT_EQ(MergeInto(bytes, &registers), whole);
    DecodeSparse(bytes, &text);
    std::string dense = bytes;
    EXPECT_EQ(ToDense(&dense), whole);
    for (int i = 0; i < 20; ++i) {
      const Place place{static_cast<int>(random() % kRegisters),
                        static_cast<int>(1 + random() % 51)};
      const std::string before = bytes;
      const Raised raised =
          Raise(&bytes, place, random() % 2 == 0 ? kMaxSparse : 100000);
      if (raised != Raised::kYes) {
        EXPECT_EQ(bytes, before);
      }
      if (whole) {
        EXPECT_NE(raised, Raised::kCorrupt);
      }
      ASSERT_TRUE(IsHyperLogLog(bytes));
    }
  }
}

// Raising keeps a whole one whole, whatever its runs are.
TEST(HyperLogLogTest, RaisingKeepsAllOtherRegisters) {
  std::mt19937_64 random(kSeed + 2);
  for (int round = 0; round < 40; ++round) {
    std::string runs;
    for (int left = kRegisters; left > 0;) {
      const int value = static_cast<int>(random() % 3);
      int length = static_cast<int>(1 + random() % (value > 0        ? 4
                                                    : round % 2 == 0 ? 64
                                                                     : 4000));
      length = std::min(length, left);
      left -= length;
      if (value > 0) {
        runs.push_back(static_cast<char>(0x80 | value << 2 | (length - 1)));
      } else if (length <= 64 && random() % 4 > 0) {
        runs.push_back(static_cast<char>(length - 1));
      } else {  // Also where it could be shorter.
        runs.push_back(static_cast<char>(0x40 | (length - 1) >> 8));
        runs.push_back(static_cast<char>((length - 1) & 0xff));
      }
    }
    std::string bytes = Sparse(runs);
    Registers model = RegistersOf(bytes);
    for (int i = 0; i < 10; ++i) {
      const Place place{static_cast<int>(random() % kRegisters),
                        static_cast<int>(1 + random() % 4)};
      uint8_t& r = model[static_cast<size_t>(place.index)];
      r = std::max(r, static_cast<uint8_t>(place.rank));
      ASSERT_NE(Raise(&bytes, place, kMaxSparseSize), Raised::kCorrupt);
      ASSERT_EQ(RegistersOf(bytes), model) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace holdfast::server::hll
