#include "server/types/intset.h"

#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/support/dice.h"

namespace holdfast::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<int64_t> Contents(const Intset& set) {
  std::vector<int64_t> out;
  for (size_t i = 0; i < set.size(); ++i) out.push_back(set.Get(i));
  return out;
}

std::string Hex(const Intset& set) {
  return absl::BytesToHexString(set.bytes());
}

std::string Packed(uint32_t width, uint32_t count,
                   const std::vector<int64_t>& values) {
  std::string out(8, '\0');
  memcpy(out.data(), &width, 4);
  memcpy(out.data() + 4, &count, 4);
  for (const int64_t v : values)
    out.append(reinterpret_cast<const char*>(&v), width <= 8 ? width : 8);
  return out;
}

// The bytes were asked of redis-server 7.0.15: DUMP of a set of these.
TEST(IntsetTest, IsWhatRedisWrites) {
  Intset set;
  EXPECT_TRUE(set.Insert(5));
  EXPECT_TRUE(set.Insert(-1));
  EXPECT_EQ(Hex(set), "0200000002000000ffff0500");
  EXPECT_TRUE(set.Insert(70000));
  EXPECT_EQ(Hex(set), "0400000003000000ffffffff0500000070110100");
  EXPECT_TRUE(set.Insert(-5000000000));
  EXPECT_EQ(Hex(set),
            "0800000004000000"
            "000efad5feffffff"
            "ffffffffffffffff"
            "0500000000000000"
            "7011010000000000");
  EXPECT_TRUE(set.Erase(-5000000000));
  EXPECT_EQ(set.byte_size(), 8u + 3 * 8) << "it stays as wide as it was";
}

TEST(IntsetTest, WidensAtEveryEdge) {
  for (const int64_t edge :
       {int64_t{INT16_MAX}, int64_t{INT32_MAX}, INT64_MAX - 1}) {
    for (const int64_t value : {edge, edge + 1, -edge - 1, -edge - 2}) {
      Intset set;
      set.Insert(7);
      EXPECT_TRUE(set.Insert(value));
      EXPECT_FALSE(set.Insert(value));
      EXPECT_TRUE(set.Find(value));
      EXPECT_THAT(Contents(set), ::testing::UnorderedElementsAre(7, value));
      EXPECT_TRUE(Intset::FromBytes(set.bytes()).ok()) << value;
    }
  }
}

TEST(IntsetTest, FindsNothingOutsideOfItsWidth) {
  Intset set;
  EXPECT_FALSE(set.Find(0));
  EXPECT_FALSE(set.Erase(0));
  set.Insert(1);
  // These end in the same two bytes as 1.
  for (const int64_t value : {65537L, -65535L, 4294967297L, INT64_MIN + 1}) {
    EXPECT_FALSE(set.Find(value)) << value;
    EXPECT_FALSE(set.Erase(value)) << value;
  }
  size_t index = 9;
  EXPECT_FALSE(set.Find(INT64_MAX, &index));
  EXPECT_EQ(index, 1u);
  EXPECT_FALSE(set.Find(INT64_MIN, &index));
  EXPECT_EQ(index, 0u);
}

TEST(IntsetTest, DoesWhatASetDoes) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    test::Dice dice(seed);
    Intset set;
    std::set<int64_t> model;
    for (int step = 0; step < 3000; ++step) {
      // Wide ones come late, so that narrow sets are seen as well.
      const int64_t value =
          dice.OneIn(1000)  ? dice.Between(INT64_MIN / 4, INT64_MAX / 4)
          : dice.OneIn(500) ? dice.Between(INT32_MIN, INT32_MAX)
                            : dice.Between(-200, 200);
      size_t index = 0;
      const bool there = set.Find(value, &index);
      ASSERT_EQ(there, model.count(value) == 1);
      ASSERT_EQ(index, static_cast<size_t>(std::distance(
                           model.begin(), model.lower_bound(value))));
      if (dice.OneIn(2)) {
        ASSERT_EQ(set.Insert(value), model.insert(value).second);
      } else {
        ASSERT_EQ(set.Erase(value), model.erase(value) == 1);
      }
      ASSERT_EQ(set.size(), model.size());
    }
    EXPECT_EQ(Contents(set), std::vector<int64_t>(model.begin(), model.end()));
    EXPECT_EQ(Contents(set.Clone()), Contents(set));
    EXPECT_TRUE(Intset::FromBytes(set.bytes()).ok());
    while (!set.empty()) set.EraseAt(set.size() / 2);
    EXPECT_THAT(Contents(set), IsEmpty());
    EXPECT_LE(set.MemoryUsage(), 64u)
        << "what was erased gives its memory back";
  }
}

TEST(IntsetTest, EveryValueHasTheSameChance) {
  test::Dice dice(3);
  Intset set;
  for (int64_t v = 0; v < 20; ++v) set.Insert(v * v * v * 1000);
  std::map<int64_t, int> picked;
  for (int i = 0; i < 20000; ++i)
    ++picked[set.Random(
        [&] { return static_cast<uint64_t>(dice.Below(INT64_MAX)); })];
  EXPECT_EQ(picked.size(), 20u);
  for (const auto& [value, times] : picked)
    EXPECT_NEAR(times, 1000, 200) << value;
}

TEST(IntsetTest, ItsBlockGoesOutAndComesBack) {
  Intset set;
  set.Insert(3);
  Intset back = Intset::Adopt(set.Release());
  EXPECT_THAT(Contents(back), ElementsAre(3));
}

TEST(IntsetTest, RefusesBrokenBytes) {
  ASSERT_TRUE(Intset::FromBytes(Packed(2, 3, {-1, 0, 1})).ok());
  ASSERT_TRUE(Intset::FromBytes(Packed(8, 2, {INT64_MIN, INT64_MAX})).ok());
  ASSERT_TRUE(Intset::FromBytes(Packed(8, 2, {1, 2})).ok())
      << "wider than it has to be";
  const std::vector<std::string> bad = {
      "",
      std::string(7, '\0'),
      Packed(2, 0, {}),
      Packed(0, 1, {}),
      Packed(1, 1, {1}),
      Packed(3, 1, {1}),
      Packed(16, 1, {1}),
      Packed(2, 2, {1}),
      Packed(2, 1, {1, 2}),
      Packed(2, 2, {1, 1}),
      Packed(2, 2, {2, 1}),
      Packed(4, 3, {1, 3, 2}),
      Packed(8, 2, {INT64_MAX, INT64_MIN}),
      Packed(8, 0x20000001, {1}),  // 8 * count is 8 in 32 bits.
      Packed(2, 0xffffffff, {1}),
      Packed(4, 2, {1, 2}) + "x",
  };
  for (const std::string& bytes : bad) {
    EXPECT_EQ(Intset::FromBytes(bytes).status().code(),
              absl::StatusCode::kInvalidArgument)
        << absl::BytesToHexString(bytes);
  }
}

}  // namespace
}  // namespace holdfast::server
