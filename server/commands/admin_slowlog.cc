#include <cstdint>
#include <vector>

#include "server/commands/admin_handlers.h"
#include "server/commands/object_help.h"
#include "server/engine/engine.h"
#include "server/stats/slow_log.h"

// SLOWLOG: redis.io/commands/slowlog-get.
namespace holdfast::server {
namespace {

constexpr int64_t kDefaultCount = 10;

void SlowlogGet(CommandContext& ctx) {
  if (ctx.argc() > 3) return ReplyWrongSubcommandArguments(ctx);
  int64_t count = kDefaultCount;
  if (ctx.argc() == 3 &&
      !ctx.IntArgInRange(2, -1, INT64_MAX, &count,
                         "ERR count should be greater than or equal to -1")) {
    return;
  }
  const auto entries = ctx.engine().stats().slow_log.Latest(count);
  net::ReplyWriter& reply = ctx.reply();
  reply.ArrayHeader(entries.size());
  for (const auto& entry : entries) {
    reply.ArrayHeader(6);
    reply.Integer(entry->id);
    reply.Integer(entry->unix_seconds);
    reply.Integer(entry->micros);
    reply.ArrayHeader(entry->args.size());
    for (const std::string& arg : entry->args) reply.Bulk(arg);
    reply.Bulk(entry->address);
    reply.Bulk(entry->name);
  }
}

void SlowlogLen(CommandContext& ctx) {
  ctx.reply().Integer(
      static_cast<int64_t>(ctx.engine().stats().slow_log.size()));
}

void SlowlogReset(CommandContext& ctx) {
  ctx.engine().stats().slow_log.Reset();
  ctx.Ok();
}

void SlowlogHelp(CommandContext& ctx) {
  ReplyWithHelp(ctx,
                {"GET [<count>]",
                 "    Show the latest <count> slow commands (default: 10, -1: "
                 "all). Of each: id,",
                 "    time, microseconds, arguments, the client's address, the "
                 "client's name.",
                 "LEN", "    Count the entries.", "RESET", "    Forget them."});
}

}  // namespace

CommandSpec SlowlogCommand() {
  constexpr uint64_t kFlags = kAdmin | kLoading | kStale;
  CommandSpec get =
      ServerSubcommand("get", -2, kFlags, "2.2.12",
                       "O(N) where N is the number of entries returned",
                       "Shows the latest slow commands.", SlowlogGet, "[count]",
                       {"request_policy:all_nodes", "nondeterministic_output"});
  get.history = {{"4.0.0", "Adds the client's address and name."}};
  return ServerContainer(
      "slowlog", "2.2.12", "A container of commands on the slow log.",
      {get,
       ServerSubcommand("help", 2, kLoading | kStale, "6.2.0", "O(1)",
                        "Describes the subcommands.", SlowlogHelp),
       ServerSubcommand("len", 2, kFlags, "2.2.12", "O(1)",
                        "Counts the slow log's entries.", SlowlogLen, {},
                        {"request_policy:all_nodes", "response_policy:agg_sum",
                         "nondeterministic_output"}),
       ServerSubcommand(
           "reset", 2, kFlags, "2.2.12",
           "O(N) where N is the number of entries in the slowlog",
           "Empties the slow log.", SlowlogReset, {},
           {"request_policy:all_nodes", "response_policy:all_succeeded"})});
}

}  // namespace holdfast::server
