#include <climits>
#include <cstdint>
#include <cstring>

#include "glog/logging.h"
#include "server/command/errors.h"
#include "server/commands/keys_handlers.h"
#include "server/engine/engine.h"
#include "server/keyspace/entry.h"

namespace holdfast::server {
namespace {

enum class IfTaken { kReplace, kLeave };

// Deletes what the key holds, to put another value there, which is what counts
// as the change and tells the watchers.
void MakeRoom(Db& db, absl::string_view key) {
  db.storage().Delete(db.unit().Ref(key));
}

void Rename(CommandContext& ctx, IfTaken if_taken) {
  const absl::string_view from = ctx.arg(1);
  const absl::string_view to = ctx.arg(2);
  const auto reply_done = [&] {
    if_taken == IfTaken::kLeave ? ctx.reply().Integer(1) : ctx.Ok();
  };
  Db db = ctx.db();
  if (db.FindForWrite(from) == nullptr) return ctx.Error(errors::kNoSuchKey);
  if (from == to)
    return if_taken == IfTaken::kLeave ? ctx.reply().Integer(0) : ctx.Ok();
  if (db.FindForWrite(to) != nullptr) {
    if (if_taken == IfTaken::kLeave) return ctx.reply().Integer(0);
    MakeRoom(db, to);
  }
  db.MoveTo(from, db, to);
  ctx.Notify(kEventGeneric, "rename_from", from);
  ctx.Notify(kEventGeneric, "rename_to", to);
  reply_done();
}

// Argument i as the index of a database; replies and returns false if it is
// none.
bool DbArg(CommandContext& ctx, size_t i, int* index) {
  int64_t value = 0;
  if (!ctx.IntArg(i, &value)) return false;
  if (value < INT_MIN || value > INT_MAX) {
    ctx.Error(
        "ERR value is out of range, value must between -2147483648 and "
        "2147483647");
    return false;
  }
  if (value < 0 || value >= ctx.engine().keyspace().database_count()) {
    ctx.Error(errors::kDbOutOfRange);
    return false;
  }
  *index = static_cast<int>(value);
  return true;
}

// Gives the key, which is not there, a copy of the value and the expiry.
void CopyValue(const Entry& source, Db& target, absl::string_view key) {
  if (source.type() != ValueType::kString) {
    target.SetObject(
        key, Object(source.type(), CloneObject(source.type(), source.object())),
        Database::Expiry{.when_ms = source.expire_ms()});
    return;
  }
  char scratch[Entry::kScratch];
  const absl::string_view bytes = source.StringBytes(scratch);
  const int64_t when_ms = source.expire_ms();
  if (source.encoding() == Encoding::kRaw && bytes.size() <= kEmbstrLimit) {
    // A short string that was built piecewise is "raw", and so is its copy.
    memcpy(target.ResizeString(key, bytes.size()), bytes.data(), bytes.size());
    if (when_ms != kNoExpiry)
      target.storage().SetExpiry(target.unit().Ref(key), when_ms);
    return;
  }
  target.SetString(key, bytes, Database::Expiry{.when_ms = when_ms},
                   source.encoding() == Encoding::kInt ? IfInteger::kAsInt
                                                       : IfInteger::kAsText);
}

}  // namespace

void RenameCommand(CommandContext& ctx) { Rename(ctx, IfTaken::kReplace); }
void RenameNxCommand(CommandContext& ctx) { Rename(ctx, IfTaken::kLeave); }

void MoveCommand(CommandContext& ctx) {
  const absl::string_view key = ctx.arg(1);
  int target_index = 0;
  if (!DbArg(ctx, 2, &target_index)) return;
  if (target_index == ctx.db_index()) return ctx.Error(errors::kSameObject);
  Db source = ctx.db();
  Db target = ctx.db(target_index);
  if (source.FindForWrite(key) == nullptr ||
      target.FindForWrite(key) != nullptr)
    return ctx.reply().Integer(0);
  source.MoveTo(key, target, key);
  ctx.Notify(kEventGeneric, "move_from", key);
  ctx.NotifyIn(target_index, kEventGeneric, "move_to", key);
  ctx.reply().Integer(1);
}

void CopyCommand(CommandContext& ctx) {
  const absl::string_view from = ctx.arg(1);
  const absl::string_view to = ctx.arg(2);
  int target_index = ctx.db_index();
  bool replace = false;
  for (size_t i = 3; i < ctx.argc(); ++i) {
    if (ctx.ArgIs(i, "REPLACE")) {
      replace = true;
    } else if (ctx.ArgIs(i, "DB") && i + 1 < ctx.argc()) {
      if (!DbArg(ctx, ++i, &target_index)) return;
    } else {
      return ctx.Error(errors::kSyntax);
    }
  }
  if (target_index == ctx.db_index() && from == to)
    return ctx.Error(errors::kSameObject);
  Db source = ctx.db();
  Db target = ctx.db(target_index);
  const Entry* entry = source.Find(from);
  if (entry == nullptr) return ctx.reply().Integer(0);
  if (target.FindForWrite(to) != nullptr) {
    if (!replace) return ctx.reply().Integer(0);
    MakeRoom(target, to);
  }
  CopyValue(*entry, target, to);
  ctx.NotifyIn(target_index, kEventGeneric, "copy_to", to);
  ctx.reply().Integer(1);
}

}  // namespace holdfast::server
