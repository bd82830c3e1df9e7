#ifndef HOLDFAST_SERVER_COMMAND_DB_H_
#define HOLDFAST_SERVER_COMMAND_DB_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "server/command/unit.h"
#include "server/keyspace/database.h"

namespace holdfast::server {

// One logical database as commands see it: storage (Database) plus what every
// access owes to the rest of the server: expiry, hit and miss counts, LRU,
// watchers, the count of changes. All keys of a command go through here.
//
// Cheap to make. REQUIRES: the unit holds the slot of every key that is named
// (dispatch has seen to it by the command's key specs; a walk takes a
// SlotGuard), exclusively for whatever changes or looks up for a change.
//
// An Entry* is valid until the next change of its key.
class Db {
 public:
  Db(ExecutionUnit* unit, int index);

  int index() const { return index_; }
  ExecutionUnit& unit() { return *unit_; }
  Database& storage() { return *database_; }

  enum Lookup : uint32_t {
    kPlain = 0,
    kNoTouch = 1,  // Leaves LRU alone (OBJECT, TYPE, TTL ...).
    kNoStats = 2,  // Counts neither hit nor miss.
  };
  // For reading. Null if missing or expired.
  const Entry* Find(absl::string_view key, uint32_t lookup = kPlain);
  // For changing it. An expired one is deleted first, with its DEL as an
  // effect.
  Entry* FindForWrite(absl::string_view key);

  // The rest are changes: each counts one and tells the key's watchers; a key
  // that was not there is told of by the event "new".
  Entry* SetString(absl::string_view key, absl::string_view value,
                   Database::Expiry expiry = {},
                   IfInteger if_integer = IfInteger::kAsInt);
  Entry* SetInt(absl::string_view key, int64_t value);
  char* ResizeString(absl::string_view key, size_t length);
  // The same, but counted when it is Touched(): for those who know only
  // afterwards whether they changed anything, or how much.
  char* EditString(absl::string_view key, size_t length);
  // Stores a value of another type, as Database::SetObject().
  Entry* SetObject(absl::string_view key, Object value,
                   Database::Expiry expiry = {});
  // A key with an empty value of that type; counted when it is Touched().
  // REQUIRES: there is none.
  template <typename T>
  T* CreateObject(absl::string_view key) {
    NotifyNew(key);
    Entry* entry = database_->SetObject(unit_->Ref(key), Object(T()), {});
    NoteAccess(entry);
    return database_->ChangeObject<T>(entry);
  }
  bool Delete(absl::string_view key);
  // REQUIRES: the key is there. kNoExpiry removes.
  Entry* SetExpiry(absl::string_view key, int64_t when_ms);
  // Moves the key with value and expiry to another name or database, where
  // nothing may be: one change.
  void MoveTo(absl::string_view key, Db& target, absl::string_view target_key);
  // Says that the key's value has changed by other means: `changes` elements of
  // it, for INFO's rdb_changes_since_last_save.
  void Touched(absl::string_view key, size_t changes = 1);
  // The same where something was only taken away: wakes nobody.
  void Lost(absl::string_view key, size_t changes = 1);
  // Has those who wait for the key looked after at the end of the unit, which
  // Touched() does too; for a change that is none to watchers.
  void WakeWaiters(absl::string_view key);

  // Deletes a key that is expired now, with DEL as an effect and the "expired"
  // event; false if it is not (any more). For the expiry cycle and Find().
  bool DeleteIfExpired(absl::string_view key);

 private:
  bool LogicallyExpired(const Entry& entry) const;
  void NotifyNew(absl::string_view key) const;
  // Looks the key up only if somebody may listen.
  void NotifyIfNew(absl::string_view key) const;
  void NoteAccess(Entry* entry) const;

  ExecutionUnit* const unit_;
  const int index_;
  Database* const database_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMAND_DB_H_
