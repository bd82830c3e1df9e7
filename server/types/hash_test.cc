#include "server/types/hash.h"

#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/support/dice.h"

namespace holdfast::server {
namespace {

using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;
using Model = std::map<std::string, std::string>;

constexpr PackedLimits kRedisDefaults = {128, 64};
constexpr PackedLimits kNeverPacked = {0, 0};

Model Contents(const Hash& hash) {
  Model out;
  hash.ForEach([&](absl::string_view field, absl::string_view value) {
    EXPECT_TRUE(out.emplace(field, value).second) << "seen twice: " << field;
  });
  EXPECT_EQ(out.size(), hash.size());
  return out;
}

std::string Get(const Hash& hash, absl::string_view field) {
  char scratch[Hash::kScratch];
  absl::string_view value;
  const bool there = hash.Get(field, scratch, &value);
  EXPECT_EQ(there, hash.Contains(field));
  return there ? std::string(value) : "(none)";
}

Hash Filled(int fields, const PackedLimits& limits) {
  Hash hash;
  for (int i = 0; i < fields; ++i)
    EXPECT_TRUE(hash.Set(absl::StrCat("field:", i), absl::StrCat(i), limits));
  return hash;
}

auto RandomOf(test::Dice* dice) {
  return [dice] {
    return static_cast<uint64_t>(dice->Below(int64_t{1} << 62)) << 2 |
           static_cast<uint64_t>(dice->Below(4));
  };
}

TEST(HashTypeTest, BeginsEmptyAndOwnsNothing) {
  Hash hash;
  EXPECT_TRUE(hash.empty());
  EXPECT_EQ(hash.MemoryUsage(), 0u);
  EXPECT_EQ(Get(hash, "a"), "(none)");
  EXPECT_FALSE(hash.Erase("a"));
  EXPECT_THAT(Contents(hash), IsEmpty());
  EXPECT_EQ(hash.EncodingName(), "listpack");
  EXPECT_EQ(hash.PackedBytes(), "");
  EXPECT_EQ(
      hash.Scan(77, 10, [](absl::string_view, absl::string_view) { FAIL(); }),
      0u);
  EXPECT_TRUE(hash.Clone().empty());
}

TEST(HashTypeTest, SetSaysWhetherTheFieldIsNew) {
  for (const PackedLimits& limits : {kRedisDefaults, kNeverPacked}) {
    Hash hash;
    EXPECT_TRUE(hash.Set("f", "1", limits));
    EXPECT_FALSE(hash.Set("f", "1", limits));
    EXPECT_FALSE(hash.Set("f", "two", limits));
    EXPECT_TRUE(hash.Set("two", "f", limits)) << "a value is no field";
    EXPECT_TRUE(hash.Set("", "", limits));
    EXPECT_TRUE(hash.Set(absl::string_view("\0", 1),
                         absl::string_view("\0\0", 2), limits));
    EXPECT_THAT(
        Contents(hash),
        UnorderedElementsAre(Pair("f", "two"), Pair("two", "f"), Pair("", ""),
                             Pair(std::string(1, '\0'), std::string(2, '\0'))));
    EXPECT_FALSE(hash.Erase("1"));
    EXPECT_TRUE(hash.Erase("f"));
    EXPECT_FALSE(hash.Erase("f"));
    EXPECT_EQ(Get(hash, "f"), "(none)");
    EXPECT_EQ(Get(hash, ""), "");
  }
}

TEST(HashTypeTest, BecomesATableWhenAFieldOrValueIsTooLong) {
  const std::string fits(64, 'x');
  const std::string too_long(65, 'x');
  Hash hash;
  hash.Set(fits, fits, kRedisDefaults);
  EXPECT_EQ(hash.EncodingName(), "listpack");
  Hash by_value = hash.Clone();
  EXPECT_FALSE(by_value.Set(fits, too_long, kRedisDefaults));
  EXPECT_EQ(by_value.EncodingName(), "hashtable");
  EXPECT_THAT(Contents(by_value), UnorderedElementsAre(Pair(fits, too_long)));
  Hash by_field = hash.Clone();
  EXPECT_TRUE(by_field.Set(too_long, "", kRedisDefaults));
  EXPECT_EQ(by_field.EncodingName(), "hashtable");
  EXPECT_EQ(by_field.PackedBytes(), "");
  // It does not come back.
  EXPECT_TRUE(by_field.Erase(too_long));
  EXPECT_EQ(by_field.EncodingName(), "hashtable");
  EXPECT_THAT(Contents(by_field), UnorderedElementsAre(Pair(fits, fits)));
}

TEST(HashTypeTest, BecomesATableWithOneFieldTooMany) {
  Hash hash = Filled(128, kRedisDefaults);
  EXPECT_EQ(hash.EncodingName(), "listpack");
  EXPECT_FALSE(hash.Set("field:5", "new", kRedisDefaults));
  EXPECT_EQ(hash.EncodingName(), "listpack");
  const Model before = Contents(hash);
  EXPECT_TRUE(hash.Set("one more", "", kRedisDefaults));
  EXPECT_EQ(hash.EncodingName(), "hashtable");
  EXPECT_TRUE(hash.Erase("one more"));
  EXPECT_EQ(Contents(hash), before);
}

TEST(HashTypeTest, ALimitThatCameDownCountsAtTheNextChange) {
  Hash hash = Filled(10, kRedisDefaults);
  EXPECT_FALSE(hash.Set("field:1", "x", {9, 64}));
  EXPECT_EQ(hash.EncodingName(), "hashtable");
  EXPECT_EQ(Get(hash, "field:1"), "x");
  EXPECT_EQ(hash.size(), 10u);
}

std::string RandomText(test::Dice* dice, const char* prefix) {
  switch (dice->Below(8)) {
    case 0:
      return absl::StrCat(dice->Below(30) - 15);
    case 1:
      return std::string(static_cast<size_t>(dice->Below(80)), 'x');
    case 2:
      return std::string(static_cast<size_t>(dice->Below(3000)), 'y');
    default:
      return absl::StrCat(prefix, dice->Below(150));
  }
}

TEST(HashTypeTest, DoesWhatAMapDoes) {
  const PackedLimits kinds[] = {
      kRedisDefaults, kNeverPacked, {1000, 4000}, {20, 4000}};
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    test::Dice dice(seed);
    const PackedLimits& limits = kinds[seed % 4];
    Hash hash;
    Model model;
    for (int step = 0; step < 1200; ++step) {
      const std::string field = RandomText(&dice, "f");
      if (dice.OneIn(3)) {
        ASSERT_EQ(hash.Erase(field), model.erase(field) == 1);
      } else {
        const std::string value = RandomText(&dice, "v");
        ASSERT_EQ(hash.Set(field, value, limits), model.count(field) == 0);
        model[field] = value;
      }
      const std::string other = RandomText(&dice, "f");
      const auto it = model.find(other);
      ASSERT_EQ(Get(hash, other), it == model.end() ? "(none)" : it->second);
      ASSERT_EQ(hash.size(), model.size());
    }
    EXPECT_EQ(Contents(hash), model);
    Hash copy = hash.Clone();
    EXPECT_EQ(copy.EncodingName(), hash.EncodingName());
    hash.Set("only here", "", limits);
    EXPECT_EQ(Contents(copy), model);
    Hash moved = std::move(copy);
    EXPECT_TRUE(copy.empty());  // NOLINT: a moved-from hash is an empty one.
    for (const auto& [field, value] : model) ASSERT_TRUE(moved.Erase(field));
    EXPECT_TRUE(moved.empty());
    EXPECT_LE(moved.MemoryUsage(), 4096u)
        << "what was erased gives its memory back";
  }
}

TEST(HashTypeTest, AValueIsReplacedInPlaceWhereItFits) {
  Hash hash;
  test::Dice dice(5);
  std::string last;
  for (int i = 0; i < 3000; ++i) {
    last = std::string(
        static_cast<size_t>(dice.OneIn(5) ? dice.Below(2000) : dice.Below(100)),
        static_cast<char>('a' + i % 26));
    hash.Set("before", "b", kNeverPacked);
    hash.Set("field", last, kNeverPacked);
    hash.Set("after", "a", kNeverPacked);
    ASSERT_EQ(Get(hash, "field"), last);
    ASSERT_EQ(Get(hash, "before"), "b");
    ASSERT_EQ(Get(hash, "after"), "a");
  }
  const size_t small = [&] {
    hash.Set("field", "", kNeverPacked);
    return hash.MemoryUsage();
  }();
  hash.Set("field", std::string(100000, 'x'), kNeverPacked);
  EXPECT_GT(hash.MemoryUsage(), 100000u);
  hash.Set("field", "", kNeverPacked);
  EXPECT_EQ(hash.MemoryUsage(), small)
      << "a short value does not keep a long one's memory";
}

TEST(HashTypeTest, ScanShowsAllThatStays) {
  Hash hash = Filled(3000, kNeverPacked);
  std::set<std::string> seen;
  int calls = 0;
  uint64_t cursor = 0;
  do {
    cursor =
        hash.Scan(cursor, 10, [&](absl::string_view field, absl::string_view) {
          seen.emplace(field);
        });
    // One that was there all the time is not lost while others come and go.
    hash.Set(absl::StrCat("new:", calls), "", kNeverPacked);
    hash.Erase(absl::StrCat("new:", calls / 2));
    ASSERT_LT(++calls, 3000);
  } while (cursor != 0);
  EXPECT_GT(calls, 150);
  for (int i = 0; i < 3000; ++i)
    EXPECT_EQ(seen.count(absl::StrCat("field:", i)), 1u) << i;
  // Any cursor and count are taken.
  for (const uint64_t bad :
       {uint64_t{1}, uint64_t{1} << 47, (uint64_t{1} << 48) - 1,
        uint64_t{1} << 48, UINT64_MAX}) {
    for (const size_t count : {size_t{0}, size_t{1}, SIZE_MAX}) {
      hash.Scan(bad, count, [](absl::string_view, absl::string_view) {});
    }
  }
  Hash small = Filled(5, kRedisDefaults);
  EXPECT_EQ(small.Scan(99, 1,
                       [&](absl::string_view field, absl::string_view) {
                         seen.erase(std::string(field));
                       }),
            0u);
  EXPECT_EQ(seen.count("field:4"), 0u);
}

TEST(HashTypeTest, EveryFieldHasTheSameChance) {
  // 17: the smallest table that is not listed; 4100: one with segments of two
  // depths, so that some buckets are twice as wide as others.
  for (const int fields : {1, 5, 17, 50, 100, 4100}) {
    for (const PackedLimits& limits : {PackedLimits{100, 64}, kNeverPacked}) {
      if (fields > 100 && limits.max_entries > 0) continue;
      SCOPED_TRACE(fields);
      Hash hash = Filled(fields, limits);
      test::Dice dice(static_cast<uint64_t>(fields));
      std::map<std::string, int> picked;
      const int each = fields > 100 ? 10 : 60;  // Expected picks of a field.
      const int rounds = each * fields;
      for (int i = 0; i < rounds; ++i) {
        hash.RandomField(RandomOf(&dice),
                         [&](absl::string_view field, absl::string_view value) {
                           EXPECT_EQ(field, absl::StrCat("field:", value));
                           ++picked[std::string(field)];
                         });
      }
      double chi_square = 0;
      for (int i = 0; i < fields; ++i) {
        const double off = picked[absl::StrCat("field:", i)] - each;
        chi_square += off * off / each;
      }
      // Its mean is `degrees`, its deviation the root of twice that; the seed
      // of the hash function differs from run to run, so the bound is one that
      // chance never meets.
      const double degrees = fields - 1;
      EXPECT_LT(chi_square, degrees + 6 * std::sqrt(2 * degrees) + 20);
    }
  }
}

TEST(HashTypeTest, EvenDiceThatAlwaysFallTheSameFindAField) {
  Hash hash = Filled(500, kNeverPacked);
  for (const uint64_t same : {uint64_t{0}, uint64_t{15}, UINT64_MAX}) {
    int shown = 0;
    hash.RandomField([same] { return same; },
                     [&](absl::string_view, absl::string_view) { ++shown; });
    EXPECT_EQ(shown, 1);
  }
}

TEST(HashTypeTest, TakesAListpackFromALoader) {
  Listpack pairs;
  pairs.InsertAll(Listpack::kEnd, {"a", "1", "2", "b"});
  absl::StatusOr<Hash> packed = Hash::FromListpack(pairs.Clone(), {2, 64});
  ASSERT_TRUE(packed.ok());
  EXPECT_EQ(packed->EncodingName(), "listpack");
  EXPECT_EQ(packed->PackedBytes(), pairs.bytes());
  EXPECT_THAT(Contents(*packed),
              UnorderedElementsAre(Pair("a", "1"), Pair("2", "b")));
  absl::StatusOr<Hash> table = Hash::FromListpack(pairs.Clone(), {1, 64});
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(table->EncodingName(), "hashtable");
  EXPECT_EQ(Contents(*table), Contents(*packed));
  absl::StatusOr<Hash> empty = Hash::FromListpack(Listpack(), {1, 64});
  ASSERT_TRUE(empty.ok());
  EXPECT_TRUE(empty->empty());
}

TEST(HashTypeTest, RefusesAListpackThatIsNoHash) {
  for (const int fields : {1, 2, 15, 16, 17, 40, 300}) {
    for (const PackedLimits& limits : {PackedLimits{1000, 64}, kNeverPacked}) {
      Listpack pairs;
      for (int i = 0; i < fields; ++i)
        pairs.InsertAll(Listpack::kEnd, {absl::StrCat(i), "v"});
      EXPECT_TRUE(Hash::FromListpack(pairs.Clone(), limits).ok());
      Listpack odd = pairs.Clone();
      odd.Append("field");
      EXPECT_EQ(Hash::FromListpack(std::move(odd), limits).status().code(),
                absl::StatusCode::kInvalidArgument);
      Listpack twice = pairs.Clone();
      twice.InsertAll(twice.First(), {absl::StrCat(fields - 1), "again"});
      EXPECT_EQ(Hash::FromListpack(std::move(twice), limits).status().code(),
                absl::StatusCode::kInvalidArgument);
    }
  }
}

// Redis does not look at how an element is written: "1" as an integer and "1"
// as a string are one field.
TEST(HashTypeTest, RefusesAFieldThatIsWrittenInTwoWays) {
  const std::string bytes(
      "\x0f\x00\x00\x00\x04\x00"
      "\x01\x01"      // 1
      "\x00\x01"      // 0
      "\x81\x31\x02"  // "1"
      "\x00\x01"      // 0
      "\xff",
      16);
  std::string right = bytes;
  right[0] = 16;
  absl::StatusOr<Listpack> pairs = Listpack::FromBytes(right);
  ASSERT_TRUE(pairs.ok()) << pairs.status();
  EXPECT_FALSE(Hash::FromListpack(pairs->Clone(), {1000, 64}).ok());
  EXPECT_FALSE(Hash::FromListpack(pairs->Clone(), {0, 64}).ok());
}

TEST(HashTypeTest, SaysWhatItOwns) {
  const Hash small = Filled(10, kRedisDefaults);
  EXPECT_GE(small.MemoryUsage(), small.PackedBytes().size());
  EXPECT_LE(small.MemoryUsage(), 2 * small.PackedBytes().size() + 32);
  EXPECT_EQ(small.FreeEffort(), 1u);
  const Hash large = Filled(10000, kRedisDefaults);
  EXPECT_EQ(large.FreeEffort(), 10000u);
  const double all = static_cast<double>(large.MemoryUsage());
  EXPECT_GT(all, 10000 * (16 + 10));
  EXPECT_LT(all, 10000 * 80);
  EXPECT_NEAR(static_cast<double>(large.MemoryUsage(5)), all, all / 5);
}

}  // namespace
}  // namespace holdfast::server
