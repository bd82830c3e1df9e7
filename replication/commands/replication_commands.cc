#include "replication/commands/replication_commands.h"

#include <poll.h>

#include <limits>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "net/resp/integer.h"
#include "replication/replication.h"
#include "server/command/context.h"
#include "server/command/errors.h"
#include "server/connection/connection.h"
#include "server/engine/engine.h"
#include "server/session/session.h"

namespace holdfast::replication {
namespace {

using namespace server;  // NOLINT: every name of a command family is the
                         // server's.

constexpr absl::string_view kWaitOnReplica =
    "ERR WAIT cannot be used with replica instances. Please also note that "
    "since Redis 4.0 if a replica is configured to "
    "be writable (which is not the default) writes to replicas are just local "
    "and are not propagated.";
constexpr int64_t kMaxPort = 65535;

void ReplicaOf(CommandContext& ctx) {
  Replication& replication = Replication::Of(ctx.engine());
  // What a link loads ends with the link; what comes from the disk does not.
  if (!ctx.engine().is_replica() &&
      ctx.engine().role().loading.load(std::memory_order_relaxed)) {
    return ctx.Error(errors::kLoading);
  }
  // A change of role takes the gate and joins the old link's thread, which may
  // want a slot: within a transaction that has locks it comes after them.
  const bool later = !ctx.unit().locks().holds_nothing();
  if (ctx.ArgIs(1, "NO") && ctx.ArgIs(2, "ONE")) {
    auto promote = [&replication, address = ctx.session().address] {
      if (replication.Promote())
        LOG(INFO) << "MASTER MODE enabled (user request from '" << address
                  << "')";
    };
    if (later) {
      ctx.session().own.after_unit = promote;
    } else {
      promote();
    }
    return ctx.Ok();
  }
  if (ctx.session().kind.load(std::memory_order_relaxed) ==
      SessionKind::kReplica) {
    return ctx.Error("ERR Command is not valid when client is a replica.");
  }
  int64_t port = 0;
  if (!ctx.IntArgInRange(2, 0, kMaxPort, &port, "ERR Invalid master port"))
    return;
  if (later) {
    ctx.session().own.after_unit = [&replication,
                                    host = std::string(ctx.arg(1)), port] {
      replication.Follow(host, static_cast<int>(port));
    };
    return ctx.Ok();
  }
  if (!replication.Follow(std::string(ctx.arg(1)), static_cast<int>(port))) {
    return ctx.reply().SimpleString("OK Already connected to specified master");
  }
  ctx.Ok();
}

// PSYNC and SYNC. The reply, if there is one now, is written before the
// connection's thread becomes the replica's.
void StartSync(CommandContext& ctx, absl::string_view replid, int64_t offset,
               bool speaks_psync) {
  Connection* connection = Connection::OfThisThread();
  if (connection == nullptr)
    return ctx.Error("ERR a replica needs a connection of its own");
  const Role& role = ctx.engine().role();
  if (ctx.engine().is_replica() &&
      !role.link_up.load(std::memory_order_relaxed)) {
    return ctx.Error(
        "NOMASTERLINK Can't SYNC while not connected with my master");
  }
  Replication::Of(ctx.engine())
      .primary()
      .OnPsync(connection, replid, offset, speaks_psync, ctx.reply().out());
}

// "PSYNC id offset FAILOVER": our primary hands its role over (its FAILOVER),
// and asks to be our replica. False if it has got an error.
bool TakeOver(CommandContext& ctx) {
  if (!ctx.engine().is_replica()) {
    ctx.Error("ERR PSYNC FAILOVER can't be sent to a master.");
    return false;
  }
  if (ctx.arg(1) != ctx.engine().log().replication_id().id) {
    ctx.Error("ERR PSYNC FAILOVER replid must match my replid.");
    return false;
  }
  if (Replication::Of(ctx.engine()).Promote()) {
    LOG(INFO) << "MASTER MODE enabled (failover request from '"
              << ctx.session().address << "')";
  }
  return true;
}

void Psync(CommandContext& ctx) {
  if (ctx.argc() > 3 && ctx.ArgIs(3, "FAILOVER") && !TakeOver(ctx)) return;
  int64_t offset = 0;
  if (!ctx.IntArg(2, &offset)) return;
  StartSync(ctx, ctx.arg(1), offset, true);
}

void Sync(CommandContext& ctx) { StartSync(ctx, "?", -1, false); }

void Replconf(CommandContext& ctx) {
  if (ctx.argc() % 2 == 0) return ctx.Error(errors::kSyntax);
  Session::Own& own = ctx.session().own;
  bool told_holdfast = false;
  for (size_t i = 1; i < ctx.argc(); i += 2) {
    const absl::string_view value = ctx.arg(i + 1);
    if (ctx.ArgIs(i, "listening-port")) {
      int64_t port = 0;
      if (!ctx.IntArg(i + 1, &port)) return;
      own.replica_port = static_cast<int>(port);
    } else if (ctx.ArgIs(i, "ip-address")) {
      constexpr size_t kLongestHost = 255;
      if (value.size() > kLongestHost) {
        return ctx.Error(
            absl::StrCat("ERR REPLCONF ip-address provided by replica instance "
                         "is too long: ",
                         value.size(), " bytes"));
      }
      own.replica_ip = std::string(value);
    } else if (ctx.ArgIs(i, "capa")) {
      own.capa_eof |= absl::EqualsIgnoreCase(value, "eof");
      own.capa_psync2 |= absl::EqualsIgnoreCase(value, "psync2");
      if (absl::EqualsIgnoreCase(value, "holdfast"))
        own.capa_holdfast = told_holdfast = true;
    } else if (ctx.ArgIs(i, "ack") || ctx.ArgIs(i, "getack")) {
      return;  // Between a replica and its primary's session; here it has no
               // meaning and no reply.
    } else if (ctx.ArgIs(i, "rdb-only") || ctx.ArgIs(i, "rdb-filter-only")) {
      int64_t on = 0;
      if (ctx.ArgIs(i, "rdb-filter-only")
              ? !value.empty()
              : (!net::ParseInteger(value, &on) || on != 0)) {
        return ctx.Error(
            "ERR REPLCONF rdb-only and rdb-filter-only are not supported yet");
      }
    } else {
      return ctx.Error(
          absl::StrCat("ERR Unrecognized REPLCONF option: ", ctx.arg(i)));
    }
  }
  // Tells a Holdfast that it talks to one: keepalives may stay outside the
  // offset.
  if (told_holdfast) {
    ctx.reply().SimpleString("OK holdfast");
  } else {
    ctx.Ok();
  }
}

// Whether the client's end is closed. Looks without waiting or taking a byte;
// not by recv(2), which would tell of what the client has sent behind first.
bool PeerHasGone(const Session& session) {
  pollfd entry = {session.fd(), POLLRDHUP, 0};
  return entry.fd >= 0 && poll(&entry, 1, 0) > 0;
}

void Wait(CommandContext& ctx) {
  Engine& engine = ctx.engine();
  if (engine.is_replica()) return ctx.Error(kWaitOnReplica);
  int64_t replicas = 0;
  int64_t timeout_ms = 0;
  if (!ctx.IntArg(1, &replicas)) return;
  if (!ctx.IntArg(2, &timeout_ms,
                  "ERR timeout is not an integer or out of range"))
    return;
  if (timeout_ms < 0) return ctx.Error("ERR timeout is negative");
  Session& session = ctx.session();
  Primary& primary = Replication::Of(engine).primary();
  const int64_t offset = session.own.write_offset;
  const int acked = primary.CountAcked(offset);
  // Inside a transaction nothing may block: its locks are held.
  if (acked >= replicas || !ctx.unit().locks().holds_nothing())
    return ctx.reply().Integer(acked);
  primary.AppendOutOfBand(net::EncodeCommand({"REPLCONF", "GETACK", "*"}));
  const net::Deadline deadline =
      timeout_ms == 0 ? net::Deadline::Never()
                      : net::Deadline::After(engine.clock(),
                                             absl::Milliseconds(timeout_ms));
  session.blocked.store(true, std::memory_order_relaxed);
  const int wanted = static_cast<int>(
      std::min<int64_t>(replicas, std::numeric_limits<int>::max()));
  const int got = primary.WaitForAcks(offset, wanted, deadline, [&] {
    return session.killed() || engine.is_replica() || PeerHasGone(session);
  });
  session.blocked.store(false, std::memory_order_relaxed);
  if (engine.is_replica()) {
    return ctx.Error(
        "UNBLOCKED force unblock from blocking operation, instance state "
        "changed (master -> replica?)");
  }
  ctx.reply().Integer(got);
}

void RoleCommand(CommandContext& ctx) {
  Replication::Of(ctx.engine()).AppendRole(&ctx.reply());
}

void ReplicationEvents(CommandContext& ctx) {
  Replication::Of(ctx.engine()).events().AppendReply(&ctx.reply());
}

void ReplicationHelp(CommandContext& ctx) {
  ctx.reply().ArrayHeader(5);
  ctx.reply().SimpleString(
      "REPLICATION <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  ctx.reply().SimpleString("EVENTS");
  ctx.reply().SimpleString(
      "    The last events of all replication links, newest first: what "
      "happened, why, and what to do.");
  ctx.reply().SimpleString("HELP");
  ctx.reply().SimpleString("    Print this help.");
}

}  // namespace

absl::Span<const CommandSpec> ReplicationCommands() {
  // Also while a snapshot is loaded, unlike Redis: it is loaded as it comes,
  // and a primary that has gone silent half way must not keep its replica from
  // being promoted.
  constexpr uint64_t kReplicaOfFlags =
      kAdmin | kNoScript | kStale | kNoAsyncLoading | kEvenWhileLoading;
  static const auto* const table = new std::vector<CommandSpec>{
      {.name = "replicaof",
       .arity = 3,
       .flags = kReplicaOfFlags,
       .acl = kAclAdmin | kAclDangerous,
       .since = "5.0.0",
       .group = "server",
       .complexity = "O(1)",
       .summary = "Makes the server a replica of another, or a primary again.",
       .syntax = "args:<host-port:<host port> | no-one:<NO ONE>>",
       .handler = ReplicaOf},
      {.name = "slaveof",
       .arity = 3,
       .flags = kReplicaOfFlags,
       .acl = kAclAdmin | kAclDangerous,
       .since = "1.0.0",
       .group = "server",
       .complexity = "O(1)",
       .summary = "The old name of REPLICAOF.",
       .syntax = "args:<host-port:<host port> | no-one:<NO ONE>>",
       .handler = ReplicaOf,
       .deprecated_since = "5.0.0",
       .replaced_by = "`REPLICAOF`"},
      {.name = "psync",
       .arity = -3,
       .flags = kAdmin | kNoScript | kNoAsyncLoading | kNoMulti,
       .acl = kAclAdmin | kAclDangerous,
       .since = "2.8.0",
       .group = "server",
       .summary = "Turns the connection into a replica's, from an offset if "
                  "that is possible.",
       .syntax = "replicationid offset:integer",
       .handler = Psync},
      {.name = "sync",
       .arity = 1,
       .flags = kAdmin | kNoScript | kNoAsyncLoading | kNoMulti,
       .acl = kAclAdmin | kAclDangerous,
       .since = "1.0.0",
       .group = "server",
       .summary = "Turns the connection into a replica's, with a full copy.",
       .handler = Sync},
      {.name = "replconf",
       .arity = -1,
       .flags = kAdmin | kNoScript | kLoading | kStale | kAllowBusy,
       .acl = kAclAdmin | kAclDangerous,
       .since = "3.0.0",
       .group = "server",
       .complexity = "O(1)",
       .summary = "What a replica tells its primary, and a primary asks of it.",
       .handler = Replconf,
       .system_command = true},
      {.name = "wait",
       .arity = 3,
       .flags = kNoScript,
       .acl = kAclConnection,
       .since = "3.0.0",
       .group = "generic",
       .complexity = "O(1)",
       .summary =
           "Waits until replicas have acknowledged this connection's writes.",
       .syntax = "numreplicas:integer timeout:integer",
       .tips = {"request_policy:all_shards", "response_policy:agg_min"},
       .handler = Wait},
      {.name = "role",
       .arity = 1,
       .flags = kNoScript | kLoading | kStale | kFast,
       .acl = kAclAdmin | kAclDangerous,
       .since = "2.8.12",
       .group = "server",
       .complexity = "O(1)",
       .summary = "The server's part in replication.",
       .handler = RoleCommand},
      {.name = "replication",
       .arity = -2,
       .group = "server",
       .summary =
           "A container for what Holdfast tells about its replication links.",
       .subcommands =
           {
               {.name = "events",
                .arity = 2,
                .flags = kAdmin | kNoScript | kLoading | kStale,
                .since = "7.0.0",
                .group = "server",
                .complexity = "O(1)",
                .summary = "The last events of all replication links.",
                .handler = ReplicationEvents},
               {.name = "help",
                .arity = 2,
                .flags = kLoading | kStale,
                .since = "7.0.0",
                .group = "server",
                .complexity = "O(1)",
                .summary = "A text about the subcommands.",
                .handler = ReplicationHelp},
           }},
  };
  return *table;
}

}  // namespace holdfast::replication
