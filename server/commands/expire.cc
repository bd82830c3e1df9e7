#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "server/command/errors.h"
#include "server/commands/keys_handlers.h"
#include "server/engine/engine.h"
#include "server/keyspace/entry.h"

namespace holdfast::server {
namespace {

enum class Unit { kSeconds, kMilliseconds };
enum class Base { kNow, kEpoch };

struct Condition {
  bool if_none = false;     // NX
  bool if_some = false;     // XX
  bool if_greater = false;  // GT
  bool if_less = false;     // LT

  // No expiry counts as one infinitely far away.
  bool Allows(int64_t current_ms, int64_t new_ms) const {
    const bool has = current_ms != kNoExpiry;
    if (if_none && has) return false;
    if (if_some && !has) return false;
    if (if_greater && (!has || new_ms <= current_ms)) return false;
    if (if_less && has && new_ms >= current_ms) return false;
    return true;
  }
};

bool ParseCondition(CommandContext& ctx, size_t first, Condition* condition) {
  for (size_t i = first; i < ctx.argc(); ++i) {
    if (ctx.ArgIs(i, "NX")) {
      condition->if_none = true;
    } else if (ctx.ArgIs(i, "XX")) {
      condition->if_some = true;
    } else if (ctx.ArgIs(i, "GT")) {
      condition->if_greater = true;
    } else if (ctx.ArgIs(i, "LT")) {
      condition->if_less = true;
    } else {
      // Redis prints it as a C string.
      ctx.Error(absl::StrCat("ERR Unsupported option ",
                             ctx.arg(i).substr(0, ctx.arg(i).find('\0'))));
      return false;
    }
  }
  if (condition->if_none &&
      (condition->if_some || condition->if_greater || condition->if_less)) {
    ctx.Error(
        "ERR NX and XX, GT or LT options at the same time are not compatible");
    return false;
  }
  if (condition->if_greater && condition->if_less) {
    ctx.Error("ERR GT and LT options at the same time are not compatible");
    return false;
  }
  return true;
}

// Argument 2 as a point in milliseconds since the epoch. Unlike SET's options
// these may be negative, and only what int64 cannot hold is refused.
bool ParseWhen(CommandContext& ctx, Base base, Unit unit, int64_t* when_ms) {
  int64_t when = 0;
  if (!ctx.IntArg(2, &when)) return false;
  if ((unit == Unit::kSeconds &&
       __builtin_mul_overflow(when, int64_t{1000}, &when)) ||
      (base == Base::kNow &&
       __builtin_add_overflow(when, ctx.now_ms(), &when))) {
    ctx.Error(absl::StrCat("ERR invalid expire time in '", ctx.spec().full_name,
                           "' command"));
    return false;
  }
  *when_ms = when;
  return true;
}

// The effect is a PEXPIREAT with the conditions as they were given, as Redis
// writes it: where the dataset is the same they hold again.
void ReplaceWithAbsolute(CommandContext& ctx, Base base, Unit unit,
                         int64_t when_ms) {
  if (base == Base::kEpoch && unit == Unit::kMilliseconds) return;
  const std::string when = absl::StrCat(when_ms);
  absl::InlinedVector<absl::string_view, 4> effect(ctx.args().begin(),
                                                   ctx.args().end());
  effect[0] = "PEXPIREAT";
  effect[2] = when;
  ctx.ReplaceEffect(effect);
}

void Expire(CommandContext& ctx, Base base, Unit unit) {
  Condition condition;
  int64_t when_ms = 0;
  if (!ParseCondition(ctx, 3, &condition) ||
      !ParseWhen(ctx, base, unit, &when_ms))
    return;
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  const Entry* entry = db.FindForWrite(key);
  if (entry == nullptr || !condition.Allows(entry->expire_ms(), when_ms))
    return ctx.reply().Integer(0);
  // A replica waits for its primary's DEL instead, and what an AOF is loaded
  // with for those in the file.
  if (when_ms <= ctx.now_ms() && !ctx.engine().is_replica() &&
      !ctx.unit().from_primary()) {
    db.Delete(key);
    ctx.ReplaceEffect({ctx.engine().config().Bool(ConfigId::kLazyfreeLazyExpire)
                           ? "UNLINK"
                           : "DEL",
                       key});
    ctx.Notify(kEventGeneric, "del", key);
  } else {
    // Before the epoch is as good as at it, and cannot be taken for kNoExpiry.
    db.SetExpiry(key, std::max<int64_t>(when_ms, 0));
    ReplaceWithAbsolute(ctx, base, unit, when_ms);
    ctx.Notify(kEventGeneric, "expire", key);
  }
  ctx.reply().Integer(1);
}

// -2: no such key; -1: it does not expire.
void ReplyWithExpiry(CommandContext& ctx, Base base, Unit unit) {
  const Entry* entry = ctx.db().Find(ctx.arg(1), Db::kNoTouch);
  if (entry == nullptr) return ctx.reply().Integer(-2);
  if (!entry->has_expiry()) return ctx.reply().Integer(-1);
  const int64_t ms = std::max<int64_t>(
      entry->expire_ms() - (base == Base::kNow ? ctx.now_ms() : 0), 0);
  if (unit == Unit::kMilliseconds) return ctx.reply().Integer(ms);
  // To the nearest second, without a sum that overflows.
  ctx.reply().Integer(ms / 1000 + (ms % 1000 >= 500 ? 1 : 0));
}

}  // namespace

void ExpireCommand(CommandContext& ctx) {
  Expire(ctx, Base::kNow, Unit::kSeconds);
}
void PExpireCommand(CommandContext& ctx) {
  Expire(ctx, Base::kNow, Unit::kMilliseconds);
}
void ExpireAtCommand(CommandContext& ctx) {
  Expire(ctx, Base::kEpoch, Unit::kSeconds);
}
void PExpireAtCommand(CommandContext& ctx) {
  Expire(ctx, Base::kEpoch, Unit::kMilliseconds);
}

void TtlCommand(CommandContext& ctx) {
  ReplyWithExpiry(ctx, Base::kNow, Unit::kSeconds);
}
void PTtlCommand(CommandContext& ctx) {
  ReplyWithExpiry(ctx, Base::kNow, Unit::kMilliseconds);
}
void ExpireTimeCommand(CommandContext& ctx) {
  ReplyWithExpiry(ctx, Base::kEpoch, Unit::kSeconds);
}
void PExpireTimeCommand(CommandContext& ctx) {
  ReplyWithExpiry(ctx, Base::kEpoch, Unit::kMilliseconds);
}

void PersistCommand(CommandContext& ctx) {
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  const Entry* entry = db.FindForWrite(key);
  if (entry == nullptr || !entry->has_expiry()) return ctx.reply().Integer(0);
  db.SetExpiry(key, kNoExpiry);
  ctx.Notify(kEventGeneric, "persist", key);
  ctx.reply().Integer(1);
}

}  // namespace holdfast::server
