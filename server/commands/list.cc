#include "server/commands/list.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/commands/collection_args.h"
#include "server/commands/list_handlers.h"
#include "server/commands/list_pop.h"
#include "server/engine/engine.h"
#include "server/types/list.h"

namespace holdfast::server {
namespace {

enum class IfMissing : uint8_t { kCreate, kNothing };

void Push(CommandContext& ctx, ListEnd end, IfMissing if_missing) {
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  List* list;
  if (!FindForChange(ctx, db, key, &list)) return;
  if (list == nullptr && if_missing == IfMissing::kNothing) {
    return ctx.reply().Integer(0);
  }
  if (!CheckElementLengths(ctx, 2)) return;
  if (list == nullptr) list = Create<List>(db, key);
  const ListLimits limits = ListLimitsOf(ctx.engine().config());
  for (size_t i = 2; i < ctx.argc(); ++i) list->Push(end, ctx.arg(i), limits);
  ctx.reply().Integer(static_cast<int64_t>(list->size()));
  db.Touched(key, ctx.argc() - 2);
  ctx.Notify(kEventList, end == ListEnd::kHead ? "lpush" : "rpush", key);
}

// LPOP and RPOP.
void Pop(CommandContext& ctx, ListEnd end) {
  const absl::string_view key = ctx.arg(1);
  const bool has_count = ctx.argc() == 3;
  int64_t count = 1;
  if (ctx.argc() > 3) {
    return ctx.Error(absl::StrCat("ERR wrong number of arguments for '",
                                  ctx.spec().full_name, "' command"));
  }
  if (has_count && !ctx.IntArgInRange(2, 0, std::numeric_limits<int64_t>::max(),
                                      &count, errors::kNotPositive)) {
    return;
  }
  Db db = ctx.db();
  List* list;
  if (!FindForChange(ctx, db, key, &list)) return;
  if (list == nullptr) {
    return has_count ? ctx.reply().NullArray() : ctx.reply().Null();
  }
  if (count == 0) return ctx.reply().ArrayHeader(0);
  const size_t n = std::min(static_cast<size_t>(count), list->size());
  if (has_count) ctx.reply().ArrayHeader(n);
  ReplyAndPop(ctx, db, key, list, end, n);
  db.Touched(key, n);
}

// A range of indexes as clients give it, negative ones from the back. Empty:
// first == end.
struct Indexes {
  size_t first;
  size_t end;
};
Indexes Within(int64_t start, int64_t stop, size_t size) {
  const auto n = static_cast<int64_t>(size);
  if (start < 0) start = std::max<int64_t>(start + n, 0);
  if (stop < 0) stop += n;
  if (start > stop || start >= n) return {0, 0};
  return {static_cast<size_t>(start),
          static_cast<size_t>(std::min(stop, n - 1)) + 1};
}

struct Search {
  int64_t rank = 1;
  int64_t count = -1;  // Not given: one index, no array.
  int64_t max_length = 0;
};

bool ParseSearch(CommandContext& ctx, Search* search) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  for (size_t i = 3; i < ctx.argc(); i += 2) {
    if (i + 1 == ctx.argc()) {
      ctx.Error(errors::kSyntax);
      return false;
    }
    if (ctx.ArgIs(i, "RANK")) {
      if (!ctx.IntArg(i + 1, &search->rank)) return false;
      if (search->rank == 0) {
        ctx.Error(
            "ERR RANK can't be zero: use 1 to start from the first match, 2 "
            "from the second ... or use negative to start from the end of the "
            "list");
        return false;
      }
      if (search->rank == std::numeric_limits<int64_t>::min()) {
        ctx.Error("ERR value is out of range");  // It has no opposite.
        return false;
      }
    } else if (ctx.ArgIs(i, "COUNT")) {
      if (!ctx.IntArgInRange(i + 1, 0, kMax, &search->count,
                             "ERR COUNT can't be negative"))
        return false;
    } else if (ctx.ArgIs(i, "MAXLEN")) {
      if (!ctx.IntArgInRange(i + 1, 0, kMax, &search->max_length,
                             "ERR MAXLEN can't be negative"))
        return false;
    } else {
      ctx.Error(errors::kSyntax);
      return false;
    }
  }
  return true;
}

}  // namespace

void LPushCommand(CommandContext& ctx) {
  Push(ctx, ListEnd::kHead, IfMissing::kCreate);
}
void RPushCommand(CommandContext& ctx) {
  Push(ctx, ListEnd::kTail, IfMissing::kCreate);
}
void LPushXCommand(CommandContext& ctx) {
  Push(ctx, ListEnd::kHead, IfMissing::kNothing);
}
void RPushXCommand(CommandContext& ctx) {
  Push(ctx, ListEnd::kTail, IfMissing::kNothing);
}
void LPopCommand(CommandContext& ctx) { Pop(ctx, ListEnd::kHead); }
void RPopCommand(CommandContext& ctx) { Pop(ctx, ListEnd::kTail); }

void LLenCommand(CommandContext& ctx) {
  Db db = ctx.db();
  const List* list;
  if (!FindAs(ctx, db, ctx.arg(1), &list)) return;
  ctx.reply().Integer(list == nullptr ? 0 : static_cast<int64_t>(list->size()));
}

