#include "server/transaction/transaction.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/command/context.h"
#include "server/command/errors.h"
#include "server/dispatch/dispatcher.h"
#include "server/transaction/end.h"

namespace holdfast::server {
namespace {

void Multi(CommandContext& ctx) {
  Session::Own& own = ctx.session().own;
  if (own.in_multi) return ctx.Error("ERR MULTI calls can not be nested");
  own.in_multi = true;
  own.multi_failed = false;
  ctx.session().queued.store(0, std::memory_order_relaxed);
  ctx.Ok();
}

void Discard(CommandContext& ctx) {
  if (!ctx.session().own.in_multi)
    return ctx.Error("ERR DISCARD without MULTI");
  EndTransaction(&ctx.engine().keyspace(), &ctx.session());
  ctx.Ok();
}

// Whether a watched key was changed, or has expired since. REQUIRES: its slot.
bool WatchesBroken(CommandContext& ctx) {
  const Session::Own& own = ctx.session().own;
  if (own.watched.empty()) return false;
  if (own.watch_dirty->load(std::memory_order_relaxed)) return true;
  for (const WatchedKey& watched : own.watched) {
    const KeyRef key(watched.key);
    const Entry* entry = ctx.db(watched.db).storage().Find(key);
    if (entry != nullptr && entry->ExpiredAt(ctx.now_ms()) &&
        !ctx.engine().keyspace().WatchedAsExpired(
            key.slot, watched.db, watched.key, own.watch_dirty.get()))
      return true;
  }
  return false;
}

void Exec(CommandContext& ctx) {
  Session& session = ctx.session();
  Session::Own& own = session.own;
  ctx.SuppressEffect();  // The commands have theirs; the log wraps them.
  if (!own.in_multi) return ctx.Error("ERR EXEC without MULTI");
  if (own.multi_failed) {
    EndTransaction(&ctx.engine().keyspace(), &session);
    return ctx.Error(errors::kExecAbort);
  }
  const std::vector<QueuedCommand> queue = std::move(own.queue);
  DiscardQueue(&session);

  // Views on the queued arguments; offsets first, since the vector may move.
  std::vector<absl::string_view> args;
  size_t total = 0;
  for (const QueuedCommand& queued : queue) total += queued.args.size();
  args.reserve(total);
  std::vector<Dispatcher::Call> calls;
  calls.reserve(queue.size());
  for (const QueuedCommand& queued : queue) {
    const size_t begin = args.size();
    args.insert(args.end(), queued.args.begin(), queued.args.end());
    calls.push_back({queued.spec, absl::MakeConstSpan(args).subspan(begin)});
  }
  std::vector<SlotUse> watched_slots;
  for (const WatchedKey& watched : own.watched)
    watched_slots.push_back({SlotOfKey(watched.key), false});

  Dispatcher& dispatcher = Dispatcher::Of(ctx);
  const absl::Status locked = dispatcher.LockForCalls(calls, watched_slots);
  if (!locked.ok()) {
    UnwatchAll(&ctx.engine().keyspace(), &session);
    return ctx.Error(absl::StrCat(
        "EXECABORT Transaction discarded because of: ", locked.message()));
  }
  if (WatchesBroken(ctx)) {
    ctx.reply().NullArray();
  } else {
    ctx.reply().ArrayHeader(calls.size());
    for (const Dispatcher::Call& call : calls)
      dispatcher.CallInUnit(call, &ctx.reply());
  }
  // The effects go out while the locks are still held; the watches need theirs
  // one by one.
  ctx.unit().End();
  UnwatchAll(&ctx.engine().keyspace(), &session);
}

void Watch(CommandContext& ctx) {
  Session& session = ctx.session();
  if (session.own.in_multi)
    return ctx.Error("ERR WATCH inside MULTI is not allowed");
  if (session.own.watch_dirty == nullptr)
    session.own.watch_dirty = std::make_shared<std::atomic<bool>>(false);
  Keyspace& keyspace = ctx.engine().keyspace();
  for (size_t i = 1; i < ctx.argc(); ++i) {
    const absl::string_view name = ctx.arg(i);
    bool known = false;
    for (const WatchedKey& w : session.own.watched)
      known |= w.db == ctx.db_index() && w.key == name;
    if (known) continue;
    const KeyRef key(name);
    bool expired = false;
    {
      const SlotGuard guard(ctx.unit().locks(), key.slot, true);
      const Entry* entry = ctx.db().storage().Find(key);
      expired = entry != nullptr && entry->ExpiredAt(ctx.now_ms());
      keyspace.AddWatch(key.slot, {ctx.db_index(), std::string(name),
                                   session.own.watch_dirty, expired});
    }
    session.own.watched.push_back({ctx.db_index(), std::string(name)});
  }
  session.watching.store(static_cast<int>(session.own.watched.size()),
                         std::memory_order_relaxed);
  ctx.Ok();
}

void Unwatch(CommandContext& ctx) {
  // Within EXEC its locks are held, and EXEC itself unwatches in the end.
  if (ctx.unit().locks().holds_nothing())
    UnwatchAll(&ctx.engine().keyspace(), &ctx.session());
  ctx.Ok();
}

}  // namespace

absl::Span<const CommandSpec> TransactionCommands() {
  static const auto* const table = new std::vector<CommandSpec>{
      {.name = "multi",
       .arity = 1,
       .flags = kNoScript | kLoading | kStale | kFast | kAllowBusy | kNotQueued,
       .acl = kAclTransaction,
       .since = "1.2.0",
       .group = "transactions",
       .complexity = "O(1)",
       .summary = "Starts a transaction: commands from here on are queued.",
       .handler = Multi},
      {.name = "exec",
       .arity = 1,
       .flags = kNoScript | kLoading | kStale | kSkipSlowlog | kNotQueued |
                kLocksItself,
       .acl = kAclTransaction,
       .since = "1.2.0",
       .group = "transactions",
       .complexity = "Depends on commands in the transaction",
       .summary = "Executes all queued commands as one unit.",
       .handler = Exec},
      {.name = "discard",
       .arity = 1,
       .flags = kNoScript | kLoading | kStale | kFast | kAllowBusy | kNotQueued,
       .acl = kAclTransaction,
       .since = "2.0.0",
       .group = "transactions",
       .complexity = "O(N), when N is the number of queued commands",
       .summary = "Gives a transaction up.",
       .handler = Discard},
      {.name = "watch",
       .arity = -2,
       .flags = kNoScript | kLoading | kStale | kFast | kAllowBusy |
                kNotQueued | kLocksItself,
       .keys = {KeyRange(kKeyRO, 1, -1)},
       .acl = kAclTransaction,
       .since = "2.2.0",
       .group = "transactions",
       .complexity = "O(1) for every key.",
       .summary =
           "Makes the next EXEC depend on these keys staying as they are.",
       .syntax = "key [key ...]",
       .handler = Watch},
      {.name = "unwatch",
       .arity = 1,
       .flags = kNoScript | kLoading | kStale | kFast | kAllowBusy,
       .acl = kAclTransaction,
       .since = "2.2.0",
       .group = "transactions",
       .complexity = "O(1)",
       .summary = "Forgets all watched keys.",
       .handler = Unwatch},
  };
  return *table;
}

}  // namespace holdfast::server
