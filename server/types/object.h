#ifndef HOLDFAST_SERVER_TYPES_OBJECT_H_
#define HOLDFAST_SERVER_TYPES_OBJECT_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace holdfast::server {

class Hash;
class List;
class Set;
class Stream;
class Zset;

// The numbers are those of the RDB format where that has one.
enum class ValueType : uint8_t {
  kString = 0,
  kList = 1,
  kSet = 2,
  kZset = 3,
  kHash = 4,
  kStream = 6
};

// TYPE's answer: "string", "list", ...
absl::string_view TypeName(ValueType type);

// Which ValueType a class of server/types is.
template <typename T>
inline constexpr ValueType kTypeOf = ValueType::kString;
template <>
inline constexpr ValueType kTypeOf<List> = ValueType::kList;
template <>
inline constexpr ValueType kTypeOf<Set> = ValueType::kSet;
template <>
inline constexpr ValueType kTypeOf<Zset> = ValueType::kZset;
template <>
inline constexpr ValueType kTypeOf<Hash> = ValueType::kHash;
template <>
inline constexpr ValueType kTypeOf<Stream> = ValueType::kStream;

// The eight bytes of a List, Set, Zset, Hash or Stream, at rest: all of these
// are one pointer and can be moved as bytes. Whose type it is stands elsewhere
// (an entry's header, an Object).
struct ObjectBits {
  uint64_t bits = 0;

  template <typename T>
  T* As() {
    static_assert(sizeof(T) == sizeof(bits) &&
                  kTypeOf<T> != ValueType::kString);
    return std::launder(reinterpret_cast<T*>(&bits));
  }
  template <typename T>
  const T* As() const {
    return const_cast<ObjectBits*>(this)->As<T>();
  }
};

// What can be asked of any of them. REQUIRES: a type other than kString.
absl::string_view ObjectEncodingName(ValueType type, const ObjectBits& bits);
size_t ObjectSize(ValueType type, const ObjectBits& bits);  // Elements.
// Bytes owned, in large forms reckoned from `samples` elements, 0: all.
size_t ObjectMemoryUsage(ValueType type, const ObjectBits& bits,
                         size_t samples);
// How many allocations it takes to free it, roughly.
size_t ObjectFreeEffort(ValueType type, const ObjectBits& bits);
ObjectBits CloneObject(ValueType type, const ObjectBits& bits);
void FreeObject(ValueType type, ObjectBits* bits);

// A value other than a string, outside of the keyspace: on its way in from a
// loader or a command that stores a result, or on its way out to be freed.
// Thread-compatible.
class Object {
 public:
  template <typename T,
            typename = std::enable_if_t<kTypeOf<T> != ValueType::kString>>
  explicit Object(T value) : type_(kTypeOf<T>) {
    new (&bits_) T(std::move(value));
  }
  // Takes over what lies in `bits`.
  Object(ValueType type, ObjectBits bits) : type_(type), bits_(bits) {}
  ~Object() {
    if (type_ != ValueType::kString) FreeObject(type_, &bits_);
  }
  Object(Object&& other) noexcept
      : type_(std::exchange(other.type_, ValueType::kString)),
        bits_(other.bits_) {}
  Object& operator=(Object&& other) noexcept {
    std::swap(type_, other.type_);
    std::swap(bits_, other.bits_);
    return *this;
  }

  ValueType type() const { return type_; }
  template <typename T>
  T* As() {
    return bits_.As<T>();
  }
  size_t FreeEffort() const { return ObjectFreeEffort(type_, bits_); }
  size_t size() const { return ObjectSize(type_, bits_); }

  // Gives it away: nothing is owned afterwards.
  ObjectBits Release() {
    type_ = ValueType::kString;
    return bits_;
  }

 private:
  ValueType type_;  // kString: it was moved from.
  ObjectBits bits_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TYPES_OBJECT_H_
