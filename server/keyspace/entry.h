#ifndef HOLDFAST_SERVER_KEYSPACE_ENTRY_H_
#define HOLDFAST_SERVER_KEYSPACE_ENTRY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "server/keyspace/slot.h"
#include "server/types/dict.h"
#include "server/types/object.h"

namespace holdfast::server {

// How a string is held, by the names that OBJECT ENCODING uses.
enum class Encoding : uint8_t { kRaw, kInt, kEmbstr };
// Whether a string that reads as an integer is kept as one. The result of
// INCRBYFLOAT is not, in Redis.
enum class IfInteger : uint8_t { kAsInt, kAsText };
absl::string_view EncodingName(Encoding encoding);

// Milliseconds since the Unix epoch at which a key expires; this one: never.
inline constexpr int64_t kNoExpiry = -1;

// Strings up to this length are "embstr" when set whole (OBJECT ENCODING).
inline constexpr size_t kEmbstrLimit = 44;

// A long or growing string's bytes, outside its entry.
struct StringBuffer {
  size_t length;
  size_t capacity;
  char* data() { return reinterpret_cast<char*>(this + 1); }
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }
};

// One key with its value: a single allocation that holds header, key and, for a
// short string, the value itself:
//
//   Entry (24 bytes) [expiry, 16 bytes] [payload, 8 bytes] key [value]
//
// The expiry stands there only for keys that have one, the payload (an integer,
// a pointer, or the eight bytes of a List, Set, ...) only for values that are
// not inside. The size is a function of these, rounded up to 16, so an
// overwrite that fits is made in place.
//
// Thread-compatible under its slot's lock, but for access(), which readers that
// share the lock update as a relaxed atomic. Entries are made, changed and
// freed by Database alone.
class Entry {
 public:
  Entry* next;  // Dict's chain.

  absl::string_view key() const { return {key_data(), key_length_}; }
  ValueType type() const { return static_cast<ValueType>(type_); }
  // REQUIRES: type() == kString.
  Encoding encoding() const { return static_cast<Encoding>(encoding_); }
  // OBJECT ENCODING's answer, of any type.
  absl::string_view EncodingName() const;

  bool has_expiry() const { return (flags_ & kHasExpiry) != 0; }
  int64_t expire_ms() const {
    return has_expiry() ? expiry()->when_ms : kNoExpiry;
  }
  bool ExpiredAt(int64_t now_ms) const {
    return has_expiry() && expiry()->when_ms <= now_ms;
  }

  // A string's length in bytes. REQUIRES: type() == kString.
  size_t StringLength() const;
  // A string's bytes; an integer is printed into `scratch`. Valid until the
  // entry changes. REQUIRES: type() == kString.
  static constexpr size_t kScratch = 24;
  absl::string_view StringBytes(char (&scratch)[kScratch]) const;
  // REQUIRES: encoding() == kInt.
  int64_t IntValue() const { return payload()->integer; }

  // The value of another type. REQUIRES: it is of that type. To change it, see
  // Database::ChangeObject().
  template <typename T>
  const T* As() const {
    DCHECK(type() == kTypeOf<T>);
    return payload()->object.As<T>();
  }
  // REQUIRES: type() != kString.
  const ObjectBits& object() const { return payload()->object; }

  // When it was last used, in seconds of the server's LRU clock.
  uint32_t access() const { return access_.load(std::memory_order_relaxed); }
  void set_access(uint32_t seconds) const {
    if (access() != seconds) access_.store(seconds, std::memory_order_relaxed);
  }

  // The snapshot epoch up to which this entry needs no pre-image (Keyspace).
  uint8_t epoch() const { return epoch_; }
  void set_epoch(uint8_t epoch) { epoch_ = epoch; }

  // Bytes of memory that key and value take, without the table's share; large
  // collections are reckoned from `samples` elements, 0: all.
  size_t MemoryUsage(size_t samples = 0) const;

 private:
  friend class Database;
  friend struct EntryTraits;

  enum Flags : uint8_t { kHasExpiry = 1, kInline = 2 };
  struct Expiry {
    int64_t when_ms;
    uint32_t volatile_index;  // Where DbSlot's list of expiring entries has it.
    uint32_t unused;
  };
  union Payload {
    int64_t integer;
    StringBuffer* buffer;
    ObjectBits object;
  };
  static constexpr size_t kMaxInline = 256;  // Longer values stand outside.

  Entry() = delete;

  // What a string is to be held as.
  struct StringForm {
    Encoding encoding;
    int64_t integer;  // Of kInt.
    bool is_inline;
  };
  static StringForm FormOf(absl::string_view value, IfInteger if_integer);

  static size_t SizeFor(size_t key_length, bool has_expiry, bool is_inline,
                        size_t value_length);
  // An entry with its key, no value yet, chained nowhere.
  static Entry* Allocate(absl::string_view key, ValueType type,
                         Encoding encoding, bool has_expiry, bool is_inline,
                         size_t value_length);
  static Entry* NewString(absl::string_view key, absl::string_view value,
                          bool has_expiry, IfInteger if_integer);
  static Entry* NewObject(absl::string_view key, Object value, bool has_expiry);
  // Writes `value` into this entry if its allocation has just that size; else
  // false.
  bool OverwriteString(absl::string_view value, IfInteger if_integer);
  // A copy with or without room for an expiry, which takes the value over; the
  // old one is then to be freed with FreeShell().
  Entry* Reshape(bool has_expiry, bool is_inline, size_t inline_length) const;
  // Takes an object out of it; what is left is a shell.
  Object TakeObject() { return Object(type(), payload()->object); }
  void FreeValue();
  static void FreeShell(Entry* entry);
  static void Free(Entry* entry) {
    entry->FreeValue();
    FreeShell(entry);
  }

  bool is_inline() const { return (flags_ & kInline) != 0; }
  char* base() { return reinterpret_cast<char*>(this + 1); }
  const char* base() const { return reinterpret_cast<const char*>(this + 1); }
  Expiry* expiry() { return reinterpret_cast<Expiry*>(base()); }
  const Expiry* expiry() const {
    return reinterpret_cast<const Expiry*>(base());
  }
  size_t expiry_size() const { return has_expiry() ? sizeof(Expiry) : 0; }
  Payload* payload() {
    return reinterpret_cast<Payload*>(base() + expiry_size());
  }
  const Payload* payload() const {
    return reinterpret_cast<const Payload*>(base() + expiry_size());
  }
  const char* key_data() const {
    return base() + expiry_size() + (is_inline() ? 0 : sizeof(Payload));
  }
  char* inline_data() { return const_cast<char*>(key_data()) + key_length_; }
  const char* inline_data() const { return key_data() + key_length_; }

  mutable std::atomic<uint32_t> access_;
  uint8_t type_ : 4;
  uint8_t encoding_ : 4;
  uint8_t flags_;
  uint8_t epoch_;
  uint8_t tag_;  // Low byte of the key's hash: spares most comparisons of keys.
  uint32_t key_length_;
  uint32_t inline_length_;
};

struct EntryTraits {
  using Node = Entry;
  using Key = KeyRef;
  static Entry*& Next(Entry* e) { return e->next; }
  static uint64_t Hash(const Entry* e) { return HashOfKey(e->key()); }
  static bool Matches(const Entry* e, const KeyRef& key) {
    return e->tag_ == static_cast<uint8_t>(key.hash) && e->key() == key.bytes;
  }
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_KEYSPACE_ENTRY_H_
