#include "server/commands/sort.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/commands/collection_args.h"
#include "server/commands/sort_handlers.h"
#include "server/commands/sort_order.h"
#include "server/commands/sort_pattern.h"
#include "server/engine/engine.h"
#include "server/keyspace/entry.h"
#include "server/types/list.h"
#include "server/types/object.h"
#include "server/types/set.h"
#include "server/types/zset.h"

namespace holdfast::server {
namespace {

struct Query {
  bool descending = false;
  bool by_text = false;     // ALPHA
  bool keep_order = false;  // A BY was given that names no key.
  int64_t offset = 0;
  int64_t count = -1;           // Negative: all.
  std::vector<SortPattern> by;  // None, or one: the last.
  std::vector<SortPattern> gets;
  size_t store_arg = 0;
};

bool ParseQuery(CommandContext& ctx, bool may_store, Query* query) {
  for (size_t i = 2; i < ctx.argc(); ++i) {
    const size_t following = ctx.argc() - i - 1;
    if (ctx.ArgIs(i, "ASC")) {
      query->descending = false;
    } else if (ctx.ArgIs(i, "DESC")) {
      query->descending = true;
    } else if (ctx.ArgIs(i, "ALPHA")) {
      query->by_text = true;
    } else if (following >= 2 && ctx.ArgIs(i, "LIMIT")) {
      if (!ctx.IntArg(i + 1, &query->offset) ||
          !ctx.IntArg(i + 2, &query->count))
        return false;
      i += 2;
    } else if (may_store && following >= 1 && ctx.ArgIs(i, "STORE")) {
      query->store_arg = ++i;
    } else if (following >= 1 && ctx.ArgIs(i, "BY")) {
      query->by = {SortPattern(ctx.arg(++i))};
      // Another BY, before or after it, does not undo this.
      if (!query->by[0].names_keys()) query->keep_order = true;
    } else if (following >= 1 && ctx.ArgIs(i, "GET")) {
      query->gets.push_back(SortPattern(ctx.arg(++i)));
    } else {
      ctx.Error(errors::kSyntax);
      return false;
    }
  }
  return true;
}

// What is sorted: any of the three, or nothing.
struct Source {
  const List* list = nullptr;
  const Set* set = nullptr;
  const Zset* zset = nullptr;

