#include "server/types/bits.h"

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace holdfast::server {
namespace {

constexpr uint64_t kSeed = 20261122;

std::string RandomBytes(std::mt19937_64* random, size_t length) {
  std::string bytes(length, '\0');
  for (char& c : bytes) c = static_cast<char>((*random)());
  return bytes;
}

// The slow and obvious ways.
uint64_t CountOneByOne(absl::string_view bytes, uint64_t first, uint64_t last) {
  uint64_t count = 0;
  for (uint64_t i = first; i <= last; ++i) count += BitAt(bytes, i) ? 1 : 0;
  return count;
}
int64_t FindOneByOne(absl::string_view bytes, bool value, uint64_t first,
                     uint64_t last) {
  for (uint64_t i = first; i <= last; ++i) {
    if (BitAt(bytes, i) == value) return static_cast<int64_t>(i);
  }
  return -1;
}

TEST(BitsTest, NothingHasNoBits) { EXPECT_EQ(CountBits(""), 0u); }

TEST(BitsTest, CountsWhatIsThereAtEveryLengthAndAlignment) {
  std::mt19937_64 random(kSeed);
  const std::string bytes = RandomBytes(&random, 300);
  for (size_t start = 0; start < 9; ++start) {
    for (size_t length = 0; length + start < 100; ++length) {
      const auto part = absl::string_view(bytes).substr(start, length);
      EXPECT_EQ(CountBits(part),
                length == 0 ? 0 : CountOneByOne(part, 0, 8 * length - 1));
    }
  }
  EXPECT_EQ(CountBits(std::string(1000, '\xff')), 8000u);
}

TEST(BitsTest, CountsAndFindsInEveryRange) {
  std::mt19937_64 random(kSeed + 1);
  for (int round = 0; round < 6; ++round) {
    std::string bytes = RandomBytes(&random, 45);
    // Long rows of equal bits, which are skipped by words.
    if (round > 1) bytes.replace(2, 42, 42, round % 2 == 0 ? '\0' : '\xff');
    if (round > 3) bytes[39] ^= 0x10;
    for (uint64_t first = 0; first < 8 * bytes.size(); ++first) {
      for (uint64_t last = first; last < 8 * bytes.size();
           last += 1 + random() % 8) {
        ASSERT_EQ(CountBits(bytes, first, last),
                  CountOneByOne(bytes, first, last))
            << first << " " << last << ", round " << round;
        for (const bool value : {false, true}) {
          ASSERT_EQ(FindBit(bytes, value, first, last),
                    FindOneByOne(bytes, value, first, last))
              << first << " " << last << ", round " << round;
        }
      }
    }
  }
}

TEST(BitsTest, SetsOneBitAndNoOther) {
  for (uint64_t offset = 0; offset < 24; ++offset) {
    std::string zeros(3, '\0');
    SetBitAt(zeros.data(), offset, true);
    EXPECT_EQ(CountBits(zeros), 1u);
    EXPECT_TRUE(BitAt(zeros, offset));
    SetBitAt(zeros.data(), offset, true);
    EXPECT_EQ(CountBits(zeros), 1u);
    SetBitAt(zeros.data(), offset, false);
    EXPECT_EQ(zeros, std::string(3, '\0'));
  }
}

uint8_t CombineByte(BitOperation operation,
                    const std::vector<std::string>& sources, size_t i) {
  const auto byte = [i](const std::string& s) {
    return i < s.size() ? static_cast<uint8_t>(s[i]) : uint8_t{0};
  };
  uint8_t result = byte(sources[0]);
  if (operation == BitOperation::kNot) return static_cast<uint8_t>(~result);
  for (size_t j = 1; j < sources.size(); ++j) {
    const uint8_t other = byte(sources[j]);
    result =
        static_cast<uint8_t>(operation == BitOperation::kAnd  ? result & other
                             : operation == BitOperation::kOr ? result | other
                                                              : result ^ other);
  }
  return result;
}

TEST(BitsTest, CombinesSourcesOfAnyLengths) {
  std::mt19937_64 random(kSeed + 2);
  const size_t lengths[] = {0, 1, 7, 8, 511, 512, 513, 1024, 1500};
  for (int round = 0; round < 200; ++round) {
    const auto operation = static_cast<BitOperation>(round % 4);
    std::vector<std::string> sources(1 + random() % 5);
    size_t length = 0;
    for (std::string& s : sources) {
      s = RandomBytes(&random, lengths[random() % 9]);
      if (operation != BitOperation::kNot || &s == sources.data())
        length = std::max(length, s.size());
    }
    const std::vector<absl::string_view> views(sources.begin(), sources.end());
    std::string out(length, 'x');
    CombineBits(operation, views, out.data(), length);
    for (size_t i = 0; i < length; ++i) {
      ASSERT_EQ(static_cast<uint8_t>(out[i]),
                CombineByte(operation, sources, i))
          << "byte " << i << ", round " << round;
    }
    // The same into a source that has room.
    std::string in_place = sources[0];
    in_place.resize(length);
    std::vector<absl::string_view> aliased = views;
    aliased[0] = in_place;
    CombineBits(operation, aliased, in_place.data(), length);
    EXPECT_EQ(in_place, out);
  }
}

int64_t ReadBitByBit(absl::string_view bytes, FieldType type, uint64_t offset) {
  uint64_t raw = 0;
  for (int i = 0; i < type.bits; ++i) {
    const uint64_t at = offset + static_cast<uint64_t>(i);
    raw = raw << 1 | (at / 8 < bytes.size() && BitAt(bytes, at) ? 1 : 0);
  }
  if (type.is_signed && (raw >> (type.bits - 1)) != 0 && type.bits < 64)
    raw |= ~uint64_t{0} << type.bits;
  return static_cast<int64_t>(raw);
}

TEST(BitsTest, ReadsAndWritesFieldsOfAllWidthsAnywhere) {
  std::mt19937_64 random(kSeed + 3);
  for (const bool is_signed : {false, true}) {
    for (int bits = 1; bits <= (is_signed ? 64 : 63); ++bits) {
      const FieldType type{is_signed, bits};
      for (uint64_t offset = 0; offset < 20; ++offset) {
        std::string bytes = RandomBytes(&random, 11);
        ASSERT_EQ(ReadField(bytes, type, offset),
                  ReadBitByBit(bytes, type, offset));
        const std::string before = bytes;
        int64_t value = 0;
        ASSERT_TRUE(FitField(type, FieldOverflow::kWrap,
                             static_cast<int64_t>(random()), 0, &value));
        WriteField(bytes.data(), type, offset, value);
        ASSERT_EQ(ReadField(bytes, type, offset), value);
        for (uint64_t i = 0; i < 8 * bytes.size(); ++i) {
          if (i < offset || i >= offset + static_cast<uint64_t>(bits)) {
            ASSERT_EQ(BitAt(bytes, i), BitAt(before, i));
          }
        }
      }
    }
  }
}

TEST(BitsTest, BeyondTheStringIsZero) {
  EXPECT_EQ(ReadField("", {false, 63}, 0), 0);
  EXPECT_EQ(ReadField("\xff", {true, 64}, 7),
            std::numeric_limits<int64_t>::min());
  EXPECT_EQ(ReadField("\xff\xff", {false, 8}, 12), 0xf0);
  EXPECT_EQ(
      ReadField("\xff\xff", {true, 64}, std::numeric_limits<int64_t>::max()),
      0);
}

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

struct Fit {
  FieldType type;
  int64_t old;
  int64_t increment;
  bool fits;
  int64_t wrapped;
  int64_t saturated;
};

TEST(BitsTest, OverflowWrapsSaturatesOrFails) {
  const Fit fits[] = {
      {{true, 8}, 127, 0, true, 127, 127},
      {{true, 8}, 127, 1, false, -128, 127},
      {{true, 8}, -128, -1, false, 127, -128},
      {{true, 8}, 100, 1000, false, 76, 127},
      {{true, 1}, 0, -1, true, -1, -1},
      {{true, 1}, 0, 1, false, -1, 0},
      {{false, 8}, 255, 1, false, 0, 255},
      {{false, 8}, 0, -1, false, 255, 0},
      {{false, 8}, 300, 0, false, 44, 255},
      {{false, 8}, -1, 0, false, 255, 255},  // 2^64 - 1 to an unsigned field.
      {{false, 63}, kMax, 1, false, 0, kMax},
      {{false, 63}, 0, kMin, false, 0, 0},
      {{true, 64}, kMax, 1, false, kMin, kMax},
      {{true, 64}, kMin, -1, false, kMax, kMin},
      {{true, 64}, kMin, kMax, true, -1, -1},
      {{true, 63}, kMax, 0, false, -1, kMax / 2},
      {{true, 8}, kMin + 127, 0, false, 127, 127},  // Redis's answer.
      {{true, 8}, kMin + 128, 0, false, -128, -128},
  };
  for (const Fit& fit : fits) {
    int64_t result = 0;
    EXPECT_EQ(FitField(fit.type, FieldOverflow::kFail, fit.old, fit.increment,
                       &result),
              fit.fits)
        << fit.old << " + " << fit.increment;
    EXPECT_TRUE(FitField(fit.type, FieldOverflow::kWrap, fit.old, fit.increment,
                         &result));
    EXPECT_EQ(result, fit.wrapped) << fit.old << " + " << fit.increment;
    EXPECT_TRUE(FitField(fit.type, FieldOverflow::kSaturate, fit.old,
                         fit.increment, &result));
    EXPECT_EQ(result, fit.saturated) << fit.old << " + " << fit.increment;
  }
}

}  // namespace
}  // namespace holdfast::server
