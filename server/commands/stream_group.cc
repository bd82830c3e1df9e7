// Consumer groups: XGROUP, XACK, XPENDING.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/commands/object_help.h"
#include "server/commands/stream_handlers.h"
#include "server/commands/stream_shared.h"

namespace holdfast::server {
namespace {

// --- XGROUP. None of these but MKSTREAM is seen by watchers of the key, as in
// Redis: CountChange() and not Touched().

struct GroupOptions {
  bool make_stream = false;
  int64_t entries_read = StreamGroup::kEntriesReadUnknown;
};

bool ParseGroupOptions(CommandContext& ctx, bool create,
                       GroupOptions* options) {
  for (size_t i = 5; i < ctx.argc(); ++i) {
    if (create && ctx.ArgIs(i, "MKSTREAM")) {
      options->make_stream = true;
    } else if (ctx.ArgIs(i, "ENTRIESREAD") && i + 1 < ctx.argc()) {
      if (!ctx.IntArg(++i, &options->entries_read)) return false;
      if (options->entries_read < StreamGroup::kEntriesReadUnknown) {
        ctx.Error("ERR value for ENTRIESREAD must be positive or -1");
        return false;
      }
    } else {
      StreamSubcommandError(ctx);
      return false;
    }
  }
  return true;
}

// The stream that is argument 2.
bool FindStream(CommandContext& ctx, Db& db, Stream** stream) {
  if (!FindForChange(ctx, db, ctx.arg(2), stream)) return false;
  if (*stream != nullptr) return true;
  ctx.Error(
      "ERR The XGROUP subcommand requires the key to exist. Note that for "
      "CREATE you may want to use the MKSTREAM option to create an empty "
      "stream automatically.");
  return false;
}

// And its group, argument 3.
bool FindGroup(CommandContext& ctx, Db& db, Stream** stream,
               StreamGroup** group) {
  if (!FindStream(ctx, db, stream)) return false;
  *group = (*stream)->FindGroup(ctx.arg(3));
  if (*group != nullptr) return true;
  ctx.Error(absl::StrCat("NOGROUP No such consumer group '",
                         Printed(ctx.arg(3)), "' for key name '",
                         Printed(ctx.arg(2)), "'"));
  return false;
}

}  // namespace

void XGroupCreateCommand(CommandContext& ctx) {
  constexpr size_t kMostArgs = 8;
  GroupOptions options;
  if (!ParseGroupOptions(ctx, /*create=*/true, &options)) return;
  const absl::string_view key = ctx.arg(2);
  Db db = ctx.db();
  Stream* stream;
  if (options.make_stream ? !FindForChange(ctx, db, key, &stream)
                          : !FindStream(ctx, db, &stream))
    return;
  if (ctx.argc() > kMostArgs) return StreamSubcommandError(ctx);
  StreamId id;
  if (Printed(ctx.arg(4)) == "$") {
    if (stream != nullptr) id = stream->meta().last_id;
  } else if (!StreamIdArg(ctx, 4, &id)) {
    return;
  }
  const bool is_new = stream == nullptr;
  if (is_new) stream = Create<Stream>(db, key);
  if (stream->CreateGroup(ctx.arg(3), id, options.entries_read) == nullptr)
    return ctx.Error("BUSYGROUP Consumer Group name already exists");
  ctx.Ok();
  if (is_new) {
    db.Touched(key);
  } else {
    ctx.unit().CountChange();
  }
  ctx.Notify(kEventStream, "xgroup-create", key);
}

void XGroupSetIdCommand(CommandContext& ctx) {
  GroupOptions options;
  if (!ParseGroupOptions(ctx, /*create=*/false, &options)) return;
  Db db = ctx.db();
  Stream* stream;
  StreamGroup* group;
  if (!FindGroup(ctx, db, &stream, &group)) return;
  if (ctx.argc() != 5 && ctx.argc() != 7) return StreamSubcommandError(ctx);
  StreamId id;
  if (Printed(ctx.arg(4)) == "$") {
    id = stream->meta().last_id;
  } else if (!ParseStreamIdOrEnd(ctx.arg(4), 0, &id)) {
    StreamIdArg(ctx, 4, &id);  // For its text.
    return;
  }
  group->last_id = id;
  group->entries_read = options.entries_read;
  ctx.Ok();
  ctx.unit().CountChange();
  ctx.Notify(kEventStream, "xgroup-setid", ctx.arg(2));
}

void XGroupDestroyCommand(CommandContext& ctx) {
  const absl::string_view key = ctx.arg(2);
  Db db = ctx.db();
  Stream* stream;
  if (!FindStream(ctx, db, &stream)) return;
  if (!stream->DestroyGroup(ctx.arg(3))) return ctx.reply().Integer(0);
  ctx.reply().Integer(1);
  ctx.unit().CountChange();
  ctx.Notify(kEventStream, "xgroup-destroy", key);
  db.WakeWaiters(key);  // XREADGROUP learns that there is no group any more.
}

void XGroupCreateConsumerCommand(CommandContext& ctx) {
  Db db = ctx.db();
  Stream* stream;
  StreamGroup* group;
  if (!FindGroup(ctx, db, &stream, &group)) return;
  const bool created =
      group->CreateConsumer(ctx.arg(4), ctx.now_ms()) != nullptr;
  if (created) {
    ctx.unit().CountChange();
    ctx.Notify(kEventStream, "xgroup-createconsumer", ctx.arg(2));
  }
  ctx.reply().Integer(created ? 1 : 0);
}

void XGroupDelConsumerCommand(CommandContext& ctx) {
  Db db = ctx.db();
  Stream* stream;
  StreamGroup* group;
  if (!FindGroup(ctx, db, &stream, &group)) return;
  StreamConsumer* consumer = group->FindConsumer(ctx.arg(4));
  if (consumer == nullptr) return ctx.reply().Integer(0);
  ctx.reply().Integer(static_cast<int64_t>(consumer->pending().size()));
  group->DeleteConsumer(consumer);
  ctx.unit().CountChange();
  ctx.Notify(kEventStream, "xgroup-delconsumer", ctx.arg(2));
}

void XGroupHelpCommand(CommandContext& ctx) {
  ReplyWithHelp(
      ctx, {"CREATE <key> <groupname> <id|$> [option]",
            "    Make a consumer group that reads what comes behind the id.",
            "    Options:", "    * MKSTREAM",
            "      Make an empty stream if there is none.",
            "    * ENTRIESREAD entries_read",
            "      How many entries it has read (for replicas).",
            "CREATECONSUMER <key> <groupname> <consumer>",
            "    Make a consumer in the group.",
            "DELCONSUMER <key> <groupname> <consumer>",
            "    Delete a consumer and what is pending for it.",
            "DESTROY <key> <groupname>", "    Delete the group.",
            "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
            "    Have the group read on behind another id."});
}

// --- What is pending ---

void XAckCommand(CommandContext& ctx) {
  Db db = ctx.db();
  Stream* stream;
  if (!FindForChange(ctx, db, ctx.arg(1), &stream)) return;
  StreamGroup* group =
      stream == nullptr ? nullptr : stream->FindGroup(ctx.arg(2));
  if (group == nullptr) return ctx.reply().Integer(0);
  std::vector<StreamId> ids;
  if (!StreamIdArgs(ctx, 3, ctx.argc(), &ids)) return;
  int64_t acknowledged = 0;
  for (const StreamId& id : ids) acknowledged += group->Acknowledge(id) ? 1 : 0;
  ctx.unit().CountChange(acknowledged);
  ctx.reply().Integer(acknowledged);
}

namespace {

struct PendingQuery {
  bool extended = false;
  int64_t min_idle_ms = 0;
  StreamId start;
  StreamId end;
  uint64_t count = 0;
  size_t consumer_arg = 0;  // 0: all consumers.
};

bool ParsePendingQuery(CommandContext& ctx, PendingQuery* query) {
  if (ctx.argc() == 3) return true;
  if (ctx.argc() < 6 || ctx.argc() > 9) {
    ctx.Error(errors::kSyntax);
    return false;
  }
  query->extended = true;
  size_t first = 3;
  if (ctx.ArgIs(3, "IDLE")) {
    if (!ctx.IntArg(4, &query->min_idle_ms)) return false;
    if (ctx.argc() < 8) {
      ctx.Error(errors::kSyntax);
      return false;
    }
    first = 5;
  }
  int64_t count;
  if (!ctx.IntArg(first + 2, &count)) return false;
  query->count = static_cast<uint64_t>(std::max<int64_t>(count, 0));
  if (!StreamStartArg(ctx, first, &query->start) ||
      !StreamEndArg(ctx, first + 1, &query->end))
    return false;
  if (ctx.argc() > first + 3) query->consumer_arg = first + 3;
  return true;
}

void ReplyPendingSummary(net::ReplyWriter& reply, const StreamGroup& group) {
  const StreamGroup::Pending& pending = group.pending();
  reply.ArrayHeader(4);
  reply.Integer(static_cast<int64_t>(pending.size()));
  if (pending.empty()) {
    reply.Null();
    reply.Null();
    return reply.NullArray();
  }
  ReplyStreamId(reply, pending.begin()->first);
  ReplyStreamId(reply, pending.rbegin()->first);
  const size_t mark = reply.BeginDeferred();
  size_t consumers = 0;
  for (const auto& consumer : group.consumers()) {
    if (consumer->pending().empty()) continue;
    reply.ArrayHeader(2);
    reply.Bulk(consumer->name());
    reply.BulkInteger(static_cast<int64_t>(consumer->pending().size()));
    ++consumers;
  }
  reply.EndDeferredArray(mark, consumers);
}

void ReplyPending(net::ReplyWriter& reply, const StreamGroup& group,
                  const StreamConsumer* consumer, const PendingQuery& query,
                  int64_t now_ms) {
  const size_t mark = reply.BeginDeferred();
  uint64_t shown = 0;
  const auto show = [&](const StreamId& id, const StreamPending& pending) {
    const int64_t idle = StreamIdleMs(now_ms, pending.delivery_time_ms);
    if (query.min_idle_ms != 0 && idle < query.min_idle_ms) return;
    ++shown;
    reply.ArrayHeader(4);
    ReplyStreamId(reply, id);
    reply.Bulk(pending.consumer->name());
    reply.Integer(std::max<int64_t>(idle, 0));
    reply.Integer(static_cast<int64_t>(pending.delivery_count));
  };
  const StreamGroup::Pending& all = group.pending();
  if (consumer != nullptr) {
    const auto& ids = consumer->pending();
    for (auto at = ids.lower_bound(query.start);
         at != ids.end() && *at <= query.end && shown < query.count; ++at)
      show(*at, all.find(*at)->second);
  } else {
    for (auto at = all.lower_bound(query.start);
         at != all.end() && at->first <= query.end && shown < query.count; ++at)
      show(at->first, at->second);
  }
  reply.EndDeferredArray(mark, shown);
}

}  // namespace

void XPendingCommand(CommandContext& ctx) {
  PendingQuery query;
  if (!ParsePendingQuery(ctx, &query)) return;
  Db db = ctx.db();
  const Stream* stream;
  if (!FindAs(ctx, db, ctx.arg(1), &stream)) return;
  const StreamGroup* group =
      stream == nullptr ? nullptr : stream->FindGroup(ctx.arg(2));
  if (group == nullptr) {
    return ctx.Error(absl::StrCat("NOGROUP No such key '", Printed(ctx.arg(1)),
                                  "' or consumer group '", Printed(ctx.arg(2)),
                                  "'"));
  }
  if (!query.extended) return ReplyPendingSummary(ctx.reply(), *group);
  const StreamConsumer* consumer = nullptr;
  if (query.consumer_arg != 0) {
    consumer = group->FindConsumer(ctx.arg(query.consumer_arg));
    if (consumer == nullptr) return ctx.reply().ArrayHeader(0);
  }
  ReplyPending(ctx.reply(), *group, consumer, query, ctx.now_ms());
}

}  // namespace holdfast::server
