#include "server/commands/client_list.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/command/errors.h"
#include "server/engine/engine.h"

namespace holdfast::server {
namespace {

int64_t MonotonicMs(CommandContext& ctx) {
  return ctx.engine().clock()->Now().nanos() / 1000000;
}

// The letters that tell what is special about a connection.
std::string Flags(const Session& session) {
  const auto is = [](const std::atomic<bool>& flag) {
    return flag.load(std::memory_order_relaxed);
  };
  std::string flags;
  switch (session.kind.load(std::memory_order_relaxed)) {
    case SessionKind::kReplica:
      flags += is(session.monitor) ? 'O' : 'S';
      break;
    case SessionKind::kPrimary:
      flags += 'M';
      break;
    case SessionKind::kPubsub:
      flags += 'P';
      break;
    case SessionKind::kNormal:
      if (is(session.monitor)) flags += 'O';
      break;
  }
  if (session.queued.load(std::memory_order_relaxed) >= 0) flags += 'x';
  if (is(session.blocked)) flags += 'b';
  if (is(session.dirty_exec)) flags += 'd';
  if (is(session.closing)) flags += 'c';
  if (session.killed()) flags += 'A';
  if (is(session.unix_socket)) flags += 'U';
  if (is(session.no_evict)) flags += 'e';
  if (is(session.no_touch)) flags += 'T';
  return flags.empty() ? "N" : flags;
}

// Replies with the lines of these sessions, those being closed left out.
void ReplyWithLines(CommandContext& ctx,
                    const std::vector<std::shared_ptr<Session>>& sessions) {
  std::string text;
  const int64_t now = MonotonicMs(ctx);
  for (const auto& session : sessions) {
    if (session->killed()) continue;
    absl::StrAppend(&text, DescribeSession(*session, now), "\n");
  }
  ctx.reply().Verbatim("txt", text);
}

// Notes what this very command takes, so that it shows in its own answer.
void NoteArguments(CommandContext& ctx) {
  size_t bytes = 0;
  for (const absl::string_view arg : ctx.args()) bytes += arg.size();
  ctx.session().argv_bytes.store(bytes, std::memory_order_relaxed);
}

// Which connections CLIENT KILL means.
struct KillFilter {
  absl::string_view address;
  absl::string_view local_address;
  absl::string_view user;
  uint64_t id = 0;
  bool has_kind = false;
  SessionKind kind = SessionKind::kNormal;
  bool skip_me = true;

