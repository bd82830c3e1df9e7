#ifndef HOLDFAST_SERVER_TYPES_TAGGED_H_
#define HOLDFAST_SERVER_TYPES_TAGGED_H_

#include <cstdint>

#include "glog/logging.h"

namespace holdfast::server {

// A pointer from malloc() or new with a small number in the bits that alignment
// leaves free: how a value of several representations is eight bytes in its
// entry. Owns nothing. `Tag` is an enum below 8.
template <typename Tag>
class Tagged {
 public:
  Tagged() = default;  // Null, with the tag 0.
  Tagged(Tag tag, void* pointer)
      : bits_(reinterpret_cast<uintptr_t>(pointer) |
              static_cast<uintptr_t>(tag)) {
    DCHECK_EQ(reinterpret_cast<uintptr_t>(pointer) & kMask, 0u);
    DCHECK_LE(static_cast<uintptr_t>(tag), kMask);
  }

  Tag tag() const { return static_cast<Tag>(bits_ & kMask); }
  template <typename T>
  T* as() const {
    return reinterpret_cast<T*>(bits_ & ~kMask);
  }

 private:
  static constexpr uintptr_t kMask = 7;

  uintptr_t bits_ = 0;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TYPES_TAGGED_H_
