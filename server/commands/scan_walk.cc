#include "server/commands/scan_walk.h"

#include <algorithm>

#include "server/engine/engine.h"
#include "server/keyspace/keyspace.h"
#include "server/keyspace/slot_table.h"

namespace holdfast::server {

WalkCursor WalkEntries(ExecutionUnit& unit, int db, WalkCursor cursor,
                       const WalkBounds& bounds,
                       absl::FunctionRef<void(const Entry&)> fn) {
  Keyspace& keyspace = unit.engine().keyspace();
  size_t entries_left = bounds.entries;
  size_t slots_left = bounds.slots;
  const auto visit = [&](Entry* entry) {
    fn(*entry);
    if (entries_left > 0) --entries_left;
  };
  while (cursor < kWalkEnd && entries_left > 0 && slots_left > 0) {
    const Slot slot = static_cast<Slot>(cursor >> Database::kPositionBits);
    const uint64_t position = cursor & (Database::kScanEnd - 1);
    SlotGuard guard(unit.locks(), slot, /*exclusive=*/false);
    // Found anew under each lock: FLUSHALL may have put another one in its
    // place.
    const Database& database = keyspace.db(db);
    const int group = slot / Database::kGroupSlots;
    if (database.GroupSize(group) == 0) {
      cursor = uint64_t(group + 1) * Database::kGroupSlots
               << Database::kPositionBits;
      --slots_left;
      continue;
    }
    const size_t want = std::min(entries_left, kWalkEntriesPerLock);
    const size_t left_before = entries_left;
    const uint64_t next =
        database.ScanSlot(slot, position, want, bounds.buckets, visit);
    // (Positions end where the next slot's begin.)
    cursor = WalkCursorOfSlot(slot) + next;
    if (next == Database::kScanEnd) {
      --slots_left;
    } else if (left_before - entries_left < want) {
      break;  // It was the buckets that ran out.
    }
  }
  return cursor >= kWalkEnd ? 0 : cursor;
}

}  // namespace holdfast::server
