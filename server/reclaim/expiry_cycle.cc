#include "server/reclaim/expiry_cycle.h"

#include <string>
#include <vector>

#include "server/command/db.h"

namespace holdfast::server {

ExpiryCycle::ExpiryCycle(Engine* engine)
    : engine_(*engine),
      unit_(engine),
      next_slot_(new int[engine->keyspace().database_count()]()) {}

void ExpiryCycle::Run(absl::Duration budget) {
  if (!engine_.active_expire() || !engine_.MayDeleteExpired()) return;
  const net::MonoTime end = engine_.clock()->Now() + budget;
  const int databases = engine_.keyspace().database_count();
  std::vector<int> expiring;
  engine_.keyspace().ForEachDatabase([&](int index, const Database& db) {
    if (db.ExpiringSize() > 0) {
      expiring.push_back(index);
    } else {
      engine_.set_average_ttl_ms(index, 0);
    }
  });
  for (size_t i = 0; i < expiring.size() && engine_.clock()->Now() < end; ++i) {
    // Each turn begins with another database, so that none starves.
    const int db =
        expiring[(i + static_cast<size_t>(next_db_)) % expiring.size()];
    next_slot_[db] = RunDatabase(db, next_slot_[db], end);
  }
  next_db_ = (next_db_ + 1) % databases;
}

int ExpiryCycle::RunDatabase(int db, int first, net::MonoTime end) {
  int64_t checked = 0;
  int64_t ttl_sum_ms = 0;
  int slot = first;
  int visited = 0;
  for (int passed = 0; passed < kSlots && visited < kSlotsPerTurn;
       ++passed, slot = (slot + 1) % kSlots) {
    if (passed % 64 == 0 && engine_.clock()->Now() >= end) {
      engine_.stats().expired_time_cap_reached.fetch_add(
          1, std::memory_order_relaxed);
      break;
    }
    if (slot % Database::kGroupSlots == 0) {
      absl::ReaderMutexLock lock(
          &engine_.keyspace().slots()[static_cast<Slot>(slot)].mu);
      if (engine_.keyspace().db(db).GroupExpiringSize(
              slot / Database::kGroupSlots) == 0) {
        slot += Database::kGroupSlots - 1;
        passed += Database::kGroupSlots - 1;
        continue;
      }
    }
    for (;;) {
      const Sample sample = VisitSlot(db, static_cast<Slot>(slot));
      checked += sample.checked - sample.expired;
      ttl_sum_ms += sample.ttl_sum_ms;
      if (sample.checked > 0) ++visited;
      if (sample.expired <= sample.checked * kStaleShare ||
          engine_.clock()->Now() >= end)
        break;
    }
  }
  if (checked > 0) {
    // A slowly moving average, as INFO's avg_ttl is in Redis.
    const int64_t now = ttl_sum_ms / checked;
    const int64_t old = engine_.average_ttl_ms(db);
    engine_.set_average_ttl_ms(db, old == 0 ? now : old + (now - old) / 50);
  }
  return slot % kSlots;
}

ExpiryCycle::Sample ExpiryCycle::VisitSlot(int db, Slot slot) {
  Sample sample;
  {
    absl::ReaderMutexLock lock(&engine_.keyspace().slots()[slot].mu);
    if (engine_.keyspace().db(db).SlotExpiringSize(slot) == 0) return sample;
  }
  unit_.Begin(engine_.WallMs(), false);
  unit_.locks().LockOne(slot, true, true);
  if (engine_.MayDeleteExpired()) {  // Behind the gate it is certain.
    Db view(&unit_, db);
    Database& storage = view.storage();
    size_t left = storage.SlotExpiringSize(slot);
    size_t nth = left == 0 ? 0 : engine_.RandomU64() % left;
    for (; sample.checked < kMaxChecksPerLock && left > 0;
         --left, ++sample.checked) {
      const size_t size = storage.SlotExpiringSize(slot);
      if (size == 0) break;
      // From a random one on; deleting moves the last into its place.
      nth %= size;
      const Entry* entry = storage.ExpiringEntry(slot, nth);
      if (!entry->ExpiredAt(unit_.now_ms())) {
        sample.ttl_sum_ms += entry->expire_ms() - unit_.now_ms();
        ++nth;
        continue;
      }
      const std::string key(
          entry->key());  // The entry goes before its name is told.
      view.DeleteIfExpired(key);
      ++sample.expired;
    }
  }
  unit_.End();
  return sample;
}

}  // namespace holdfast::server