  size_t size() const {
    if (list != nullptr) return list->size();
    if (set != nullptr) return set->size();
    return zset != nullptr ? zset->size() : 0;
  }
};

bool FindSource(CommandContext& ctx, Db& db, Source* source) {
  const Entry* const entry = db.Find(ctx.arg(1));
  if (entry == nullptr) return true;
  if (entry->type() == ValueType::kList) {
    source->list = entry->As<List>();
  } else if (entry->type() == ValueType::kSet) {
    source->set = entry->As<Set>();
  } else if (entry->type() == ValueType::kZset) {
    source->zset = entry->As<Zset>();
  } else {
    ctx.Error(errors::kWrongType);
    return false;
  }
  return true;
}

// The elements that LIMIT asks for, [first, end) of `size`.
struct Window {
  size_t first;
  size_t end;
};
Window WindowOf(const Query& query, size_t size) {
  const int64_t n = static_cast<int64_t>(size);
  const int64_t first = std::clamp<int64_t>(query.offset, 0, n);
  int64_t count = n - first;
  if (query.count >= 0) count = std::min(query.count, count);
  return {static_cast<size_t>(first), static_cast<size_t>(first + count)};
}

// Elements [first, end) of the source as it is, backwards if `reverse`.
std::vector<SortItem> Load(const Source& source, Window window, bool reverse) {
  std::vector<SortItem> items;
  const size_t count = window.end - window.first;
  items.reserve(count);
  const auto add = [&items](absl::string_view element) {
    items.push_back({.element = std::string(element)});
  };
  if (count == 0) return items;
  if (source.list != nullptr) {
    const int64_t first = static_cast<int64_t>(window.first);
    source.list->Visit(reverse ? -1 - first : first, count, reverse, add);
  } else if (source.set != nullptr) {
    size_t at = 0;
    source.set->ForEach([&](absl::string_view member) {
      if (at >= window.first && at < window.end) add(member);
      ++at;
    });
  } else {
    const size_t size = source.zset->size();
    const Zset::Ranks ranks =
        reverse ? Zset::Ranks{size - window.end, size - window.first}
                : Zset::Ranks{window.first, window.end};
    source.zset->ForRanks(ranks, reverse,
                          [&](absl::string_view member, double) {
                            add(member);
                            return true;
                          });
  }
  return items;
}

// Finds what each item is sorted by. `made` keeps the views good. False, with
// the error replied, if a number is asked for and one is none.
bool Weigh(CommandContext& ctx, Db& db, const Query& query,
           std::vector<SortItem>* items, std::deque<std::string>* made) {
  bool all_numbers = true;
  for (SortItem& item : *items) {
    item.weight = item.element;
    item.has_weight = query.by.empty() ||
                      query.by[0].Find(db, item.element, made, &item.weight);
    if (!query.by_text && item.has_weight &&
        !ParseSortScore(item.weight, &item.score))
      all_numbers = false;
    // A number is needed no longer than this.
    if (!query.by_text) made->clear();
  }
  if (all_numbers) return true;
  ctx.Error("ERR One or more scores can't be converted into double");
  return false;
}

// Calls fn(found, value) for each word of the answer: an element's gets, or the
// element, until it returns false.
template <typename Fn>
void ForWords(Db& db, const Query& query,
              const std::vector<const SortItem*>& chosen, Fn&& fn) {
  std::deque<std::string> made;
  for (const SortItem* item : chosen) {
    if (query.gets.empty() && !fn(true, absl::string_view(item->element)))
      return;
    for (const SortPattern& get : query.gets) {
      absl::string_view value;
      const bool found = get.Find(db, item->element, &made, &value);
      if (!fn(found, value)) return;
      made.clear();
    }
  }
}

size_t WordCount(const Query& query,
                 const std::vector<const SortItem*>& chosen) {
  return chosen.size() * std::max<size_t>(query.gets.size(), 1);
}

// GETs can make an answer as long as they like of a short list.
void Reply(CommandContext& ctx, Db& db, const Query& query,
           const std::vector<const SortItem*>& chosen) {
  net::ReplyWriter& reply = ctx.reply();
  const size_t mark = reply.BeginDeferred();
  reply.ArrayHeader(WordCount(query, chosen));
  ForWords(db, query, chosen, [&](bool found, absl::string_view value) {
    found ? reply.Bulk(value) : reply.Null();
    return query.gets.empty() || CheckSampleReply(ctx, mark);
  });
}

void Store(CommandContext& ctx, Db& db, const Query& query,
           const std::vector<const SortItem*>& chosen) {
  const absl::string_view key = ctx.arg(query.store_arg);
  const ListLimits limits = ListLimitsOf(ctx.engine().config());
  // What a primary has stored is stored.
  const bool bounded = !query.gets.empty() && !ctx.unit().from_primary();
  constexpr size_t kNodeBytes = 16;  // Of an empty element, about.
  size_t bytes = 0;
  List result;
  ForWords(db, query, chosen, [&](bool found, absl::string_view value) {
    result.PushBack(found ? value : absl::string_view(), limits);
    bytes += value.size() + kNodeBytes;
    return !bounded || bytes <= kMaxSampleReplyBytes;
  });
  if (result.size() != WordCount(query, chosen))
    return ctx.Error("ERR the result would be too long");
  const size_t size = result.size();
  ctx.reply().Integer(static_cast<int64_t>(size));
  if (size == 0) {
    if (db.Delete(key)) ctx.Notify(kEventGeneric, "del", key);
    return;
  }
  db.FindForWrite(key);  // An expired one goes first.
  db.SetObject(key, Object(std::move(result)));
  if (size > 1) db.Touched(key, size - 1);
  ctx.Notify(kEventList, "sortstore", key);
}

void Sort(CommandContext& ctx, bool may_store) {
  Query query;
  Source source;
  Db db = ctx.db();
  if (!ParseQuery(ctx, may_store, &query) || !FindSource(ctx, db, &source))
    return;
  const bool stores = query.store_arg != 0;
  // A set has no order that a replica's copy would have, too.
  if (query.keep_order && stores && source.set != nullptr) {
    query.keep_order = false;
    query.by_text = true;
    query.by.clear();
  }
  const size_t size = source.size();
  const Window window = WindowOf(query, size);
  std::vector<SortItem> items;
  std::vector<const SortItem*> chosen;
  std::deque<std::string> made;
  if (query.keep_order) {
    items = Load(source, window, query.descending && source.set == nullptr);
    for (const SortItem& item : items) chosen.push_back(&item);
  } else {
    items = Load(source, {0, size}, /*reverse=*/false);
    if (!Weigh(ctx, db, query, &items, &made)) return;
    const SortOrder order = {
        .by_text = query.by_text,
        .descending = query.descending,
        .collate = !stores,
        .settle_by_element = source.set != nullptr && !source.set->is_intset()};
    const bool part = window.end - window.first < size;
    if (window.first < window.end) {
      chosen = SortInOrder(items, order, window.first, window.end,
                           part && !query.by.empty());
    }
  }
  if (stores) return Store(ctx, db, query, chosen);
  Reply(ctx, db, query, chosen);
}

}  // namespace

void SortCommand(CommandContext& ctx) { Sort(ctx, /*may_store=*/true); }
void SortRoCommand(CommandContext& ctx) { Sort(ctx, /*may_store=*/false); }

}  // namespace holdfast::server
