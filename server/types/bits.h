#ifndef HOLDFAST_SERVER_TYPES_BITS_H_
#define HOLDFAST_SERVER_TYPES_BITS_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

// Strings as rows of bits. Bit 0 is the most significant bit of the first byte
// (SETBIT, redis.io/commands/setbit), so a row reads from left to right and a
// number in it is big endian. Pure functions; words at a time wherever the
// length of the string decides what they cost.
namespace holdfast::server {

// How many bits are 1.
uint64_t CountBits(absl::string_view bytes);
// Of those from `first` to `last`, both included.
// REQUIRES: first <= last < 8 * bytes.size().
uint64_t CountBits(absl::string_view bytes, uint64_t first, uint64_t last);

// The first bit with this value from `first` to `last`, both included, or -1.
// REQUIRES: as for CountBits().
int64_t FindBit(absl::string_view bytes, bool value, uint64_t first,
                uint64_t last);

// REQUIRES: inside of the string.
inline bool BitAt(absl::string_view bytes, uint64_t offset) {
  return ((static_cast<uint8_t>(bytes[offset >> 3]) >> (7 - (offset & 7))) &
          1) != 0;
}
inline void SetBitAt(char* bytes, uint64_t offset, bool value) {
  const auto mask = static_cast<uint8_t>(0x80 >> (offset & 7));
  const auto byte = static_cast<uint8_t>(bytes[offset >> 3]);
  bytes[offset >> 3] = static_cast<char>(value ? byte | mask : byte & ~mask);
}

enum class BitOperation : uint8_t { kAnd, kOr, kXor, kNot };
// Writes `length` bytes to `out`: byte i is the operation over the sources'
// bytes i, where what a source has not counts as zero. kNot takes the first
// source alone. `out` may be one of the sources.
// REQUIRES: at least one source.
void CombineBits(BitOperation operation,
                 absl::Span<const absl::string_view> sources, char* out,
                 size_t length);

// A field of BITFIELD: signed with 1 to 64 bits, or unsigned with 1 to 63.
struct FieldType {
  bool is_signed = false;
  int bits = 1;
};

// The number in the field at this bit; what is beyond the string is zero.
int64_t ReadField(absl::string_view bytes, FieldType type, uint64_t offset);
// Writes the low bits of `value`. REQUIRES: the field lies inside the string.
void WriteField(char* bytes, FieldType type, uint64_t offset, int64_t value);

enum class FieldOverflow : uint8_t { kWrap, kSaturate, kFail };
// old + increment as a field of this type holds it, by the rule given for what
// it cannot hold; false (kFail only) if it cannot. To fit a number without an
// addition, increment is 0: `old` may then be any, and one that is meant for an
// unsigned field counts as unsigned, so that -1 is too large.
//
// One answer is Redis's (bitops.c of 7.0), not arithmetic's: saturating, a
// number below -2^63 + 2^(bits-1) becomes the largest that a signed field of
// fewer than 64 bits holds, not the smallest. It has to be the same here, for
// replicas repeat the command.
bool FitField(FieldType type, FieldOverflow overflow, int64_t old,
              int64_t increment, int64_t* result);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TYPES_BITS_H_
