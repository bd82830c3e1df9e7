// XREAD and XREADGROUP: what is new in several streams, at once or when there
// is something.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/command/blocked.h"
#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/commands/stream_handlers.h"
#include "server/commands/stream_shared.h"
#include "server/engine/engine.h"

namespace holdfast::server {
namespace {

// What a client that has waited without COUNT gets at most.
constexpr size_t kWaitingCount = 1000;
// Stands for ">": what is new to the group. No entry is above it.
constexpr StreamId kNewToGroup = StreamId::Max();

struct ReadArgs {
  bool for_group = false;
  std::string group;
  std::string consumer;
  bool no_ack = false;
  size_t count = 0;  // 0: all.
  bool blocks = false;
  absl::Duration timeout;
  size_t first_key = 0;
  size_t keys = 0;
};

bool ParseTimeout(CommandContext& ctx, size_t i, absl::Duration* timeout) {
  int64_t ms;
  if (!ctx.IntArg(i, &ms, "ERR timeout is not an integer or out of range"))
    return false;
  if (ms < 0) {
    ctx.Error("ERR timeout is negative");
    return false;
  }
  if (ms > std::numeric_limits<int64_t>::max() - ctx.now_ms()) {
    ctx.Error("ERR timeout is out of range");
    return false;
  }
  *timeout = absl::Milliseconds(ms);
  return true;
}

bool ParseReadArgs(CommandContext& ctx, ReadArgs* read) {
  bool group_given = false;
  for (size_t i = 1; i < ctx.argc() && read->first_key == 0; ++i) {
    const size_t more = ctx.argc() - i - 1;
    if (more > 0 && ctx.ArgIs(i, "BLOCK")) {
      if (!ParseTimeout(ctx, ++i, &read->timeout)) return false;
      read->blocks = true;
    } else if (more > 0 && ctx.ArgIs(i, "COUNT")) {
      int64_t count;
      if (!ctx.IntArg(++i, &count)) return false;
      read->count = static_cast<size_t>(std::max<int64_t>(count, 0));
    } else if (more > 0 && ctx.ArgIs(i, "STREAMS")) {
      if (more % 2 != 0) {
        ctx.Error(
            "ERR Unbalanced XREAD list of streams: for each stream key an ID "
            "or '$' must be specified.");
        return false;
      }
      read->first_key = i + 1;
      read->keys = more / 2;
    } else if (more > 1 && ctx.ArgIs(i, "GROUP")) {
      if (!read->for_group) {
        ctx.Error(
            "ERR The GROUP option is only supported by XREADGROUP. You called "
            "XREAD instead.");
        return false;
      }
      group_given = true;
      read->group = std::string(ctx.arg(i + 1));
      read->consumer = std::string(ctx.arg(i + 2));
      i += 2;
    } else if (ctx.ArgIs(i, "NOACK")) {
      if (!read->for_group) {
        ctx.Error(
            "ERR The NOACK option is only supported by XREADGROUP. You called "
            "XREAD instead.");
        return false;
      }
      read->no_ack = true;
    } else {
      ctx.Error(errors::kSyntax);
      return false;
    }
  }
  if (read->first_key == 0) {
    ctx.Error(errors::kSyntax);
    return false;
  }
  if (read->for_group && !group_given) {
    ctx.Error("ERR Missing GROUP option for XREADGROUP");
    return false;
  }
  return true;
}

// Looks at all streams before anything is done with one. ids[i]: what is wanted
// of stream i comes behind it.
bool ParseIds(CommandContext& ctx, const ReadArgs& read,
              std::vector<StreamId>* ids) {
  Db db = ctx.db();
  ids->resize(read.keys);
  for (size_t i = 0; i < read.keys; ++i) {
    const absl::string_view key = ctx.arg(read.first_key + i);
    const size_t id_arg = read.first_key + read.keys + i;
    StreamId& id = (*ids)[i];
    const Stream* stream;
    if (!FindAs(ctx, db, key, &stream)) return false;
    if (read.for_group &&
        (stream == nullptr || stream->FindGroup(read.group) == nullptr)) {
      ctx.Error(absl::StrCat("NOGROUP No such key '", Printed(key),
                             "' or consumer group '", Printed(read.group),
                             "' in XREADGROUP with GROUP option"));
      return false;
    }
    if (Printed(ctx.arg(id_arg)) == "$") {
      if (read.for_group) {
        ctx.Error(
            "ERR The $ ID is meaningless in the context of XREADGROUP: you "
            "want to read the history of this consumer by specifying a proper "
            "ID, or use the > ID to get new messages. The $ ID would just "
            "return an empty result set.");
        return false;
      }
      id = stream == nullptr ? StreamId::Min() : stream->meta().last_id;
    } else if (Printed(ctx.arg(id_arg)) == ">") {
      if (!read.for_group) {
        ctx.Error(
            "ERR The > ID can be specified only when calling XREADGROUP using "
            "the GROUP <group> <consumer> option.");
        return false;
      }
      id = kNewToGroup;
    } else if (!StreamIdArg(ctx, id_arg, &id)) {
      return false;
    }
  }
  return true;
}

// One stream of the answer.
void ReplyKey(CommandContext& ctx, absl::string_view key) {
  if (!ctx.reply().resp3()) ctx.reply().ArrayHeader(2);
  ctx.reply().Bulk(key);
}

// Gives what is new to the group to the consumer, and tells the log.
void DeliverNew(CommandContext& ctx, absl::string_view key, Stream* stream,
                StreamGroup* group, absl::string_view name, bool no_ack,
                size_t count) {
  bool created;
  StreamConsumer* consumer = SeeConsumer(ctx, key, group, name, &created);
  // Otherwise what it gets makes it known.
  if (created && no_ack) EffectConsumer(ctx, key, *group, name);
  net::ReplyWriter& reply = ctx.reply();
  const size_t mark = reply.BeginDeferred();
  const size_t delivered = stream->DeliverNew(
      group, consumer, count, no_ack, ctx.now_ms(),
      [&](const StreamEntry& entry, const StreamPending* pending) {
        ReplyStreamEntry(reply, entry);
        if (pending != nullptr)
          EffectClaim(ctx, key, *group, entry.id(), *pending);
      });
  reply.EndDeferredArray(mark, delivered);
  // XCLAIM moves the group's last id, but does not count what was read; Redis
  // 7.0 leaves its replicas without that (mended in 7.4).
  if (delivered > 0) EffectGroupId(ctx, key, *group);
}

// What the consumer was given and has not acknowledged.
void DeliverAgain(CommandContext& ctx, absl::string_view key, Stream* stream,
                  StreamGroup* group, absl::string_view name,
                  const StreamId& start, size_t count) {
  bool created;
  StreamConsumer* consumer = SeeConsumer(ctx, key, group, name, &created);
  if (created) EffectConsumer(ctx, key, *group, name);
  net::ReplyWriter& reply = ctx.reply();
  const size_t mark = reply.BeginDeferred();
  const size_t delivered =
      stream->DeliverAgain(group, consumer, start, count, ctx.now_ms(),
                           [&](const StreamId& id, const StreamEntry* entry) {
                             if (entry != nullptr)
                               return ReplyStreamEntry(reply, *entry);
                             reply.ArrayHeader(2);
                             ReplyStreamId(reply, id);
                             reply.NullArray();
                           });
  reply.EndDeferredArray(mark, delivered);
}

bool HasEntryBehind(const Stream& stream, const StreamId& id) {
  return !stream.empty() && stream.LastEntryId() > id;
}

void ReplyBehind(CommandContext& ctx, const Stream& stream, StreamId id,
                 size_t count) {
  id.Increment();  // There is an entry behind it.
  ReplyStreamRange(ctx.reply(), stream, id, StreamId::Max(), false, count);
}

// One stream, if it has something: replies, and returns true.
bool ReadNow(CommandContext& ctx, const ReadArgs& read, absl::string_view key,
             StreamId id) {
  Db db = ctx.db();
  if (!read.for_group) {
    const Entry* entry = db.Find(key, Db::kNoStats);
    if (entry == nullptr || !HasEntryBehind(*entry->As<Stream>(), id))
      return false;
    ReplyKey(ctx, key);
    ReplyBehind(ctx, *entry->As<Stream>(), id, read.count);
    return true;
  }
  Entry* entry = db.FindForWrite(key);
  if (entry == nullptr) return false;
  const auto* seen = entry->As<Stream>();
  if (id == kNewToGroup &&
      !HasEntryBehind(*seen, seen->FindGroup(read.group)->last_id))
    return false;
  auto* stream = db.storage().ChangeObject<Stream>(entry);
  StreamGroup* group = stream->FindGroup(read.group);
  ReplyKey(ctx, key);
  if (id == kNewToGroup) {
    DeliverNew(ctx, key, stream, group, read.consumer, read.no_ack, read.count);
  } else {
    id.Increment();
    DeliverAgain(ctx, key, stream, group, read.consumer, id, read.count);
  }
  ctx.unit().CountChange();
  return true;
}

// The same for a client that waits, which also learns that there is nothing
// more to wait for.
void ReplyOneKey(CommandContext& ctx, absl::string_view key) {
  if (ctx.reply().resp3()) {
    ctx.reply().MapHeader(1);
  } else {
    ctx.reply().ArrayHeader(1);
  }
  ReplyKey(ctx, key);
}

bool ServeReader(CommandContext& ctx, absl::string_view key, const StreamId& id,
                 size_t count) {
  Db db = ctx.db();
  const Entry* entry = db.Find(key, Db::kNoStats);
  if (entry == nullptr || entry->type() != ValueType::kStream) return false;
  const auto& stream = *entry->As<Stream>();
  if (!HasEntryBehind(stream, id)) return false;
  ReplyOneKey(ctx, key);
  ReplyBehind(ctx, stream, id, count);
  return true;
}

bool ServeGroupReader(CommandContext& ctx, absl::string_view key,
                      const ReadArgs& read) {
  Db db = ctx.db();
  Entry* entry = db.FindForWrite(key);
  if (entry == nullptr || entry->type() != ValueType::kStream) {
    ctx.Error("UNBLOCKED the stream key no longer exists");
    return true;
  }
  const auto* seen = entry->As<Stream>();
  if (seen->FindGroup(read.group) == nullptr) {
    ctx.Error(
        "NOGROUP the consumer group this client was blocked on no longer "
        "exists");
    return true;
  }
  if (!HasEntryBehind(*seen, seen->FindGroup(read.group)->last_id))
    return false;
  auto* stream = db.storage().ChangeObject<Stream>(entry);
  ReplyOneKey(ctx, key);
  DeliverNew(ctx, key, stream, stream->FindGroup(read.group), read.consumer,
             read.no_ack, read.count);
  return true;
}

bool Block(CommandContext& ctx, ReadArgs read,
           const std::vector<StreamId>& ids) {
  BlockedClient::Request request;
  request.timeout = read.timeout;
  // The first id counts where a key is named twice.
  absl::flat_hash_map<std::string, StreamId> behind;
  for (size_t i = 0; i < read.keys; ++i) {
    request.keys.emplace_back(ctx.arg(read.first_key + i));
    if (!read.for_group) behind.try_emplace(request.keys.back(), ids[i]);
  }
  if (read.count == 0) read.count = kWaitingCount;
  request.on_timeout = [](net::ReplyWriter* reply) { reply->NullArray(); };
  if (read.for_group) {
    request.serves_missing_keys = true;
    request.serve = [read = std::move(read)](CommandContext& waiting,
                                             absl::string_view key) {
      return ServeGroupReader(waiting, key, read);
    };
  } else {
    request.serve = [behind = std::move(behind), count = read.count](
                        CommandContext& waiting, absl::string_view key) {
      return ServeReader(waiting, key, behind.find(key)->second, count);
    };
  }
  return BlockedClient::Block(ctx, std::move(request));
}

void Read(CommandContext& ctx, bool for_group) {
  ReadArgs read;
  read.for_group = for_group;
  if (!ParseReadArgs(ctx, &read)) return;
  std::vector<StreamId> ids;
  if (!ParseIds(ctx, read, &ids)) return;
  // What comes of it is told the log piece by piece.
  ctx.SuppressEffect();
  const size_t mark = ctx.reply().BeginDeferred();
  size_t served = 0;
  for (size_t i = 0; i < read.keys; ++i) {
    if (ReadNow(ctx, read, ctx.arg(read.first_key + i), ids[i])) ++served;
  }
  if (served > 0) {
    if (ctx.reply().resp3()) return ctx.reply().EndDeferredMap(mark, served);
    return ctx.reply().EndDeferredArray(mark, served);
  }
  if (read.blocks && Block(ctx, std::move(read), ids)) return;
  ctx.reply().NullArray();
}

}  // namespace

void XReadCommand(CommandContext& ctx) { Read(ctx, false); }
void XReadGroupCommand(CommandContext& ctx) { Read(ctx, true); }

}  // namespace holdfast::server
