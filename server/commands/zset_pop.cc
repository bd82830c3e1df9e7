// Elements taken from either end: at once, or when there are some.

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/command/blocked.h"
#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/commands/value_args.h"
#include "server/commands/zset_handlers.h"

namespace holdfast::server {
namespace {

constexpr int64_t kMaxInt = std::numeric_limits<int64_t>::max();

enum class End : uint8_t { kMin, kMax };

// Writes up to `count` elements of the set, from this end inwards, and removes
// them. How many they were. REQUIRES: count > 0.
size_t Pop(CommandContext& ctx, Db& db, absl::string_view key, Zset* zset,
           End end, size_t count, ElementWriter* writer) {
  count = std::min(count, zset->size());
  const Zset::Ranks ranks =
      end == End::kMin ? Zset::Ranks{0, count}
                       : Zset::Ranks{zset->size() - count, zset->size()};
  writer->Header(count);
  zset->ForRanks(ranks, end == End::kMax,
                 [&](absl::string_view member, double score) {
                   writer->Element(member, score);
                   return true;
                 });
  RemoveRanks(ctx, db, key, zset, ranks,
              end == End::kMin ? "zpopmin" : "zpopmax");
  return count;
}

void PopOne(CommandContext& ctx, End end) {
  if (ctx.argc() > 3) return ctx.Error(errors::kSyntax);
  const bool counted = ctx.argc() == 3;
  int64_t count = 1;
  if (counted &&
      !ctx.IntArgInRange(2, 0, kMaxInt, &count, errors::kNotPositive))
    return;
  Db db = ctx.db();
  Zset* zset;
  if (!FindForChange(ctx, db, ctx.arg(1), &zset)) return;
  if (zset == nullptr || count == 0) return ctx.reply().ArrayHeader(0);
  ElementWriter writer(&ctx.reply(), /*with_scores=*/true,
                       /*pairs=*/counted && ctx.reply().resp3());
  Pop(ctx, db, ctx.arg(1), zset, end, static_cast<size_t>(count), &writer);
}

// --- From the first of several sets that is there ---

struct Take {
  End end = End::kMin;
  bool counted = false;  // (B)ZMPOP: the key, and an array of pairs.
  int64_t count = 1;
};

absl::string_view EffectName(End end) {
  return end == End::kMin ? "ZPOPMIN" : "ZPOPMAX";
}

// Which key it was need not be found out again by replicas.
void TakeFrom(CommandContext& ctx, absl::string_view key, Zset* zset,
              const Take& take) {
  Db db = ctx.db();
  if (take.counted) {
    ctx.reply().ArrayHeader(2);
    ctx.reply().Bulk(key);
    ElementWriter writer(&ctx.reply(), /*with_scores=*/true, /*pairs=*/true);
    const size_t popped = Pop(ctx, db, key, zset, take.end,
                              static_cast<size_t>(take.count), &writer);
    return ctx.ReplaceEffect({EffectName(take.end), key, absl::StrCat(popped)});
  }
  // One flat array: key, member, score.
  ctx.reply().ArrayHeader(3);
  ctx.reply().Bulk(key);
  const size_t rank = take.end == End::kMin ? 0 : zset->size() - 1;
  zset->At(rank, [&ctx](absl::string_view member, double score) {
    ctx.reply().Bulk(member);
    ctx.reply().Double(score);
  });
  RemoveRanks(ctx, db, key, zset, {rank, rank + 1},
              take.end == End::kMin ? "zpopmin" : "zpopmax");
  ctx.ReplaceEffect({EffectName(take.end), key});
}

// From the keys in arguments [first, end). `timeout`: null where it does not
// block.
void TakeOrBlock(CommandContext& ctx, size_t first, size_t end,
                 const Take& take, const absl::Duration* timeout) {
  Db db = ctx.db();
  for (size_t i = first; i < end; ++i) {
    Zset* zset;
    if (!FindForChange(ctx, db, ctx.arg(i), &zset)) return;
    if (zset != nullptr) return TakeFrom(ctx, ctx.arg(i), zset, take);
  }
  if (timeout != nullptr) {
    BlockedClient::Request request;
    for (size_t i = first; i < end; ++i) request.keys.emplace_back(ctx.arg(i));
    request.timeout = *timeout;
    request.serve = [take](CommandContext& waiting, absl::string_view key) {
      Db its_db = waiting.db();
      Entry* entry = its_db.FindForWrite(key);
      if (entry == nullptr || entry->type() != ValueType::kZset) return false;
      TakeFrom(waiting, key, its_db.storage().ChangeObject<Zset>(entry), take);
      return true;
    };
    request.on_timeout = [](net::ReplyWriter* reply) { reply->NullArray(); };
    if (BlockedClient::Block(ctx, std::move(request))) return;
  }
  ctx.reply().NullArray();
}

void PopOrBlock(CommandContext& ctx, End end) {
  absl::Duration timeout;
  if (!ParseBlockTimeout(ctx, ctx.arg(ctx.argc() - 1), &timeout)) return;
  TakeOrBlock(ctx, 1, ctx.argc() - 1, {.end = end}, &timeout);
}

// ZMPOP and BZMPOP, from `numkeys` on; the timeout, which stands before it, is
// looked at last.
void MPop(CommandContext& ctx, size_t number, bool blocks) {
  int64_t numkeys = 0;
  if (!ctx.IntArgInRange(number, 1, kMaxInt, &numkeys,
                         "ERR numkeys should be greater than 0"))
    return;
  // The keys, and MIN or MAX behind them.
  if (numkeys > static_cast<int64_t>(ctx.argc() - number) - 2)
    return ctx.Error(errors::kSyntax);
  const size_t first = number + 1;
  const size_t where = first + static_cast<size_t>(numkeys);
  Take take;
  take.counted = true;
  if (ctx.ArgIs(where, "MAX")) {
    take.end = End::kMax;
  } else if (!ctx.ArgIs(where, "MIN")) {
    return ctx.Error(errors::kSyntax);
  }
  if (ctx.argc() > where + 1) {
    if (!ctx.ArgIs(where + 1, "COUNT") || ctx.argc() < where + 3)
      return ctx.Error(errors::kSyntax);
    if (!ctx.IntArgInRange(where + 2, 1, kMaxInt, &take.count,
                           "ERR count should be greater than 0"))
      return;
    if (ctx.argc() > where + 3) return ctx.Error(errors::kSyntax);
  }
  absl::Duration timeout;
  if (blocks && !ParseBlockTimeout(ctx, ctx.arg(1), &timeout)) return;
  TakeOrBlock(ctx, first, where, take, blocks ? &timeout : nullptr);
}

}  // namespace

void ZPopMinCommand(CommandContext& ctx) { PopOne(ctx, End::kMin); }
void ZPopMaxCommand(CommandContext& ctx) { PopOne(ctx, End::kMax); }
void ZMPopCommand(CommandContext& ctx) { MPop(ctx, 1, /*blocks=*/false); }

void BZPopMinCommand(CommandContext& ctx) { PopOrBlock(ctx, End::kMin); }
void BZPopMaxCommand(CommandContext& ctx) { PopOrBlock(ctx, End::kMax); }
void BZMPopCommand(CommandContext& ctx) { MPop(ctx, 2, /*blocks=*/true); }

}  // namespace holdfast::server
