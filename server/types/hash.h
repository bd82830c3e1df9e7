#ifndef HOLDFAST_SERVER_TYPES_HASH_H_
#define HOLDFAST_SERVER_TYPES_HASH_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/types/limits.h"
#include "server/types/listpack.h"
#include "server/types/tagged.h"

namespace holdfast::server {

// A hash: fields with their values. One listpack (field, value, field, ...)
// while it is small, a table of nodes, one allocation a field, from then on;
// the limits given with each change say when (hash-max-listpack-entries and
// -value).
//
// Eight bytes, owns its memory, null when it never had a field.
// Thread-compatible. Views that are passed in must not be of this hash's own
// memory; views that are passed out are good until the next change. REQUIRES of
// fields and values: at most kMaxElementBytes. The destructor is O(fields) in
// the large form: see FreeEffort().
class Hash {
 public:
  using Visitor =
      absl::FunctionRef<void(absl::string_view field, absl::string_view value)>;
  static constexpr size_t kScratch = Listpack::Item::kScratch;

  Hash() = default;
  ~Hash() { Free(); }
  Hash(Hash&& other) noexcept : rep_(std::exchange(other.rep_, {})) {}
  Hash& operator=(Hash&& other) noexcept {
    std::swap(rep_, other.rep_);
    return *this;
  }
  Hash Clone() const;

  // From a loader: kInvalidArgument for an odd number of elements, or a field
  // that comes twice. May be empty. Like Redis's loader it looks at
  // limits.max_entries only.
  static absl::StatusOr<Hash> FromListpack(Listpack pairs,
                                           const PackedLimits& limits);

  size_t size() const;
  bool empty() const { return size() == 0; }
  absl::string_view EncodingName() const;  // "listpack" or "hashtable".
  // Bytes owned; in the large form reckoned from `samples` fields, 0: all.
  size_t MemoryUsage(size_t samples = 0) const;
  size_t FreeEffort() const;  // Allocations, roughly.
  // The listpack as RDB and DUMP write it; empty in the large form.
  absl::string_view PackedBytes() const;

  // False if there is no such field. `*value` may be in `scratch`.
  bool Get(absl::string_view field, char (&scratch)[kScratch],
           absl::string_view* value) const;
  bool Contains(absl::string_view field) const;
  // Whether the field is new.
  bool Set(absl::string_view field, absl::string_view value,
           const PackedLimits& limits);
  // Whether it was there.
  bool Erase(absl::string_view field);

  // Shows one field; each has the same chance. REQUIRES: !empty().
  void RandomField(absl::FunctionRef<uint64_t()> random, Visitor fn) const;
  // fn must not change the hash, here and in Scan().
  void ForEach(Visitor fn) const;
  // HSCAN: see ScanDict(). A small hash is shown whole, whatever the cursor.
  uint64_t Scan(uint64_t cursor, size_t count, Visitor fn) const;

 private:
  enum class Form : uintptr_t { kPacked, kTable };
  struct Table;

  bool never_filled() const { return rep_.as<void>() == nullptr; }
  Table* table() const { return rep_.as<Table>(); }
  bool SetInTable(absl::string_view field, absl::string_view value);
  void ToTable();
  void Free();

  Tagged<Form> rep_;
};

static_assert(sizeof(Hash) == 8);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TYPES_HASH_H_
