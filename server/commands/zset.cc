#include "server/commands/zset.h"

#include <cstddef>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/commands/zset_handlers.h"
#include "server/engine/engine.h"
#include "server/text/double.h"
#include "server/types/limits.h"

namespace holdfast::server {
namespace {

struct AddOptions {
  Zset::AddFlags flags;
  bool count_changed = false;  // CH
  size_t first = 2;            // Where the first score stands.
};

// Takes options until the first argument that is none. False, with the error
// replied, if they do not go together or what follows is not pairs.
bool ParseAddOptions(CommandContext& ctx, AddOptions* options) {
  Zset::AddFlags& flags = options->flags;
  size_t& i = options->first;
  for (; i < ctx.argc(); ++i) {
    if (ctx.ArgIs(i, "NX")) {
      flags.only_new = true;
    } else if (ctx.ArgIs(i, "XX")) {
      flags.only_existing = true;
    } else if (ctx.ArgIs(i, "CH")) {
      options->count_changed = true;
    } else if (ctx.ArgIs(i, "INCR")) {
      flags.increment = true;
    } else if (ctx.ArgIs(i, "GT")) {
      flags.only_greater = true;
    } else if (ctx.ArgIs(i, "LT")) {
      flags.only_less = true;
    } else {
      break;
    }
  }
  const size_t words = ctx.argc() - i;
  absl::string_view error;
  if (words == 0 || words % 2 != 0) {
    error = errors::kSyntax;
  } else if (flags.only_new && flags.only_existing) {
    error = "ERR XX and NX options at the same time are not compatible";
  } else if (flags.only_greater + flags.only_less + flags.only_new > 1) {
    error = "ERR GT, LT, and/or NX options at the same time are not compatible";
  } else if (flags.increment && words > 2) {
    error = "ERR INCR option supports a single increment-element pair";
  } else {
    return true;
  }
  ctx.Error(error);
  return false;
}

using Scores = absl::InlinedVector<double, 8>;

// All of them, and the members' lengths, before anything is changed.
bool ParseScores(CommandContext& ctx, size_t first, Scores* scores) {
  for (size_t i = first; i < ctx.argc(); i += 2) {
    double score = 0;
    if (!ParseDouble(ctx.arg(i), &score)) {
      ctx.Error(errors::kNotFloat);
      return false;
    }
    if (ctx.arg(i + 1).size() > kMaxElementBytes) {
      ctx.Error(errors::kStringTooLong);
      return false;
    }
    scores->push_back(score);
  }
  return true;
}

void Add(CommandContext& ctx, bool increment) {
  AddOptions options;
  options.flags.increment = increment;
  Scores scores;
  if (!ParseAddOptions(ctx, &options) ||
      !ParseScores(ctx, options.first, &scores))
    return;
  const Zset::AddFlags flags = options.flags;
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  Zset* zset;
  if (!FindForChange(ctx, db, key, &zset)) return;
  if (zset == nullptr) {
    if (flags.only_existing) {
      if (flags.increment) return ctx.reply().Null();
      return ctx.reply().Integer(0);
    }
    // The first pair at least will be added to it.
    zset = Create<Zset>(db, key);
  }

  const PackedLimits limits = ZsetLimitsOf(ctx.engine().config());
  int64_t added = 0;
  int64_t updated = 0;
  bool skipped = false;
  double new_score = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    switch (zset->Add(ctx.arg(options.first + 2 * i + 1), scores[i], flags,
                      limits, &new_score)) {
      case Zset::AddResult::kNotANumber:
        // An increment, and so the only pair, of a member that is there.
        return ctx.Error("ERR resulting score is not a number (NaN)");
      case Zset::AddResult::kSkipped:
        skipped = true;
        break;
      case Zset::AddResult::kUnchanged:
        break;
      case Zset::AddResult::kAdded:
        ++added;
        break;
      case Zset::AddResult::kUpdated:
        ++updated;
        break;
    }
  }
  if (!flags.increment) {
    ctx.reply().Integer(options.count_changed ? added + updated : added);
  } else if (skipped) {
    ctx.reply().Null();
  } else {
    ctx.reply().Double(new_score);
  }
  if (added + updated == 0) return;
  db.Touched(key, static_cast<size_t>(added + updated));
  ctx.Notify(kEventZset, flags.increment ? "zincr" : "zadd", key);
}

void Rank(CommandContext& ctx, bool reverse) {
  const bool with_score = ctx.argc() == 4 && ctx.ArgIs(3, "WITHSCORE");
  if (ctx.argc() > 3 && !with_score) return ctx.Error(errors::kSyntax);
  Db db = ctx.db();
  const Zset* zset;
  if (!FindAs(ctx, db, ctx.arg(1), &zset)) return;
  size_t rank = 0;
  if (zset == nullptr || !zset->Rank(ctx.arg(2), reverse, &rank)) {
    if (with_score) return ctx.reply().NullArray();
    return ctx.reply().Null();
  }
  if (with_score) ctx.reply().ArrayHeader(2);
  ctx.reply().Integer(static_cast<int64_t>(rank));
  if (!with_score) return;
  const size_t ascending = reverse ? zset->size() - 1 - rank : rank;
  zset->At(ascending,
           [&](absl::string_view, double score) { ctx.reply().Double(score); });
}

void ReplyWithScore(CommandContext& ctx, const Zset* zset,
                    absl::string_view member) {
  double score = 0;
  if (zset != nullptr && zset->Score(member, &score)) {
    ctx.reply().Double(score);
  } else {
    ctx.reply().Null();
  }
}

}  // namespace

void ZAddCommand(CommandContext& ctx) { Add(ctx, /*increment=*/false); }
void ZIncrByCommand(CommandContext& ctx) { Add(ctx, /*increment=*/true); }

void ZRemCommand(CommandContext& ctx) {
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  Zset* zset;
  if (!FindForChange(ctx, db, key, &zset)) return;
  size_t removed = 0;
  for (size_t i = 2; zset != nullptr && i < ctx.argc() && !zset->empty(); ++i)
    removed += zset->Erase(ctx.arg(i)) ? 1 : 0;
  ctx.reply().Integer(static_cast<int64_t>(removed));
  if (removed == 0) return;
  db.Touched(key, removed);
  ctx.Notify(kEventZset, "zrem", key);
  DeleteIfEmpty(ctx, db, key, *zset);
}

void ZCardCommand(CommandContext& ctx) {
  Db db = ctx.db();
  const Zset* zset;
  if (!FindAs(ctx, db, ctx.arg(1), &zset)) return;
  ctx.reply().Integer(zset == nullptr ? 0 : static_cast<int64_t>(zset->size()));
}

void ZScoreCommand(CommandContext& ctx) {
  Db db = ctx.db();
  const Zset* zset;
  if (!FindAs(ctx, db, ctx.arg(1), &zset)) return;
  ReplyWithScore(ctx, zset, ctx.arg(2));
}

void ZMScoreCommand(CommandContext& ctx) {
  Db db = ctx.db();
  const Zset* zset;
  if (!FindAs(ctx, db, ctx.arg(1), &zset)) return;
  ctx.reply().ArrayHeader(ctx.argc() - 2);
  for (size_t i = 2; i < ctx.argc(); ++i) ReplyWithScore(ctx, zset, ctx.arg(i));
}

void ZRankCommand(CommandContext& ctx) { Rank(ctx, /*reverse=*/false); }
void ZRevRankCommand(CommandContext& ctx) { Rank(ctx, /*reverse=*/true); }

}  // namespace holdfast::server
