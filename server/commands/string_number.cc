// Commands on strings that are numbers.

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "absl/strings/string_view.h"
#include "net/resp/integer.h"
#include "server/command/context.h"
#include "server/command/errors.h"
#include "server/commands/string_handlers.h"
#include "server/commands/value_args.h"

namespace holdfast::server {
namespace {

void Add(CommandContext& ctx, int64_t increment) {
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  const Entry* entry = db.FindForWrite(key);
  if (!CheckString(ctx, entry)) return;
  int64_t value = 0;
  if (entry != nullptr && entry->encoding() == Encoding::kInt) {
    value = entry->IntValue();
  } else if (entry != nullptr) {
    char scratch[Entry::kScratch];
    if (!net::ParseInteger(entry->StringBytes(scratch), &value)) {
      ctx.Error(errors::kNotInteger);
      return;
    }
  }
  if (__builtin_add_overflow(value, increment, &value)) {
    ctx.Error(errors::kOverflow);
    return;
  }
  db.SetInt(key, value);
  ctx.Notify(kEventString, "incrby", key);
  ctx.reply().Integer(value);
}

}  // namespace

void IncrCommand(CommandContext& ctx) { Add(ctx, 1); }

void DecrCommand(CommandContext& ctx) { Add(ctx, -1); }

void IncrByCommand(CommandContext& ctx) {
  int64_t increment = 0;
  if (ctx.IntArg(2, &increment)) Add(ctx, increment);
}

void DecrByCommand(CommandContext& ctx) {
  int64_t decrement = 0;
  if (!ctx.IntArg(2, &decrement)) return;
  if (decrement == std::numeric_limits<int64_t>::min()) {  // Has no negative.
    ctx.Error("ERR decrement would overflow");
    return;
  }
  Add(ctx, -decrement);
}

void IncrByFloatCommand(CommandContext& ctx) {
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  const Entry* entry = db.FindForWrite(key);
  if (!CheckString(ctx, entry)) return;
  char scratch[Entry::kScratch];
  long double value = 0;
  long double increment = 0;
  if ((entry != nullptr &&
       !ParseLongDouble(entry->StringBytes(scratch), &value)) ||
      !ParseLongDouble(ctx.arg(2), &increment)) {
    ctx.Error(errors::kNotFloat);
    return;
  }
  value += increment;
  if (!std::isfinite(value)) {
    ctx.Error(errors::kNanOrInfinity);
    return;
  }
  const std::string text = FormatLongDouble(value);
  db.SetString(key, text, {.keep = true}, IfInteger::kAsText);
  ctx.Notify(kEventString, "incrbyfloat", key);
  // The result, so that no replica's or reload's arithmetic can differ.
  ctx.ReplaceEffect({"SET", key, text, "KEEPTTL"});
  ctx.reply().Bulk(text);
}

}  // namespace holdfast::server
