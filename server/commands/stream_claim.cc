// What is pending changes hands: XCLAIM, XAUTOCLAIM.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/commands/stream_handlers.h"
#include "server/commands/stream_shared.h"

namespace holdfast::server {
namespace {

// Claims entries for one consumer, replying each that it gets: the entry, or
// just its id. Replicas are told what became of each. The consumer is made when
// it gets the first one.
class Claimer {
 public:
  Claimer(CommandContext& ctx, Stream* stream, StreamGroup* group,
          const StreamClaim& claim)
      : ctx_(ctx), stream_(*stream), group_(*group), claim_(claim) {}

  Stream::ClaimResult Claim(const StreamId& id) {
    const absl::string_view key = ctx_.arg(1);
    StreamPending pending;
    const Stream::ClaimResult result = stream_.Claim(
        &group_, id, claim_,
        [&] {
          if (consumer_ == nullptr)
            consumer_ = SeeConsumer(ctx_, key, &group_, ctx_.arg(3));
          return consumer_;
        },
        &pending);
    if (result == Stream::ClaimResult::kClaimed) {
      if (claim_.just_id) {
        ReplyStreamId(ctx_.reply(), id);
      } else {
        stream_.Range(id, id, false, 1, [&](const StreamEntry& entry) {
          ReplyStreamEntry(ctx_.reply(), entry);
          return true;
        });
      }
    } else if (result != Stream::ClaimResult::kDeleted) {
      return result;
    }
    EffectClaim(ctx_, key, group_, id, pending);
    ctx_.unit().CountChange();
    return result;
  }

