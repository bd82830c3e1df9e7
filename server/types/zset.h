#ifndef HOLDFAST_SERVER_TYPES_ZSET_H_
#define HOLDFAST_SERVER_TYPES_ZSET_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/types/limits.h"
#include "server/types/listpack.h"
#include "server/types/tagged.h"
#include "server/types/zset_table.h"

namespace holdfast::server {

// Scores from min to max; an exclusive end is not itself in the range. Ends may
// be infinite, but not NaN.
struct ScoreRange {
  double min;
  double max;
  bool min_exclusive = false;
  bool max_exclusive = false;
};

// An end of a range of members: before all, behind all, or at a member.
struct LexBound {
  enum class Kind : uint8_t { kMin, kMax, kInclusive, kExclusive };
  Kind kind = Kind::kMin;
  absl::string_view member;
};
struct LexRange {
  LexBound min;
  LexBound max;
};

// Reads "-", "+", "[member" or "(member", as ZRANGEBYLEX has it.
// `bound->member` is a view into `text`.
bool ParseLexBound(absl::string_view text, LexBound* bound);

// A sorted set: members, each once, in the order of (score, member bytes). No
// score is ever NaN.
//
// Small form ("listpack"): one block of member, score, member, score ... in
// that order, byte for byte as Redis 7.0 has it: an integer for any score that
// is one (ScoreAsInteger(); a score of -0 is 0 there), else "%.17g". Every
// operation is O(bytes). Large form ("skiplist"): ZsetTable. An Add() that
// breaks a limit makes the large form of it; it never comes back.
//
// A set built from nothing by Add() has the form that Redis gives a result that
// it stores. Eight bytes itself. Thread-compatible. Views given must not be
// into this set; views handed to a callback end with the call, which must not
// change the set.
class Zset {
 public:
  struct AddFlags {
    bool only_new = false;       // NX
    bool only_existing = false;  // XX
    // GT, LT: an existing score is only replaced by a greater or lesser one.
    bool only_greater = false;
    bool only_less = false;
    bool increment = false;  // INCR: `score` is added to an existing one.
  };
  enum class AddResult {
    kNotANumber,  // The score, or the sum, is NaN; nothing was done.
    kSkipped,     // The flags forbid it (ZADD INCR replies null).
    kUnchanged,   // It had this score.
    kAdded,
    kUpdated,
  };
  // Ranks, counted from 0 by ascending score: from `first` on, before `end`.
  struct Ranks {
    size_t first = 0;
    size_t end = 0;
    size_t size() const { return end - first; }
  };
  using Visitor =
      absl::FunctionRef<void(absl::string_view member, double score)>;
  using StoppableVisitor =
      absl::FunctionRef<bool(absl::string_view member, double score)>;

  Zset();
  ~Zset() { Free(); }
  Zset(Zset&& other) noexcept : rep_(std::exchange(other.rep_, {})) {}
  Zset& operator=(Zset&& other) noexcept {
    std::swap(rep_, other.rep_);
    return *this;
  }
  Zset Clone() const;

  // Takes over a listpack from outside (RDB, RESTORE), as the large form if it
  // has more than limits.max_entries. kInvalidArgument for an odd number of
  // elements, a score that is no number, or a member twice. Elements out of
  // order, which Redis would take and then not find, are put in order.
  static absl::StatusOr<Zset> FromListpack(Listpack listpack,
                                           const PackedLimits& limits);

  size_t size() const;
  bool empty() const { return size() == 0; }
  // "listpack" or "skiplist", as OBJECT ENCODING says.
  absl::string_view EncodingName() const;
  size_t MemoryUsage() const;
  // How many allocations it takes to free this, roughly.
  size_t FreeEffort() const;
  // The listpack's block, for RDB; empty in the large form.
  absl::string_view PackedBytes() const;

  // *new_score, unless null, is set for the last three results.
  AddResult Add(absl::string_view member, double score, AddFlags flags,
                const PackedLimits& limits, double* new_score = nullptr);
  bool Erase(absl::string_view member);

  bool Score(absl::string_view member, double* score) const;
  bool Contains(absl::string_view member) const;
  // Of the highest score if `reverse`.
  bool Rank(absl::string_view member, bool reverse, size_t* rank) const;
  // REQUIRES: rank < size().
  void At(size_t rank, Visitor visit) const;

  // Where these stand: O(log n), and so is their number. Empty for a range
  // whose ends are the wrong way round.
  Ranks RanksByScore(const ScoreRange& range) const;
  // Of any use only if all scores are equal, as in Redis.
  Ranks RanksByLex(const LexRange& range) const;

  // Visits these elements, the last one first if `reverse`, until one returns
  // false. REQUIRES (here and for EraseRanks): first <= end <= size().
  void ForRanks(Ranks ranks, bool reverse, StoppableVisitor visit) const;
  // Erases them; calls `visit` for each before, in ascending order.
  void EraseRanks(Ranks ranks, Visitor visit);
  void EraseRanks(Ranks ranks);
  // Takes the element of the lowest or highest score; false if there is none.
  bool PopMin(std::string* member, double* score) {
    return Pop(0, member, score);
  }
  bool PopMax(std::string* member, double* score) {
    return Pop(empty() ? 0 : size() - 1, member, score);
  }

  // All, in ascending order.
  void ForEach(Visitor visit) const;
  // One of them, each as likely as any other, in O(log n); `random` yields 64
  // random bits. REQUIRES: not empty. (For several different ones: At() of
  // different ranks.)
  void Random(absl::FunctionRef<uint64_t()> random, Visitor visit) const;

  // A step of ZSCAN: about `count` elements, and the cursor to go on with, 0 at
  // the end. The small form is shown whole at any cursor. What is in the set
  // from the first step to the last one is seen, maybe twice.
  uint64_t Scan(uint64_t cursor, size_t count, Visitor visit) const;

 private:
  enum class Form : uint8_t { kPacked, kTable };

  bool is_table() const { return rep_.tag() == Form::kTable; }
  ZsetTable* table() const { return rep_.as<ZsetTable>(); }
  ZsetTable* ToTable();
  void Free();
  bool Pop(size_t rank, std::string* member, double* score);
  AddResult AddPacked(absl::string_view member, double score, AddFlags flags,
                      const PackedLimits& limits, double* new_score,
                      bool* too_large);
  AddResult AddToTable(absl::string_view member, double score, AddFlags flags,
                       double* new_score);

  Tagged<Form> rep_;
};

static_assert(sizeof(Zset) == 8);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TYPES_ZSET_H_
