#include "server/types/listpack.h"

#include <malloc.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "net/resp/integer.h"
#include "server/types/unaligned.h"

namespace holdfast::server {
namespace {

constexpr size_t kHeaderBytes = 6;
constexpr size_t kCountOffset = 4;
constexpr uint16_t kCountUnknown = 0xffff;
constexpr unsigned char kEndByte = 0xff;

// The first byte of an element: what it is, with the upper bits of a short
// integer or length.
constexpr unsigned char kInt13 = 0xc0;     // 110xxxxx and a byte.
constexpr unsigned char kString6 = 0x80;   // 10xxxxxx.
constexpr unsigned char kString12 = 0xe0;  // 1110xxxx and a byte.
constexpr unsigned char kString32 = 0xf0;  // And four bytes.
constexpr unsigned char kInt16 = 0xf1;
constexpr unsigned char kInt24 = 0xf2;
constexpr unsigned char kInt32 = 0xf3;
constexpr unsigned char kInt64 = 0xf4;

// How many bytes it takes to write a size so that it can be read backwards,
// seven bits each. The edges are those of Redis, one below what would fit.
size_t BackLengthBytes(size_t size) {
  if (size <= 127) return 1;
  if (size < 16383) return 2;
  if (size < 2097151) return 3;
  if (size < 268435455) return 4;
  return 5;
}

void StoreBackLength(unsigned char* p, size_t size) {
  const size_t bytes = BackLengthBytes(size);
  for (size_t i = bytes; i-- > 0;) {
    p[i] = static_cast<unsigned char>((size & 127) | (i > 0 ? 128 : 0));
    size >>= 7;
  }
}

// The size that ends right before `p`, of at most five bytes; 0 if it is none.
size_t LoadBackLength(const unsigned char* p) {
  size_t size = 0;
  for (int shift = 0; shift < 35; shift += 7) {
    --p;
    size |= static_cast<size_t>(*p & 127) << shift;
    if ((*p & 128) == 0) return size;
  }
  return 0;
}

// What an element's first bytes say of it.
struct Head {
  size_t header = 0;  // Encoding byte and length; 0: no such encoding.
  size_t data = 0;
  size_t total() const { return header + data; }
};

// `readable`: bytes that may be looked at, at least one.
Head HeadOf(const unsigned char* p, size_t readable) {
  const unsigned char first = *p;
  if ((first & 0x80) == 0) return {1, 0};
  if ((first & 0xc0) == kString6) return {1, first & 0x3fu};
  if ((first & 0xe0) == kInt13) return {1, 1};
  if ((first & 0xf0) == kString12) {
    if (readable < 2) return {};
    return {2, (first & 0x0fu) << 8 | p[1]};
  }
  switch (first) {
    case kString32:
      if (readable < 5) return {};
      return {5, Load<uint32_t>(p + 1)};
    case kInt16:
      return {1, 2};
    case kInt24:
      return {1, 3};
    case kInt32:
      return {1, 4};
    case kInt64:
      return {1, 8};
    default:
      return {};
  }
}

Head HeadOf(const unsigned char* p) { return HeadOf(p, 5); }

size_t SizeWithBackLength(size_t size) { return size + BackLengthBytes(size); }

// How a value is to be written.
struct Encoded {
  bool is_integer = false;
  int64_t integer = 0;
  size_t size = 0;  // Without the back length.
};

Encoded EncodingOf(absl::string_view value) {
  Encoded e;
  if (net::ParseInteger(value, &e.integer)) {
    e.is_integer = true;
    const int64_t v = e.integer;
    if (v >= 0 && v <= 127) {
      e.size = 1;
    } else if (v >= -4096 && v <= 4095) {
      e.size = 2;
    } else if (v >= INT16_MIN && v <= INT16_MAX) {
      e.size = 3;
    } else if (v >= -8388608 && v <= 8388607) {
      e.size = 4;
    } else if (v >= INT32_MIN && v <= INT32_MAX) {
      e.size = 5;
    } else {
      e.size = 9;
    }
  } else {
    e.size = value.size() + (value.size() < 64     ? 1
                             : value.size() < 4096 ? 2
                                                   : 5);
  }
  return e;
}

void WriteElement(unsigned char* p, const Encoded& e, absl::string_view value) {
  if (e.is_integer) {
    const auto bits = static_cast<uint64_t>(e.integer);
    switch (e.size) {
      case 1:
        p[0] = static_cast<unsigned char>(bits);
        break;
      case 2:
        p[0] = static_cast<unsigned char>(kInt13 | (bits >> 8 & 0x1f));
        p[1] = static_cast<unsigned char>(bits);
        break;
      default:
        p[0] = e.size == 3   ? kInt16
               : e.size == 4 ? kInt24
               : e.size == 5 ? kInt32
                             : kInt64;
        memcpy(p + 1, &bits, e.size - 1);
    }
  } else {
    const size_t header = e.size - value.size();
    if (header == 1) {
      p[0] = static_cast<unsigned char>(kString6 | value.size());
    } else if (header == 2) {
      p[0] = static_cast<unsigned char>(kString12 | value.size() >> 8);
      p[1] = static_cast<unsigned char>(value.size());
    } else {
      p[0] = kString32;
      Store(p + 1, static_cast<uint32_t>(value.size()));
    }
    // The data of an empty view may be null.
    if (!value.empty()) memcpy(p + header, value.data(), value.size());
  }
  StoreBackLength(p + e.size, e.size);
}

// An integer of `bytes` bytes with its sign.
int64_t LoadSigned(const unsigned char* p, size_t bytes) {
  uint64_t bits = 0;
  memcpy(&bits, p, bytes);
  const int unused = static_cast<int>(64 - 8 * bytes);
  return static_cast<int64_t>(bits << unused) >> unused;
}

unsigned char* NewBlock(size_t bytes) {
  auto* block = static_cast<unsigned char*>(malloc(bytes));
  CHECK(block != nullptr) << "out of memory for a listpack of " << bytes
                          << " bytes";
  return block;
}

}  // namespace

absl::string_view Listpack::Item::Bytes(char (&scratch)[kScratch]) const {
  if (!is_integer) return text;
  const auto end = std::to_chars(scratch, scratch + kScratch, integer).ptr;
  return {scratch, static_cast<size_t>(end - scratch)};
}

bool Listpack::Item::Equals(absl::string_view value) const {
  if (!is_integer) return text == value;
  char scratch[kScratch];
  return Bytes(scratch) == value;
}

size_t Listpack::Item::Length() const {
  char scratch[kScratch];
  return Bytes(scratch).size();
}

Listpack::Listpack() : block_(NewBlock(kHeaderBytes + 1)) {
  Store(block_, static_cast<uint32_t>(kHeaderBytes + 1));
  Store(block_ + kCountOffset, uint16_t{0});
  block_[kHeaderBytes] = kEndByte;
}

Listpack::~Listpack() { free(block_); }

Listpack Listpack::Clone() const {
  unsigned char* copy = NewBlock(byte_size());
  memcpy(copy, block_, byte_size());
  return Listpack(copy);
}

absl::StatusOr<Listpack> Listpack::FromBytes(absl::string_view bytes) {
  const auto* const begin =
      reinterpret_cast<const unsigned char*>(bytes.data());
  if (bytes.size() < kHeaderBytes + 1 || bytes.size() > kMaxBytes ||
      Load<uint32_t>(begin) != bytes.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a listpack of ", bytes.size(),
                     " bytes has a wrong size in its header"));
  }
  const unsigned char* const end = begin + bytes.size() - 1;
  if (*end != kEndByte)
    return absl::InvalidArgumentError("a listpack has no end mark");
  size_t count = 0;
  for (const unsigned char* p = begin + kHeaderBytes; p < end; ++count) {
    const auto left = static_cast<size_t>(end - p);
    const Head head = HeadOf(p, left);
    if (head.header == 0 || SizeWithBackLength(head.total()) > left) {
      return absl::InvalidArgumentError(
          absl::StrCat("a listpack is broken at byte ", p - begin));
    }
    // Redis reads elements backwards as well, so both ways have to agree.
    unsigned char expected[5];
    const size_t back = BackLengthBytes(head.total());
    StoreBackLength(expected, head.total());
    if (memcmp(p + head.total(), expected, back) != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("a listpack has a wrong length at byte ", p - begin));
    }
    p += head.total() + back;
  }
  const uint16_t said = Load<uint16_t>(begin + kCountOffset);
  if (said != kCountUnknown && said != count) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a listpack of ", count, " elements says that it has ", said));
  }
  unsigned char* block = NewBlock(bytes.size());
  memcpy(block, bytes.data(), bytes.size());
  return Listpack(block);
}

