// Commands on several sets: intersections, unions, differences.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/command/context.h"
#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/commands/set_handlers.h"
#include "server/engine/engine.h"
#include "server/types/set.h"

namespace holdfast::server {
namespace {

using Sets = absl::InlinedVector<const Set*, 8>;  // Null: no such key.

// The sets named by arguments first to first + count - 1. One of another type
// is an error whatever the others are.
bool FindSets(CommandContext& ctx, Db& db, size_t first, size_t count,
              Sets* sets) {
  sets->reserve(count);
  for (size_t i = first; i < first + count; ++i) {
    const Set* set = nullptr;
    if (!FindAs(ctx, db, ctx.arg(i), &set)) return false;
    sets->push_back(set);
  }
  return true;
}

// A temporary that is large ends in the thread that frees, not under the locks.
void Discard(CommandContext& ctx, Set set) {
  constexpr size_t kLargeEffort = 64;
  if (set.FreeEffort() <= kLargeEffort) return;
  ctx.engine().lazy_free().Add(std::make_shared<Set>(std::move(set)), 1);
}

// Calls fn for each member that all sets have, till it returns false. Walks the
// smallest and asks the others, small ones first.
void Intersect(Sets sets, absl::FunctionRef<bool(absl::string_view)> fn) {
  constexpr size_t kStep = 64;
  for (const Set* set : sets) {
    if (set == nullptr) return;
  }
  std::sort(sets.begin(), sets.end(),
            [](const Set* a, const Set* b) { return a->size() < b->size(); });
  const Set& smallest = *sets[0];
  sets.erase(std::remove(sets.begin(), sets.end(), &smallest), sets.end());
  bool go_on = true;
  if (smallest.is_intset()) {
    for (size_t i = 0; go_on && i < smallest.size(); ++i) {
      const int64_t member = smallest.IntegerAt(i);
      if (std::all_of(sets.begin(), sets.end(), [member](const Set* set) {
            return set->ContainsInteger(member);
          }))
        go_on = fn(absl::AlphaNum(member).Piece());
    }
    return;
  }
  uint64_t cursor = 0;
  do {
    cursor = smallest.Scan(cursor, kStep, [&](absl::string_view member) {
      if (go_on &&
          std::all_of(sets.begin(), sets.end(), [member](const Set* set) {
            return set->Contains(member);
          }))
        go_on = fn(member);
    });
  } while (cursor != 0 && go_on);
}

Set Union(Sets sets, const SetLimits& limits) {
  Set result;
  for (const Set* set : sets) {
    if (set == nullptr) continue;
    set->ForEach([&](absl::string_view member) { result.Add(member, limits); });
  }
  return result;
}

// What the first has and no other. Either asks all others for each member of
// the first, or erases all members of the others from a copy of it; the first
// way counts half, as it stops at the first set that has the member.
Set Difference(Sets sets, const SetLimits& limits) {
  Set result;
  const Set* const first = sets[0];
  sets.erase(sets.begin());
  sets.erase(std::remove(sets.begin(), sets.end(), nullptr), sets.end());
  if (first == nullptr ||
      std::find(sets.begin(), sets.end(), first) != sets.end())
    return result;
  size_t others = 0;
  for (const Set* set : sets) others += set->size();
  if (first->size() * (sets.size() + 1) / 2 <= first->size() + others) {
    // Large ones are more likely to have it.
    std::sort(sets.begin(), sets.end(),
              [](const Set* a, const Set* b) { return a->size() > b->size(); });
    first->ForEach([&](absl::string_view member) {
      if (std::none_of(sets.begin(), sets.end(), [member](const Set* set) {
            return set->Contains(member);
          }))
        result.Add(member, limits);
    });
    return result;
  }
  first->ForEach([&](absl::string_view member) { result.Add(member, limits); });
  for (const Set* set : sets) {
    if (result.empty()) break;
    set->ForEach([&](absl::string_view member) { result.Erase(member); });
  }
  return result;
}

void ReplyWithSet(CommandContext& ctx, const Set& set) {
  net::ReplyWriter& reply = ctx.reply();
  reply.SetHeader(set.size());
  set.ForEach([&reply](absl::string_view member) { reply.Bulk(member); });
}

// Puts the result in the place of whatever the destination was; an empty one
// deletes it.
void Store(CommandContext& ctx, Db& db, Set result, absl::string_view event) {
  const absl::string_view key = ctx.arg(1);
  const bool was_there = db.FindForWrite(key) != nullptr;
  const size_t size = result.size();
  if (size > 0) {
    db.SetObject(key, Object(std::move(result)));
    ctx.Notify(kEventSet, event, key);
  } else if (was_there) {
    db.Delete(key);
    ctx.Notify(kEventGeneric, "del", key);
  }
  ctx.reply().Integer(static_cast<int64_t>(size));
}

using Operation = Set (*)(Sets sets, const SetLimits& limits);

Set Intersection(Sets sets, const SetLimits& limits) {
  Set result;
  Intersect(std::move(sets), [&](absl::string_view member) {
    result.Add(member, limits);
    return true;
  });
  return result;
}

void ReplyWith(CommandContext& ctx, Operation operation) {
  Db db = ctx.db();
  Sets sets;
  if (!FindSets(ctx, db, 1, ctx.argc() - 1, &sets)) return;
  if (sets.size() == 1 && sets[0] != nullptr)
    return ReplyWithSet(ctx, *sets[0]);
  Set result = operation(std::move(sets), SetLimitsOf(ctx.engine().config()));
  ReplyWithSet(ctx, result);
  Discard(ctx, std::move(result));
}

void StoreWith(CommandContext& ctx, Operation operation,
               absl::string_view event) {
  Db db = ctx.db();
  Sets sets;
  if (!FindSets(ctx, db, 2, ctx.argc() - 2, &sets)) return;
  Store(ctx, db, operation(std::move(sets), SetLimitsOf(ctx.engine().config())),
        event);
}

}  // namespace

// Needs no set for its result, unlike the others.
void SInterCommand(CommandContext& ctx) {
  Db db = ctx.db();
  Sets sets;
  if (!FindSets(ctx, db, 1, ctx.argc() - 1, &sets)) return;
  net::ReplyWriter& reply = ctx.reply();
  const size_t mark = reply.BeginDeferred();
  size_t count = 0;
  Intersect(std::move(sets), [&](absl::string_view member) {
    reply.Bulk(member);
    ++count;
    return true;
  });
  reply.EndDeferredSet(mark, count);
}

void SInterCardCommand(CommandContext& ctx) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  int64_t keys = 0;
  if (!ctx.IntArgInRange(1, 1, kMax, &keys,
                         "ERR numkeys should be greater than 0"))
    return;
  if (static_cast<uint64_t>(keys) > ctx.argc() - 2) {
    return ctx.Error("ERR Number of keys can't be greater than number of args");
  }
  int64_t limit = 0;  // 0: none.
  for (size_t i = 2 + static_cast<size_t>(keys); i < ctx.argc(); i += 2) {
    if (i + 1 == ctx.argc() || !ctx.ArgIs(i, "LIMIT"))
      return ctx.Error(errors::kSyntax);
    if (!ctx.IntArgInRange(i + 1, 0, kMax, &limit,
                           "ERR LIMIT can't be negative"))
      return;
  }
  Db db = ctx.db();
  Sets sets;
  if (!FindSets(ctx, db, 2, static_cast<size_t>(keys), &sets)) return;
  int64_t count = 0;
  Intersect(std::move(sets),
            [&](absl::string_view) { return ++count != limit; });
  ctx.reply().Integer(count);
}

void SInterStoreCommand(CommandContext& ctx) {
  StoreWith(ctx, Intersection, "sinterstore");
}

void SUnionCommand(CommandContext& ctx) { ReplyWith(ctx, Union); }

void SUnionStoreCommand(CommandContext& ctx) {
  StoreWith(ctx, Union, "sunionstore");
}

void SDiffCommand(CommandContext& ctx) { ReplyWith(ctx, Difference); }

void SDiffStoreCommand(CommandContext& ctx) {
  StoreWith(ctx, Difference, "sdiffstore");
}

}  // namespace holdfast::server
