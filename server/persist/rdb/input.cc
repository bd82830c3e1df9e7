#include "server/persist/rdb/input.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "server/persist/rdb/byte_source.h"
#include "server/persist/rdb/crc64.h"
#include "server/persist/rdb/format.h"
#include "server/persist/rdb/lzf.h"

namespace holdfast::server {
namespace {

// How much of a claimed length is believed before its bytes arrive.
constexpr size_t kMaxReserve = 64 * 1024;

}  // namespace

RdbInput::RdbInput(ByteSource* source, uint64_t max_string_bytes)
    : source_(source),
      max_string_bytes_(std::min(max_string_bytes, kMaxStringBytes)) {
  CHECK(source != nullptr);
}

RdbInput::~RdbInput() { Sync(); }

void RdbInput::Sync() {
  if (position_ > 0) {
    crc_ = Crc64(crc_, view_.substr(0, position_));
    source_->Consume(position_);
    offset_ += position_;
  }
  view_ = absl::string_view();
  position_ = 0;
}

uint64_t RdbInput::crc() {
  Sync();
  return crc_;
}

absl::Status RdbInput::Corrupt(absl::string_view problem) const {
  return absl::DataLossError(
      absl::StrCat(problem, " at offset ", offset(), " of the RDB"));
}

absl::Status RdbInput::Fill(const char* what) {
  if (position_ < view_.size()) return absl::OkStatus();
  Sync();
  const absl::StatusOr<absl::string_view> peeked = source_->Peek(1);
  if (!peeked.ok()) {
    return absl::Status(
        peeked.status().code(),
        absl::StrCat(peeked.status().message(), ", while reading ", what,
                     " at offset ", offset(), " of the RDB"));
  }
  if (peeked->empty()) {
    return Corrupt(
        absl::StrCat("Unexpected EOF reading RDB file, while reading ", what));
  }
  view_ = *peeked;
  return absl::OkStatus();
}

absl::StatusOr<uint8_t> RdbInput::ReadByte(const char* what) {
  const absl::Status filled = Fill(what);
  if (!filled.ok()) return filled;
  return static_cast<uint8_t>(view_[position_++]);
}

absl::Status RdbInput::ReadBytes(char* out, size_t n, const char* what) {
  while (n > 0) {
    const absl::Status filled = Fill(what);
    if (!filled.ok()) return filled;
    const absl::string_view piece = available().substr(0, n);
    std::memcpy(out, piece.data(), piece.size());
    position_ += piece.size();
    out += piece.size();
    n -= piece.size();
  }
  return absl::OkStatus();
}

absl::Status RdbInput::SkipBytes(uint64_t n, const char* what) {
  while (n > 0) {
    const absl::Status filled = Fill(what);
    if (!filled.ok()) return filled;
    const size_t piece = std::min<uint64_t>(n, available().size());
    position_ += piece;
    n -= piece;
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> RdbInput::ReadBigEndian(size_t bytes,
                                                 const char* what) {
  char raw[8];
  const absl::Status read = ReadBytes(raw, bytes, what);
  if (!read.ok()) return read;
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i) {
    value = value << 8 | static_cast<uint8_t>(raw[i]);
  }
  return value;
}

absl::StatusOr<uint64_t> RdbInput::ReadLittleEndian(size_t bytes,
                                                    const char* what) {
  char raw[8];
  const absl::Status read = ReadBytes(raw, bytes, what);
  if (!read.ok()) return read;
  uint64_t value = 0;
  for (size_t i = bytes; i > 0; --i) {
    value = value << 8 | static_cast<uint8_t>(raw[i - 1]);
  }
  return value;
}

absl::StatusOr<uint64_t> RdbInput::ReadLengthAfter(uint8_t first,
                                                   const char* what) {
  switch (first >> 6) {
    case kRdbLength6:
      return first & 0x3f;
    case kRdbLength14: {
      const absl::StatusOr<uint8_t> low = ReadByte(what);
      if (!low.ok()) return low.status();
      return uint64_t{first & 0x3fu} << 8 | *low;
    }
    default:
      break;
  }
  if (first == kRdbLength32) return ReadBigEndian(4, what);
  if (first == kRdbLength64) return ReadBigEndian(8, what);
  return Corrupt(absl::StrCat("Unknown length encoding ", first,
                              ", while reading ", what));
}

absl::StatusOr<uint64_t> RdbInput::ReadLength(const char* what) {
  const absl::StatusOr<uint8_t> first = ReadByte(what);
  if (!first.ok()) return first.status();
  return ReadLengthAfter(*first, what);
}

absl::StatusOr<RdbInput::StringHead> RdbInput::ReadStringHead(
    const char* what) {
  const absl::StatusOr<uint8_t> first = ReadByte(what);
  if (!first.ok()) return first.status();
  StringHead head{StringHead::Form::kPlain, 0, 0, 0};
  if (*first >> 6 != kRdbLengthEncoded) {
    const absl::StatusOr<uint64_t> length = ReadLengthAfter(*first, what);
    if (!length.ok()) return length.status();
    head.length = *length;
    return head;
  }
  const uint8_t encoding = *first & 0x3f;
  if (encoding == kRdbEncodingLzf) {
    head.form = StringHead::Form::kLzf;
    const absl::StatusOr<uint64_t> packed = ReadLength(what);
    if (!packed.ok()) return packed.status();
    const absl::StatusOr<uint64_t> unpacked = ReadLength(what);
    if (!unpacked.ok()) return unpacked.status();
    head.length = *packed;
    head.unpacked_length = *unpacked;
    return head;
  }
  head.form = StringHead::Form::kInteger;
  size_t bytes = 0;
  switch (encoding) {
    case kRdbEncodingInt8:
      bytes = 1;
      break;
    case kRdbEncodingInt16:
      bytes = 2;
      break;
    case kRdbEncodingInt32:
      bytes = 4;
      break;
    default:
      return Corrupt(absl::StrCat("Unknown RDB string encoding type ", encoding,
                                  ", while reading ", what));
  }
  const absl::StatusOr<uint64_t> bits = ReadLittleEndian(bytes, what);
  if (!bits.ok()) return bits.status();
  const int unused = static_cast<int>(64 - 8 * bytes);
  // Extends the sign.
  head.integer = static_cast<int64_t>(*bits << unused) >> unused;
  return head;
}

absl::StatusOr<absl::string_view> RdbInput::Gather(uint64_t n,
                                                   std::string* scratch,
                                                   const char* what) {
  if (n == 0) return absl::string_view();
  absl::Status filled = Fill(what);
  if (!filled.ok()) return filled;
  if (available().size() >= n) {
    const absl::string_view whole = available().substr(0, n);
    position_ += n;
    return whole;
  }
  scratch->clear();
  scratch->reserve(std::min<uint64_t>(n, kMaxReserve));
  while (scratch->size() < n) {
    filled = Fill(what);
    if (!filled.ok()) return filled;
    const absl::string_view piece = available().substr(0, n - scratch->size());
    scratch->append(piece.data(), piece.size());
    position_ += piece.size();
  }
  return absl::string_view(*scratch);
}

absl::StatusOr<absl::string_view> RdbInput::ReadString(std::string* scratch,
                                                       const char* what) {
  const absl::StatusOr<StringHead> head = ReadStringHead(what);
  if (!head.ok()) return head.status();
  if (head->form == StringHead::Form::kInteger) {
    scratch->clear();
    absl::StrAppend(scratch, head->integer);
    return absl::string_view(*scratch);
  }
  if (std::max(head->length, head->unpacked_length) > max_string_bytes_) {
    return Corrupt(absl::StrCat("String of ",
                                std::max(head->length, head->unpacked_length),
                                " bytes is over the limit of ",
                                max_string_bytes_, ", while reading ", what));
  }
  if (head->form == StringHead::Form::kPlain) {
    return Gather(head->length, scratch, what);
  }
  const absl::StatusOr<absl::string_view> packed =
      Gather(head->length, &packed_, what);
  if (!packed.ok()) return packed.status();
  const absl::StatusOr<uint64_t> measured = LzfMeasure(*packed);
  if (!measured.ok()) {
    return Corrupt(absl::StrCat("Invalid LZF compressed string (",
                                measured.status().message(),
                                "), while reading ", what));
  }
  if (*measured != head->unpacked_length) {
    return Corrupt(absl::StrCat(
        "Invalid LZF compressed string (it holds ", *measured, " bytes, not ",
        head->unpacked_length, "), while reading ", what));
  }
  scratch->resize(*measured);
  LzfDecompress(*packed, &(*scratch)[0], scratch->size());
  // A big one that came in pieces leaves no memory behind.
  if (packed_.capacity() > kMaxReserve) std::string().swap(packed_);
  return absl::string_view(*scratch);
}

absl::Status RdbInput::SkipString(const char* what) {
  const absl::StatusOr<StringHead> head = ReadStringHead(what);
  if (!head.ok()) return head.status();
  return SkipBytes(head->length, what);
}

absl::StatusOr<int64_t> RdbInput::ReadMillis(const char* what) {
  const absl::StatusOr<uint64_t> bits = ReadLittleEndian(8, what);
  if (!bits.ok()) return bits.status();
  return static_cast<int64_t>(*bits);
}

absl::StatusOr<int64_t> RdbInput::ReadSeconds(const char* what) {
  const absl::StatusOr<uint64_t> bits = ReadLittleEndian(4, what);
  if (!bits.ok()) return bits.status();
  return int64_t{static_cast<int32_t>(*bits)};
}

absl::StatusOr<double> RdbInput::ReadDouble(const char* what) {
  const absl::StatusOr<uint64_t> bits = ReadLittleEndian(8, what);
  if (!bits.ok()) return bits.status();
  double value = 0;
  static_assert(sizeof(value) == sizeof(*bits));
  std::memcpy(&value, &*bits, sizeof(value));
  return value;
}

absl::StatusOr<double> RdbInput::ReadTextDouble(const char* what) {
  const absl::StatusOr<uint8_t> length = ReadByte(what);
  if (!length.ok()) return length.status();
  switch (*length) {
    case kRdbDoubleNan:
      return std::numeric_limits<double>::quiet_NaN();
    case kRdbDoublePositiveInfinity:
      return std::numeric_limits<double>::infinity();
    case kRdbDoubleNegativeInfinity:
      return -std::numeric_limits<double>::infinity();
    default:
      break;
  }
  char text[256];
  const absl::Status read = ReadBytes(text, *length, what);
  if (!read.ok()) return read;
  double value = 0;
  if (!absl::SimpleAtod(absl::string_view(text, *length), &value)) {
    return Corrupt(absl::StrCat("Not a number, while reading ", what));
  }
  return value;
}

}  // namespace holdfast::server