absl::string_view Listpack::bytes() const {
  return {reinterpret_cast<const char*>(block_), byte_size()};
}

size_t Listpack::byte_size() const { return Load<uint32_t>(block_); }

size_t Listpack::size() const {
  const uint16_t said = Load<uint16_t>(block_ + kCountOffset);
  if (said != kCountUnknown) return said;
  size_t count = 0;
  for (Position at = First(); at != kEnd; at = Next(at)) ++count;
  return count;
}

size_t Listpack::MemoryUsage() const { return malloc_usable_size(block_); }

Listpack::Position Listpack::First() const {
  return block_[kHeaderBytes] == kEndByte ? kEnd : kHeaderBytes;
}

Listpack::Position Listpack::Last() const { return Previous(kEnd); }

Listpack::Position Listpack::Next(Position at) const {
  const size_t next = at + SizeWithBackLength(HeadOf(block_ + at).total());
  return block_[next] == kEndByte ? kEnd : static_cast<Position>(next);
}

Listpack::Position Listpack::Previous(Position at) const {
  const size_t end = at == kEnd ? byte_size() - 1 : at;
  if (end == kHeaderBytes) return kEnd;
  return static_cast<Position>(
      end - SizeWithBackLength(LoadBackLength(block_ + end)));
}

Listpack::Position Listpack::Seek(int64_t index) const {
  const uint16_t said = Load<uint16_t>(block_ + kCountOffset);
  if (said != kCountUnknown) {
    const int64_t count = said;
    if (index >= count || index < -count) return kEnd;
    // From the nearer end.
    if (index < 0) index += count;
    if (index > count / 2) index -= count;
  }
  if (index >= 0) {
    Position at = First();
    while (at != kEnd && index-- > 0) at = Next(at);
    return at;
  }
  Position at = Last();
  while (at != kEnd && ++index < 0) at = Previous(at);
  return at;
}

