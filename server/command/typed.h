#ifndef HOLDFAST_SERVER_COMMAND_TYPED_H_
#define HOLDFAST_SERVER_COMMAND_TYPED_H_

#include <utility>

#include "absl/strings/string_view.h"
#include "server/command/context.h"
#include "server/command/db.h"
#include "server/command/errors.h"
#include "server/config/config.h"
#include "server/persist/rdb/value_context.h"
#include "server/types/limits.h"
#include "server/types/object.h"
#include "server/types/set.h"
#include "server/types/stream.h"

// How the commands of lists, sets, sorted sets, hashes and streams come to
// their values. T is one of server/types' classes.
//
//   Hash* hash;
//   if (!FindForChange(ctx, db, key, &hash)) return;        // WRONGTYPE is
//   out. if (hash == nullptr) hash = Create<Hash>(db, key);
//   ... hash->Set(...) ...
//   db.Touched(key);                                        // If it changed.
//   ctx.Notify(kEventHash, "hset", key);
//   DeleteIfEmpty(ctx, db, key, *hash);                     // If it lost any.
namespace holdfast::server {

// For reading. False: the key holds another type, and the error is out. *value
// is null if there is no key.
template <typename T>
bool FindAs(CommandContext& ctx, Db& db, absl::string_view key, const T** value,
            uint32_t lookup = Db::kPlain) {
  const Entry* entry = db.Find(key, lookup);
  *value = nullptr;
  if (entry == nullptr) return true;
  if (entry->type() != kTypeOf<T>) {
    ctx.Error(errors::kWrongType);
    return false;
  }
  *value = entry->As<T>();
  return true;
}

// For changing it in place, likewise. The value is good until the key is
// deleted, or changed by other means than through it.
template <typename T>
bool FindForChange(CommandContext& ctx, Db& db, absl::string_view key,
                   T** value) {
  Entry* entry = db.FindForWrite(key);
  *value = nullptr;
  if (entry == nullptr) return true;
  if (entry->type() != kTypeOf<T>) {
    ctx.Error(errors::kWrongType);
    return false;
  }
  *value = db.storage().ChangeObject<T>(entry);
  return true;
}

// Creates the key with an empty value, to be filled at once: counts nothing yet
// (see Db::Touched). REQUIRES: there is none.
template <typename T>
T* Create(Db& db, absl::string_view key) {
  return db.CreateObject<T>(key);
}

// A collection that has lost its last element goes: with the "del" event, and
// no further change counted. Streams are not for this. Whether it went.
template <typename T>
bool DeleteIfEmpty(CommandContext& ctx, Db& db, absl::string_view key,
                   const T& value) {
  if (!value.empty()) return false;
  db.storage().Delete(db.unit().Ref(key));
  ctx.NotifyIn(db.index(), kEventGeneric, "del", key);
  return true;
}

// How the configuration wants values to be held, at this moment.
ListLimits ListLimitsOf(const Config& config);
PackedLimits HashLimitsOf(const Config& config);
PackedLimits ZsetLimitsOf(const Config& config);
SetLimits SetLimitsOf(const Config& config);
StreamLimits StreamLimitsOf(const Config& config);
// All of these, for a loader.
RdbObjectLimits RdbObjectLimitsOf(const Config& config);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMAND_TYPED_H_
