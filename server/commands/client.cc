#include "server/commands/client.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/command/context.h"
#include "server/command/errors.h"
#include "server/commands/client_list.h"
#include "server/commands/object_help.h"
#include "server/engine/engine.h"
#include "server/keyspace/write_gate.h"
#include "server/session/session.h"

namespace holdfast::server {
namespace {

// What a longer CLIENT PAUSE is cut to: ten years.
constexpr int64_t kMaxPauseMs = int64_t{10} * 365 * 24 * 3600 * 1000;

// A name of a client or its library; CLIENT LIST must stay one word a field.
bool ValidName(absl::string_view name) {
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return c >= '!' && c <= '~'; });
}

// ON or OFF as argument 2; replies if it is neither.
bool ParseOnOff(CommandContext& ctx, bool* on) {
  *on = ctx.ArgIs(2, "ON");
  if (*on || ctx.ArgIs(2, "OFF")) return true;
  ctx.Error(errors::kSyntax);
  return false;
}

void ClientId(CommandContext& ctx) {
  ctx.reply().Integer(static_cast<int64_t>(ctx.session().id));
}

void ClientGetName(CommandContext& ctx) {
  const std::string name = ctx.session().name();
  if (name.empty()) return ctx.reply().Null();
  ctx.reply().Bulk(name);
}

void ClientSetName(CommandContext& ctx) {
  if (!ValidName(ctx.arg(2))) {
    return ctx.Error(
        "ERR Client names cannot contain spaces, newlines or special "
        "characters.");
  }
  ctx.session().set_name(ctx.arg(2));
  ctx.Ok();
}

void ClientSetInfo(CommandContext& ctx) {
  const bool is_name = ctx.ArgIs(2, "LIB-NAME");
  if (!is_name && !ctx.ArgIs(2, "LIB-VER")) {
    return ctx.Error(
        absl::StrCat("ERR Unrecognized option '", ctx.arg(2), "'"));
  }
  if (!ValidName(ctx.arg(3))) {
    return ctx.Error(absl::StrCat(
        "ERR ", is_name ? "lib-name" : "lib-ver",
        " cannot contain spaces, newlines or special characters."));
  }
  // A null view leaves the other one as it is.
  ctx.session().set_library(is_name ? ctx.arg(3) : absl::string_view(),
                            is_name ? absl::string_view() : ctx.arg(3));
  ctx.Ok();
}

void ClientReply(CommandContext& ctx) {
  Session::Own& own = ctx.session().own;
  if (ctx.ArgIs(2, "ON")) {
    own.reply_off = false;
    own.skip_this_reply = false;
    own.skip_next_reply = false;
    ctx.Ok();
  } else if (ctx.ArgIs(2, "OFF")) {
    own.reply_off = true;
  } else if (ctx.ArgIs(2, "SKIP")) {
    if (!own.reply_off) own.skip_next_reply = true;
  } else {
    ctx.Error(errors::kSyntax);
  }
}

void ClientNoEvict(CommandContext& ctx) {
  bool on = false;
  if (!ParseOnOff(ctx, &on)) return;
  ctx.session().no_evict.store(on, std::memory_order_relaxed);
  ctx.Ok();
}

void ClientNoTouch(CommandContext& ctx) {
  bool on = false;
  if (!ParseOnOff(ctx, &on)) return;
  ctx.session().no_touch.store(on, std::memory_order_relaxed);
  ctx.Ok();
}

