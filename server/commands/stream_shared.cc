#include "server/commands/stream_shared.h"

#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace holdfast::server {
namespace {

constexpr absl::string_view kInvalidId =
    "ERR Invalid stream ID specified as stream command argument";

}  // namespace

bool StreamIdArg(CommandContext& ctx, size_t i, StreamId* id) {
  if (ParseStreamId(ctx.arg(i), 0, id)) return true;
  ctx.Error(kInvalidId);
  return false;
}

bool StreamIdArgs(CommandContext& ctx, size_t first, size_t end,
                  std::vector<StreamId>* ids) {
  ids->resize(end - first);
  for (size_t i = first; i < end; ++i) {
    if (!StreamIdArg(ctx, i, &(*ids)[i - first])) return false;
  }
  return true;
}

bool StreamStartArg(CommandContext& ctx, size_t i, StreamId* start) {
  bool exclusive;
  if (!ParseStreamRangeEnd(ctx.arg(i), 0, start, &exclusive)) {
    ctx.Error(kInvalidId);
    return false;
  }
  if (!exclusive || start->Increment()) return true;
  ctx.Error("ERR invalid start ID for the interval");
  return false;
}

bool StreamEndArg(CommandContext& ctx, size_t i, StreamId* end) {
  bool exclusive;
  if (!ParseStreamRangeEnd(ctx.arg(i), UINT64_MAX, end, &exclusive)) {
    ctx.Error(kInvalidId);
    return false;
  }
  if (!exclusive || end->Decrement()) return true;
  ctx.Error("ERR invalid end ID for the interval");
  return false;
}

absl::string_view Printed(absl::string_view word) {
  return word.substr(0, word.find('\0'));
}

void StreamSubcommandError(CommandContext& ctx) {
  constexpr size_t kShown = 128;
  ctx.Error(
      absl::StrCat("ERR unknown subcommand or wrong number of arguments "
                   "for '",
                   Printed(ctx.arg(1)).substr(0, kShown), "'. Try ",
                   absl::AsciiStrToUpper(Printed(ctx.arg(0))), " HELP."));
}

void ReplyStreamId(net::ReplyWriter& reply, const StreamId& id) {
  reply.Bulk(id.ToString());
}

void ReplyStreamEntry(net::ReplyWriter& reply, const StreamEntry& entry) {
  reply.ArrayHeader(2);
  ReplyStreamId(reply, entry.id());
  reply.ArrayHeader(2 * entry.field_count());
  entry.ForEachField(
      [&reply](absl::string_view field, absl::string_view value) {
        reply.Bulk(field);
        reply.Bulk(value);
      });
}

void ReplyStreamRange(net::ReplyWriter& reply, const Stream& stream,
                      const StreamId& start, const StreamId& end, bool reverse,
                      size_t count) {
  const size_t mark = reply.BeginDeferred();
  reply.EndDeferredArray(mark, stream.Range(start, end, reverse, count,
                                            [&reply](const StreamEntry& entry) {
                                              ReplyStreamEntry(reply, entry);
                                              return true;
                                            }));
}

int64_t StreamIdleMs(int64_t now_ms, int64_t then_ms) {
  int64_t idle;
  if (!__builtin_sub_overflow(now_ms, then_ms, &idle)) return idle;
  return then_ms < 0 ? std::numeric_limits<int64_t>::max()
                     : std::numeric_limits<int64_t>::min();
}

StreamConsumer* SeeConsumer(CommandContext& ctx, absl::string_view key,
                            StreamGroup* group, absl::string_view name,
                            bool* created) {
  StreamConsumer* consumer = group->FindConsumer(name);
  if (created != nullptr) *created = consumer == nullptr;
  if (consumer != nullptr) {
    consumer->seen_time_ms = ctx.now_ms();
    return consumer;
  }
  consumer = group->CreateConsumer(name, ctx.now_ms());
  ctx.unit().CountChange();
  ctx.Notify(kEventStream, "xgroup-createconsumer", key);
  return consumer;
}

void EffectClaim(CommandContext& ctx, absl::string_view key,
                 const StreamGroup& group, const StreamId& id,
                 const StreamPending& pending) {
  if (!ctx.unit().wants_effects()) return ctx.SuppressEffect();
  ctx.ReplaceEffect({"XCLAIM", key, group.name(), pending.consumer->name(), "0",
                     id.ToString(), "TIME",
                     absl::StrCat(pending.delivery_time_ms), "RETRYCOUNT",
                     absl::StrCat(pending.delivery_count), "FORCE", "JUSTID",
                     "LASTID", group.last_id.ToString()});
}

void EffectGroupId(CommandContext& ctx, absl::string_view key,
                   const StreamGroup& group) {
  ctx.ReplaceEffect({"XGROUP", "SETID", key, group.name(),
                     group.last_id.ToString(), "ENTRIESREAD",
                     absl::StrCat(group.entries_read)});
}

void EffectConsumer(CommandContext& ctx, absl::string_view key,
                    const StreamGroup& group, absl::string_view consumer) {
  ctx.ReplaceEffect({"XGROUP", "CREATECONSUMER", key, group.name(), consumer});
}

}  // namespace holdfast::server
