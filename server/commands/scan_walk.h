#ifndef HOLDFAST_SERVER_COMMANDS_SCAN_WALK_H_
#define HOLDFAST_SERVER_COMMANDS_SCAN_WALK_H_

#include <cstddef>
#include <cstdint>
#include <limits>

#include "absl/functional/function_ref.h"
#include "server/command/unit.h"
#include "server/keyspace/database.h"
#include "server/keyspace/entry.h"
#include "server/keyspace/slot.h"

namespace holdfast::server {

// A place in the keyspace of one database: slot << 48 | position in the slot's
// table. Below 2^62; 0 is both the beginning and what is behind the end.
using WalkCursor = uint64_t;
inline constexpr WalkCursor kWalkBegin = 0;
inline constexpr WalkCursor kWalkEnd = uint64_t{kSlots}
                                       << Database::kPositionBits;
inline constexpr WalkCursor WalkCursorOfSlot(Slot slot) {
  return WalkCursor{slot} << Database::kPositionBits;
}

// How much one call of WalkEntries() does: it stops at the first bound it
// meets.
struct WalkBounds {
  static constexpr size_t kUnbounded = std::numeric_limits<size_t>::max();
  size_t entries =
      kUnbounded;  // A bucket is never cut, so there may be a few more.
  size_t slots =
      kUnbounded;  // Locked; a group of slots without keys counts as one.
  size_t buckets =
      kUnbounded;  // Of one slot's table: what a sparse one may cost.
};

// Calls fn for the entries of database `db` from the cursor on, expired ones as
// well, each slot under its lock (shared; none if the unit has it), which is
// given up every kWalkEntriesPerLock entries. Returns where to go on, or 0 at
// the end. What is in the database from the first call to the last is seen at
// least once, whatever happens in between; what comes or goes may be seen.
//
// fn runs under the slot's lock: it must not lock, nor keep the entry.
// REQUIRES: the unit holds no slot, or all of them.
inline constexpr size_t kWalkEntriesPerLock = 1024;
WalkCursor WalkEntries(ExecutionUnit& unit, int db, WalkCursor cursor,
                       const WalkBounds& bounds,
                       absl::FunctionRef<void(const Entry&)> fn);

// Whether this unit takes the entry for gone: its time has come, and the unit
// is not the primary's stream, which sees all there is.
inline bool LooksExpired(const ExecutionUnit& unit, const Entry& entry) {
  return entry.ExpiredAt(unit.now_ms()) && !unit.from_primary();
}

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_SCAN_WALK_H_