void ClientPause(CommandContext& ctx) {
  Pause::Mode mode = Pause::Mode::kAll;
  if (ctx.argc() > 4) return ReplyWrongSubcommandArguments(ctx);
  if (ctx.argc() == 4) {
    if (ctx.ArgIs(3, "WRITE")) {
      mode = Pause::Mode::kWrites;
    } else if (!ctx.ArgIs(3, "ALL")) {
      return ctx.Error("ERR CLIENT PAUSE mode must be WRITE or ALL");
    }
  }
  int64_t ms = 0;
  if (!ctx.IntArg(2, &ms, "ERR timeout is not an integer or out of range"))
    return;
  if (ms < 0) return ctx.Error("ERR timeout is negative");
  if (ms > INT64_MAX - ctx.now_ms())
    return ctx.Error("ERR timeout is out of range");
  const absl::Duration length = absl::Milliseconds(std::min(ms, kMaxPauseMs));
  if (ctx.unit().locks().holds_nothing()) {
    const ExclusiveGate no_write_under_way(&ctx.engine().keyspace().gate());
    ctx.engine().pause().Start(mode, length);
  } else {
    // In a transaction that has passed the gate already and cannot pass it
    // again; writes that are under way beside it end before they notice.
    ctx.engine().pause().Start(mode, length);
  }
  ctx.Ok();
}

void ClientUnpause(CommandContext& ctx) {
  ctx.engine().pause().End();
  ctx.Ok();
}

constexpr absl::string_view kUnblocked =
    "UNBLOCKED client unblocked via CLIENT UNBLOCK";

void ClientUnblock(CommandContext& ctx) {
  bool with_error = false;
  if (ctx.argc() > 4) return ReplyWrongSubcommandArguments(ctx);
  if (ctx.argc() == 4) {
    with_error = ctx.ArgIs(3, "ERROR");
    if (!with_error && !ctx.ArgIs(3, "TIMEOUT")) {
      return ctx.Error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
    }
  }
  int64_t id = 0;
  if (!ctx.IntArg(2, &id)) return;
  const auto session =
      id > 0 ? ctx.engine().sessions().Find(static_cast<uint64_t>(id))
             : nullptr;
  ctx.reply().Integer(session != nullptr && session->Unblock(with_error ? kUnblocked : "") ? 1
                                                                         : 0);
}

// --- Client-side caching, of which there is none yet ---

void ClientTracking(CommandContext& ctx) {
  for (size_t i = 3; i < ctx.argc(); ++i) {
    if (ctx.ArgIs(i, "BCAST") || ctx.ArgIs(i, "OPTIN") ||
        ctx.ArgIs(i, "OPTOUT") || ctx.ArgIs(i, "NOLOOP"))
      continue;
    const bool redirect = ctx.ArgIs(i, "REDIRECT");
    if ((!redirect && !ctx.ArgIs(i, "PREFIX")) || i + 1 == ctx.argc())
      return ctx.Error(errors::kSyntax);
    int64_t id = 0;
    if (redirect && !ctx.IntArg(i + 1, &id)) return;
    ++i;
  }
  bool on = false;
  if (!ParseOnOff(ctx, &on)) return;
  if (on) return ctx.Error("ERR client tracking is not supported yet");
  ctx.Ok();
}

void ClientCaching(CommandContext& ctx) {
  ctx.Error(
      "ERR CLIENT CACHING can be called only when the client is in tracking "
      "mode with OPTIN or OPTOUT mode enabled");
}

void ClientGetRedir(CommandContext& ctx) { ctx.reply().Integer(-1); }

void ClientTrackingInfo(CommandContext& ctx) {
  net::ReplyWriter& reply = ctx.reply();
  reply.MapHeader(3);
  reply.Bulk("flags");
  reply.SetHeader(1);
  reply.Bulk("off");
  reply.Bulk("redirect");
  reply.Integer(-1);
  reply.Bulk("prefixes");
  reply.ArrayHeader(0);
}