 private:
  CommandContext& ctx_;
  Stream& stream_;
  StreamGroup& group_;
  const StreamClaim claim_;
  StreamConsumer* consumer_ = nullptr;
};

// The stream and group that arguments 1 and 2 name.
bool FindStreamAndGroup(CommandContext& ctx, Db& db, Stream** stream,
                        StreamGroup** group) {
  if (!FindForChange(ctx, db, ctx.arg(1), stream)) return false;
  *group = *stream == nullptr ? nullptr : (*stream)->FindGroup(ctx.arg(2));
  if (*group != nullptr) return true;
  ctx.Error(absl::StrCat("NOGROUP No such key '", Printed(ctx.arg(1)),
                         "' or consumer group '", Printed(ctx.arg(2)), "'"));
  return false;
}

bool MinIdleArg(CommandContext& ctx, absl::string_view error, int64_t* ms) {
  if (!ctx.IntArg(4, ms, error)) return false;
  *ms = std::max<int64_t>(*ms, 0);
  return true;
}

// XCLAIM's, from argument `first` on.
bool ParseClaimOptions(CommandContext& ctx, size_t first, StreamClaim* claim,
                       StreamId* last_id) {
  constexpr int64_t kNotGiven = -1;
  int64_t time = kNotGiven;
  for (size_t i = first; i < ctx.argc(); ++i) {
    const bool has_value = i + 1 < ctx.argc();
    if (ctx.ArgIs(i, "FORCE")) {
      claim->force = true;
    } else if (ctx.ArgIs(i, "JUSTID")) {
      claim->just_id = true;
    } else if (has_value && ctx.ArgIs(i, "IDLE")) {
      int64_t idle;
      if (!ctx.IntArg(++i, &idle,
                      "ERR Invalid IDLE option argument for XCLAIM"))
        return false;
      // Wraps around, and is looked at below.
      time = static_cast<int64_t>(static_cast<uint64_t>(claim->now_ms) -
                                  static_cast<uint64_t>(idle));
    } else if (has_value && ctx.ArgIs(i, "TIME")) {
      if (!ctx.IntArg(++i, &time,
                      "ERR Invalid TIME option argument for XCLAIM"))
        return false;
    } else if (has_value && ctx.ArgIs(i, "RETRYCOUNT")) {
      if (!ctx.IntArg(++i, &claim->retry_count,
                      "ERR Invalid RETRYCOUNT option argument for XCLAIM"))
        return false;
    } else if (has_value && ctx.ArgIs(i, "LASTID")) {
      if (!StreamIdArg(ctx, ++i, last_id)) return false;
    } else {
      ctx.Error(absl::StrCat("ERR Unrecognized XCLAIM option '",
                             Printed(ctx.arg(i)), "'"));
      return false;
    }
  }
  // Clients reckon with clocks of their own: a time that cannot be is now.
  claim->delivery_time_ms =
      time < 0 || time > claim->now_ms ? claim->now_ms : time;
  return true;
}

}  // namespace

void XClaimCommand(CommandContext& ctx) {
  Db db = ctx.db();
  Stream* stream;
  StreamGroup* group;
  if (!FindStreamAndGroup(ctx, db, &stream, &group)) return;
  StreamClaim claim;
  claim.now_ms = ctx.now_ms();
  if (!MinIdleArg(ctx, "ERR Invalid min-idle-time argument for XCLAIM",
                  &claim.min_idle_ms))
    return;
  // What is no id begins the options.
  std::vector<StreamId> ids;
  StreamId id;
  size_t i = 5;
  for (; i < ctx.argc() && ParseStreamId(ctx.arg(i), 0, &id); ++i)
    ids.push_back(id);
  StreamId last_id;
  if (!ParseClaimOptions(ctx, i, &claim, &last_id)) return;

  ctx.SuppressEffect();  // What comes of it is told piece by piece.
  bool tell_last_id = last_id > group->last_id;
  if (tell_last_id) group->last_id = last_id;
  Claimer claimer(ctx, stream, group, claim);
  net::ReplyWriter& reply = ctx.reply();
  const size_t mark = reply.BeginDeferred();
  size_t claimed = 0;
  for (const StreamId& wanted : ids) {
    const Stream::ClaimResult result = claimer.Claim(wanted);
    if (result == Stream::ClaimResult::kClaimed) ++claimed;
    if (result == Stream::ClaimResult::kClaimed ||
        result == Stream::ClaimResult::kDeleted)
      tell_last_id = false;  // It tells of that, too.
  }
  if (tell_last_id) {
    EffectGroupId(ctx, ctx.arg(1), *group);
    ctx.unit().CountChange();
  }
  reply.EndDeferredArray(mark, claimed);
}

void XAutoClaimCommand(CommandContext& ctx) {
  // Of Redis, which has room for that many ids reckoned with.
  constexpr int64_t kMaxCount = std::numeric_limits<int64_t>::max() / 16;
  constexpr int64_t kLooksPerEntry = 10;
  StreamClaim claim;
  claim.now_ms = ctx.now_ms();
  claim.delivery_time_ms = claim.now_ms;
  if (!MinIdleArg(ctx, "ERR Invalid min-idle-time argument for XAUTOCLAIM",
                  &claim.min_idle_ms))
    return;
  StreamId start;
  if (!StreamStartArg(ctx, 5, &start)) return;
  int64_t count = 100;
  for (size_t i = 6; i < ctx.argc(); ++i) {
    if (ctx.ArgIs(i, "COUNT") && i + 1 < ctx.argc()) {
      if (!ctx.IntArgInRange(++i, 1, kMaxCount, &count,
                             "ERR COUNT must be > 0"))
        return;
    } else if (ctx.ArgIs(i, "JUSTID")) {
      claim.just_id = true;
    } else {
      return ctx.Error(errors::kSyntax);
    }
  }
  Db db = ctx.db();
  Stream* stream;
  StreamGroup* group;
  if (!FindStreamAndGroup(ctx, db, &stream, &group)) return;

  ctx.SuppressEffect();
  // The id to go on from is replied first and known last.
  std::string entries;
  net::ReplyWriter& reply = ctx.reply();
  const size_t mark = reply.BeginDeferred();
  Claimer claimer(ctx, stream, group, claim);
  const StreamGroup::Pending& pending = group->pending();
  std::vector<StreamId> deleted;
  size_t claimed = 0;
  auto at = pending.lower_bound(start);
  for (int64_t looks = count * kLooksPerEntry;
       looks > 0 && count > 0 && at != pending.end(); --looks) {
    const StreamId id = at->first;
    const Stream::ClaimResult result = claimer.Claim(id);
    if (result == Stream::ClaimResult::kClaimed) {
      ++claimed;
      --count;
    } else if (result == Stream::ClaimResult::kDeleted) {
      deleted.push_back(id);
      --count;
    }
    at = pending.upper_bound(id);  // It may have gone.
  }
  entries = reply.out()->substr(mark);
  reply.Rewind(mark);
  reply.ArrayHeader(3);
  ReplyStreamId(reply, at == pending.end() ? StreamId::Min() : at->first);
  reply.ArrayHeader(claimed);
  reply.Raw(entries);
  reply.ArrayHeader(deleted.size());
  for (const StreamId& id : deleted) ReplyStreamId(reply, id);
}

}  // namespace holdfast::server
