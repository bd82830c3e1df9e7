#ifndef HOLDFAST_SERVER_COMMANDS_TAKE_OR_BLOCK_H_
#define HOLDFAST_SERVER_COMMANDS_TAKE_OR_BLOCK_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/command/blocked.h"
#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/commands/value_args.h"

// What takes elements from the first of several lists, or sorted sets, that is
// there: at once (LMPOP), or when one is (BLPOP, BZMPOP).
namespace holdfast::server {

// `take(ctx, key, value)` replies, removes and tells the log; the value is not
// empty. It is copied, and called later for a client that waits. Keys:
// arguments [first, end). `timeout`: null where it does not block.
template <typename T, typename Take>
void TakeOrBlock(CommandContext& ctx, size_t first, size_t end,
                 const absl::Duration* timeout, Take take) {
  Db db = ctx.db();
  for (size_t i = first; i < end; ++i) {
    T* value;
    if (!FindForChange(ctx, db, ctx.arg(i), &value)) return;
    if (value != nullptr) return take(ctx, ctx.arg(i), value);
  }
  if (timeout != nullptr) {
    BlockedClient::Request request;
    for (size_t i = first; i < end; ++i) request.keys.emplace_back(ctx.arg(i));
    request.timeout = *timeout;
    request.serve = [take](CommandContext& waiting, absl::string_view key) {
      Db its_db = waiting.db();
      Entry* entry = its_db.FindForWrite(key);
      if (entry == nullptr || entry->type() != kTypeOf<T>) return false;
      take(waiting, key, its_db.storage().ChangeObject<T>(entry));
      return true;
    };
    request.on_timeout = [](net::ReplyWriter* reply) { reply->NullArray(); };
    if (BlockedClient::Block(ctx, std::move(request))) return;
  }
  ctx.reply().NullArray();
}

// BLPOP and its kin: keys, and the timeout behind them.
template <typename T, typename Take>
void TakeOneOrBlock(CommandContext& ctx, Take take) {
  absl::Duration timeout;
  if (!ParseBlockTimeout(ctx, ctx.arg(ctx.argc() - 1), &timeout)) return;
  TakeOrBlock<T>(ctx, 1, ctx.argc() - 1, &timeout, take);
}

// LMPOP and its kin, from `numkeys` (argument `number`) on: keys, the end to
// take from, how many. `parse_end(ctx, arg, &end)` replies where it is none.
// `make_take(end, count)` gives what TakeOrBlock() wants. `blocks`: argument 1
// is a timeout, which is looked at last.
template <typename T, typename End, typename ParseEnd, typename MakeTake>
void TakeManyOrBlock(CommandContext& ctx, size_t number, bool blocks,
                     ParseEnd parse_end, MakeTake make_take) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  int64_t keys = 0;
  if (!ctx.IntArgInRange(number, 1, kMax, &keys,
                         "ERR numkeys should be greater than 0"))
    return;
  const size_t first = number + 1;
  if (static_cast<uint64_t>(keys) >= ctx.argc() - first)
    return ctx.Error(errors::kSyntax);
  const size_t where = first + static_cast<size_t>(keys);
  End end;
  if (!parse_end(ctx, where, &end)) return;
  int64_t count = 1;
  if (ctx.argc() > where + 1) {
    if (!ctx.ArgIs(where + 1, "COUNT") || ctx.argc() < where + 3)
      return ctx.Error(errors::kSyntax);
    if (!ctx.IntArgInRange(where + 2, 1, kMax, &count,
                           "ERR count should be greater than 0"))
      return;
    if (ctx.argc() > where + 3) return ctx.Error(errors::kSyntax);
  }
  absl::Duration timeout;
  if (blocks && !ParseBlockTimeout(ctx, ctx.arg(1), &timeout)) return;
  TakeOrBlock<T>(ctx, first, where, blocks ? &timeout : nullptr,
                 make_take(end, static_cast<size_t>(count)));
}

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_TAKE_OR_BLOCK_H_
