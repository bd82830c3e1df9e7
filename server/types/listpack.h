#ifndef HOLDFAST_SERVER_TYPES_LISTPACK_H_
#define HOLDFAST_SERVER_TYPES_LISTPACK_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace holdfast::server {

// A sequence of strings and integers in one block of memory, byte for byte in
// the format that Redis calls listpack ("Listpack specification", antirez), so
// that RDB and DUMP take it as it is:
//
//   u32 bytes in all, u16 elements (65535: not known), elements..., 0xFF
//   element: encoding byte, [length], data; then the size of these, readable
//   backwards
//
// A string that is a canonical decimal int64 is kept as an integer; reading
// does not tell which it was. For small collections: every operation but those
// at the ends is O(bytes). Owns its block; eight bytes itself.
// Thread-compatible.
//
// A Position is the offset of an element; kEnd is the one behind the last.
// Every change makes all positions invalid but the one it returns.
class Listpack {
 public:
  using Position = uint32_t;
  static constexpr Position kEnd = 0;
  // No element may make a listpack larger than this (Redis:
  // LISTPACK_MAX_SAFETY_LIMIT).
  static constexpr size_t kMaxBytes = size_t{1} << 30;

  // One element, as it is kept. `text` is a view into the block.
  struct Item {
    bool is_integer = false;
    int64_t integer = 0;
    absl::string_view text;

    static constexpr size_t kScratch = 21;
    // The bytes of the element; an integer is printed into `scratch`.
    absl::string_view Bytes(char (&scratch)[kScratch]) const;
    bool Equals(absl::string_view value) const;
    size_t Length() const;
  };

  Listpack();
  ~Listpack();
  Listpack(Listpack&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)) {}
  Listpack& operator=(Listpack&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  Listpack Clone() const;

  // Takes bytes from outside after looking at every one of them:
  // kInvalidArgument for anything that is no well-formed listpack of just this
  // size.
  static absl::StatusOr<Listpack> FromBytes(absl::string_view bytes);

  // A listpack's block without its owner, for whoever packs the pointer with
  // something else: what Release() gave has to come back through Adopt().
  unsigned char* Release() { return std::exchange(block_, nullptr); }
  static Listpack Adopt(unsigned char* block) { return Listpack(block); }

  absl::string_view bytes() const;  // The whole block.
  size_t byte_size() const;
  size_t size() const;  // Elements; O(n) above 65534.
  bool empty() const { return First() == kEnd; }
  size_t MemoryUsage() const;  // What the allocator gave for it.

  Position First() const;
  Position Last() const;
  Position Next(
      Position at) const;  // `at` is an element; kEnd behind the last.
  Position Previous(
      Position at) const;  // kEnd before the first; of kEnd: the last.
  // The element with this index, counted from 0, or from the back: -1 is the
  // last. kEnd if there is none.
  Position Seek(int64_t index) const;
  Item Get(Position at) const;

  // The first element from `from` on that equals `value`, looking at one
  // element and passing over `skip` (fields and their values: 1). kEnd if none,
  // or `from` is.
  Position Find(absl::string_view value, Position from, size_t skip = 0) const;

  // What an element of this value adds to byte_size().
  static size_t EncodedSize(absl::string_view value);
  bool FitsAnother(size_t bytes) const {
    return byte_size() + bytes <= kMaxBytes;
  }

  // Returns where the new element is. REQUIRES: FitsAnother(value.size() + 10).
  Position Insert(Position before, absl::string_view value);
  Position Append(absl::string_view value) { return Insert(kEnd, value); }
  Position Prepend(absl::string_view value) { return Insert(First(), value); }
  // Many at once, for one move of what stands behind.
  void InsertAll(Position before, absl::Span<const absl::string_view> values);
  Position Replace(Position at, absl::string_view value);
  // Erases `count` elements from `at` on, as far as there are any; returns
  // where the one behind them is now.
  Position Erase(Position at, size_t count = 1);
  // Appends all of `other`. REQUIRES: FitsAnother(other.byte_size()).
  void AppendAll(const Listpack& other);
  // Gives back room that the allocator has spare.
  void ShrinkToFit();

 private:
  explicit Listpack(unsigned char* block) : block_(block) {}
  // Makes a gap of `added` bytes in the place of `removed` ones, returns its
  // begin.
  unsigned char* Splice(size_t offset, size_t removed, size_t added);
  void AddToCount(int64_t change);

  unsigned char* block_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TYPES_LISTPACK_H_
