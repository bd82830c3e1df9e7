#include "server/types/intset.h"

#include <malloc.h>

#include <cstdlib>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "server/types/unaligned.h"

namespace holdfast::server {
namespace {

constexpr size_t kHeaderBytes = 8;
constexpr size_t kCountOffset = 4;

size_t WidthFor(int64_t value) {
  if (value < INT32_MIN || value > INT32_MAX) return 8;
  if (value < INT16_MIN || value > INT16_MAX) return 4;
  return 2;
}

// The value with this index among values of `width` bytes.
int64_t LoadValue(const unsigned char* values, size_t index, size_t width) {
  switch (width) {
    case 2:
      return Load<int16_t>(values + 2 * index);
    case 4:
      return Load<int32_t>(values + 4 * index);
    default:
      return Load<int64_t>(values + 8 * index);
  }
}

// The first index whose value is not below `value`.
template <typename T>
size_t LowerBound(const unsigned char* values, size_t count, int64_t value) {
  // New values are often the largest.
  if (count > 0 && Load<T>(values + (count - 1) * sizeof(T)) < value)
    return count;
  size_t begin = 0;
  while (count > 0) {
    const size_t half = count / 2;
    if (Load<T>(values + (begin + half) * sizeof(T)) < value) {
      begin += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return begin;
}

unsigned char* NewBlock(size_t bytes) {
  auto* block = static_cast<unsigned char*>(malloc(bytes));
  CHECK(block != nullptr) << "out of memory for an intset of " << bytes
                          << " bytes";
  return block;
}

}  // namespace

Intset::Intset() : block_(NewBlock(kHeaderBytes)) {
  Store(block_, uint32_t{2});
  Store(block_ + kCountOffset, uint32_t{0});
}

Intset::~Intset() { free(block_); }

Intset Intset::Clone() const {
  unsigned char* copy = NewBlock(byte_size());
  memcpy(copy, block_, byte_size());
  return Intset(copy);
}

absl::StatusOr<Intset> Intset::FromBytes(absl::string_view bytes) {
  const auto* const begin =
      reinterpret_cast<const unsigned char*>(bytes.data());
  if (bytes.size() < kHeaderBytes)
    return absl::InvalidArgumentError("an intset is shorter than its header");
  const size_t width = Load<uint32_t>(begin);
  if (width != 2 && width != 4 && width != 8) {
    return absl::InvalidArgumentError(
        absl::StrCat("an intset says that its values have ", width, " bytes"));
  }
  const size_t count = Load<uint32_t>(begin + kCountOffset);
  if (count == 0 || count > kMaxEntries ||
      bytes.size() != kHeaderBytes + count * width) {
    return absl::InvalidArgumentError(
        absl::StrCat("an intset of ", bytes.size(), " bytes says that it has ",
                     count, " values of ", width, " bytes"));
  }
  for (size_t i = 1; i < count; ++i) {
    if (LoadValue(begin + kHeaderBytes, i - 1, width) >=
        LoadValue(begin + kHeaderBytes, i, width)) {
      return absl::InvalidArgumentError(
          absl::StrCat("an intset is not in order at its value ", i));
    }
  }
  unsigned char* block = NewBlock(bytes.size());
  memcpy(block, bytes.data(), bytes.size());
  return Intset(block);
}

absl::string_view Intset::bytes() const {
  return {reinterpret_cast<const char*>(block_), byte_size()};
}

size_t Intset::byte_size() const { return kHeaderBytes + size() * width(); }

size_t Intset::size() const { return Load<uint32_t>(block_ + kCountOffset); }

size_t Intset::width() const { return Load<uint32_t>(block_); }

size_t Intset::MemoryUsage() const { return malloc_usable_size(block_); }

bool Intset::Find(int64_t value, size_t* index) const {
  const size_t count = size();
  size_t at = 0;
  switch (width()) {
    case 2:
      at = LowerBound<int16_t>(block_ + kHeaderBytes, count, value);
      break;
    case 4:
      at = LowerBound<int32_t>(block_ + kHeaderBytes, count, value);
      break;
    default:
      at = LowerBound<int64_t>(block_ + kHeaderBytes, count, value);
  }
  if (index != nullptr) *index = at;
  return at < count && Get(at) == value;
}

int64_t Intset::Get(size_t index) const {
  DCHECK_LT(index, size());
  return LoadValue(block_ + kHeaderBytes, index, width());
}

void Intset::Set(size_t index, int64_t value) {
  const size_t bytes = width();
  memcpy(block_ + kHeaderBytes + index * bytes, &value, bytes);
}

void Intset::Resize(size_t bytes) {
  const size_t usable = malloc_usable_size(block_);
  if (bytes <= usable && bytes >= usable / 2) return;
  auto* moved = static_cast<unsigned char*>(realloc(block_, bytes));
  // A block that could not be made smaller is still good.
  if (moved != nullptr) block_ = moved;
  CHECK(moved != nullptr || bytes <= usable)
      << "out of memory for an intset of " << bytes << " bytes";
}

void Intset::WidenFor(int64_t value) {
  const size_t count = size();
  const size_t old_width = width();
  const size_t new_width = WidthFor(value);
  Resize(kHeaderBytes + (count + 1) * new_width);
  Store(block_, static_cast<uint32_t>(new_width));
  Store(block_ + kCountOffset, static_cast<uint32_t>(count + 1));
  // From the back, so that no value is overwritten before it moved.
  const size_t shift = value < 0 ? 1 : 0;
  for (size_t i = count; i-- > 0;)
    Set(i + shift, LoadValue(block_ + kHeaderBytes, i, old_width));
  Set(shift == 1 ? 0 : count, value);
}

bool Intset::Insert(int64_t value) {
  const size_t count = size();
  CHECK_LT(count, kMaxEntries);
  const size_t bytes = width();
  if (WidthFor(value) > bytes) {
    WidenFor(value);
    return true;
  }
  size_t index = 0;
  if (Find(value, &index)) return false;
  Resize(kHeaderBytes + (count + 1) * bytes);
  unsigned char* at = block_ + kHeaderBytes + index * bytes;
  memmove(at + bytes, at, (count - index) * bytes);
  Set(index, value);
  Store(block_ + kCountOffset, static_cast<uint32_t>(count + 1));
  return true;
}

bool Intset::Erase(int64_t value) {
  size_t index = 0;
  if (!Find(value, &index)) return false;
  EraseAt(index);
  return true;
}

void Intset::EraseAt(size_t index) {
  const size_t count = size();
  DCHECK_LT(index, count);
  const size_t bytes = width();
  unsigned char* at = block_ + kHeaderBytes + index * bytes;
  memmove(at, at + bytes, (count - index - 1) * bytes);
  Store(block_ + kCountOffset, static_cast<uint32_t>(count - 1));
  Resize(byte_size());
}

}  // namespace holdfast::server
