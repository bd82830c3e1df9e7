#include "net/resp/input_buffer.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"

namespace holdfast::net {
namespace {

TEST(InputBufferTest, TakesNoMemoryBeforeItIsUsed) {
  InputBuffer b;
  EXPECT_EQ(b.capacity(), 0u);
  EXPECT_TRUE(b.readable().empty());
  b.Shrink();
  b.Clear();
  b.Consume(0);
  EXPECT_EQ(b.capacity(), 0u);
}

TEST(InputBufferTest, HoldsWhatWasCommitted) {
  InputBuffer b;
  absl::Span<char> area = b.WriteArea();
  ASSERT_GE(area.size(), 5u);
  std::memcpy(area.data(), "hello", 5);
  b.Commit(5);
  EXPECT_EQ(b.readable(), "hello");
  b.Consume(2);
  EXPECT_EQ(b.readable(), "llo");
  b.Append(" world");
  EXPECT_EQ(b.readable(), "llo world");
}

TEST(InputBufferTest, AnAnnouncedLengthTakesNoMemory) {
  InputBuffer b;
  b.Append("*1\r\n$536870912\r\n");
  for (int i = 0; i < 20; ++i) {
    const absl::Span<char> area = b.WriteArea(512 << 20);
    ASSERT_LE(b.capacity(), std::max(2 * b.size(), InputBuffer::kMinCapacity));
    std::memset(area.data(), 'x', area.size());
    b.Commit(std::min<size_t>(area.size(), 3000));
  }
}

TEST(InputBufferTest, AWantedLengthInReachIsGrantedExactly) {
  InputBuffer b;
  b.Append(std::string(100'000, 'a'));
  while (b.size() < 150'000) {
    const auto area = b.WriteArea(180'000 - b.size());
    b.Commit(std::min<size_t>(area.size(), 150'000 - b.size()));
  }
  b.WriteArea(180'000 - b.size());
  EXPECT_LE(b.capacity(), 240'000u);
}

TEST(InputBufferTest, ConsumedSpaceIsUsedAgain) {
  InputBuffer b;
  for (int i = 0; i < 100'000; ++i) {
    b.Append("*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPI");
    b.Consume(14);
    b.Append("NG\r\n");
    b.Consume(14);
  }
  EXPECT_TRUE(b.empty());
  EXPECT_EQ(b.capacity(), InputBuffer::kMinCapacity);
}

// A full buffer that asks for a little at a time, as a command of many small
// arguments does, must not copy itself for each.
TEST(InputBufferTest, SmallWantsDoNotMakeGrowthQuadratic) {
  InputBuffer b;
  int moves = 0;
  const char* last = nullptr;
  size_t capacity = 0;
  while (b.size() < (8u << 20)) {
    auto area = b.WriteArea(7);
    if (b.data() != last || b.capacity() != capacity) ++moves;
    last = b.data();
    capacity = b.capacity();
    b.Commit(std::min<size_t>(area.size(), 512));
  }
  EXPECT_LT(moves, 40);
}

TEST(InputBufferTest, ShrinkGivesMemoryBackAndKeepsTheBytes) {
  InputBuffer b;
  b.Append(std::string(1 << 20, 'a'));
  b.Append("tail");
  b.Consume(1 << 20);
  b.Shrink();
  EXPECT_EQ(b.capacity(), InputBuffer::kMinCapacity);
  EXPECT_EQ(b.readable(), "tail");
  b.Consume(4);
  b.Shrink();
  EXPECT_EQ(b.capacity(), 0u);
}

TEST(InputBufferTest, MovesLeaveAnEmptyOneBehind) {
  InputBuffer a;
  a.Append("abc");
  InputBuffer b(std::move(a));
  EXPECT_EQ(b.readable(), "abc");
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move)
  a.Append("xyz");
  EXPECT_EQ(a.readable(), "xyz");
  a = std::move(b);
  EXPECT_EQ(a.readable(), "abc");
}

TEST(InputBufferTest, RandomUseKeepsEveryByte) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 rng(seed);
  InputBuffer b;
  std::string model;
  unsigned char next = 0;
  for (int i = 0; i < 2'000; ++i) {
    switch (rng() % 4) {
      case 0:
      case 1: {
        absl::Span<char> area =
            b.WriteArea(rng() % 3 == 0 ? rng() % 50'000 : 0);
        ASSERT_FALSE(area.empty());
        const size_t n = std::min<size_t>(area.size(), rng() % 6000);
        for (size_t k = 0; k < n; ++k) {
          area[k] = static_cast<char>(next++);
          model.push_back(area[k]);
        }
        b.Commit(n);
        break;
      }
      case 2: {
        const size_t n = std::min<size_t>(b.size(), rng() % 8000);
        b.Consume(n);
        model.erase(0, n);
        break;
      }
      default:
        if (rng() % 8 == 0) b.Shrink();
    }
    ASSERT_TRUE(b.readable() == model);
  }
}

}  // namespace
}  // namespace holdfast::net
