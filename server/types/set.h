#ifndef HOLDFAST_SERVER_TYPES_SET_H_
#define HOLDFAST_SERVER_TYPES_SET_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "server/types/intset.h"
#include "server/types/limits.h"
#include "server/types/listpack.h"
#include "server/types/tagged.h"

namespace holdfast::server {

// Up to where a set stays one block.
struct SetLimits {
  size_t max_intset_entries;  // set-max-intset-entries.
  // Of sets that are not of integers alone. Redis 7.0 has no such form, so
  // these are the server's own choice and can be seen in nothing but memory and
  // speed.
  PackedLimits packed;
};

// A set of byte strings. An intset while all members are integers (in the
// canonical form that net::ParseInteger takes) and few; else one listpack while
// they are few and short, and a table of nodes, one allocation a member, from
// then on. The first calls itself "intset", the others "hashtable", as
// Redis 7.0 does. It never goes back.
//
// Eight bytes, owns its memory, null when it never had a member.
// Thread-compatible. Views that are passed in must not be of this set's own
// memory; views that are passed out are good until the next change. REQUIRES of
// members: at most kMaxElementBytes. The destructor is O(members) in the large
// form: see FreeEffort().
class Set {
 public:
  using Visitor = absl::FunctionRef<void(absl::string_view member)>;

  Set() = default;
  ~Set() { Free(); }
  Set(Set&& other) noexcept : rep_(std::exchange(other.rep_, {})) {}
  Set& operator=(Set&& other) noexcept {
    std::swap(rep_, other.rep_);
    return *this;
  }
  Set Clone() const;
  static Set FromIntset(Intset integers, const SetLimits& limits);

  size_t size() const;
  bool empty() const { return size() == 0; }
  absl::string_view EncodingName() const;  // "intset" (also of a set that never
                                           // had a member) or "hashtable".
  // Bytes owned; in the large form reckoned from `samples` members, 0: all.
  size_t MemoryUsage(size_t samples = 0) const;
  size_t FreeEffort() const;  // Allocations, roughly.

  bool Contains(absl::string_view member) const;
  bool ContainsInteger(int64_t member) const;
  // Whether it is new.
  bool Add(absl::string_view member, const SetLimits& limits);
  bool AddInteger(int64_t member, const SetLimits& limits);
  // Whether it was there.
  bool Erase(absl::string_view member);
  bool EraseInteger(int64_t member);

  // Shows one member; each has the same chance. REQUIRES: !empty().
  void RandomMember(absl::FunctionRef<uint64_t()> random, Visitor fn) const;
  // The same, and erases it when fn has seen it.
  void PopRandom(absl::FunctionRef<uint64_t()> random, Visitor fn);

  // fn must not change the set, here and in Scan().
  void ForEach(Visitor fn) const;
  // SSCAN: see ScanDict(). A set in one block is shown whole, whatever the
  // cursor. Also the way to walk that can be left early.
  uint64_t Scan(uint64_t cursor, size_t count, Visitor fn) const;

  // Whether it is an intset, whose members, ascending, are IntegerAt(0) to
  // size() - 1, and whose block, as RDB and DUMP write it, is IntsetBytes().
  bool is_intset() const { return rep_.tag() == Form::kIntset; }
  int64_t IntegerAt(
      size_t index) const;  // REQUIRES: is_intset(), index < size().
  absl::string_view IntsetBytes() const;  // Empty in other forms.

 private:
  enum class Form : uintptr_t { kIntset, kPacked, kTable };
  struct Table;

  bool never_filled() const { return rep_.as<void>() == nullptr; }
  Table* table() const { return rep_.as<Table>(); }
  bool AddToPacked(absl::string_view member, const SetLimits& limits);
  bool AddToTable(absl::string_view member);
  bool EraseFromTable(absl::string_view member);
  // From an intset to the smallest form that is for strings too.
  void LeaveIntset(const SetLimits& limits);
  void ToTable();
  void Free();

  Tagged<Form> rep_;
};

static_assert(sizeof(Set) == 8);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TYPES_SET_H_
