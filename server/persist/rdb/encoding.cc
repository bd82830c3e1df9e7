#include "server/persist/rdb/encoding.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "server/persist/rdb/format.h"
#include "server/persist/rdb/lzf.h"

namespace holdfast::server {
namespace {

// "-2147483648"
constexpr size_t kLongestInt32 = 11;
// Below this even a run of one byte does not get smaller by the four bytes that
// the LZF header costs.
constexpr size_t kShortestCompressed = 21;
constexpr size_t kLeastSaving = 4;
// Encoding byte and two lengths of at most five bytes each.
constexpr size_t kLongestLzfHeader = 11;

void AppendBigEndian(uint64_t value, int bytes, std::string* out) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>(value >> shift & 0xff));
  }
}

void AppendLittleEndian(uint64_t value, int bytes, std::string* out) {
  for (int shift = 0; shift < bytes * 8; shift += 8) {
    out->push_back(static_cast<char>(value >> shift & 0xff));
  }
}

char EncodingByte(uint8_t encoding) {
  return static_cast<char>(kRdbLengthEncoded << 6 | encoding);
}

// False if `value` needs more than 32 bits.
bool AppendAsEncodedInteger(int64_t value, std::string* out) {
  const uint64_t bits = static_cast<uint64_t>(value);
  if (value == static_cast<int8_t>(value)) {
    out->push_back(EncodingByte(kRdbEncodingInt8));
    AppendLittleEndian(bits, 1, out);
  } else if (value == static_cast<int16_t>(value)) {
    out->push_back(EncodingByte(kRdbEncodingInt16));
    AppendLittleEndian(bits, 2, out);
  } else if (value == static_cast<int32_t>(value)) {
    out->push_back(EncodingByte(kRdbEncodingInt32));
    AppendLittleEndian(bits, 4, out);
  } else {
    return false;
  }
  return true;
}

// Whether `text` is what printing an integer of at most 11 characters gives, so
// that reading the integer back restores every byte.
bool ParseCanonical(absl::string_view text, int64_t* value) {
  if (text.empty() || text.size() > kLongestInt32) return false;
  const bool negative = text[0] == '-';
  const absl::string_view digits = text.substr(negative ? 1 : 0);
  if (digits.empty()) return false;
  if (digits[0] == '0' && (negative || digits.size() > 1)) return false;
  int64_t magnitude = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return false;
    magnitude = magnitude * 10 + (c - '0');
  }
  *value = negative ? -magnitude : magnitude;
  return true;
}

// False, with `out` as it was, if compressing does not save enough.
bool AppendCompressed(absl::string_view value, std::string* out) {
  const size_t start = out->size();
  // The header's length depends on the compressed length: compress behind the
  // longest header, then close the gap.
  out->resize(start + kLongestLzfHeader + value.size() - kLeastSaving);
  char* const packed = &(*out)[start + kLongestLzfHeader];
  const size_t packed_size =
      LzfCompress(value, packed, value.size() - kLeastSaving);
  if (packed_size == 0) {
    out->resize(start);
    return false;
  }
  std::string header(1, EncodingByte(kRdbEncodingLzf));
  AppendRdbLength(packed_size, &header);
  AppendRdbLength(value.size(), &header);
  std::memcpy(&(*out)[start], header.data(), header.size());
  std::memmove(&(*out)[start + header.size()], packed, packed_size);
  out->resize(start + header.size() + packed_size);
  return true;
}

}  // namespace

void AppendRdbLength(uint64_t length, std::string* out) {
  if (length < 1u << 6) {
    out->push_back(static_cast<char>(kRdbLength6 << 6 | length));
  } else if (length < 1u << 14) {
    AppendBigEndian(kRdbLength14 << 14 | length, 2, out);
  } else if (length <= std::numeric_limits<uint32_t>::max()) {
    out->push_back(static_cast<char>(kRdbLength32));
    AppendBigEndian(length, 4, out);
  } else {
    out->push_back(static_cast<char>(kRdbLength64));
    AppendBigEndian(length, 8, out);
  }
}

void AppendRdbString(absl::string_view value, const RdbOptions& options,
                     std::string* out) {
  int64_t integer = 0;
  if (ParseCanonical(value, &integer) && AppendAsEncodedInteger(integer, out)) {
    return;
  }
  if (options.compress && value.size() >= kShortestCompressed &&
      AppendCompressed(value, out)) {
    return;
  }
  AppendRdbLength(value.size(), out);
  out->append(value.data(), value.size());
}

void AppendRdbInteger(int64_t value, std::string* out) {
  if (AppendAsEncodedInteger(value, out)) return;
  const absl::AlphaNum digits(value);
  AppendRdbLength(digits.size(), out);
  out->append(digits.data(), digits.size());
}

void AppendRdbMillis(int64_t unix_ms, std::string* out) {
  AppendLittleEndian(static_cast<uint64_t>(unix_ms), 8, out);
}

void AppendRdbDouble(double value, std::string* out) {
  uint64_t bits = 0;
  static_assert(sizeof(bits) == sizeof(value));
  std::memcpy(&bits, &value, sizeof(bits));
  AppendLittleEndian(bits, 8, out);
}

void AppendRdbTextDouble(double value, std::string* out) {
  if (std::isnan(value)) {
    out->push_back(static_cast<char>(kRdbDoubleNan));
  } else if (std::isinf(value)) {
    out->push_back(static_cast<char>(value > 0 ? kRdbDoublePositiveInfinity
                                               : kRdbDoubleNegativeInfinity));
  } else {
    // 17 significant digits always restore the number.
    const std::string digits = absl::StrFormat("%.17g", value);
    out->push_back(static_cast<char>(digits.size()));
    out->append(digits);
  }
}

}  // namespace holdfast::server
