// What changes a stream's entries: XADD, XTRIM, XDEL, XSETID.

#include "server/commands/stream.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/commands/stream_handlers.h"
#include "server/commands/stream_shared.h"
#include "server/engine/engine.h"

namespace holdfast::server {
namespace {

constexpr size_t kNoArg = 0;

struct AddOrTrim {
  StreamNewId new_id;  // XADD
  bool no_create = false;
  size_t id_arg = kNoArg;

  bool trims = false;
  StreamTrim trim;
  size_t threshold_arg = kNoArg;
};

// The threshold of MAXLEN or MINID, argument `i`.
bool ParseThreshold(CommandContext& ctx, size_t i, StreamTrim* trim) {
  if (trim->by == StreamTrim::By::kMinId)
    return StreamIdArg(ctx, i, &trim->min_id);
  int64_t length;
  if (!ctx.IntArg(i, &length)) return false;
  if (length < 0) {
    ctx.Error("ERR The MAXLEN argument must be >= 0.");
    return false;
  }
  trim->length = static_cast<uint64_t>(length);
  return true;
}

// Without LIMIT, trimming nearly is not to take long either.
uint64_t DefaultLimit(const StreamLimits& limits) {
  constexpr uint64_t kNodes = 100;
  constexpr uint64_t kMost = 1000000;
  constexpr uint64_t kWithoutNodeLimit = 10000;
  if (limits.max_entries == 0) return kWithoutNodeLimit;
  return std::min<uint64_t>(limits.max_entries, kMost / kNodes) * kNodes;
}

// Options of XADD up to its id, or all that XTRIM has.
bool ParseAddOrTrim(CommandContext& ctx, bool add, AddOrTrim* parsed) {
  int64_t limit = 0;
  bool limit_given = false;
  size_t i = 2;
  for (; i < ctx.argc(); ++i) {
    const size_t more = ctx.argc() - 1 - i;
    if (add && ctx.arg(i) == "*") break;
    const bool max_len = ctx.ArgIs(i, "MAXLEN");
    if (more > 0 && (max_len || ctx.ArgIs(i, "MINID"))) {
      if (parsed->trims) {
        ctx.Error(
            "ERR syntax error, MAXLEN and MINID options at the same time are "
            "not compatible");
        return false;
      }
      parsed->trims = true;
      parsed->trim.by =
          max_len ? StreamTrim::By::kLength : StreamTrim::By::kMinId;
      if (more >= 2 && (ctx.arg(i + 1) == "~" || ctx.arg(i + 1) == "=")) {
        ++i;
        parsed->trim.approximate = ctx.arg(i) == "~";
      }
      ++i;
      if (!ParseThreshold(ctx, i, &parsed->trim)) return false;
      parsed->threshold_arg = i;
    } else if (more > 0 && ctx.ArgIs(i, "LIMIT")) {
      ++i;
      if (!ctx.IntArg(i, &limit)) return false;
      if (limit < 0) {
        ctx.Error("ERR The LIMIT argument must be >= 0.");
        return false;
      }
      limit_given = true;
    } else if (add && ctx.ArgIs(i, "NOMKSTREAM")) {
      parsed->no_create = true;
    } else if (add) {
      bool seq_given;
      if (!ParseNewStreamId(ctx.arg(i), &parsed->new_id.id, &seq_given)) {
        // For its text.
        StreamId id;
        return StreamIdArg(ctx, i, &id);
      }
      parsed->new_id.kind = seq_given ? StreamNewId::Kind::kGiven
                                      : StreamNewId::Kind::kAutoSequence;
      break;
    } else {
      ctx.Error(errors::kSyntax);
      return false;
    }
  }
  parsed->id_arg = i;

  if (limit > 0 && !parsed->trims) {
    ctx.Error(
        "ERR syntax error, LIMIT cannot be used without specifying a trimming "
        "strategy");
    return false;
  }
  if (!add && !parsed->trims) {
    ctx.Error(
        "ERR syntax error, XTRIM must be called with a trimming strategy");
    return false;
  }
  // What a primary sends is exact: its LIMIT has done its work there.
  if (ctx.unit().from_primary()) return true;
  if (limit_given && !parsed->trim.approximate) {
    ctx.Error(
        "ERR syntax error, LIMIT cannot be used without the special ~ option");
    return false;
  }
  if (limit_given) {
    parsed->trim.limit = static_cast<uint64_t>(limit);
  } else if (parsed->trim.approximate) {
    parsed->trim.limit = DefaultLimit(StreamLimitsOf(ctx.engine().config()));
  }
  return true;
}

// The arguments with the threshold that an approximate trim came to, and the
// id that was given (null: as it stands there).
void EffectExact(CommandContext& ctx, const AddOrTrim& parsed,
                 const Stream& stream, const StreamId* id) {
  const bool retrim = parsed.trims && parsed.trim.approximate;
  if ((!retrim && id == nullptr) || !ctx.unit().wants_effects()) return;
  std::vector<absl::string_view> args(ctx.args().begin(), ctx.args().end());
  std::string threshold;
  std::string new_id;
  if (retrim) {
    threshold = parsed.trim.by == StreamTrim::By::kLength
                    ? absl::StrCat(stream.size())
                    : stream.FirstIdWithDeleted().ToString();
    args[parsed.threshold_arg - 1] = "=";
    args[parsed.threshold_arg] = threshold;
  }
  if (id != nullptr) {
    new_id = id->ToString();
    args[parsed.id_arg] = new_id;
  }
  ctx.ReplaceEffect(args);
}

void AppendError(CommandContext& ctx, Stream::AppendResult result) {
  switch (result) {
    case Stream::AppendResult::kAppended:
      return;
    case Stream::AppendResult::kNotGreater:
    case Stream::AppendResult::kSequenceExhausted:
      return ctx.Error(
          "ERR The ID specified in XADD is equal or smaller than the target "
          "stream top item");
    case Stream::AppendResult::kIdsExhausted:
      return ctx.Error(
          "ERR The stream has exhausted the last possible ID, unable to add "
          "more items");
    case Stream::AppendResult::kTooLarge:
      return ctx.Error("ERR Elements are too large to be stored");
  }
}

}  // namespace

void XAddCommand(CommandContext& ctx) {
  AddOrTrim parsed;
  if (!ParseAddOrTrim(ctx, /*add=*/true, &parsed)) return;
  const size_t first = parsed.id_arg + 1;
  if (ctx.argc() < first + 2 || (ctx.argc() - first) % 2 != 0)
    return ctx.Error("ERR wrong number of arguments for 'xadd' command");
  const bool given = parsed.new_id.kind == StreamNewId::Kind::kGiven;
  if (given && parsed.new_id.id.IsZero())
    return ctx.Error("ERR The ID specified in XADD must be greater than 0-0");

  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  Stream* stream;
  if (!FindForChange(ctx, db, key, &stream)) return;
  const bool is_new = stream == nullptr;
  if (is_new && parsed.no_create) return ctx.reply().Null();
  if (is_new) stream = Create<Stream>(db, key);
  StreamId id;
  const Stream::AppendResult result =
      stream->Append(parsed.new_id, ctx.now_ms(), ctx.args().subspan(first),
                     StreamLimitsOf(ctx.engine().config()), &id);
  if (result != Stream::AppendResult::kAppended) {
    if (is_new) db.storage().Delete(ctx.unit().Ref(key));
    return AppendError(ctx, result);
  }
  ReplyStreamId(ctx.reply(), id);
  ctx.Notify(kEventStream, "xadd", key);
  db.Touched(key);
  if (parsed.trims && stream->Trim(parsed.trim) > 0)
    ctx.Notify(kEventStream, "xtrim", key);
  EffectExact(ctx, parsed, *stream, given ? nullptr : &id);
}

void XTrimCommand(CommandContext& ctx) {
  AddOrTrim parsed;
  if (!ParseAddOrTrim(ctx, /*add=*/false, &parsed)) return;
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  Stream* stream;
  if (!FindForChange(ctx, db, key, &stream)) return;
  if (stream == nullptr) return ctx.reply().Integer(0);
  const uint64_t deleted = stream->Trim(parsed.trim);
  if (deleted > 0) {
    ctx.Notify(kEventStream, "xtrim", key);
    db.Lost(key, deleted);
    EffectExact(ctx, parsed, *stream, nullptr);
  }
  ctx.reply().Integer(static_cast<int64_t>(deleted));
}

void XDelCommand(CommandContext& ctx) {
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  Stream* stream;
  if (!FindForChange(ctx, db, key, &stream)) return;
  if (stream == nullptr) return ctx.reply().Integer(0);
  std::vector<StreamId> ids;
  if (!StreamIdArgs(ctx, 2, ctx.argc(), &ids)) return;
  size_t deleted = 0;
  for (const StreamId& id : ids) deleted += stream->Delete(id) ? 1 : 0;
  if (deleted > 0) {
    db.Lost(key, deleted);
    ctx.Notify(kEventStream, "xdel", key);
  }
  ctx.reply().Integer(static_cast<int64_t>(deleted));
}

void XSetIdCommand(CommandContext& ctx) {
  StreamId last_id;
  if (!StreamIdArg(ctx, 2, &last_id)) return;
  int64_t entries_added = -1;
  StreamId max_deleted_id;
  for (size_t i = 3; i < ctx.argc(); i += 2) {
    const bool has_value = i + 1 < ctx.argc();
    if (has_value && ctx.ArgIs(i, "ENTRIESADDED")) {
      if (!ctx.IntArg(i + 1, &entries_added)) return;
      if (entries_added < 0)
        return ctx.Error("ERR entries_added must be positive");
    } else if (has_value && ctx.ArgIs(i, "MAXDELETEDID")) {
      if (!StreamIdArg(ctx, i + 1, &max_deleted_id)) return;
      if (last_id < max_deleted_id) {
        return ctx.Error(
            "ERR The ID specified in XSETID is smaller than the provided "
            "max_deleted_entry_id");
      }
    } else {
      return ctx.Error(errors::kSyntax);
    }
  }
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  Stream* stream;
  if (!FindForChange(ctx, db, key, &stream)) return;
  if (stream == nullptr) return ctx.Error(errors::kNoSuchKey);
  switch (stream->SetId(last_id, entries_added, max_deleted_id)) {
    case Stream::SetIdResult::kBelowLastEntry:
      return ctx.Error(
          "ERR The ID specified in XSETID is smaller than the target stream "
          "top item");
    case Stream::SetIdResult::kAddedBelowLength:
      return ctx.Error(
          "ERR The entries_added specified in XSETID is smaller than the "
          "target stream length");
    case Stream::SetIdResult::kOk:
      break;
  }
  ctx.Ok();
  // Not Touched(): as in Redis, watchers do not notice.
  ctx.unit().CountChange();
  ctx.Notify(kEventStream, "xsetid", key);
}

}  // namespace holdfast::server