void ClientHelp(CommandContext& ctx) {
  ReplyWithHelp(
      ctx,
      {"CACHING (YES|NO)",
       "    Choose for the next command while tracking with OPTIN or OPTOUT.",
       "GETNAME",
       "    Tell the name of this connection.",
       "GETREDIR",
       "    Tell where invalidations go: -1, tracking is not supported yet.",
       "ID",
       "    Tell the id of this connection.",
       "INFO",
       "    Describe this connection as LIST does.",
       "KILL <ip:port>",
       "    Close the connection made from <ip:port>.",
       "KILL <option> <value> [<option> <value> [...]]",
       "    Close all connections that match every one of:",
       "    * ID <client-id>",
       "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
       "    * USER <username>",
       "    * ADDR (<ip:port>|<unixsocket>:0)   its own end",
       "    * LADDR (<ip:port>|<unixsocket>:0)  the server's end",
       "    * SKIPME (YES|NO)                   but this one (default: yes)",
       "LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB) | ID <client-id> [...]]",
       "    Describe connections, a line each.",
       "NO-EVICT (ON|OFF)",
       "    Keep this connection when clients take too much memory.",
       "NO-TOUCH (ON|OFF)",
       "    Let this connection's commands not count as uses of keys.",
       "PAUSE <timeout> [WRITE|ALL]",
       "    Hold all commands, or those that write, for <timeout> "
       "milliseconds.",
       "REPLY (ON|OFF|SKIP)",
       "    Answer, answer nothing, or not the next command.",
       "SETINFO (LIB-NAME|LIB-VER) <value>",
       "    Note the client library and its version.",
       "SETNAME <name>",
       "    Give this connection a name.",
       "TRACKING (ON|OFF) [<option> ...]",
       "    Invalidate what the client caches; not supported yet.",
       "TRACKINGINFO",
       "    Tell what this connection tracks.",
       "UNBLOCK <client-id> [TIMEOUT|ERROR]",
       "    End the wait of a blocked client.",
       "UNPAUSE",
       "    End PAUSE."});
}

// --- The table ---

constexpr uint64_t kAnyTime = kNoScript | kLoading | kStale;

CommandSpec Subcommand(absl::string_view name, int arity,
                       absl::string_view since, absl::string_view summary,
                       CommandHandler handler, absl::string_view syntax = {},
                       uint64_t more_flags = 0) {
  return {.name = name,
          .arity = arity,
          .flags = kAnyTime | more_flags,
          .acl = kAclConnection,
          .since = since,
          .group = "connection",
          .complexity = "O(1)",
          .summary = summary,
          .syntax = syntax,
          .handler = handler};
}

CommandSpec WithComplexity(CommandSpec spec, absl::string_view complexity) {
  spec.complexity = complexity;
  return spec;
}

CommandSpec Nondeterministic(CommandSpec spec) {
  spec.tips = {"nondeterministic_output"};
  return spec;
}

constexpr absl::string_view kKillSyntax =
    "filter:<ip:port:string | new-format:<[ID client-id:integer@2.8.12] | "
    "[TYPE "
    "normal_master_slave_pubsub:<normal:\"NORMAL\" | master:\"MASTER\"@3.2.0 | "
    "slave:\"SLAVE\" | "
    "replica:\"REPLICA\"@5.0.0 | pubsub:\"PUBSUB\">@2.8.12] | [USER "
    "username:string] | [ADDR ip:port:string] | [LADDR "
    "ip:port:string@6.2.0] | [SKIPME yes/no:string]> [new-format:<[ID "
    "client-id:integer@2.8.12] | [TYPE "
    "normal_master_slave_pubsub:<normal:\"NORMAL\" | master:\"MASTER\"@3.2.0 | "
    "slave:\"SLAVE\" | "
    "replica:\"REPLICA\"@5.0.0 | pubsub:\"PUBSUB\">@2.8.12] | [USER "
    "username:string] | [ADDR ip:port:string] | [LADDR "
    "ip:port:string@6.2.0] | [SKIPME yes/no:string]> ...]>";
constexpr absl::string_view kListSyntax =
    "[TYPE normal_master_replica_pubsub:<normal:\"NORMAL\" | master:\"MASTER\" "
    "| replica:\"REPLICA\" | "
    "pubsub:\"PUBSUB\">@5.0.0] [ID id:<client-id:integer [client-id:integer "
    "...]>@6.2.0]";
constexpr absl::string_view kTrackingSyntax =
    "status:<on:\"ON\" | off:\"OFF\"> [REDIRECT client-id:integer] [PREFIX "
    "prefix [PREFIX prefix ...]] "
    "[bcast:\"BCAST\"] [optin:\"OPTIN\"] [optout:\"OPTOUT\"] "
    "[noloop:\"NOLOOP\"]";

