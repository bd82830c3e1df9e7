#include "server/commands/set.h"

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "server/command/context.h"
#include "server/command/typed.h"
#include "server/commands/collection_args.h"
#include "server/commands/set_handlers.h"
#include "server/engine/engine.h"
#include "server/types/set.h"

namespace holdfast::server {

void SAddCommand(CommandContext& ctx) {
  if (!CheckElementLengths(ctx, 2)) return;
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  Set* set = nullptr;
  if (!FindOrCreate(ctx, db, key, &set)) return;
  const SetLimits limits = SetLimitsOf(ctx.engine().config());
  size_t added = 0;
  for (size_t i = 2; i < ctx.argc(); ++i)
    added += set->Add(ctx.arg(i), limits) ? 1 : 0;
  if (added > 0) {
    db.Touched(key, added);
    ctx.Notify(kEventSet, "sadd", key);
  }
  ctx.reply().Integer(static_cast<int64_t>(added));
}

void SRemCommand(CommandContext& ctx) {
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  Set* set = nullptr;
  if (!FindForChange(ctx, db, key, &set)) return;
  if (set == nullptr) return ctx.reply().Integer(0);
  size_t removed = 0;
  for (size_t i = 2; i < ctx.argc() && !set->empty(); ++i)
    removed += set->Erase(ctx.arg(i)) ? 1 : 0;
  if (removed > 0) {
    db.Touched(key, removed);
    ctx.Notify(kEventSet, "srem", key);
    DeleteIfEmpty(ctx, db, key, *set);
  }
  ctx.reply().Integer(static_cast<int64_t>(removed));
}

void SMoveCommand(CommandContext& ctx) {
  if (!CheckElementLengths(ctx, 3)) return;
  const absl::string_view from = ctx.arg(1);
  const absl::string_view to = ctx.arg(2);
  const absl::string_view member = ctx.arg(3);
  Db db = ctx.db();
  Set* source = nullptr;
  if (!FindForChange(ctx, db, from, &source)) return;
  // A missing source answers before the destination's type matters.
  if (source == nullptr) return ctx.reply().Integer(0);
  Set* target = nullptr;
  if (!FindForChange(ctx, db, to, &target)) return;
  if (source == target)
    return ctx.reply().Integer(source->Contains(member) ? 1 : 0);
  if (!source->Erase(member)) return ctx.reply().Integer(0);
  db.Touched(from);
  ctx.Notify(kEventSet, "srem", from);
  DeleteIfEmpty(ctx, db, from, *source);
  if (target == nullptr && !FindOrCreate(ctx, db, to, &target)) return;
  if (target->Add(member, SetLimitsOf(ctx.engine().config()))) {
    db.Touched(to);
    ctx.Notify(kEventSet, "sadd", to);
  }
  ctx.reply().Integer(1);
}

void SIsMemberCommand(CommandContext& ctx) {
  Db db = ctx.db();
  const Set* set = nullptr;
  if (!FindAs(ctx, db, ctx.arg(1), &set)) return;
  ctx.reply().Integer(set != nullptr && set->Contains(ctx.arg(2)) ? 1 : 0);
}

void SMIsMemberCommand(CommandContext& ctx) {
  Db db = ctx.db();
  const Set* set = nullptr;
  if (!FindAs(ctx, db, ctx.arg(1), &set)) return;
  ctx.reply().ArrayHeader(ctx.argc() - 2);
  for (size_t i = 2; i < ctx.argc(); ++i)
    ctx.reply().Integer(set != nullptr && set->Contains(ctx.arg(i)) ? 1 : 0);
}

void SCardCommand(CommandContext& ctx) {
  Db db = ctx.db();
  const Set* set = nullptr;
  if (!FindAs(ctx, db, ctx.arg(1), &set)) return;
  ctx.reply().Integer(set == nullptr ? 0 : static_cast<int64_t>(set->size()));
}

void SMembersCommand(CommandContext& ctx) {
  Db db = ctx.db();
  const Set* set = nullptr;
  if (!FindAs(ctx, db, ctx.arg(1), &set)) return;
  net::ReplyWriter& reply = ctx.reply();
  reply.SetHeader(set == nullptr ? 0 : set->size());
  if (set == nullptr) return;
  set->ForEach([&reply](absl::string_view member) { reply.Bulk(member); });
}

void SScanCommand(CommandContext& ctx) {
  uint64_t cursor = 0;
  if (!ParseScanCursor(ctx.arg(2), &cursor))
    return ctx.Error("ERR invalid cursor");
  Db db = ctx.db();
  const Set* set = nullptr;
  if (!FindAs(ctx, db, ctx.arg(1), &set)) return;
  ScanReply answer(ctx);
  // A missing key answers before its options are looked at, as in Redis.
  if (set == nullptr) return answer.Finish(0);
  CollectionScan scan;
  if (!ParseCollectionScan(ctx, NoValues::kUnknown, &scan)) return;
  cursor = set->Scan(cursor, scan.count, [&](absl::string_view member) {
    if (scan.Matches(member)) answer.Add(member);
  });
  answer.Finish(cursor);
}

}  // namespace holdfast::server
