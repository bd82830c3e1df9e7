// XINFO.

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/commands/object_help.h"
#include "server/commands/stream_handlers.h"
#include "server/commands/stream_shared.h"

namespace holdfast::server {
namespace {

void Field(net::ReplyWriter& reply, absl::string_view name, uint64_t value) {
  reply.Bulk(name);
  reply.Integer(static_cast<int64_t>(value));
}
void Field(net::ReplyWriter& reply, absl::string_view name,
           const StreamId& id) {
  reply.Bulk(name);
  ReplyStreamId(reply, id);
}

// The stream that is argument 2.
bool FindStream(CommandContext& ctx, Db& db, const Stream** stream) {
  if (!FindAs(ctx, db, ctx.arg(2), stream)) return false;
  if (*stream == nullptr) ctx.Error(errors::kNoSuchKey);
  return *stream != nullptr;
}

void ReplyGroupProgress(net::ReplyWriter& reply, const Stream& stream,
                        const StreamGroup& group) {
  Field(reply, "last-delivered-id", group.last_id);
  reply.Bulk("entries-read");
  if (group.entries_read == StreamGroup::kEntriesReadUnknown) {
    reply.Null();
  } else {
    reply.Integer(group.entries_read);
  }
  reply.Bulk("lag");
  int64_t lag;
  if (stream.Lag(group, &lag)) {
    reply.Integer(lag);
  } else {
    reply.Null();
  }
}

// At most `count` of what is pending, unless that is 0. `show(id, pending)`.
template <typename Ids, typename Show>
void ReplyPendingList(net::ReplyWriter& reply, const Ids& ids, size_t count,
                      Show show) {
  const size_t shown = count == 0 ? ids.size() : std::min(count, ids.size());
  reply.Bulk("pending");
  reply.ArrayHeader(shown);
  auto at = ids.begin();
  for (size_t i = 0; i < shown; ++i, ++at) show(*at);
}

void ReplyConsumer(net::ReplyWriter& reply, const StreamGroup& group,
                   const StreamConsumer& consumer, size_t count) {
  reply.MapHeader(4);
  reply.Bulk("name");
  reply.Bulk(consumer.name());
  reply.Bulk("seen-time");
  reply.Integer(consumer.seen_time_ms);
  Field(reply, "pel-count", consumer.pending().size());
  ReplyPendingList(reply, consumer.pending(), count, [&](const StreamId& id) {
    const StreamPending& pending = group.pending().find(id)->second;
    reply.ArrayHeader(3);
    ReplyStreamId(reply, id);
    reply.Integer(pending.delivery_time_ms);
    reply.Integer(static_cast<int64_t>(pending.delivery_count));
  });
}

void ReplyGroup(net::ReplyWriter& reply, const Stream& stream,
                const StreamGroup& group, size_t count) {
  reply.MapHeader(7);
  reply.Bulk("name");
  reply.Bulk(group.name());
  ReplyGroupProgress(reply, stream, group);
  Field(reply, "pel-count", group.pending().size());
  ReplyPendingList(
      reply, group.pending(), count,
      [&](const StreamGroup::Pending::value_type& item) {
        reply.ArrayHeader(4);
        ReplyStreamId(reply, item.first);
        reply.Bulk(item.second.consumer->name());
        reply.Integer(item.second.delivery_time_ms);
        reply.Integer(static_cast<int64_t>(item.second.delivery_count));
      });
  reply.Bulk("consumers");
  reply.ArrayHeader(group.consumers().size());
  for (const auto& consumer : group.consumers())
    ReplyConsumer(reply, group, *consumer, count);
}

void ReplyEdgeEntry(net::ReplyWriter& reply, const Stream& stream, bool last) {
  const size_t found = stream.Range(StreamId::Min(), StreamId::Max(), last, 1,
                                    [&reply](const StreamEntry& entry) {
                                      ReplyStreamEntry(reply, entry);
                                      return true;
                                    });
  if (found == 0) reply.Null();
}

// FULL, or FULL COUNT n.
bool ParseFull(CommandContext& ctx, bool* full, size_t* count) {
  constexpr int64_t kDefault = 10;
  *full = ctx.argc() > 3;
  if (!*full) return true;
  const bool counted = ctx.argc() == 6;
  if ((ctx.argc() != 4 && !counted) || !ctx.ArgIs(3, "FULL") ||
      (counted && !ctx.ArgIs(4, "COUNT"))) {
    StreamSubcommandError(ctx);
    return false;
  }
  int64_t value = kDefault;
  if (counted && !ctx.IntArg(5, &value)) return false;
  *count = static_cast<size_t>(value < 0 ? kDefault : value);
  return true;
}

}  // namespace

void XInfoStreamCommand(CommandContext& ctx) {
  Db db = ctx.db();
  const Stream* stream;
  if (!FindStream(ctx, db, &stream)) return;
  bool full;
  size_t count = 0;
  if (!ParseFull(ctx, &full, &count)) return;
  net::ReplyWriter& reply = ctx.reply();
  const StreamMeta& meta = stream->meta();
  reply.MapHeader(full ? 9 : 10);
  Field(reply, "length", meta.length);
  Field(reply, "radix-tree-keys", stream->nodes().size());
  // There is no radix tree: what one has at least.
  Field(reply, "radix-tree-nodes", stream->nodes().size() + 1);
  Field(reply, "last-generated-id", meta.last_id);
  Field(reply, "max-deleted-entry-id", meta.max_deleted_id);
  Field(reply, "entries-added", meta.entries_added);
  Field(reply, "recorded-first-entry-id", meta.first_id);
  if (full) {
    reply.Bulk("entries");
    ReplyStreamRange(reply, *stream, StreamId::Min(), StreamId::Max(), false,
                     count);
    reply.Bulk("groups");
    reply.ArrayHeader(stream->groups().size());
    for (const auto& group : stream->groups())
      ReplyGroup(reply, *stream, *group, count);
    return;
  }
  Field(reply, "groups", stream->groups().size());
  reply.Bulk("first-entry");
  ReplyEdgeEntry(reply, *stream, /*last=*/false);
  reply.Bulk("last-entry");
  ReplyEdgeEntry(reply, *stream, /*last=*/true);
}

void XInfoGroupsCommand(CommandContext& ctx) {
  Db db = ctx.db();
  const Stream* stream;
  if (!FindStream(ctx, db, &stream)) return;
  net::ReplyWriter& reply = ctx.reply();
  reply.ArrayHeader(stream->groups().size());
  for (const auto& group : stream->groups()) {
    reply.MapHeader(6);
    reply.Bulk("name");
    reply.Bulk(group->name());
    Field(reply, "consumers", group->consumers().size());
    Field(reply, "pending", group->pending().size());
    ReplyGroupProgress(reply, *stream, *group);
  }
}

void XInfoConsumersCommand(CommandContext& ctx) {
  Db db = ctx.db();
  const Stream* stream;
  if (!FindStream(ctx, db, &stream)) return;
  const StreamGroup* group = stream->FindGroup(ctx.arg(3));
  if (group == nullptr) {
    return ctx.Error(absl::StrCat("NOGROUP No such consumer group '",
                                  Printed(ctx.arg(3)), "' for key name '",
                                  Printed(ctx.arg(2)), "'"));
  }
  net::ReplyWriter& reply = ctx.reply();
  reply.ArrayHeader(group->consumers().size());
  for (const auto& consumer : group->consumers()) {
    reply.MapHeader(3);
    reply.Bulk("name");
    reply.Bulk(consumer->name());
    Field(reply, "pending", consumer->pending().size());
    reply.Bulk("idle");
    reply.Integer(std::max<int64_t>(
        StreamIdleMs(ctx.now_ms(), consumer->seen_time_ms), 0));
  }
}

void XInfoHelpCommand(CommandContext& ctx) {
  ReplyWithHelp(ctx, {"CONSUMERS <key> <groupname>",
                      "    Tell of the consumers of a group.", "GROUPS <key>",
                      "    Tell of the groups of a stream.",
                      "STREAM <key> [FULL [COUNT <count>]",
                      "    Tell of a stream, or of all that is in it."});
}

}  // namespace holdfast::server
