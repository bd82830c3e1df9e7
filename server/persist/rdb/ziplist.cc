#include "server/persist/rdb/ziplist.h"

#include <cstddef>
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace holdfast::server {
namespace {

constexpr size_t kHeaderBytes = 10;
constexpr uint8_t kEndByte = 0xff;
// In place of a length of one byte: four bytes follow.
constexpr uint8_t kLongLength = 0xfe;
constexpr uint16_t kCountUnknown = 0xffff;

// What is left to be read of a block, in which no read goes wrong: one past the
// end gives zeros, and failed() is true from then on.
class Bytes {
 public:
  explicit Bytes(absl::string_view rest) : rest_(rest) {}

  size_t left() const { return rest_.size(); }
  bool failed() const { return failed_; }

  absl::string_view Take(uint64_t n) {
    if (n > rest_.size()) {
      failed_ = true;
      n = rest_.size();
    }
    const absl::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }
  uint8_t Byte() {
    const absl::string_view byte = Take(1);
    return byte.empty() ? 0 : static_cast<uint8_t>(byte[0]);
  }
  uint64_t LittleEndian(int bytes) {
    uint64_t value = 0;
    for (int shift = 0; shift < 8 * bytes; shift += 8) {
      value |= uint64_t{Byte()} << shift;
    }
    return value;
  }
  uint64_t BigEndian(int bytes) {
    uint64_t value = 0;
    for (; bytes > 0; --bytes) value = value << 8 | Byte();
    return value;
  }
  int64_t Signed(int bytes) {
    const int unused = 64 - 8 * bytes;
    return static_cast<int64_t>(LittleEndian(bytes) << unused) >> unused;
  }

 private:
  absl::string_view rest_;
  bool failed_ = false;
};

// An element behind its first field: what it is, as text or number.
struct Element {
  bool is_integer = true;
  int64_t integer = 0;
  absl::string_view text;
};

// False if there is no such encoding.
bool ReadElement(Bytes* in, Element* element) {
  const uint8_t encoding = in->Byte();
  switch (encoding >> 6) {
    case 0:
      *element = {false, 0, in->Take(encoding & 0x3f)};
      return true;
    case 1: {
      const uint64_t high = encoding & 0x3f;
      *element = {false, 0, in->Take(high << 8 | in->Byte())};
      return true;
    }
    case 2:  // The other six bits say nothing.
      *element = {false, 0, in->Take(in->BigEndian(4))};
      return true;
    default:
      break;
  }
  switch (encoding) {
    case 0xc0:
      element->integer = in->Signed(2);
      return true;
    case 0xd0:
      element->integer = in->Signed(4);
      return true;
    case 0xe0:
      element->integer = in->Signed(8);
      return true;
    case 0xf0:
      element->integer = in->Signed(3);
      return true;
    case 0xfe:
      element->integer = in->Signed(1);
      return true;
    default:
      // 0 to 12 stand in the encoding itself.
      if (encoding < 0xf1 || encoding > 0xfd) return false;
      element->integer = encoding - 0xf1;
      return true;
  }
}

absl::Status Broken(absl::string_view what, size_t at) {
  return absl::InvalidArgumentError(
      absl::StrCat("a ", what, " is broken at byte ", at));
}

// A length of a zipmap; 0xff, which is its end mark, is none.
bool ReadZipmapLength(Bytes* in, uint64_t* length) {
  *length = in->Byte();
  if (*length == kEndByte) return false;
  if (*length == kLongLength) *length = in->LittleEndian(4);
  return !in->failed();
}

}  // namespace

absl::Status ForEachZiplistElement(
    absl::string_view bytes,
    absl::FunctionRef<absl::Status(absl::string_view element)> visit) {
  if (bytes.size() < kHeaderBytes + 1 ||
      static_cast<uint8_t>(bytes.back()) != kEndByte) {
    return absl::InvalidArgumentError("a ziplist has no proper begin and end");
  }
  const size_t end = bytes.size() - 1;
  Bytes in(bytes.substr(0, end));
  const uint64_t said_bytes = in.LittleEndian(4);
  const uint64_t said_tail = in.LittleEndian(4);
  const uint64_t said_count = in.LittleEndian(2);
  if (said_bytes != bytes.size() || said_tail > end) {
    return absl::InvalidArgumentError(
        absl::StrCat("a ziplist of ", bytes.size(),
                     " bytes has a wrong size in its header"));
  }
  size_t count = 0;
  size_t start = kHeaderBytes;
  size_t previous_size = 0;
  for (; in.left() > 0; ++count) {
    start = end - in.left();
    uint64_t said_previous = in.Byte();
    if (said_previous == kEndByte) return Broken("ziplist", start);
    if (said_previous == kLongLength) said_previous = in.LittleEndian(4);
    Element element;
    if (said_previous != previous_size || !ReadElement(&in, &element) ||
        in.failed()) {
      return Broken("ziplist", start);
    }
    previous_size = end - in.left() - start;
    const absl::Status status =
        element.is_integer ? visit(absl::AlphaNum(element.integer).Piece())
                           : visit(element.text);
    if (!status.ok()) return status;
  }
  if (count > 0 && said_tail != start) {
    return absl::InvalidArgumentError("a ziplist does not know its last one");
  }
  if (said_count != kCountUnknown && said_count != count) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a ziplist of ", count, " elements says that it has ", said_count));
  }
  return absl::OkStatus();
}

absl::Status ForEachZipmapPair(
    absl::string_view bytes,
    absl::FunctionRef<absl::Status(absl::string_view field,
                                   absl::string_view value)>
        visit) {
  if (bytes.size() < 2 || static_cast<uint8_t>(bytes.back()) != kEndByte) {
    return absl::InvalidArgumentError("a zipmap has no proper begin and end");
  }
  const size_t end = bytes.size() - 1;
  Bytes in(bytes.substr(0, end));
  const uint8_t said_count = in.Byte();
  size_t count = 0;
  for (; in.left() > 0; ++count) {
    const size_t start = end - in.left();
    uint64_t length;
    if (!ReadZipmapLength(&in, &length)) return Broken("zipmap", start);
    const absl::string_view field = in.Take(length);
    if (!ReadZipmapLength(&in, &length)) return Broken("zipmap", start);
    const uint8_t spare = in.Byte();
    const absl::string_view value = in.Take(length);
    in.Take(spare);
    if (in.failed()) return Broken("zipmap", start);
    const absl::Status status = visit(field, value);
    if (!status.ok()) return status;
  }
  if (count == 0) return absl::InvalidArgumentError("a zipmap has no pairs");
  if (said_count != kLongLength && said_count != count) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a zipmap of ", count, " pairs says that it has ", said_count));
  }
  return absl::OkStatus();
}

}  // namespace holdfast::server
