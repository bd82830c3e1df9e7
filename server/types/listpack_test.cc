#include "server/types/listpack.h"

#include <algorithm>
#include <cstdint>
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
using Position = Listpack::Position;

std::vector<std::string> Contents(const Listpack& lp) {
  std::vector<std::string> out;
  for (Position at = lp.First(); at != Listpack::kEnd; at = lp.Next(at)) {
    char scratch[Listpack::Item::kScratch];
    out.emplace_back(lp.Get(at).Bytes(scratch));
  }
  return out;
}

std::vector<std::string> Backwards(const Listpack& lp) {
  std::vector<std::string> out;
  for (Position at = lp.Last(); at != Listpack::kEnd; at = lp.Previous(at)) {
    char scratch[Listpack::Item::kScratch];
    out.emplace_back(lp.Get(at).Bytes(scratch));
  }
  return out;
}

std::string Hex(const Listpack& lp) {
  return absl::BytesToHexString(lp.bytes());
}

// The bytes were asked of redis-server 7.0.15: DUMP of a list of these.
TEST(ListpackTest, IsWhatRedisWrites) {
  Listpack lp;
  EXPECT_EQ(Hex(lp), "070000000000ff");
  lp.Append("a");
  lp.Append("1");
  lp.Append("-1");
  lp.Append("1000");
  lp.Append("-32768");
  lp.Append("8388607");
  lp.Append("2147483647");
  lp.Append("9223372036854775807");
  EXPECT_EQ(Hex(lp),
            "2b0000000800"
            "816102"
            "0101"
            "dfff02"
            "c3e802"
            "f1008003"
            "f2ffff7f04"
            "f3ffffff7f05"
            "f4ffffffffffffff7f09"
            "ff");
}

TEST(ListpackTest, EveryEncodingReadsBack) {
  std::vector<std::string> values;
  for (const int64_t edge :
       {int64_t{0}, int64_t{127}, int64_t{4095}, int64_t{32767},
        int64_t{8388607}, int64_t{INT32_MAX}, INT64_MAX - 1}) {
    for (const int64_t v :
         {edge - 1, edge, edge + 1, -edge - 2, -edge - 1, -edge})
      values.push_back(absl::StrCat(v));
  }
  for (const char* no_number :
       {"", "-0", "+1", "01", " 1", "9223372036854775808", "1.5"})
    values.push_back(no_number);
  for (const size_t n : {1, 63, 64, 123, 124, 125, 126, 127, 128, 4095, 4096,
                         16380, 16381, 16382, 16383, 70000}) {
    values.push_back(std::string(n, 'x'));
  }
  Listpack lp;
  for (const std::string& v : values) lp.Append(v);
  EXPECT_EQ(Contents(lp), values);
  std::reverse(values.begin(), values.end());
  EXPECT_EQ(Backwards(lp), values);
  EXPECT_TRUE(Listpack::FromBytes(lp.bytes()).ok());
}

TEST(ListpackTest, BeginsEmpty) {
  Listpack lp;
  EXPECT_TRUE(lp.empty());
  EXPECT_EQ(lp.First(), Listpack::kEnd);
  EXPECT_EQ(lp.Last(), Listpack::kEnd);
  EXPECT_EQ(lp.Seek(0), Listpack::kEnd);
  EXPECT_EQ(lp.Seek(-1), Listpack::kEnd);
  EXPECT_EQ(lp.Find("a", lp.First()), Listpack::kEnd);
}

TEST(ListpackTest, FindsAndPassesOver) {
  Listpack lp;
  lp.InsertAll(Listpack::kEnd, {"f1", "7", "7", "v2", "f3", "v3"});
  EXPECT_EQ(lp.Find("7", lp.First()), lp.Seek(1));
  EXPECT_EQ(lp.Find("7", lp.First(), 1), lp.Seek(2))
      << "values are passed over";
  EXPECT_EQ(lp.Find("07", lp.First()), Listpack::kEnd);
  EXPECT_EQ(lp.Find("v3", lp.First(), 1), Listpack::kEnd);
  EXPECT_EQ(lp.Find("f3", lp.Seek(2), 1), lp.Seek(4));
}

TEST(ListpackTest, ErasesNoMoreThanThereIs) {
  Listpack lp;
  lp.InsertAll(Listpack::kEnd, {"a", "b", "c", "d"});
  EXPECT_EQ(lp.Erase(lp.Seek(1), 2), lp.Seek(1));
  EXPECT_THAT(Contents(lp), ElementsAre("a", "d"));
  EXPECT_EQ(lp.Erase(lp.Seek(1), 100), Listpack::kEnd);
  EXPECT_EQ(lp.Erase(lp.First()), Listpack::kEnd);
  EXPECT_THAT(Contents(lp), IsEmpty());
}

