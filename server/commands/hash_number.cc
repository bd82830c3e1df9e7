// Commands on fields that are numbers.

#include <cmath>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "net/resp/integer.h"
#include "server/command/context.h"
#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/commands/collection_args.h"
#include "server/commands/hash_handlers.h"
#include "server/commands/value_args.h"
#include "server/engine/engine.h"
#include "server/types/hash.h"

namespace holdfast::server {
namespace {

// The value of the field as it is now; false if there is none.
bool OldValue(const Hash* hash, absl::string_view field,
              char (&scratch)[Hash::kScratch], absl::string_view* value) {
  return hash != nullptr && hash->Get(field, scratch, value);
}

// Stores the result and says so.
void Store(CommandContext& ctx, Db& db, Hash* hash, absl::string_view text,
           absl::string_view event) {
  const absl::string_view key = ctx.arg(1);
  if (hash == nullptr && !FindOrCreate(ctx, db, key, &hash)) return;
  hash->Set(ctx.arg(2), text, HashLimitsOf(ctx.engine().config()));
  db.Touched(key);
  ctx.Notify(kEventHash, event, key);
}

}  // namespace

void HIncrByCommand(CommandContext& ctx) {
  int64_t increment = 0;
  if (!ctx.IntArg(3, &increment) || !CheckElementLengths(ctx, 2)) return;
  Db db = ctx.db();
  Hash* hash = nullptr;
  if (!FindForChange(ctx, db, ctx.arg(1), &hash)) return;
  char scratch[Hash::kScratch];
  absl::string_view old;
  int64_t value = 0;
  if (OldValue(hash, ctx.arg(2), scratch, &old) &&
      !net::ParseInteger(old, &value))
    return ctx.Error("ERR hash value is not an integer");
  if (__builtin_add_overflow(value, increment, &value))
    return ctx.Error(errors::kOverflow);
  Store(ctx, db, hash, absl::AlphaNum(value).Piece(), "hincrby");
  ctx.reply().Integer(value);
}

void HIncrByFloatCommand(CommandContext& ctx) {
  long double increment = 0;
  if (!ParseLongDouble(ctx.arg(3), &increment))
    return ctx.Error(errors::kNotFloat);
  if (!std::isfinite(increment))
    return ctx.Error("ERR value is NaN or Infinity");
  if (!CheckElementLengths(ctx, 2)) return;
  Db db = ctx.db();
  Hash* hash = nullptr;
  if (!FindForChange(ctx, db, ctx.arg(1), &hash)) return;
  char scratch[Hash::kScratch];
  absl::string_view old;
  long double value = 0;
  if (OldValue(hash, ctx.arg(2), scratch, &old) &&
      !ParseLongDouble(old, &value))
    return ctx.Error("ERR hash value is not a float");
  value += increment;
  if (!std::isfinite(value)) return ctx.Error(errors::kNanOrInfinity);
  const std::string text = FormatLongDouble(value);
  Store(ctx, db, hash, text, "hincrbyfloat");
  // The result, so that no replica's or reload's arithmetic can differ.
  ctx.ReplaceEffect({"HSET", ctx.arg(1), ctx.arg(2), text});
  ctx.reply().Bulk(text);
}

}  // namespace holdfast::server
