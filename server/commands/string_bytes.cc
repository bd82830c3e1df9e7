// Commands on some of a string's bytes.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"
#include "server/command/context.h"
#include "server/command/errors.h"
#include "server/commands/string_handlers.h"
#include "server/commands/value_args.h"

namespace holdfast::server {

void AppendCommand(CommandContext& ctx) {
  const absl::string_view key = ctx.arg(1);
  const absl::string_view tail = ctx.arg(2);
  Db db = ctx.db();
  const Entry* entry = db.FindForWrite(key);
  size_t length = tail.size();
  if (entry == nullptr) {
    db.SetString(key, tail);
  } else {
    if (!CheckString(ctx, entry)) return;
    const size_t old_length = entry->StringLength();
    if (!CheckStringLength(ctx, static_cast<int64_t>(old_length),
                           static_cast<int64_t>(tail.size())))
      return;
    length += old_length;
    char* bytes = db.ResizeString(key, length);
    if (!tail.empty()) memcpy(bytes + old_length, tail.data(), tail.size());
  }
  ctx.Notify(kEventString, "append", key);
  ctx.reply().Integer(static_cast<int64_t>(length));
}

void StrLenCommand(CommandContext& ctx) {
  const Entry* entry = ctx.db().Find(ctx.arg(1));
  if (!CheckString(ctx, entry)) return;
  ctx.reply().Integer(
      entry == nullptr ? 0 : static_cast<int64_t>(entry->StringLength()));
}

void SetRangeCommand(CommandContext& ctx) {
  const absl::string_view key = ctx.arg(1);
  const absl::string_view patch = ctx.arg(3);
  int64_t offset = 0;
  if (!ctx.IntArg(2, &offset)) return;
  if (offset < 0) {
    ctx.Error("ERR offset is out of range");
    return;
  }
  Db db = ctx.db();
  const Entry* entry = db.FindForWrite(key);
  if (!CheckString(ctx, entry)) return;
  const size_t old_length = entry == nullptr ? 0 : entry->StringLength();
  if (patch.empty()) {  // Changes nothing, and creates nothing.
    ctx.reply().Integer(static_cast<int64_t>(old_length));
    return;
  }
  if (!CheckStringLength(ctx, offset, static_cast<int64_t>(patch.size())))
    return;
  const size_t length =
      std::max(old_length, static_cast<size_t>(offset) + patch.size());
  char* bytes = db.ResizeString(key, length);
  memcpy(bytes + offset, patch.data(), patch.size());
  ctx.Notify(kEventString, "setrange", key);
  ctx.reply().Integer(static_cast<int64_t>(length));
}

// Also SUBSTR. Both ends belong to the range; negative ones count from the end.
void GetRangeCommand(CommandContext& ctx) {
  int64_t start = 0;
  int64_t end = 0;
  if (!ctx.IntArg(2, &start) || !ctx.IntArg(3, &end)) return;
  const Entry* entry = ctx.db().Find(ctx.arg(1));
  if (!CheckString(ctx, entry)) return;
  char scratch[Entry::kScratch];
  const absl::string_view bytes =
      entry == nullptr ? absl::string_view() : entry->StringBytes(scratch);
  const auto length = static_cast<int64_t>(bytes.size());
  // Before the ends are moved into the string, where they might meet.
  const bool reversed = start < 0 && end < 0 && start > end;
  if (start < 0) start = std::max<int64_t>(start + length, 0);
  if (end < 0) end = std::max<int64_t>(end + length, 0);
  end = std::min(end, length - 1);
  if (reversed || start > end || length == 0) {
    ctx.reply().Bulk("");
  } else {
    ctx.reply().Bulk(bytes.substr(static_cast<size_t>(start),
                                  static_cast<size_t>(end - start + 1)));
  }
}

}  // namespace holdfast::server
