#include "server/commands/connection.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "openssl/crypto.h"
#include "server/command/context.h"
#include "server/command/errors.h"
#include "server/engine/engine.h"
#include "server/engine/version.h"
#include "server/session/session.h"
#include "server/transaction/end.h"

namespace holdfast::server {
namespace {

constexpr absl::string_view kDefaultUser = "default";
constexpr absl::string_view kWrongPass =
    "WRONGPASS invalid username-password pair or user is disabled.";

// In a time that does not tell how much of the password was right.
bool SamePassword(absl::string_view given, absl::string_view wanted) {
  return given.size() == wanted.size() &&
         CRYPTO_memcmp(given.data(), wanted.data(), given.size()) == 0;
}

// Logs the session in, or replies why not.
bool Authenticate(CommandContext& ctx, absl::string_view user,
                  absl::string_view password) {
  const std::string wanted =
      ctx.engine().config().String(ConfigId::kRequirePass);
  if (user != kDefaultUser ||
      (!wanted.empty() && !SamePassword(password, wanted))) {
    ctx.engine().stats().acl_access_denied_auth.fetch_add(
        1, std::memory_order_relaxed);
    ctx.Error(kWrongPass);
    return false;
  }
  ctx.session().own.authenticated = true;
  ctx.session().set_user(kDefaultUser);
  return true;
}

void Auth(CommandContext& ctx) {
  if (ctx.argc() > 3) return ctx.Error(errors::kSyntax);
  if (ctx.argc() == 2 &&
      ctx.engine().config().String(ConfigId::kRequirePass).empty()) {
    return ctx.Error(
        "ERR AUTH <password> called without any password configured for the "
        "default user. Are you sure your "
        "configuration is correct?");
  }
  const bool named = ctx.argc() == 3;
  if (Authenticate(ctx, named ? ctx.arg(1) : kDefaultUser,
                   ctx.arg(named ? 2 : 1)))
    ctx.Ok();
}

void Ping(CommandContext& ctx) {
  if (ctx.argc() > 2)
    return ctx.Error("ERR wrong number of arguments for 'ping' command");
  if (!ctx.reply().resp3() &&
      ctx.session().kind.load(std::memory_order_relaxed) ==
          SessionKind::kPubsub) {
    // As a message, for a client that expects nothing else.
    ctx.reply().ArrayHeader(2);
    ctx.reply().Bulk("pong");
    ctx.reply().Bulk(ctx.argc() == 2 ? ctx.arg(1) : absl::string_view());
  } else if (ctx.argc() == 2) {
    ctx.reply().Bulk(ctx.arg(1));
  } else {
    ctx.reply().SimpleString("PONG");
  }
}

void Echo(CommandContext& ctx) { ctx.reply().Bulk(ctx.arg(1)); }

void Select(CommandContext& ctx) {
  int64_t index = 0;
  if (!ctx.IntArg(1, &index)) return;
  if (index < 0 || index >= ctx.engine().keyspace().database_count())
    return ctx.Error(errors::kDbOutOfRange);
  ctx.session().db.store(static_cast<int>(index), std::memory_order_relaxed);
  ctx.Ok();
}

void Quit(CommandContext& ctx) {
  ctx.session().own.close_after_reply = true;
  ctx.Ok();
}

// The client's name may hold no spaces or control characters: CLIENT LIST could
// not be parsed.
bool ValidName(absl::string_view name) {
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return c >= '!' && c <= '~'; });
}

void HelloReply(CommandContext& ctx) {
  net::ReplyWriter& reply = ctx.reply();
  reply.MapHeader(7);
  reply.Bulk("server");
  reply.Bulk("redis");
  reply.Bulk("version");
  reply.Bulk(kRedisVersion);
  reply.Bulk("proto");
  reply.Integer(ctx.session().protocol.load(std::memory_order_relaxed));
  reply.Bulk("id");
  reply.Integer(static_cast<int64_t>(ctx.session().id));
  reply.Bulk("mode");
  reply.Bulk("standalone");
  reply.Bulk("role");
  reply.Bulk(ctx.engine().is_replica() ? "replica" : "master");
  reply.Bulk("modules");
  reply.ArrayHeader(0);
}

