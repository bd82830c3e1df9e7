#include "server/commands/scan.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "server/command/context.h"
#include "server/command/errors.h"
#include "server/commands/collection_args.h"
#include "server/commands/scan_walk.h"
#include "server/engine/engine.h"
#include "server/session/session.h"
#include "server/text/glob.h"

namespace holdfast::server {
namespace {

// --- SCAN ---

constexpr int64_t kDefaultCount = 10;
// A call visits the slots of this many groups, and more for a larger COUNT, so
// that as many keys as the COUNT come in one call however they are spread. That
// is 4096 locks, about 0.1 ms when nobody else wants them.
constexpr int64_t kFewestGroups = 16;
constexpr int64_t kBucketsPerEntry = 10;  // As Redis bounds it.
constexpr int64_t kMaxCount =
    std::numeric_limits<int64_t>::max() / kBucketsPerEntry;

struct ScanOptions {
  absl::string_view pattern = {};
  bool has_pattern = false;
  absl::string_view type = {};
  bool has_type = false;
  int64_t count = kDefaultCount;
};

bool ParseScanOptions(CommandContext& ctx, ScanOptions* options) {
  for (size_t i = 2; i < ctx.argc(); i += 2) {
    const bool has_value = i + 1 < ctx.argc();
    if (has_value && ctx.ArgIs(i, "COUNT")) {
      if (!ctx.IntArg(i + 1, &options->count)) return false;
      if (options->count < 1) {
        ctx.Error(errors::kSyntax);
        return false;
      }
    } else if (has_value && ctx.ArgIs(i, "MATCH")) {
      options->pattern = ctx.arg(i + 1);
      options->has_pattern = options->pattern != "*";
    } else if (has_value && ctx.ArgIs(i, "TYPE")) {
      options->type = ctx.arg(i + 1);
      options->has_type = true;
    } else {
      ctx.Error(errors::kSyntax);
      return false;
    }
  }
  return true;
}

void Scan(CommandContext& ctx) {
  uint64_t cursor = 0;
  if (!ParseScanCursor(ctx.arg(1), &cursor))
    return ctx.Error("ERR invalid cursor");
  ScanOptions options;
  if (!ParseScanOptions(ctx, &options)) return;

  ExecutionUnit& unit = ctx.unit();
  const bool may_delete = !ctx.engine().is_replica();
  WalkBounds bounds;
  bounds.entries = static_cast<size_t>(options.count);
  bounds.slots = static_cast<size_t>(std::clamp<int64_t>(
                     options.count, kFewestGroups, Database::kGroups)) *
                 Database::kGroupSlots;
  bounds.buckets = static_cast<size_t>(std::min(options.count, kMaxCount) *
                                       kBucketsPerEntry);
  std::string keys;
  net::ReplyWriter reply(&keys, ctx.reply().protocol());
  size_t found = 0;
  cursor = WalkEntries(
      unit, ctx.db_index(), cursor, bounds, [&](const Entry& entry) {
        if (options.has_pattern && !GlobMatch(options.pattern, entry.key()))
          return;
        if (options.has_type &&
            !absl::EqualsIgnoreCase(options.type, TypeName(entry.type())))
          return;
        if (LooksExpired(unit, entry)) {
          if (may_delete) unit.DeleteLater(ctx.db_index(), entry.key());
          return;
        }
        reply.Bulk(entry.key());
        ++found;
      });
  ctx.reply().ArrayHeader(2);
  ctx.reply().BulkInteger(static_cast<int64_t>(cursor));
  ctx.reply().ArrayHeader(found);
  ctx.reply().Raw(keys);
}

// --- KEYS ---

// A slot that shrinks between two parts of it, which takes more than
// kWalkEntriesPerLock keys in one slot, may name some of them twice.
constexpr size_t kSlotsPerTurn = 32;  // Of KEYS.

void Keys(CommandContext& ctx) {
  const absl::string_view pattern = ctx.arg(1);
  const bool all =
      pattern == "*";  // Also the empty key, which no star matches.
  ExecutionUnit& unit = ctx.unit();
  net::ReplyWriter& reply = ctx.reply();
  const size_t mark = reply.BeginDeferred();
  size_t found = 0;
  // Piece by piece: a client that has gone is not worth the rest of a long
  // walk, and where processors are few the others are not to wait for a whole
  // time slice.
  WalkBounds bounds;
  bounds.slots = kSlotsPerTurn;
  WalkCursor cursor = kWalkBegin;
  do {
    cursor = WalkEntries(unit, ctx.db_index(), cursor, bounds,
                         [&](const Entry& entry) {
                           if ((!all && !GlobMatch(pattern, entry.key())) ||
                               LooksExpired(unit, entry))
                             return;
                           reply.Bulk(entry.key());
                           ++found;
                         });
    if (unit.locks().holds_nothing()) sched_yield();
  } while (cursor != 0 && !ctx.session().killed());
  reply.EndDeferredArray(mark, found);
}

// --- RANDOMKEY ---

constexpr int kRandomTries = 100;
// The last resort looks at no more keys than this before it gives up.
constexpr size_t kMostLookedAt = 100000;

// A slot chosen with the chance of its share of the keys, as far as the counts
// hold still; -1 if there are no keys.
int RandomSlot(CommandContext& ctx) {
  Engine& engine = ctx.engine();
  const SlotSetLock& locks = ctx.unit().locks();
  std::array<size_t, Database::kGroups> sizes;
  size_t total = 0;
  {
    SlotGuard guard(locks, 0, /*exclusive=*/false);
    const Database& database = engine.keyspace().db(ctx.db_index());
    for (int i = 0; i < Database::kGroups; ++i)
      total += sizes[i] = database.GroupSize(i);
  }
  if (total == 0) return -1;
  size_t rank = engine.RandomU64() % total;
  int group = 0;
  while (rank >= sizes[group]) rank -= sizes[group++];
  const int first = group * Database::kGroupSlots;
  for (int i = first; i < first + Database::kGroupSlots; ++i) {
    const Slot slot = static_cast<Slot>(i);
    SlotGuard guard(locks, slot, /*exclusive=*/false);
    const size_t size = engine.keyspace().db(ctx.db_index()).SlotSize(slot);
    if (rank < size) return i;
    rank -= size;
  }
  return first +
         static_cast<int>(engine.RandomU64() %
                          Database::kGroupSlots);  // Keys have gone meanwhile.
}

// Replies with the first live key from the slot on, round the whole keyspace.
bool ReplyWithNextKey(CommandContext& ctx, Slot from) {
  bool found = false;
  WalkCursor cursor = WalkCursorOfSlot(from);
  size_t looked_at = 0;
  for (int rounds = 0; rounds < 2 && !found && looked_at < kMostLookedAt;
       ++rounds) {
    do {
      WalkBounds bounds;
      bounds.entries = 64;
      cursor = WalkEntries(ctx.unit(), ctx.db_index(), cursor, bounds,
                           [&](const Entry& entry) {
                             ++looked_at;
                             if (found || LooksExpired(ctx.unit(), entry))
                               return;
                             ctx.reply().Bulk(entry.key());
                             found = true;
                           });
    } while (cursor != 0 && !found && looked_at < kMostLookedAt);
  }
  return found;
}

void RandomKey(CommandContext& ctx) {
  Engine& engine = ctx.engine();
  std::string expired;  // The last one met.
  bool met_expired = false;
  for (int i = 0; i < kRandomTries; ++i) {
    const int slot_or_none = RandomSlot(ctx);
    if (slot_or_none < 0) return ctx.reply().Null();
    const Slot slot = static_cast<Slot>(slot_or_none);
    SlotGuard guard(ctx.unit().locks(), slot, /*exclusive=*/false);
    const Entry* entry =
        engine.keyspace().db(ctx.db_index()).RandomEntry(slot, [&engine] {
          return engine.RandomU64();
        });
    if (entry == nullptr) continue;
    if (!LooksExpired(ctx.unit(), *entry))
      return ctx.reply().Bulk(entry->key());
    if (!engine.is_replica())
      ctx.unit().DeleteLater(ctx.db_index(), entry->key());
    expired.assign(entry->key().data(), entry->key().size());
    met_expired = true;
  }
  // Nearly all keys have expired: any live one will do.
  if (ReplyWithNextKey(ctx, static_cast<Slot>(engine.RandomU64() % kSlots)))
    return;
  // On a replica they are there until the primary says otherwise; Redis names
  // one of them there, and none where they are being deleted.
  if (met_expired && engine.is_replica()) return ctx.reply().Bulk(expired);
  ctx.reply().Null();
}

std::vector<CommandSpec> MakeCommands() {
  return {
      {.name = "keys",
       .arity = 2,
       .flags = kReadonly | kWalksKeyspace,
       .acl = kAclKeyspace | kAclDangerous,
       .since = "1.0.0",
       .group = "generic",
       .complexity = "O(N), N being the number of keys in the database",
       .summary = "List the keys whose names match a pattern",
       .syntax = "pattern",
       .tips = {"request_policy:all_shards", "nondeterministic_output_order"},
       .handler = Keys},
      {.name = "randomkey",
       .arity = 1,
       .flags = kReadonly | kWalksKeyspace,
       .acl = kAclKeyspace,
       .since = "1.0.0",
       .group = "generic",
       .complexity = "O(1)",
       .summary = "Name a key chosen at random",
       .tips = {"request_policy:all_shards", "nondeterministic_output"},
       .handler = RandomKey},
      {.name = "scan",
       .arity = -2,
       .flags = kReadonly | kWalksKeyspace,
       .acl = kAclKeyspace,
       .since = "2.8.0",
       .group = "generic",
       .complexity = "O(COUNT) for a call, O(N) for all calls until the cursor "
                     "is 0 again, N being the number of keys",
       .summary = "List the keys of the database in portions",
       .syntax = "cursor [MATCH pattern] [COUNT count] [TYPE type@6.0.0]",
       .tips = {"nondeterministic_output", "request_policy:special"},
       .handler = Scan,
       .history = {{"6.0.0", "Added the option `TYPE`."}}},
  };
}

}  // namespace

absl::Span<const CommandSpec> ScanCommands() {
  static const auto* const commands =
      new std::vector<CommandSpec>(MakeCommands());  // Never destroyed.
  return *commands;
}

}  // namespace holdfast::server