Listpack::Item Listpack::Get(Position at) const {
  const unsigned char* p = block_ + at;
  const unsigned char first = *p;
  if ((first & 0x80) == 0) return {true, first, {}};
  if ((first & 0xe0) == kInt13) {
    const uint32_t bits = (first & 0x1fu) << 8 | p[1];
    return {
        true, static_cast<int64_t>(static_cast<int32_t>(bits << 19) >> 19), {}};
  }
  const Head head = HeadOf(p);
  if (first >= kInt16 && first <= kInt64)
    return {true, LoadSigned(p + 1, head.data), {}};
  return {
      false, 0, {reinterpret_cast<const char*>(p) + head.header, head.data}};
}

Listpack::Position Listpack::Find(absl::string_view value, Position from,
                                  size_t skip) const {
  int64_t integer = 0;
  const bool is_integer = net::ParseInteger(value, &integer);
  size_t passing = 0;
  for (Position at = from; at != kEnd; at = Next(at)) {
    if (passing > 0) {
      --passing;
      continue;
    }
    const Item item = Get(at);
    if (item.is_integer ? is_integer && item.integer == integer
                        : item.text == value)
      return at;
    passing = skip;
  }
  return kEnd;
}

size_t Listpack::EncodedSize(absl::string_view value) {
  return SizeWithBackLength(EncodingOf(value).size);
}

unsigned char* Listpack::Splice(size_t offset, size_t removed, size_t added) {
  const size_t old_size = byte_size();
  const size_t new_size = old_size - removed + added;
  CHECK_LE(new_size, kMaxBytes);
  if (new_size > old_size && new_size > malloc_usable_size(block_)) {
    auto* grown = static_cast<unsigned char*>(realloc(block_, new_size));
    CHECK(grown != nullptr)
        << "out of memory for a listpack of " << new_size << " bytes";
    block_ = grown;
  }
  memmove(block_ + offset + added, block_ + offset + removed,
          old_size - offset - removed);
  if (new_size < old_size / 2) {
    auto* shrunk = static_cast<unsigned char*>(realloc(block_, new_size));
    if (shrunk != nullptr) block_ = shrunk;
  }
  Store(block_, static_cast<uint32_t>(new_size));
  return block_ + offset;
}

void Listpack::AddToCount(int64_t change) {
  const uint16_t said = Load<uint16_t>(block_ + kCountOffset);
  // Once lost it stays so: to count again would make every change O(n).
  if (said == kCountUnknown) return;
  const int64_t count = said + change;
  Store(block_ + kCountOffset,
        count < kCountUnknown ? static_cast<uint16_t>(count) : kCountUnknown);
}

Listpack::Position Listpack::Insert(Position before, absl::string_view value) {
  const Encoded e = EncodingOf(value);
  const size_t offset = before == kEnd ? byte_size() - 1 : before;
  WriteElement(Splice(offset, 0, SizeWithBackLength(e.size)), e, value);
  AddToCount(1);
  return static_cast<Position>(offset);
}

void Listpack::InsertAll(Position before,
                         absl::Span<const absl::string_view> values) {
  size_t added = 0;
  for (const absl::string_view value : values) added += EncodedSize(value);
  unsigned char* p =
      Splice(before == kEnd ? byte_size() - 1 : before, 0, added);
  for (const absl::string_view value : values) {
    const Encoded e = EncodingOf(value);
    WriteElement(p, e, value);
    p += SizeWithBackLength(e.size);
  }
  AddToCount(static_cast<int64_t>(values.size()));
}

Listpack::Position Listpack::Replace(Position at, absl::string_view value) {
  const Encoded e = EncodingOf(value);
  const size_t removed = SizeWithBackLength(HeadOf(block_ + at).total());
  WriteElement(Splice(at, removed, SizeWithBackLength(e.size)), e, value);
  return at;
}

Listpack::Position Listpack::Erase(Position at, size_t count) {
  size_t erased = 0;
  size_t end = at;
  for (; erased < count && block_[end] != kEndByte; ++erased)
    end += SizeWithBackLength(HeadOf(block_ + end).total());
  Splice(at, end - at, 0);
  AddToCount(-static_cast<int64_t>(erased));
  return block_[at] == kEndByte ? kEnd : at;
}

void Listpack::AppendAll(const Listpack& other) {
  const int64_t count = static_cast<int64_t>(other.size());
  const size_t added = other.byte_size() - kHeaderBytes - 1;
  memcpy(Splice(byte_size() - 1, 0, added), other.block_ + kHeaderBytes, added);
  AddToCount(count);
}

void Listpack::ShrinkToFit() {
  auto* shrunk = static_cast<unsigned char*>(realloc(block_, byte_size()));
  if (shrunk != nullptr) block_ = shrunk;
}

}  // namespace holdfast::server