void Hello(CommandContext& ctx) {
  int64_t protocol = 0;
  size_t next = 1;
  if (ctx.argc() >= 2) {
    if (!ctx.IntArg(next++, &protocol,
                    "ERR Protocol version is not an integer or out of range"))
      return;
    if (protocol < 2 || protocol > 3)
      return ctx.Error("NOPROTO unsupported protocol version");
  }
  absl::string_view name;
  absl::string_view user;
  absl::string_view password;
  bool has_name = false;
  for (; next < ctx.argc(); ++next) {
    const size_t more = ctx.argc() - 1 - next;
    if (ctx.ArgIs(next, "AUTH") && more >= 2) {
      user = ctx.arg(next + 1);
      password = ctx.arg(next + 2);
      next += 2;
    } else if (ctx.ArgIs(next, "SETNAME") && more >= 1) {
      name = ctx.arg(++next);
      has_name = true;
      if (!ValidName(name)) {
        return ctx.Error(
            "ERR Client names cannot contain spaces, newlines or special "
            "characters.");
      }
    } else {
      return ctx.Error(absl::StrCat("ERR Syntax error in HELLO option '",
                                    ctx.arg(next), "'"));
    }
  }
  if (user.data() != nullptr && !Authenticate(ctx, user, password)) return;
  if (!ctx.session().own.authenticated) {
    return ctx.Error(
        "NOAUTH HELLO must be called with the client already authenticated, "
        "otherwise the HELLO <proto> AUTH <user> "
        "<pass> option can be used to authenticate the client and select the "
        "RESP protocol version at the same time");
  }
  if (has_name) ctx.session().set_name(name);
  if (protocol != 0) {
    ctx.session().protocol.store(static_cast<int>(protocol),
                                 std::memory_order_relaxed);
    ctx.reply().set_protocol(static_cast<int>(protocol));
  }
  HelloReply(ctx);
}

void Reset(CommandContext& ctx) {
  Session& session = ctx.session();
  DiscardQueue(&session);
  if (ctx.unit().locks().holds_nothing())
    UnwatchAll(&ctx.engine().keyspace(), &session);
  ctx.engine().pubsub().UnsubscribeAll(&session);
  session.db.store(0, std::memory_order_relaxed);
  session.protocol.store(2, std::memory_order_relaxed);
  ctx.reply().set_protocol(2);
  session.set_name("");
  session.set_user(kDefaultUser);
  session.own.authenticated =
      ctx.engine().config().String(ConfigId::kRequirePass).empty();
  session.own.asking = false;
  session.own.readonly_mode = false;
  session.own.reply_off = false;
  session.no_evict.store(false, std::memory_order_relaxed);
  session.no_touch.store(false, std::memory_order_relaxed);
  ctx.reply().SimpleString("RESET");
}

}  // namespace

absl::Span<const CommandSpec> ConnectionCommands() {
  constexpr uint64_t kAnyTime = kNoScript | kLoading | kStale | kFast;
  static const auto* const table = new std::vector<CommandSpec>{
      {.name = "auth",
       .arity = -2,
       .flags = kAnyTime | kNoAuth | kAllowBusy,
       .acl = kAclConnection,
       .since = "1.0.0",
       .group = "connection",
       .complexity =
           "O(N) where N is the number of passwords defined for the user",
       .summary = "Logs the connection in.",
       .syntax = "[username] password",
       .handler = Auth},
      {.name = "echo",
       .arity = 2,
       .flags = kLoading | kStale | kFast,
       .acl = kAclConnection,
       .since = "1.0.0",
       .group = "connection",
       .complexity = "O(1)",
       .summary = "Answers with its argument.",
       .syntax = "message",
       .handler = Echo},
      {.name = "hello",
       .arity = -1,
       .flags = kAnyTime | kNoAuth | kAllowBusy,
       .acl = kAclConnection,
       .since = "6.0.0",
       .group = "connection",
       .complexity = "O(1)",
       .summary =
           "Chooses the protocol version, logs in, names the connection.",
       .syntax = "[arguments:<protover [AUTH username password] [SETNAME "
                 "clientname]>]",
       .handler = Hello},
      {.name = "ping",
       .arity = -1,
       .flags = kFast | kWhileSubscribed,
       .acl = kAclConnection,
       .since = "1.0.0",
       .group = "connection",
       .complexity = "O(1)",
       .summary = "Answers PONG, or its argument.",
       .syntax = "[message]",
       .tips = {"request_policy:all_shards", "response_policy:all_succeeded"},
       .handler = Ping},
      {.name = "quit",
       .arity = -1,
       .flags = kAnyTime | kNoAuth | kAllowBusy | kNotQueued | kWhileSubscribed,
       .acl = kAclConnection,
       .since = "1.0.0",
       .group = "connection",
       .complexity = "O(1)",
       .summary = "Closes the connection.",
       .handler = Quit},
      {.name = "reset",
       .arity = 1,
       .flags = kAnyTime | kNoAuth | kAllowBusy | kNotQueued | kWhileSubscribed,
       .acl = kAclConnection,
       .since = "6.2.0",
       .group = "connection",
       .complexity = "O(1)",
       .summary = "Makes the connection like a new one.",
       .handler = Reset},
      {.name = "select",
       .arity = 2,
       .flags = kLoading | kStale | kFast,
       .acl = kAclConnection,
       .since = "1.0.0",
       .group = "connection",
       .complexity = "O(1)",
       .summary = "Chooses the database of the connection.",
       .syntax = "index:integer",
       .handler = Select},
  };
  return *table;
}

}  // namespace holdfast::server
