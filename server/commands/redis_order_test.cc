#include "server/commands/redis_order.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "gtest/gtest.h"

namespace holdfast::server {
namespace {

// What is compared, and where it stood.
using Item = std::pair<int, int>;

int ByFirst(const Item& a, const Item& b) {
  return (a.first > b.first) - (a.first < b.first);
}

std::vector<Item> RandomItems(std::mt19937* random, int n, int values) {
  std::vector<Item> items;
  for (int i = 0; i < n; ++i)
    items.push_back({static_cast<int>((*random)() % values), i});
  return items;
}

TEST(RedisOrderTest, TheWholeOrderIsStable) {
  std::mt19937 random(1);
  for (const int n : {0, 1, 2, 3, 7, 8, 100, 1000}) {
    for (const int values : {1, 3, 1000000}) {
      std::vector<Item> items = RandomItems(&random, n, values);
      std::vector<Item> expected = items;
      std::stable_sort(
          expected.begin(), expected.end(),
          [](const Item& a, const Item& b) { return a.first < b.first; });
      SortAsQsort(absl::MakeSpan(items), ByFirst);
      EXPECT_EQ(items, expected) << n << " of " << values;
    }
  }
}

// A part of the order is what the whole, sorted the same way, has there.
TEST(RedisOrderTest, APartIsThatOfTheWhole) {
  std::mt19937 random(2);
  for (int round = 0; round < 1000; ++round) {
    const int n = 1 + static_cast<int>(random() % 300);
    const std::vector<Item> items =
        RandomItems(&random, n, round % 2 == 0 ? 5 : 1000);
    std::vector<Item> whole = items;
    SortPartAsRedis(absl::MakeSpan(whole), 0, whole.size(), ByFirst);
    ASSERT_TRUE(std::is_sorted(
        whole.begin(), whole.end(),
        [](const Item& a, const Item& b) { return a.first < b.first; }));
    const size_t first = random() % n;
    const size_t end = first + 1 + random() % (n - first);
    std::vector<Item> part = items;
    SortPartAsRedis(absl::MakeSpan(part), first, end, ByFirst);
    for (size_t i = first; i < end; ++i)
      ASSERT_EQ(part[i], whole[i]) << i << " in " << first << " to " << end;
    std::sort(part.begin(), part.end());
    std::sort(whole.begin(), whole.end());
    ASSERT_EQ(part, whole);
  }
}

// As redis-server 7.0.15 has these for SORT l BY w_* ALPHA LIMIT 0 8, where
// nothing is at any w_*: all are equal.
TEST(RedisOrderTest, EqualOnesAreMixedAsRedisMixesThem) {
  std::vector<int> items(9);
  std::iota(items.begin(), items.end(), 1);
  SortPartAsRedis(absl::MakeSpan(items), 0, 8, [](int, int) { return 0; });
  EXPECT_EQ(items, (std::vector<int>{9, 2, 3, 4, 5, 6, 7, 8, 1}));
}

TEST(RedisOrderTest, OrdersThatAreNoneDoNoHarm) {
  std::mt19937 random(3);
  for (int round = 0; round < 100; ++round) {
    std::vector<Item> items = RandomItems(&random, 200, 10);
    std::vector<Item> expected = items;
    const auto compare = [&random](const Item&, const Item&) {
      return static_cast<int>(random() % 3) - 1;
    };
    if (round % 2 == 0) {
      SortAsQsort(absl::MakeSpan(items), compare);
    } else {
      SortPartAsRedis(absl::MakeSpan(items), 10, 50, compare);
    }
    std::sort(items.begin(), items.end());
    std::sort(expected.begin(), expected.end());
    ASSERT_EQ(items, expected);
  }
}

// Answers so that the quicksort's pivots are always bad ones (McIlroy, "A
// Killer Adversary for Quicksort", 1999).
TEST(RedisOrderTest, NoOrderTakesLong) {
  constexpr int kItems = 20000;
  std::vector<int> value(kItems, kItems);  // All "gas" at first.
  int solid = 0;
  int candidate = 0;
  int64_t comparisons = 0;
  const auto compare = [&](int a, int b) {
    ++comparisons;
    if (value[a] == kItems && value[b] == kItems)
      value[a == candidate ? a : b] = solid++;
    if (value[a] == kItems) {
      candidate = a;
    } else if (value[b] == kItems) {
      candidate = b;
    }
    return (value[a] > value[b]) - (value[a] < value[b]);
  };
  std::vector<int> items(kItems);
  std::iota(items.begin(), items.end(), 0);
  SortPartAsRedis(absl::MakeSpan(items), 0, kItems, compare);
  EXPECT_LT(comparisons, int64_t{kItems} * 200);
  EXPECT_TRUE(std::is_sorted(items.begin(), items.end(), [&](int a, int b) {
    return value[a] < value[b];
  }));
}

}  // namespace
}  // namespace holdfast::server
