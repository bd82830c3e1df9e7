#ifndef HOLDFAST_SERVER_KEYSPACE_SLOT_TABLE_H_
#define HOLDFAST_SERVER_KEYSPACE_SLOT_TABLE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "server/keyspace/slot.h"
#include "server/keyspace/write_gate.h"

namespace holdfast::server {

// What WATCH leaves at a slot: set `*dirty` when the key of database `db` is
// touched.
struct KeyWatch {
  int db;
  std::string key;
  std::shared_ptr<std::atomic<bool>> dirty;
  bool expired;  // It had expired when watched and is still there: to remove it
                 // changes nothing.
};

// The lock stripes of the keyspace, one a hash slot, for all databases, each on
// its own cache line with the registries that its lock guards.
class SlotTable {
 public:
  struct alignas(64) Stripe {
    absl::Mutex mu;
    // Guarded by mu held exclusively; null while nobody watches a key of the
    // slot.
    std::unique_ptr<std::vector<KeyWatch>> watches;
  };

  SlotTable() : stripes_(new Stripe[kSlots]) {}
  SlotTable(const SlotTable&) = delete;
  SlotTable& operator=(const SlotTable&) = delete;

  Stripe& operator[](Slot slot) { return stripes_[slot]; }

 private:
  const std::unique_ptr<Stripe[]> stripes_;
};

// A slot that a command needs, and how.
struct SlotUse {
  Slot slot;
  bool exclusive;
};

// All the keyspace locks that one execution unit (a command, or a transaction)
// holds: the one type that locks more than one slot. Whatever it took it
// releases when it dies. One thread's; not re-entrant.
//
// Order (server/LOCKS.md): the gate first, then slots ascending.
class SlotSetLock {
 public:
  SlotSetLock(SlotTable* table, WriteGate* gate) : table_(table), gate_(gate) {}
  ~SlotSetLock() { Release(); }
  SlotSetLock(const SlotSetLock&) = delete;
  SlotSetLock& operator=(const SlotSetLock&) = delete;

  // The fast path of a command with one key. `write` passes the gate shared.
  void LockOne(Slot slot, bool exclusive,
               bool write) ABSL_NO_THREAD_SAFETY_ANALYSIS;
  // Sorts, merges (exclusive wins) and locks.
  void LockMany(absl::Span<const SlotUse> uses,
                bool write) ABSL_NO_THREAD_SAFETY_ANALYSIS;
  // Passes the gate exclusively and locks every slot exclusively: about 0.3 ms.
  void LockAll() ABSL_NO_THREAD_SAFETY_ANALYSIS;
  // Only the gate, shared: a write that names no key but has an effect (or will
  // lock its slots one at a time, ascending, by SlotGuard).
  void LockGateOnly() ABSL_NO_THREAD_SAFETY_ANALYSIS;
  // One more slot, exclusively, beside those that are held, if nobody has it:
  // out of order, and so without waiting. Also true if it is held already.
  bool TryAlso(Slot slot) ABSL_NO_THREAD_SAFETY_ANALYSIS;
  void Release() ABSL_NO_THREAD_SAFETY_ANALYSIS;

  bool holds_all() const { return all_; }
  bool holds_nothing() const { return !all_ && !gate_shared_ && held_.empty(); }
  // Whether this unit may read (or, exclusive, change) the slot's keys.
  bool Holds(Slot slot, bool exclusive) const;

  SlotTable* table() const { return table_; }

 private:
  void PassGate(bool write);

  SlotTable* const table_;
  WriteGate* const gate_;
  bool all_ = false;
  bool gate_shared_ = false;
  size_t gate_stripe_ = 0;
  absl::InlinedVector<SlotUse, 4> held_;  // Ascending.
};

// Holds one slot for a walk over all slots, or nothing if the unit has it
// anyhow. REQUIRES: the unit holds this slot, or all, or no slot at all.
class SlotGuard {
 public:
  SlotGuard(const SlotSetLock& unit, Slot slot,
            bool exclusive) ABSL_NO_THREAD_SAFETY_ANALYSIS;
  ~SlotGuard() ABSL_NO_THREAD_SAFETY_ANALYSIS;
  SlotGuard(const SlotGuard&) = delete;
  SlotGuard& operator=(const SlotGuard&) = delete;

 private:
  absl::Mutex* mu_;  // Null when there is nothing to release.
  const bool exclusive_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_KEYSPACE_SLOT_TABLE_H_
