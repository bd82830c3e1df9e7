// Ranges counted and removed.

#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/commands/zset_handlers.h"

namespace holdfast::server {
namespace {

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

}  // namespace holdfast::server
