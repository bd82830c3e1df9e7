#include "server/types/bits.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "glog/logging.h"

namespace holdfast::server {
namespace {

uint64_t LoadWord(const char* at) {
  uint64_t word;
  memcpy(&word, at, sizeof(word));
  return word;
}

// Bit 0 of the row becomes the most significant one.
uint64_t LoadBigEndian(const char* at) {
  uint64_t word = 0;
  for (int i = 0; i < 8; ++i) word = word << 8 | static_cast<uint8_t>(at[i]);
  return word;
}

#if defined(__x86_64__)
// Sums of 2, 4, then 8 bits side by side (Knuth, TAOCP 4A, 7.1.3).
uint64_t Popcount(uint64_t word) {
  word -= word >> 1 & 0x5555555555555555;
  word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
  word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
  return word * 0x0101010101010101 >> 56;
}

// The instruction is not of the baseline that we compile for, but hardly a
// machine lacks it. Four sums, so that no addition waits for the one before.
__attribute__((target("popcnt"))) uint64_t CountWordsPopcnt(const char* at,
                                                            size_t words) {
  uint64_t sums[4] = {};
  size_t i = 0;
  for (; i + 4 <= words; i += 4) {
    for (size_t j = 0; j < 4; ++j) {
      sums[j] += static_cast<uint64_t>(
          __builtin_popcountll(LoadWord(at + 8 * (i + j))));
    }
  }
  for (; i < words; ++i) {
    sums[0] +=
        static_cast<uint64_t>(__builtin_popcountll(LoadWord(at + 8 * i)));
  }
  return sums[0] + sums[1] + sums[2] + sums[3];
}
#else
uint64_t Popcount(uint64_t word) {
  return static_cast<uint64_t>(std::popcount(word));
}
#endif

uint64_t CountWords(const char* at, size_t words) {
#if defined(__x86_64__)
  static const bool has_popcnt = __builtin_cpu_supports("popcnt") != 0;
  if (has_popcnt) return CountWordsPopcnt(at, words);
#endif
  uint64_t count = 0;
  for (size_t i = 0; i < words; ++i) count += Popcount(LoadWord(at + 8 * i));
  return count;
}

// The bits of byte `at` that belong to the row from `first` to `last`.
uint8_t MaskOf(size_t at, uint64_t first, uint64_t last) {
  unsigned mask = 0xff;
  if (at == first >> 3) mask &= 0xffu >> (first & 7);
  if (at == last >> 3) mask &= 0xffu << (7 - (last & 7));
  return static_cast<uint8_t>(mask);
}

// As many bytes as are combined in one go: a number that the compiler knows, so
// that it uses the widest registers there are.
constexpr size_t kChunk = 512;

template <typename Operation>
void CombineChunk(char* result, const char* source, Operation operation) {
  for (size_t i = 0; i < kChunk; i += 8) {
    const uint64_t word = operation(LoadWord(result + i), LoadWord(source + i));
    memcpy(result + i, &word, sizeof(word));
  }
}

// The source's bytes from `offset` on, filled up with zeros in `scratch` where
// it ends before the chunk does.
const char* ChunkOf(absl::string_view source, size_t offset,
                    char (&scratch)[kChunk]) {
  if (offset + kChunk <= source.size()) return source.data() + offset;
  const size_t there = offset < source.size() ? source.size() - offset : 0;
  if (there > 0) memcpy(scratch, source.data() + offset, there);
  memset(scratch + there, 0, kChunk - there);
  return scratch;
}

uint64_t LowBits(int bits) {
  return bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
}

// The low bits as a number of the type.
int64_t AsField(FieldType type, uint64_t raw) {
  raw &= LowBits(type.bits);
  const bool negative = type.is_signed && (raw >> (type.bits - 1) & 1) != 0;
  return static_cast<int64_t>(negative ? raw | ~LowBits(type.bits) : raw);
}

}  // namespace

uint64_t CountBits(absl::string_view bytes) {
  const size_t words = bytes.size() / 8;
  uint64_t count = CountWords(bytes.data(), words);
  for (const char c : bytes.substr(8 * words)) {
    count += static_cast<uint64_t>(std::popcount(static_cast<uint8_t>(c)));
  }
  return count;
}

uint64_t CountBits(absl::string_view bytes, uint64_t first, uint64_t last) {
  DCHECK_LE(first, last);
  DCHECK_LT(last >> 3, bytes.size());
  const size_t first_byte = first >> 3;
  const size_t last_byte = last >> 3;
  const auto count_at = [&](size_t at) {
    return static_cast<uint64_t>(std::popcount(static_cast<uint8_t>(
        static_cast<uint8_t>(bytes[at]) & MaskOf(at, first, last))));
  };
  uint64_t count = count_at(first_byte);
  if (first_byte == last_byte) return count;
  count += count_at(last_byte);
  return count +
         CountBits(bytes.substr(first_byte + 1, last_byte - first_byte - 1));
}

int64_t FindBit(absl::string_view bytes, bool value, uint64_t first,
                uint64_t last) {
  DCHECK_LE(first, last);
  DCHECK_LT(last >> 3, bytes.size());
  const size_t last_byte = last >> 3;
  const uint64_t flip = value ? 0 : ~uint64_t{0};  // Then we look for a 1.
  for (size_t at = first >> 3; at <= last_byte;) {
    // Bytes inside of the range need no mask.
    if (at > first >> 3 && at + 8 <= last_byte) {
      const char* const four = bytes.data() + at;
      if (at + 32 <= last_byte &&
          ((LoadWord(four) ^ flip) | (LoadWord(four + 8) ^ flip) |
           (LoadWord(four + 16) ^ flip) | (LoadWord(four + 24) ^ flip)) == 0) {
        at += 32;
        continue;
      }
      if (LoadWord(bytes.data() + at) != flip) {
        const uint64_t word = LoadBigEndian(bytes.data() + at) ^ flip;
        return static_cast<int64_t>(8 * at) + std::countl_zero(word);
      }
      at += 8;
      continue;
    }
    const auto byte = static_cast<uint8_t>(
        (static_cast<uint8_t>(bytes[at]) ^ static_cast<uint8_t>(flip)) &
        MaskOf(at, first, last));
    if (byte != 0) return static_cast<int64_t>(8 * at) + std::countl_zero(byte);
    ++at;
  }
  return -1;
}

void CombineBits(BitOperation operation,
                 absl::Span<const absl::string_view> sources, char* out,
                 size_t length) {
  CHECK(!sources.empty());
  if (operation == BitOperation::kNot) sources = sources.subspan(0, 1);
  char result[kChunk];
  char scratch[kChunk];
  for (size_t offset = 0; offset < length; offset += kChunk) {
    memcpy(result, ChunkOf(sources[0], offset, scratch), kChunk);
    for (const absl::string_view source : sources.subspan(1)) {
      const char* const other = ChunkOf(source, offset, scratch);
      switch (operation) {
        case BitOperation::kAnd:
          CombineChunk(result, other,
                       [](uint64_t a, uint64_t b) { return a & b; });
          break;
        case BitOperation::kOr:
          CombineChunk(result, other,
                       [](uint64_t a, uint64_t b) { return a | b; });
          break;
        case BitOperation::kXor:
          CombineChunk(result, other,
                       [](uint64_t a, uint64_t b) { return a ^ b; });
          break;
        case BitOperation::kNot:
          break;  // Has no other source.
      }
    }
    if (operation == BitOperation::kNot)
      CombineChunk(result, result, [](uint64_t a, uint64_t) { return ~a; });
    memcpy(out + offset, result, std::min(kChunk, length - offset));
  }
}

int64_t ReadField(absl::string_view bytes, FieldType type, uint64_t offset) {
  // A field touches at most nine bytes.
  uint8_t window[9] = {};
  const uint64_t first = offset >> 3;
  if (first < bytes.size()) {
    memcpy(window, bytes.data() + first,
           std::min<uint64_t>(sizeof(window), bytes.size() - first));
  }
  const int shift = static_cast<int>(offset & 7);
  uint64_t row = LoadBigEndian(reinterpret_cast<const char*>(window));
  if (shift > 0) row = row << shift | window[8] >> (8 - shift);
  return AsField(type, row >> (64 - type.bits));
}

void WriteField(char* bytes, FieldType type, uint64_t offset, int64_t value) {
  const auto raw = static_cast<uint64_t>(value);
  // Byte by byte, from the right: each takes what falls into it.
  uint64_t last = offset + static_cast<uint64_t>(type.bits) - 1;
  for (int done = 0; done < type.bits;) {
    const int right = static_cast<int>(7 - (last & 7));  // Bits beside ours.
    const int width = std::min(8 - right, type.bits - done);
    const auto mask = static_cast<uint8_t>(LowBits(width) << right);
    const auto part = static_cast<uint8_t>((raw >> done) << right);
    char& byte = bytes[last >> 3];
    byte =
        static_cast<char>((static_cast<uint8_t>(byte) & ~mask) | (part & mask));
    done += width;
    last -= static_cast<uint64_t>(width);
  }
}

bool FitField(FieldType type, FieldOverflow overflow, int64_t old,
              int64_t increment, int64_t* result) {
  using Wide = __int128;
  const int value_bits = type.is_signed ? type.bits - 1 : type.bits;
  const Wide max = (Wide{1} << value_bits) - 1;
  const Wide min = type.is_signed ? -max - 1 : Wide{0};
  const Wide sum =
      (type.is_signed ? Wide{old} : Wide{static_cast<uint64_t>(old)}) +
      Wide{increment};
  if (sum >= min && sum <= max) {
    *result = static_cast<int64_t>(sum);
    return true;
  }
  switch (overflow) {
    case FieldOverflow::kFail:
      return false;
    case FieldOverflow::kWrap:
      *result = AsField(type, static_cast<uint64_t>(sum));
      return true;
    case FieldOverflow::kSaturate:
      break;
  }
  const bool redis_takes_for_large =
      type.is_signed && type.bits < 64 &&
      max - Wide{old} > std::numeric_limits<int64_t>::max();
  *result =
      static_cast<int64_t>(sum > max || redis_takes_for_large ? max : min);
  return true;
}

}  // namespace holdfast::server