  bool Matches(const Session& session) const {
    if (address.data() != nullptr && session.address != address) return false;
    if (local_address.data() != nullptr &&
        session.local_address != local_address)
      return false;
    if (has_kind && session.kind.load(std::memory_order_relaxed) != kind)
      return false;
    if (id != 0 && session.id != id) return false;
    return user.data() == nullptr || session.user() == user;
  }
};

// Reads "<option> <value>..." or replies why not.
bool ParseKillFilter(CommandContext& ctx, KillFilter* filter) {
  for (size_t i = 2; i < ctx.argc(); i += 2) {
    if (i + 1 == ctx.argc()) return ctx.Error(errors::kSyntax), false;
    const absl::string_view value = ctx.arg(i + 1);
    if (ctx.ArgIs(i, "ID")) {
      int64_t id = 0;
      if (!ctx.IntArgInRange(i + 1, 1, INT64_MAX, &id,
                             "ERR client-id should be greater than 0"))
        return false;
      filter->id = static_cast<uint64_t>(id);
    } else if (ctx.ArgIs(i, "TYPE")) {
      if (!ParseSessionKind(value, &filter->kind)) {
        return ctx.Error(absl::StrCat("ERR Unknown client type '", value, "'")),
               false;
      }
      filter->has_kind = true;
    } else if (ctx.ArgIs(i, "ADDR")) {
      filter->address = value;
    } else if (ctx.ArgIs(i, "LADDR")) {
      filter->local_address = value;
    } else if (ctx.ArgIs(i, "USER")) {
      if (value != "default")
        return ctx.Error(absl::StrCat("ERR No such user '", value, "'")), false;
      filter->user = value;
    } else if (ctx.ArgIs(i, "SKIPME")) {
      filter->skip_me = absl::EqualsIgnoreCase(value, "yes");
      if (!filter->skip_me && !absl::EqualsIgnoreCase(value, "no"))
        return ctx.Error(errors::kSyntax), false;
    } else {
      return ctx.Error(errors::kSyntax), false;
    }
  }
  return true;
}

}  // namespace

std::string DescribeSession(const Session& session, int64_t now_ms) {
  const auto number = [](const auto& atomic) {
    return atomic.load(std::memory_order_relaxed);
  };
  const CommandSpec* command = number(session.last_command);
  const size_t query = number(session.query_bytes);
  const size_t query_free = number(session.query_capacity);
  const size_t output = number(session.output_bytes);
  const size_t reply_buffer = number(session.output_capacity);
  const size_t argv = number(session.argv_bytes);
  const size_t queued = number(session.queued_bytes);
  const size_t total = sizeof(Session) + query + query_free + argv + queued +
                       std::max(reply_buffer, output);
  std::string line =
      absl::StrCat("id=", session.id, " addr=", session.address,
                   " laddr=", session.local_address, " fd=", session.fd(),
                   " name=", session.name());
  absl::StrAppend(
      &line, " age=", (now_ms - session.created_ms) / 1000, " idle=",
      std::max<int64_t>(0, now_ms - number(session.last_interaction_ms)) / 1000,
      " flags=", Flags(session), " db=", number(session.db));
  absl::StrAppend(&line, " sub=", number(session.subscriptions),
                  " psub=", number(session.pattern_subscriptions),
                  " ssub=", number(session.shard_subscriptions),
                  " multi=", number(session.queued));
  absl::StrAppend(&line, " qbuf=", query, " qbuf-free=", query_free,
                  " argv-mem=", argv, " multi-mem=", queued,
                  " rbs=", reply_buffer, " rbp=", reply_buffer);
  // Replies that wait are one string here: no fixed buffer beside a list.
  absl::StrAppend(&line, " obl=0 oll=", output > 0 ? 1 : 0, " omem=", output,
                  " tot-mem=", total, " events=r");
  absl::StrAppend(
      &line, " cmd=",
      command == nullptr ? "NULL" : absl::string_view(command->full_name),
      " user=", session.user(), " redir=-1 resp=", number(session.protocol),
      " lib-name=", session.library_name(),
      " lib-ver=", session.library_version());
  return line;
}

bool ParseSessionKind(absl::string_view name, SessionKind* kind) {
  static constexpr std::pair<absl::string_view, SessionKind> kNames[] = {
      {"normal", SessionKind::kNormal},
      {"slave", SessionKind::kReplica},
      {"replica", SessionKind::kReplica},
      {"pubsub", SessionKind::kPubsub},
      {"master", SessionKind::kPrimary}};
  for (const auto& [known, value] : kNames) {
    if (!absl::EqualsIgnoreCase(name, known)) continue;
    *kind = value;
    return true;
  }
  return false;
}

void ClientInfo(CommandContext& ctx) {
  NoteArguments(ctx);
  ctx.reply().Verbatim(
      "txt",
      absl::StrCat(DescribeSession(ctx.session(), MonotonicMs(ctx)), "\n"));
}

void ClientList(CommandContext& ctx) {
  NoteArguments(ctx);
  if (ctx.argc() == 2)
    return ReplyWithLines(ctx, ctx.engine().sessions().All());
  std::vector<std::shared_ptr<Session>> wanted;
  if (ctx.argc() == 4 && ctx.ArgIs(2, "TYPE")) {
    SessionKind kind = SessionKind::kNormal;
    if (!ParseSessionKind(ctx.arg(3), &kind)) {
      return ctx.Error(
          absl::StrCat("ERR Unknown client type '", ctx.arg(3), "'"));
    }
    for (auto& session : ctx.engine().sessions().All()) {
      if (session->kind.load(std::memory_order_relaxed) == kind)
        wanted.push_back(std::move(session));
    }
  } else if (ctx.argc() > 3 && ctx.ArgIs(2, "ID")) {
    for (size_t i = 3; i < ctx.argc(); ++i) {
      int64_t id = 0;
      if (!ctx.IntArg(i, &id, "ERR Invalid client ID")) return;
      auto session =
          id > 0 ? ctx.engine().sessions().Find(static_cast<uint64_t>(id))
                 : nullptr;
      if (session != nullptr) wanted.push_back(std::move(session));
    }
  } else {
    return ctx.Error(errors::kSyntax);
  }
  ReplyWithLines(ctx, wanted);
}

void ClientKill(CommandContext& ctx) {
  KillFilter filter;
  const bool old_form = ctx.argc() == 3;
  if (old_form) {
    filter.address = ctx.arg(2);
    filter.skip_me = false;
  } else if (!ParseKillFilter(ctx, &filter)) {
    return;
  }
  int64_t killed = 0;
  for (const auto& session : ctx.engine().sessions().All()) {
    const bool me = session.get() == &ctx.session();
    if (session->killed() || (me && filter.skip_me) ||
        !filter.Matches(*session))
      continue;
    if (me) {
      session->own.close_after_reply = true;
      session->closing.store(true, std::memory_order_relaxed);
    } else {
      session->Kill();
    }
    ++killed;
  }
  // One that waits in CLIENT PAUSE is to notice.
  if (killed > 0) ctx.engine().pause().WakeAll();
  if (!old_form) return ctx.reply().Integer(killed);
  if (killed == 0) return ctx.Error("ERR No such client");
  ctx.Ok();
}

}  // namespace holdfast::server
