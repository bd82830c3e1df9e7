// Elements taken from either end: at once, or when there are some.

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/commands/take_or_block.h"
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

// Replicas are told which key it was, and need not find out again.
absl::string_view EffectName(End end) {
  return end == End::kMin ? "ZPOPMIN" : "ZPOPMAX";
}

bool ParseEnd(CommandContext& ctx, size_t arg, End* end) {
  *end = End::kMin;
  if (ctx.ArgIs(arg, "MAX")) {
    *end = End::kMax;
  } else if (!ctx.ArgIs(arg, "MIN")) {
    ctx.Error(errors::kSyntax);
    return false;
  }
  return true;
}

// BZPOPMIN: one flat array of key, member, score.
auto TakeOne(End end) {
  return [end](CommandContext& ctx, absl::string_view key, Zset* zset) {
    Db db = ctx.db();
    ctx.reply().ArrayHeader(3);
    ctx.reply().Bulk(key);
    const size_t rank = end == End::kMin ? 0 : zset->size() - 1;
    zset->At(rank, [&ctx](absl::string_view member, double score) {
      ctx.reply().Bulk(member);
      ctx.reply().Double(score);
    });
    RemoveRanks(ctx, db, key, zset, {rank, rank + 1},
                end == End::kMin ? "zpopmin" : "zpopmax");
    ctx.ReplaceEffect({EffectName(end), key});
  };
}

// ZMPOP: the key, and an array of up to `count` pairs.
auto TakeMany(End end, size_t count) {
  return [end, count](CommandContext& ctx, absl::string_view key, Zset* zset) {
    Db db = ctx.db();
    ctx.reply().ArrayHeader(2);
    ctx.reply().Bulk(key);
    ElementWriter writer(&ctx.reply(), /*with_scores=*/true, /*pairs=*/true);
    const size_t popped = Pop(ctx, db, key, zset, end, count, &writer);
    ctx.ReplaceEffect({EffectName(end), key, absl::StrCat(popped)});
  };
}

}  // namespace

void ZPopMinCommand(CommandContext& ctx) { PopOne(ctx, End::kMin); }
void ZPopMaxCommand(CommandContext& ctx) { PopOne(ctx, End::kMax); }
void ZMPopCommand(CommandContext& ctx) {
  TakeManyOrBlock<Zset, End>(ctx, 1, /*blocks=*/false, ParseEnd, TakeMany);
}

void BZPopMinCommand(CommandContext& ctx) {
  TakeOneOrBlock<Zset>(ctx, TakeOne(End::kMin));
}
void BZPopMaxCommand(CommandContext& ctx) {
  TakeOneOrBlock<Zset>(ctx, TakeOne(End::kMax));
}
void BZMPopCommand(CommandContext& ctx) {
  TakeManyOrBlock<Zset, End>(ctx, 2, /*blocks=*/true, ParseEnd, TakeMany);
}

}  // namespace holdfast::server
