// Ranges counted and removed, and elements taken from either end.

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/commands/zset_handlers.h"

namespace holdfast::server {
namespace {

constexpr int64_t kMaxInt = std::numeric_limits<int64_t>::max();

// `ranks_in` tells, of a sorted set, which elements are meant.
template <typename RanksIn>
void Count(CommandContext& ctx, RanksIn&& ranks_in) {
  Db db = ctx.db();
  const Zset* zset;
  if (!FindAs(ctx, db, ctx.arg(1), &zset)) return;
  ctx.reply().Integer(
      zset == nullptr ? 0 : static_cast<int64_t>(ranks_in(*zset).size()));
}

template <typename RanksIn>
void RemoveRange(CommandContext& ctx, absl::string_view event,
                 RanksIn&& ranks_in) {
  Db db = ctx.db();
  Zset* zset;
  if (!FindForChange(ctx, db, ctx.arg(1), &zset)) return;
  if (zset == nullptr) return ctx.reply().Integer(0);
  const Zset::Ranks ranks = ranks_in(*zset);
  ctx.reply().Integer(static_cast<int64_t>(ranks.size()));
  if (ranks.size() > 0) RemoveRanks(ctx, db, ctx.arg(1), zset, ranks, event);
}

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

}  // namespace

void ZCountCommand(CommandContext& ctx) {
  ScoreRange range;
  if (!ScoreRangeArgs(ctx, 2, 3, &range)) return;
  Count(ctx, [&](const Zset& zset) { return zset.RanksByScore(range); });
}

void ZLexCountCommand(CommandContext& ctx) {
  LexRange range;
  if (!LexRangeArgs(ctx, 2, 3, &range)) return;
  Count(ctx, [&](const Zset& zset) { return zset.RanksByLex(range); });
}

void ZRemRangeByRankCommand(CommandContext& ctx) {
  int64_t start = 0;
  int64_t stop = 0;
  if (!ctx.IntArg(2, &start) || !ctx.IntArg(3, &stop)) return;
  RemoveRange(ctx, "zremrangebyrank", [&](const Zset& zset) {
    return RanksFromTo(start, stop, zset.size(), /*reverse=*/false);
  });
}

void ZRemRangeByScoreCommand(CommandContext& ctx) {
  ScoreRange range;
  if (!ScoreRangeArgs(ctx, 2, 3, &range)) return;
  RemoveRange(ctx, "zremrangebyscore",
              [&](const Zset& zset) { return zset.RanksByScore(range); });
}

void ZRemRangeByLexCommand(CommandContext& ctx) {
  LexRange range;
  if (!LexRangeArgs(ctx, 2, 3, &range)) return;
  RemoveRange(ctx, "zremrangebylex",
              [&](const Zset& zset) { return zset.RanksByLex(range); });
}

void ZPopMinCommand(CommandContext& ctx) { PopOne(ctx, End::kMin); }
void ZPopMaxCommand(CommandContext& ctx) { PopOne(ctx, End::kMax); }

void ZMPopCommand(CommandContext& ctx) {
  int64_t numkeys = 0;
  if (!ctx.IntArgInRange(1, 1, kMaxInt, &numkeys,
                         "ERR numkeys should be greater than 0"))
    return;
  // The keys, and MIN or MAX behind them.
  if (numkeys > static_cast<int64_t>(ctx.argc()) - 3)
    return ctx.Error(errors::kSyntax);
  const size_t where = 2 + static_cast<size_t>(numkeys);
  End end = End::kMin;
  if (ctx.ArgIs(where, "MAX")) {
    end = End::kMax;
  } else if (!ctx.ArgIs(where, "MIN")) {
    return ctx.Error(errors::kSyntax);
  }
  int64_t count = 1;
  if (ctx.argc() > where + 1) {
    if (!ctx.ArgIs(where + 1, "COUNT") || ctx.argc() < where + 3)
      return ctx.Error(errors::kSyntax);
    if (!ctx.IntArgInRange(where + 2, 1, kMaxInt, &count,
                           "ERR count should be greater than 0"))
      return;
    if (ctx.argc() > where + 3) return ctx.Error(errors::kSyntax);
  }

  Db db = ctx.db();
  for (size_t i = 2; i < where; ++i) {
    const absl::string_view key = ctx.arg(i);
    Zset* zset;
    if (!FindForChange(ctx, db, key, &zset)) return;
    if (zset == nullptr) continue;
    ctx.reply().ArrayHeader(2);
    ctx.reply().Bulk(key);
    ElementWriter writer(&ctx.reply(), /*with_scores=*/true, /*pairs=*/true);
    const size_t popped =
        Pop(ctx, db, key, zset, end, static_cast<size_t>(count), &writer);
    // Which key it was need not be found out again.
    return ctx.ReplaceEffect(
        {end == End::kMin ? "ZPOPMIN" : "ZPOPMAX", key, absl::StrCat(popped)});
  }
  ctx.reply().NullArray();
}

}  // namespace holdfast::server
