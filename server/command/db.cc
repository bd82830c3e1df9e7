#include "server/command/db.h"

#include <utility>

#include "glog/logging.h"
#include "server/command/context.h"
#include "server/engine/engine.h"

namespace holdfast::server {

Db::Db(ExecutionUnit* unit, int index)
    : unit_(unit),
      index_(index),
      database_(&unit->engine().keyspace().db(index)) {}

bool Db::LogicallyExpired(const Entry& entry) const {
  // What comes from the primary sees all there is: its DELs decide.
  return entry.ExpiredAt(unit_->now_ms()) && !unit_->from_primary();
}

const Entry* Db::Find(absl::string_view key, uint32_t lookup) {
  const KeyRef ref = unit_->Ref(key);
  DCHECK(unit_->locks().Holds(ref.slot, false) ||
         unit_->locks().holds_nothing());
  Engine& engine = unit_->engine();
  const Entry* entry = database_->Find(ref);
  if (entry != nullptr && LogicallyExpired(*entry)) {
    if (!engine.is_replica()) {
      if (unit_->locks().Holds(ref.slot, true)) {
        DeleteIfExpired(key);
      } else {
        unit_->DeleteLater(index_, key);
      }
    }
    entry = nullptr;
  }
  if ((lookup & kNoStats) == 0)
    (entry != nullptr ? engine.stats().keyspace_hits
                      : engine.stats().keyspace_misses)
        .Add(1);
  if (entry == nullptr && (lookup & kNoStats) == 0)
    engine.NotifyKeyspaceEvent(index_, kEventMiss, "keymiss", key);
  if (entry != nullptr && (lookup & kNoTouch) == 0 && unit_->touches())
    entry->set_access(engine.lru_clock());
  return entry;
}

Entry* Db::FindForWrite(absl::string_view key) {
  const KeyRef ref = unit_->Ref(key);
  DCHECK(unit_->locks().Holds(ref.slot, true) ||
         unit_->locks().holds_nothing());
  Entry* entry = database_->Find(ref);
  if (entry == nullptr) return nullptr;
  if (LogicallyExpired(*entry)) {
    DeleteIfExpired(key);
    return nullptr;
  }
  if (unit_->touches()) entry->set_access(unit_->engine().lru_clock());
  return entry;
}

void Db::NoteAccess(Entry* entry) const {
  entry->set_access(unit_->engine().lru_clock());
}

bool Db::DeleteIfExpired(absl::string_view key) {
  const KeyRef ref = unit_->Ref(key);
  const Entry* entry = database_->Find(ref);
  if (entry == nullptr || !LogicallyExpired(*entry)) return false;
  Engine& engine = unit_->engine();
  engine.stats().expired_keys.Add(1);
  // A lazily freed key is told as UNLINK, as Redis does (lazyfree-lazy-expire).
  unit_->AddEffect(
      index_,
      {engine.config().Bool(ConfigId::kLazyfreeLazyExpire) ? "UNLINK" : "DEL",
       key});
  database_->Delete(ref);
  engine.NotifyKeyspaceEvent(index_, kEventExpired, "expired", key);
  // Not counted as a change of the command that met it: that would make the
  // command itself an effect. Its watchers, however, saw a key go, and so did
  // who waits for more of it.
  engine.keyspace().TouchWatched(ref.slot, index_, key);
  WakeWaiters(key);
  return true;
}

void Db::NotifyNew(absl::string_view key) const {
  unit_->engine().NotifyKeyspaceEvent(index_, kEventNew, "new", key);
}

void Db::NotifyIfNew(absl::string_view key) const {
  if (!unit_->engine().WantsKeyspaceEvents(kEventNew)) return;
  const Entry* entry = database_->Find(unit_->Ref(key));
  if (entry == nullptr || LogicallyExpired(*entry)) NotifyNew(key);
}

Entry* Db::SetString(absl::string_view key, absl::string_view value,
                     Database::Expiry expiry, IfInteger if_integer) {
  NotifyIfNew(key);
  Entry* entry =
      database_->SetString(unit_->Ref(key), value, expiry, if_integer);
  NoteAccess(entry);
  Touched(key);
  return entry;
}

Entry* Db::SetInt(absl::string_view key, int64_t value) {
  NotifyIfNew(key);
  Entry* entry = database_->SetInt(unit_->Ref(key), value);
  NoteAccess(entry);
  Touched(key);
  return entry;
}

char* Db::ResizeString(absl::string_view key, size_t length) {
  char* bytes = EditString(key, length);
  Touched(key);
  return bytes;
}

char* Db::EditString(absl::string_view key, size_t length) {
  NotifyIfNew(key);
  Entry* entry = nullptr;
  char* bytes = database_->ResizeString(unit_->Ref(key), length, &entry);
  NoteAccess(entry);
  return bytes;
}

Entry* Db::SetObject(absl::string_view key, Object value,
                     Database::Expiry expiry) {
  NotifyIfNew(key);
  Entry* entry =
      database_->SetObject(unit_->Ref(key), std::move(value), expiry);
  NoteAccess(entry);
  Touched(key);
  return entry;
}

bool Db::Delete(absl::string_view key) {
  if (!database_->Delete(unit_->Ref(key))) return false;
  Touched(key);
  return true;
}

Entry* Db::SetExpiry(absl::string_view key, int64_t when_ms) {
  Entry* entry = database_->SetExpiry(unit_->Ref(key), when_ms);
  Touched(key);
  return entry;
}

void Db::MoveTo(absl::string_view key, Db& target,
                absl::string_view target_key) {
  const KeyRef from(key);
  const KeyRef to(target_key);
  target.NotifyNew(target_key);
  target.database_->MoveFrom(*database_, from, to);
  Touched(key, 0);
  target.Touched(target_key);
}

void Db::Touched(absl::string_view key, size_t changes) {
  Lost(key, changes);
  WakeWaiters(key);
}

void Db::Lost(absl::string_view key, size_t changes) {
  unit_->CountChange(static_cast<int64_t>(changes));
  unit_->engine().keyspace().TouchWatched(unit_->Ref(key).slot, index_, key);
}

void Db::WakeWaiters(absl::string_view key) {
  Keyspace& keyspace = unit_->engine().keyspace();
  const KeyRef ref = unit_->Ref(key);
  if (keyspace.waiters().MayBeWaitedFor(ref.slot) &&
      keyspace.waiters().IsWaitedFor(ref, index_)) {
    unit_->NoteReady(index_, key);
  }
}

}  // namespace holdfast::server
