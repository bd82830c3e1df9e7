#ifndef HOLDFAST_SERVER_RECLAIM_EXPIRY_CYCLE_H_
#define HOLDFAST_SERVER_RECLAIM_EXPIRY_CYCLE_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "server/command/unit.h"
#include "server/engine/engine.h"

namespace holdfast::server {

// Deletes keys whose time has come and that nobody asks for: the active half of
// expiry (the lazy half is Db::Find). A turn of it visits the next part of the
// slots, samples their expiring keys and deletes the expired ones, each with
// its DEL in the log; a slot full of dead keys is gone over again while time is
// left. Never holds a slot for more than kMaxChecksPerLock keys. Does nothing
// on a replica, which waits for its primary's DELs. One thread's.
class ExpiryCycle {
 public:
  explicit ExpiryCycle(Engine* engine);

  // Works for at most `budget`. Slots without expiring keys cost next to
  // nothing.
  void Run(absl::Duration budget);

 private:
  static constexpr int kMaxChecksPerLock = 20;
  // Visiting a tenth of the slots a turn, ten turns a second see each in a
  // second.
  static constexpr int kSlotsPerTurn = kSlots / 10;
  // A slot is visited again at once while more of its sample than this was
  // dead.
  static constexpr double kStaleShare = 0.1;

  struct Sample {
    int checked = 0;
    int expired = 0;
    int64_t ttl_sum_ms = 0;
  };
  // Visits slots of one database from `first` on; returns the next one.
  int RunDatabase(int db, int first, net::MonoTime end);
  Sample VisitSlot(int db, Slot slot);

  Engine& engine_;
  ExecutionUnit unit_;
  int next_db_ = 0;
  std::unique_ptr<int[]> next_slot_;  // Of each database.
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_RECLAIM_EXPIRY_CYCLE_H_
