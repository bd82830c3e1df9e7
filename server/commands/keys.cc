#include "server/commands/keys.h"

#include <cstdint>

#include "server/commands/keys_handlers.h"
#include "server/engine/engine.h"
#include "server/keyspace/entry.h"

namespace holdfast::server {

// DEL and UNLINK, which here are the same.
void DelCommand(CommandContext& ctx) {
  Db db = ctx.db();
  int64_t deleted = 0;
  for (size_t i = 1; i < ctx.argc(); ++i) {
    const absl::string_view key = ctx.arg(i);
    // Who deletes what has expired is told that nothing was there. A replica
    // leaves the verdict to its primary, and then the key was there.
    if (!ctx.engine().is_replica() && db.DeleteIfExpired(key)) continue;
    if (!db.Delete(key)) continue;
    ctx.Notify(kEventGeneric, "del", key);
    ++deleted;
  }
  ctx.reply().Integer(deleted);
}

void ExistsCommand(CommandContext& ctx) {
  Db db = ctx.db();
  int64_t found = 0;
  for (size_t i = 1; i < ctx.argc(); ++i) {
    if (db.Find(ctx.arg(i), Db::kNoTouch) != nullptr) ++found;
  }
  ctx.reply().Integer(found);
}

void TypeCommand(CommandContext& ctx) {
  const Entry* entry = ctx.db().Find(ctx.arg(1), Db::kNoTouch);
  ctx.reply().SimpleString(entry == nullptr ? "none" : TypeName(entry->type()));
}

void TouchCommand(CommandContext& ctx) {
  Db db = ctx.db();
  int64_t touched = 0;
  for (size_t i = 1; i < ctx.argc(); ++i) {
    if (db.Find(ctx.arg(i)) != nullptr) ++touched;
  }
  ctx.reply().Integer(touched);
}

}  // namespace holdfast::server
