// ZRANGE, its six older forms and ZRANGESTORE: one reading of the options, one
// choice of elements.

#include <algorithm>
#include <utility>

#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/commands/zset_handlers.h"
#include "server/engine/engine.h"

namespace holdfast::server {
namespace {

enum class By : uint8_t { kAny, kRank, kScore, kLex };
enum class Direction : uint8_t { kAny, kForward, kReverse };

struct RangeQuery {
  By by = By::kAny;
  Direction direction = Direction::kAny;
  bool with_scores = false;
  int64_t offset = 0;
  int64_t limit = -1;  // Negative: none.
  // One of these three.
  int64_t start = 0;
  int64_t stop = 0;
  ScoreRange scores = {};
  LexRange members = {};

  bool reverse() const { return direction == Direction::kReverse; }
};

// The options from argument `first` on; what the command's name has settled
// cannot be said again.
bool ParseRangeOptions(CommandContext& ctx, size_t first, bool store,
                       RangeQuery* query) {
  for (size_t i = first; i < ctx.argc(); ++i) {
    if (!store && ctx.ArgIs(i, "WITHSCORES")) {
      query->with_scores = true;
    } else if (ctx.ArgIs(i, "LIMIT") && i + 2 < ctx.argc()) {
      if (!ctx.IntArg(i + 1, &query->offset) ||
          !ctx.IntArg(i + 2, &query->limit))
        return false;
      i += 2;
    } else if (query->direction == Direction::kAny && ctx.ArgIs(i, "REV")) {
      query->direction = Direction::kReverse;
    } else if (query->by == By::kAny && ctx.ArgIs(i, "BYLEX")) {
      query->by = By::kLex;
    } else if (query->by == By::kAny && ctx.ArgIs(i, "BYSCORE")) {
      query->by = By::kScore;
    } else {
      ctx.Error(errors::kSyntax);
      return false;
    }
  }
  if (query->by == By::kAny) query->by = By::kRank;
  if (query->limit != -1 && query->by == By::kRank) {
    ctx.Error(
        "ERR syntax error, LIMIT is only supported in combination with either "
        "BYSCORE or BYLEX");
    return false;
  }
  if (query->with_scores && query->by == By::kLex) {
    ctx.Error(
        "ERR syntax error, WITHSCORES not supported in combination with BYLEX");
    return false;
  }
  return true;
}

// The ends, of which the first is in argument `first`. By score or member and
// in reverse, the upper one comes first.
bool ParseRangeEnds(CommandContext& ctx, size_t first, RangeQuery* query) {
  if (query->by == By::kRank)
    return ctx.IntArg(first, &query->start) &&
           ctx.IntArg(first + 1, &query->stop);
  const size_t min = query->reverse() ? first + 1 : first;
  const size_t max = query->reverse() ? first : first + 1;
  return query->by == By::kScore ? ScoreRangeArgs(ctx, min, max, &query->scores)
                                 : LexRangeArgs(ctx, min, max, &query->members);
}

// Takes LIMIT's part of the ranks, counted from where the answer begins. A
// negative offset leaves none.
Zset::Ranks Limited(Zset::Ranks ranks, const RangeQuery& query) {
  if (query.offset < 0) return {};
  const size_t skipped =
      std::min(static_cast<size_t>(query.offset), ranks.size());
  size_t left = ranks.size() - skipped;
  if (query.limit >= 0) left = std::min(left, static_cast<size_t>(query.limit));
  if (query.reverse()) return {ranks.end - skipped - left, ranks.end - skipped};
  return {ranks.first + skipped, ranks.first + skipped + left};
}

Zset::Ranks Chosen(const Zset& zset, const RangeQuery& query) {
  if (query.by == By::kRank)
    return RanksFromTo(query.start, query.stop, zset.size(), query.reverse());
  return Limited(query.by == By::kScore ? zset.RanksByScore(query.scores)
                                        : zset.RanksByLex(query.members),
                 query);
}

void Range(CommandContext& ctx, By by, Direction direction) {
  RangeQuery query;
  query.by = by;
  query.direction = direction;
  if (!ParseRangeOptions(ctx, 4, /*store=*/false, &query) ||
      !ParseRangeEnds(ctx, 2, &query))
    return;
  Db db = ctx.db();
  const Zset* zset;
  if (!FindAs(ctx, db, ctx.arg(1), &zset)) return;
  if (zset == nullptr) return ctx.reply().ArrayHeader(0);
  const Zset::Ranks ranks = Chosen(*zset, query);
  ElementWriter writer(&ctx.reply(), query.with_scores);
  writer.Header(ranks.size());
  zset->ForRanks(ranks, query.reverse(),
                 [&](absl::string_view member, double score) {
                   writer.Element(member, score);
                   return true;
                 });
}

}  // namespace

void ZRangeCommand(CommandContext& ctx) {
  Range(ctx, By::kAny, Direction::kAny);
}
void ZRevRangeCommand(CommandContext& ctx) {
  Range(ctx, By::kRank, Direction::kReverse);
}
void ZRangeByScoreCommand(CommandContext& ctx) {
  Range(ctx, By::kScore, Direction::kForward);
}
void ZRevRangeByScoreCommand(CommandContext& ctx) {
  Range(ctx, By::kScore, Direction::kReverse);
}
void ZRangeByLexCommand(CommandContext& ctx) {
  Range(ctx, By::kLex, Direction::kForward);
}
void ZRevRangeByLexCommand(CommandContext& ctx) {
  Range(ctx, By::kLex, Direction::kReverse);
}

void ZRangeStoreCommand(CommandContext& ctx) {
  RangeQuery query;
  if (!ParseRangeOptions(ctx, 5, /*store=*/true, &query) ||
      !ParseRangeEnds(ctx, 3, &query))
    return;
  Db db = ctx.db();
  const Entry* const source = db.Find(ctx.arg(2));
  if (source != nullptr && source->type() != ValueType::kZset)
    return ctx.Error(errors::kWrongType);
  Zset result;
  if (source != nullptr) {
    const Zset& zset = *source->As<Zset>();
    const PackedLimits limits = ZsetLimitsOf(ctx.engine().config());
    // Ascending, which is the fastest to build, whatever was asked for.
    zset.ForRanks(Chosen(zset, query), /*reverse=*/false,
                  [&](absl::string_view member, double score) {
                    result.Add(member, score, {}, limits);
                    return true;
                  });
  }
  StoreResult(ctx, db, ctx.arg(1), std::move(result), "zrangestore");
}

}  // namespace holdfast::server
