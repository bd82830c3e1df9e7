#include <algorithm>
#include <utility>

#include "server/command/errors.h"
#include "server/commands/zset_handlers.h"
#include "server/engine/engine.h"
#include "server/text/double.h"
#include "server/types/object.h"

namespace holdfast::server {

bool ScoreRangeArgs(CommandContext& ctx, size_t min_arg, size_t max_arg,
                    ScoreRange* range) {
  if (ParseScoreBound(ctx.arg(min_arg), &range->min, &range->min_exclusive) &&
      ParseScoreBound(ctx.arg(max_arg), &range->max, &range->max_exclusive))
    return true;
  ctx.Error("ERR min or max is not a float");
  return false;
}

bool LexRangeArgs(CommandContext& ctx, size_t min_arg, size_t max_arg,
                  LexRange* range) {
  if (ParseLexBound(ctx.arg(min_arg), &range->min) &&
      ParseLexBound(ctx.arg(max_arg), &range->max))
    return true;
  ctx.Error("ERR min or max not valid string range item");
  return false;
}

Zset::Ranks RanksFromTo(int64_t start, int64_t stop, size_t size,
                        bool reverse) {
  const int64_t n = static_cast<int64_t>(size);
  if (start < 0) start = std::max<int64_t>(start + n, 0);
  if (stop < 0) stop += n;
  stop = std::min(stop, n - 1);
  if (start > stop) return {};
  const size_t first = static_cast<size_t>(start);
  const size_t end = static_cast<size_t>(stop) + 1;
  if (reverse) return {size - end, size - first};
  return {first, end};
}

void RemoveRanks(CommandContext& ctx, Db& db, absl::string_view key, Zset* zset,
                 Zset::Ranks ranks, absl::string_view event) {
  const size_t count = ranks.size();
  const bool all = count == zset->size();
  // A key that goes whole can be freed by another thread.
  if (!all) {
    zset->EraseRanks(ranks);
  } else {
    db.storage().Delete(db.unit().Ref(key));
  }
  db.Touched(key, count);
  ctx.Notify(kEventZset, event, key);
  if (all) ctx.Notify(kEventGeneric, "del", key);
}

void StoreResult(CommandContext& ctx, Db& db, absl::string_view key,
                 Zset result, absl::string_view event) {
  const size_t size = result.size();
  ctx.reply().Integer(static_cast<int64_t>(size));
  if (size == 0) {
    if (db.Delete(key)) ctx.Notify(kEventGeneric, "del", key);
    return;
  }
  db.FindForWrite(key);  // An expired one goes first.
  db.SetObject(key, Object(std::move(result)));
  ctx.Notify(kEventZset, event, key);
}

}  // namespace holdfast::server