TEST(ListpackTest, CountsBeyondWhatTheHeaderCanSay) {
  Listpack lp;
  const std::vector<absl::string_view> block(1000, "1");
  for (int i = 0; i < 66; ++i) lp.InsertAll(Listpack::kEnd, block);
  EXPECT_EQ(lp.size(), 66000u);
  EXPECT_EQ(lp.Seek(65999), lp.Last());
  EXPECT_EQ(lp.Seek(-66000), lp.First());
  EXPECT_EQ(lp.Seek(66000), Listpack::kEnd);
  EXPECT_EQ(lp.Seek(-66001), Listpack::kEnd);
  lp.Erase(lp.First(), 1000);
  EXPECT_EQ(lp.size(), 65000u)
      << "counted, as the header does not say it any more";
  EXPECT_TRUE(Listpack::FromBytes(lp.bytes()).ok());
}

std::string RandomValue(test::Dice* dice) {
  switch (dice->Below(4)) {
    case 0:
      return absl::StrCat(dice->Between(INT64_MIN / 4, INT64_MAX / 4) >>
                          dice->Below(62));
    case 1:
      return std::string(static_cast<size_t>(dice->Below(300)), 'v');
    default:
      return absl::StrCat("k", dice->Below(20));
  }
}

TEST(ListpackTest, DoesWhatAVectorDoes) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    test::Dice dice(seed);
    Listpack lp;
    std::vector<std::string> model;
    for (int step = 0; step < 400; ++step) {
      const std::string value = RandomValue(&dice);
      const int64_t size = static_cast<int64_t>(model.size());
      const int64_t i = size == 0 ? 0 : dice.Below(size);
      switch (dice.Below(6)) {
        case 0:
        case 1:
          lp.Insert(lp.Seek(i), value);
          model.insert(model.begin() + i, value);
          break;
        case 2:
          lp.Append(value);
          model.push_back(value);
          break;
        case 3:
          if (model.empty()) break;
          lp.Replace(lp.Seek(i - size), value);
          model[static_cast<size_t>(i)] = value;
          break;
        case 4: {
          if (model.empty()) break;
          const int64_t n = std::min(dice.Below(4), size - i);
          lp.Erase(lp.Seek(i), static_cast<size_t>(n));
          model.erase(model.begin() + i, model.begin() + i + n);
          break;
        }
        default: {
          const auto found = std::find(model.begin(), model.end(), value);
          const Position at = lp.Find(value, lp.First());
          ASSERT_EQ(at, lp.Seek(found - model.begin()));
        }
      }
      ASSERT_EQ(lp.size(), model.size());
    }
    EXPECT_EQ(Contents(lp), model);
    EXPECT_EQ(Contents(lp.Clone()), model);
    std::reverse(model.begin(), model.end());
    EXPECT_EQ(Backwards(lp), model);
    EXPECT_TRUE(Listpack::FromBytes(lp.bytes()).ok());
  }
}

TEST(ListpackTest, RefusesBrokenBytes) {
  Listpack lp;
  lp.InsertAll(Listpack::kEnd, {"a", "1000", std::string(70, 'x'),
                                std::string(5000, 'y'), "-5000000000"});
  const std::string good(lp.bytes());
  ASSERT_TRUE(Listpack::FromBytes(good).ok());
  for (size_t n = 0; n < good.size(); ++n) {
    EXPECT_FALSE(Listpack::FromBytes(good.substr(0, n)).ok()) << "cut to " << n;
  }
  EXPECT_FALSE(Listpack::FromBytes(good + good.back()).ok());
  // Whatever is changed, what is taken can be walked both ways.
  test::Dice dice(7);
  for (int i = 0; i < 20000; ++i) {
    std::string bad = good;
    const int64_t at =
        dice.Below(dice.OneIn(2) ? 100 : static_cast<int64_t>(bad.size()));
    bad[static_cast<size_t>(at)] = static_cast<char>(dice.Below(256));
    const absl::StatusOr<Listpack> taken = Listpack::FromBytes(bad);
    if (!taken.ok()) continue;
    std::vector<std::string> forwards = Contents(*taken);
    std::reverse(forwards.begin(), forwards.end());
    EXPECT_EQ(Backwards(*taken), forwards);
  }
}

}  // namespace
}  // namespace holdfast::server
