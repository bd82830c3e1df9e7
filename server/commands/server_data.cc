#include "server/commands/server_data.h"

#include <climits>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/command/context.h"
#include "server/command/errors.h"
#include "server/engine/engine.h"
#include "server/engine/save_service.h"
#include "server/keyspace/database.h"
#include "server/keyspace/keyspace.h"
#include "server/session/session.h"

namespace holdfast::server {
namespace {

void DbSize(CommandContext& ctx) {
  const SlotSetLock& locks = ctx.unit().locks();
  // Any slot keeps the database in its place; in a transaction there may be one
  // already, which could be the very one that would be locked here, or the
  // gate, which does as well.
  std::optional<SlotGuard> guard;
  if (locks.holds_nothing()) guard.emplace(locks, Slot{0}, /*exclusive=*/false);
  ctx.reply().Integer(
      static_cast<int64_t>(ctx.engine().keyspace().db(ctx.db_index()).Size()));
}

// --- Flushing ---

// ASYNC and SYNC make no difference here, but nothing else may be said.
bool CheckFlushOption(CommandContext& ctx) {
  if (ctx.argc() == 1 ||
      (ctx.argc() == 2 && (ctx.ArgIs(1, "ASYNC") || ctx.ArgIs(1, "SYNC"))))
    return true;
  ctx.Error(errors::kSyntax);
  return false;
}

// Whoever waits for a key of the database is looked after.
void WakeWaitersOf(CommandContext& ctx, int index) {
  for (const std::string& key : ctx.engine().keyspace().waiters().KeysOf(index))
    ctx.unit().NoteReady(index, key);
}

void Flush(CommandContext& ctx, int index) {
  Keyspace& keyspace = ctx.engine().keyspace();
  const size_t size = keyspace.db(index).Size();
  if (size == 0) return;
  std::shared_ptr<Database> empty = keyspace.NewDatabase();
  keyspace.TouchAllWatched(index, keyspace.db(index), *empty, ctx.now_ms());
  ctx.engine().FreeLater(keyspace.Replace(index, std::move(empty)));
  ctx.unit().CountChange(static_cast<int64_t>(size));
  WakeWaitersOf(ctx, index);
}

void FlushDb(CommandContext& ctx) {
  if (!CheckFlushOption(ctx)) return;
  Flush(ctx, ctx.db_index());
  ctx.ForceEffect();  // A replica may have keys of its own there.
  ctx.Ok();
}

// As in Redis the file on disk follows at once where save points are
// configured: a crash must not bring the old data back.
void SaveEmpty(CommandContext& ctx) {
  SaveService* const service = ctx.engine().save_service;
  if (service == nullptr) return;
  service->AbandonBackground("FLUSHALL");
  if (ctx.engine().config().SavePoints().empty()) return;
  if (ctx.unit().from_primary()) {  // The link must not wait for a disk.
    service->Background(/*later=*/true);
    return;
  }
  ctx.session().own.after_unit =
      [service, before = std::move(ctx.session().own.after_unit)] {
        if (before != nullptr) before();
        // A failure is in the log; the command has been executed.
        service->SaveNow(/*wait_for_background=*/true).IgnoreError();
      };
}

void FlushAll(CommandContext& ctx) {
  if (!CheckFlushOption(ctx)) return;
  for (int i = 0; i < ctx.engine().keyspace().database_count(); ++i)
    Flush(ctx, i);
  ctx.ForceEffect();
  SaveEmpty(ctx);
  ctx.Ok();
}

// --- SWAPDB ---

void SwapDb(CommandContext& ctx) {
  int64_t first = 0;
  int64_t second = 0;
  if (!ctx.IntArgInRange(1, INT_MIN, INT_MAX, &first,
                         "ERR invalid first DB index"))
    return;
  if (!ctx.IntArgInRange(2, INT_MIN, INT_MAX, &second,
                         "ERR invalid second DB index"))
    return;
  Keyspace& keyspace = ctx.engine().keyspace();
  const int64_t count = keyspace.database_count();
  if (first < 0 || first >= count || second < 0 || second >= count)
    return ctx.Error(errors::kDbOutOfRange);
  if (first != second) {
    const int a = static_cast<int>(first);
    const int b = static_cast<int>(second);
    keyspace.TouchAllWatched(a, keyspace.db(a), keyspace.db(b), ctx.now_ms());
    keyspace.TouchAllWatched(b, keyspace.db(b), keyspace.db(a), ctx.now_ms());
    keyspace.Swap(a, b);
    WakeWaitersOf(ctx, a);
    WakeWaitersOf(ctx, b);
  }
  ctx.unit().CountChange();  // With itself too, as in Redis: it is replicated.
  ctx.Ok();
}

std::vector<HistoryNote> FlushHistory() {
  return {{"4.0.0", "Added the option `ASYNC`."},
          {"6.2.0", "Added the option `SYNC`."}};
}

std::vector<CommandSpec> MakeCommands() {
  return {
      {.name = "dbsize",
       .arity = 1,
       .flags = kReadonly | kFast,
       .acl = kAclKeyspace,
       .since = "1.0.0",
       .group = "server",
       .complexity = "O(1)",
       .summary = "Count the keys of the database",
       .tips = {"request_policy:all_shards", "response_policy:agg_sum"},
       .handler = DbSize},
      {.name = "flushall",
       .arity = -1,
       .flags = kWrite | kWholeKeyspace,
       .acl = kAclKeyspace | kAclDangerous,
       .since = "1.0.0",
       .group = "server",
       .complexity =
           "O(1); the memory, O(N) for N keys, is freed in the background",
       .summary = "Delete the keys of all databases",
       .syntax = "async:[ASYNC@4.0.0 | SYNC@6.2.0]",
       .tips = {"request_policy:all_shards", "response_policy:all_succeeded"},
       .handler = FlushAll,
       .history = FlushHistory()},
      {.name = "flushdb",
       .arity = -1,
       .flags = kWrite | kWholeKeyspace,
       .acl = kAclKeyspace | kAclDangerous,
       .since = "1.0.0",
       .group = "server",
       .complexity =
           "O(1); the memory, O(N) for N keys, is freed in the background",
       .summary = "Delete the keys of the database",
       .syntax = "async:[ASYNC@4.0.0 | SYNC@6.2.0]",
       .tips = {"request_policy:all_shards", "response_policy:all_succeeded"},
       .handler = FlushDb,
       .history = FlushHistory()},
      {.name = "swapdb",
       .arity = 3,
       .flags = kWrite | kFast | kWholeKeyspace,
       .acl = kAclKeyspace | kAclDangerous,
       .since = "4.0.0",
       .group = "server",
       .complexity = "O(N), N being the number of clients that watch or wait "
                     "for keys of either database",
       .summary = "Exchange the contents of two databases",
       .syntax = "index1 index2",
       .handler = SwapDb},
  };
}

}  // namespace

absl::Span<const CommandSpec> ServerDataCommands() {
  static const auto* const commands =
      new std::vector<CommandSpec>(MakeCommands());  // Never destroyed.
  return *commands;
}

}  // namespace holdfast::server