std::vector<CommandSpec> MakeSubcommands() {
  CommandSpec help =
      Subcommand("help", 2, "5.0.0", "Describes the subcommands.", ClientHelp);
  help.flags = kLoading | kStale;
  return {
      Subcommand("caching", 3, "6.0.0",
                 "Chooses whether the next command is tracked.", ClientCaching,
                 "mode:<yes:\"YES\" | no:\"NO\">"),
      Subcommand("getname", 2, "2.6.9", "Tells the connection's name.",
                 ClientGetName),
      Subcommand("getredir", 2, "6.0.0", "Tells where invalidations are sent.",
                 ClientGetRedir),
      help,
      Subcommand("id", 2, "5.0.0", "Tells the connection's id.", ClientId),
      Nondeterministic(Subcommand("info", 2, "6.2.0",
                                  "Describes the connection.", ClientInfo)),
      WithComplexity(Subcommand("kill", -3, "2.4.0", "Closes connections.",
                                ClientKill, kKillSyntax, kAdmin),
                     "O(N) where N is the number of client connections"),
      Nondeterministic(WithComplexity(
          Subcommand("list", -2, "2.4.0", "Describes connections.", ClientList,
                     kListSyntax, kAdmin),
          "O(N) where N is the number of client connections")),
      Subcommand("no-evict", 3, "7.0.0",
                 "Keeps the connection when clients take too much memory.",
                 ClientNoEvict, "enabled:<on:\"ON\" | off:\"OFF\">", kAdmin),
      Subcommand("no-touch", 3, "7.2.0",
                 "Lets the connection's commands not count as uses of keys.",
                 ClientNoTouch, "enabled:<on:\"ON\" | off:\"OFF\">"),
      Subcommand("pause", -3, "2.9.50", "Holds commands for a time.",
                 ClientPause,
                 "timeout:integer [mode:<write:\"WRITE\" | all:\"ALL\">@6.2.0]",
                 kAdmin),
      Subcommand("reply", 3, "3.2.0", "Chooses whether commands are answered.",
                 ClientReply,
                 "on_off_skip:<on:\"ON\" | off:\"OFF\" | skip:\"SKIP\">"),
      Subcommand("setinfo", 4, "7.2.0",
                 "Notes the client library and its version.", ClientSetInfo,
                 "attr:<LIB-NAME libname:string | LIB-VER libver:string>"),
      Subcommand("setname", 3, "2.6.9", "Names the connection.", ClientSetName,
                 "connection-name:string"),
      WithComplexity(Subcommand("tracking", -3, "6.0.0",
                                "Invalidates what the client caches.",
                                ClientTracking, kTrackingSyntax),
                     "O(1). Some options may introduce additional complexity."),
      Subcommand("trackinginfo", 2, "6.2.0",
                 "Tells what the connection tracks.", ClientTrackingInfo),
      WithComplexity(
          Subcommand("unblock", -3, "5.0.0",
                     "Ends the wait of a blocked client.", ClientUnblock,
                     "client-id:integer [timeout_error:<timeout:\"TIMEOUT\" | "
                     "error:\"ERROR\">]",
                     kAdmin),
          "O(log N) where N is the number of client connections"),
      WithComplexity(Subcommand("unpause", 2, "6.2.0", "Ends CLIENT PAUSE.",
                                ClientUnpause, {}, kAdmin),
                     "O(N) Where N is the number of paused clients"),
  };
}

}  // namespace

absl::Span<const CommandSpec> ClientCommands() {
  static const auto* const table = new std::vector<CommandSpec>{
      {.name = "client",
       .arity = -2,
       .since = "2.4.0",
       .group = "connection",
       .complexity = "Depends on subcommand.",
       .summary = "A container of commands on connections.",
       .subcommands = MakeSubcommands()}};
  return *table;
}

}  // namespace holdfast::server