void LIndexCommand(CommandContext& ctx) {
  Db db = ctx.db();
  const List* list;
  if (!FindAs(ctx, db, ctx.arg(1), &list)) return;
  if (list == nullptr) return ctx.reply().Null();
  int64_t index = 0;
  if (!ctx.IntArg(2, &index)) return;
  char scratch[List::kScratch];
  absl::string_view element;
  if (!list->At(index, scratch, &element)) return ctx.reply().Null();
  ctx.reply().Bulk(element);
}

void LRangeCommand(CommandContext& ctx) {
  int64_t start = 0;
  int64_t stop = 0;
  if (!ctx.IntArg(2, &start) || !ctx.IntArg(3, &stop)) return;
  Db db = ctx.db();
  const List* list;
  if (!FindAs(ctx, db, ctx.arg(1), &list)) return;
  if (list == nullptr) return ctx.reply().ArrayHeader(0);
  const Indexes range = Within(start, stop, list->size());
  ctx.reply().ArrayHeader(range.end - range.first);
  if (range.first == range.end) return;
  list->Visit(static_cast<int64_t>(range.first), range.end - range.first, false,
              [&ctx](absl::string_view element) { ctx.reply().Bulk(element); });
}

void LPosCommand(CommandContext& ctx) {
  Search search;
  if (!ParseSearch(ctx, &search)) return;
  Db db = ctx.db();
  const List* list;
  if (!FindAs(ctx, db, ctx.arg(1), &list)) return;
  net::ReplyWriter& reply = ctx.reply();
  const bool many = search.count >= 0;
  if (list == nullptr) return many ? reply.ArrayHeader(0) : reply.Null();
  const size_t mark = reply.BeginDeferred();
  size_t found = 0;
  int64_t to_skip = (search.rank < 0 ? -search.rank : search.rank) - 1;
  list->Search(ctx.arg(2), search.rank < 0 ? ListEnd::kTail : ListEnd::kHead,
               static_cast<size_t>(search.max_length), [&](size_t index) {
                 if (to_skip-- > 0) return true;
                 to_skip = 0;
                 reply.Integer(static_cast<int64_t>(index));
                 ++found;
                 return many && (search.count == 0 ||
                                 found < static_cast<size_t>(search.count));
               });
  if (many) {
    reply.EndDeferredArray(mark, found);
  } else if (found == 0) {
    reply.Null();
  }
}

void LSetCommand(CommandContext& ctx) {
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  List* list;
  if (!FindForChange(ctx, db, key, &list)) return;
  if (list == nullptr) return ctx.Error(errors::kNoSuchKey);
  int64_t index = 0;
  if (!ctx.IntArg(2, &index) || !CheckElementLengths(ctx, 3)) return;
  if (!list->SetAt(index, ctx.arg(3), ListLimitsOf(ctx.engine().config()))) {
    return ctx.Error(errors::kOutOfRange);
  }
  ctx.Ok();
  db.Touched(key);
  ctx.Notify(kEventList, "lset", key);
}

void LInsertCommand(CommandContext& ctx) {
  const absl::string_view key = ctx.arg(1);
  const bool after = ctx.ArgIs(2, "AFTER");
  if (!after && !ctx.ArgIs(2, "BEFORE")) return ctx.Error(errors::kSyntax);
  Db db = ctx.db();
  List* list;
  if (!FindForChange(ctx, db, key, &list)) return;
  if (list == nullptr) return ctx.reply().Integer(0);
  if (!CheckElementLengths(ctx, 3)) return;
  const List::Cursor pivot = list->Find(ctx.arg(3));
  if (!pivot.valid()) return ctx.reply().Integer(-1);
  list->Insert(pivot, after, ctx.arg(4), ListLimitsOf(ctx.engine().config()));
  ctx.reply().Integer(static_cast<int64_t>(list->size()));
  db.Touched(key);
  ctx.Notify(kEventList, "linsert", key);
}

void LRemCommand(CommandContext& ctx) {
  const absl::string_view key = ctx.arg(1);
  int64_t count = 0;
  if (!ctx.IntArg(2, &count)) return;
  Db db = ctx.db();
  List* list;
  if (!FindForChange(ctx, db, key, &list)) return;
  if (list == nullptr) return ctx.reply().Integer(0);
  const size_t max = static_cast<size_t>(
      count < 0 ? -static_cast<uint64_t>(count) : static_cast<uint64_t>(count));
  const size_t removed =
      list->Remove(ctx.arg(3), max, count < 0 ? ListEnd::kTail : ListEnd::kHead,
                   ListLimitsOf(ctx.engine().config()));
  ctx.reply().Integer(static_cast<int64_t>(removed));
  if (removed == 0) return;
  db.Touched(key, removed);
  ctx.Notify(kEventList, "lrem", key);
  DeleteIfEmpty(ctx, db, key, *list);
}

void LTrimCommand(CommandContext& ctx) {
  const absl::string_view key = ctx.arg(1);
  int64_t start = 0;
  int64_t stop = 0;
  if (!ctx.IntArg(2, &start) || !ctx.IntArg(3, &stop)) return;
  Db db = ctx.db();
  List* list;
  if (!FindForChange(ctx, db, key, &list)) return;
  ctx.Ok();
  if (list == nullptr) return;
  const size_t before = list->size();
  const Indexes range = Within(start, stop, before);
  list->Trim(range.first, range.end - range.first);
  ctx.Notify(kEventList, "ltrim", key);
  // Watchers see it touched even if nothing went; only what went is a change.
  db.Touched(key, before - list->size());
  DeleteIfEmpty(ctx, db, key, *list);
}

}  // namespace holdfast::server
