#ifndef HOLDFAST_SERVER_KEYSPACE_KEYSPACE_H_
#define HOLDFAST_SERVER_KEYSPACE_KEYSPACE_H_

#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "server/keyspace/database.h"
#include "server/keyspace/slot_table.h"
#include "server/keyspace/snapshot_turn.h"
#include "server/keyspace/waiter_table.h"
#include "server/keyspace/write_gate.h"

namespace holdfast::server {

// All databases of one server with the locks that guard them.
//
// A database's place in the table of databases changes only (FLUSHDB, SWAPDB, a
// loaded snapshot) while all slots are locked exclusively; so whoever holds any
// slot lock may use db(i), and a Database* found so is good while that lock is
// held.
class Keyspace {
 public:
  // `databases` in [1, 2^31): the `databases` directive.
  explicit Keyspace(int databases);
  Keyspace(const Keyspace&) = delete;
  Keyspace& operator=(const Keyspace&) = delete;

  int database_count() const { return static_cast<int>(databases_.size()); }
  WriteGate& gate() { return gate_; }
  SlotTable& slots() { return slots_; }

  // REQUIRES: any slot lock; index in [0, database_count()).
  Database& db(int index) { return *databases_[index]; }

  // Calls fn for every database in order, under a lock of its own that keeps
  // them in their places, which is enough for Database's counters. Whatever
  // slots the caller holds (INFO inside EXEC), none is locked here. fn must
  // lock nothing.
  void ForEachDatabase(absl::FunctionRef<void(int index, const Database&)> fn);
  size_t SizeOf(int index);

  // Exchange contents of databases. REQUIRES: all slots locked exclusively.
  void Swap(int a, int b) {
    absl::MutexLock lock(&databases_mu_);
    databases_[a].swap(databases_[b]);
  }
  // Puts `fresh` (null: an empty one) in the place of a database and returns
  // the old one, to be freed where that may take long. REQUIRES: as Swap().
  std::shared_ptr<Database> Replace(int index, std::shared_ptr<Database> fresh);
  // The databases as they are, for a snapshot's walk. REQUIRES: the gate held
  // exclusively, and any slot lock.
  std::vector<std::shared_ptr<Database>> Databases() const {
    return databases_;
  }
  std::shared_ptr<Database> NewDatabase() const {
    return std::make_shared<Database>(&snapshot_);
  }

  SnapshotState& snapshot() { return snapshot_; }
  SnapshotTurn& snapshot_turn() { return snapshot_turn_; }
  WaiterTable& waiters() { return waiters_; }

  // Registers and removes a watch. REQUIRES: the key's slot locked exclusively.
  void AddWatch(Slot slot, KeyWatch watch);
  void RemoveWatch(Slot slot, int db, absl::string_view key,
                   const std::atomic<bool>* dirty);
  void RemoveWatches(Slot slot,
                     absl::FunctionRef<bool(const KeyWatch& watch)> which);
  // Marks those dirty who watch this key. REQUIRES: the slot locked
  // exclusively.
  void TouchWatched(Slot slot, int db, absl::string_view key) {
    if (slots_[slot].watches != nullptr) TouchWatchedSlow(slot, db, key);
  }
  // Marks those dirty who watch a key of the database that is in `before` or
  // `after`. REQUIRES: all slots locked exclusively.
  void TouchAllWatched(int db, const Database& before, const Database& after,
                       int64_t now_ms);
  // Whether the key that this watch is on counts as expired from the beginning.
  bool WatchedAsExpired(Slot slot, int db, absl::string_view key,
                        const std::atomic<bool>* dirty);

 private:
  void TouchWatchedSlow(Slot slot, int db, absl::string_view key);

  SnapshotState snapshot_;
  SnapshotTurn snapshot_turn_;
  WriteGate gate_;
  SlotTable slots_;
  WaiterTable waiters_;
  // A leaf: changes of databases_ need it beside all slots, so that it keeps
  // them in place for those who have no slot.
  absl::Mutex databases_mu_;
  std::vector<std::shared_ptr<Database>> databases_;  // Guarded as said above.
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_KEYSPACE_KEYSPACE_H_
