#include "server/commands/hash.h"

#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/command/context.h"
#include "server/command/typed.h"
#include "server/commands/collection_args.h"
#include "server/commands/hash_handlers.h"
#include "server/engine/engine.h"
#include "server/types/hash.h"

namespace holdfast::server {
namespace {

void ReplyWithField(net::ReplyWriter& reply, const Hash* hash,
                    absl::string_view field) {
  char scratch[Hash::kScratch];
  absl::string_view value;
  if (hash != nullptr && hash->Get(field, scratch, &value)) {
    reply.Bulk(value);
  } else {
    reply.Null();
  }
}

}  // namespace

void HSetCommand(CommandContext& ctx) {
  if (ctx.argc() % 2 != 0) {
    return ctx.Error(absl::StrCat("ERR wrong number of arguments for '",
                                  ctx.spec().full_name, "' command"));
  }
  if (!CheckElementLengths(ctx, 2)) return;
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  Hash* hash = nullptr;
  if (!FindOrCreate(ctx, db, key, &hash)) return;
  const PackedLimits limits = HashLimitsOf(ctx.engine().config());
  int64_t added = 0;
  for (size_t i = 2; i < ctx.argc(); i += 2)
    added += hash->Set(ctx.arg(i), ctx.arg(i + 1), limits) ? 1 : 0;
  // Redis counts all of them, also those that had this value before.
  db.Touched(key, (ctx.argc() - 2) / 2);
  ctx.Notify(kEventHash, "hset", key);
  if (ctx.spec().name == "hmset") return ctx.Ok();
  ctx.reply().Integer(added);
}

void HSetNxCommand(CommandContext& ctx) {
  if (!CheckElementLengths(ctx, 2)) return;
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  Hash* hash = nullptr;
  if (!FindOrCreate(ctx, db, key, &hash)) return;
  if (hash->Contains(ctx.arg(2))) return ctx.reply().Integer(0);
  hash->Set(ctx.arg(2), ctx.arg(3), HashLimitsOf(ctx.engine().config()));
  db.Touched(key);
  ctx.Notify(kEventHash, "hset", key);
  ctx.reply().Integer(1);
}

void HGetCommand(CommandContext& ctx) {
  Db db = ctx.db();
  const Hash* hash = nullptr;
  if (!FindAs(ctx, db, ctx.arg(1), &hash)) return;
  ReplyWithField(ctx.reply(), hash, ctx.arg(2));
}

void HMGetCommand(CommandContext& ctx) {
  Db db = ctx.db();
  const Hash* hash = nullptr;
  if (!FindAs(ctx, db, ctx.arg(1), &hash)) return;
  ctx.reply().ArrayHeader(ctx.argc() - 2);
  for (size_t i = 2; i < ctx.argc(); ++i)
    ReplyWithField(ctx.reply(), hash, ctx.arg(i));
}

void HDelCommand(CommandContext& ctx) {
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  Hash* hash = nullptr;
  if (!FindForChange(ctx, db, key, &hash)) return;
  if (hash == nullptr) return ctx.reply().Integer(0);
  size_t deleted = 0;
  for (size_t i = 2; i < ctx.argc() && !hash->empty(); ++i)
    deleted += hash->Erase(ctx.arg(i)) ? 1 : 0;
  if (deleted > 0) {
    db.Touched(key, deleted);
    ctx.Notify(kEventHash, "hdel", key);
    DeleteIfEmpty(ctx, db, key, *hash);
  }
  ctx.reply().Integer(static_cast<int64_t>(deleted));
}

void HLenCommand(CommandContext& ctx) {
  Db db = ctx.db();
  const Hash* hash = nullptr;
  if (!FindAs(ctx, db, ctx.arg(1), &hash)) return;
  ctx.reply().Integer(hash == nullptr ? 0 : static_cast<int64_t>(hash->size()));
}

void HStrLenCommand(CommandContext& ctx) {
  Db db = ctx.db();
  const Hash* hash = nullptr;
  if (!FindAs(ctx, db, ctx.arg(1), &hash)) return;
  char scratch[Hash::kScratch];
  absl::string_view value;
  if (hash != nullptr) hash->Get(ctx.arg(2), scratch, &value);
  ctx.reply().Integer(static_cast<int64_t>(value.size()));
}

void HExistsCommand(CommandContext& ctx) {
  Db db = ctx.db();
  const Hash* hash = nullptr;
  if (!FindAs(ctx, db, ctx.arg(1), &hash)) return;
  ctx.reply().Integer(hash != nullptr && hash->Contains(ctx.arg(2)) ? 1 : 0);
}

}  // namespace holdfast::server
