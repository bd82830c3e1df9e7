#ifndef HOLDFAST_SERVER_TYPES_INTSET_H_
#define HOLDFAST_SERVER_TYPES_INTSET_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace holdfast::server {

// A sorted set of int64 in one block of memory, byte for byte in the format
// that Redis calls intset, so that RDB and DUMP take it as it is:
//
//   u32 bytes a value (2, 4 or 8), u32 values, values ascending, little endian
//
// All values are as wide as the widest that was ever added. Finding is
// O(log n), changing O(n). Owns its block; eight bytes itself.
// Thread-compatible.
class Intset {
 public:
  // The bound of Redis, far above what set-max-intset-entries is good for.
  static constexpr size_t kMaxEntries = size_t{1} << 30;

  Intset();
  ~Intset();
  Intset(Intset&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)) {}
  Intset& operator=(Intset&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  Intset Clone() const;

  // Takes bytes from outside after looking at every one of them:
  // kInvalidArgument for what is no intset of just this size, sorted, without
  // duplicates and, as Redis has it, not empty.
  static absl::StatusOr<Intset> FromBytes(absl::string_view bytes);

  // The block without its owner; what Release() gave has to come back through
  // Adopt().
  unsigned char* Release() { return std::exchange(block_, nullptr); }
  static Intset Adopt(unsigned char* block) { return Intset(block); }

  absl::string_view bytes() const;  // The whole block.
  size_t byte_size() const;
  size_t size() const;
  bool empty() const { return size() == 0; }
  size_t MemoryUsage() const;  // What the allocator gave for it.

  // Whether `value` is there; `*index` (may be null) becomes its index, or the
  // one that it would get.
  bool Find(int64_t value, size_t* index = nullptr) const;
  // REQUIRES: index < size(). Ascending.
  int64_t Get(size_t index) const;
  // Each value has the same chance. REQUIRES: !empty().
  int64_t Random(absl::FunctionRef<uint64_t()> random) const {
    return Get(random() % size());
  }

  // False if it is there already. REQUIRES: size() < kMaxEntries.
  bool Insert(int64_t value);
  // False if it is not there.
  bool Erase(int64_t value);
  // REQUIRES: index < size().
  void EraseAt(size_t index);

 private:
  explicit Intset(unsigned char* block) : block_(block) {}
  size_t width() const;
  void Set(size_t index, int64_t value);
  // Makes the block `bytes` long, as far as the allocator has not done so
  // already.
  void Resize(size_t bytes);
  // REQUIRES: `value` needs more than width() bytes, and so is first or last.
  void WidenFor(int64_t value);

  unsigned char* block_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TYPES_INTSET_H_
