// Commands that read or replace a string as a whole.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/command/context.h"
#include "server/command/errors.h"
#include "server/commands/string_handlers.h"
#include "server/commands/value_args.h"
#include "server/engine/engine.h"

namespace holdfast::server {
namespace {

// Stores a value in place of whatever is there, with SET's events. With an
// expiry the effect is the absolute form, however it was given.
void Store(CommandContext& ctx, Db& db, absl::string_view key,
           absl::string_view value, Database::Expiry expiry) {
  db.SetString(key, value, expiry);
  ctx.Notify(kEventString, "set", key);
  if (expiry.when_ms == kNoExpiry) return;
  ctx.ReplaceEffect(
      {"SET", key, value, "PXAT", absl::AlphaNum(expiry.when_ms).Piece()});
  ctx.Notify(kEventGeneric, "expire", key);
}

// Replies with the value or null. False when it is no string: the error is the
// reply then. Reads (and counts a hit or miss) even for commands that go on to
// write, as Redis does.
bool ReplyWithValue(CommandContext& ctx, Db& db, absl::string_view key) {
  const Entry* entry = db.Find(key);
  if (entry == nullptr) {
    ctx.reply().Null();
    return true;
  }
  if (!CheckString(ctx, entry)) return false;
  ReplyWithString(ctx.reply(), *entry);
  return true;
}

// REQUIRES: the key is there. `lazy`: the directive by which Redis tells its
// replicas to free it in the background; ours does so anyhow.
void Delete(CommandContext& ctx, Db& db, absl::string_view key, ConfigId lazy) {
  db.Delete(key);
  ctx.ReplaceEffect({ctx.engine().config().Bool(lazy) ? "UNLINK" : "DEL", key});
  ctx.Notify(kEventGeneric, "del", key);
}

// SET's own arguments without GET, which would have a replica compute a reply
// (and fail where the value it replaces is no string there).
std::vector<absl::string_view> WithoutGet(
    absl::Span<const absl::string_view> args) {
  std::vector<absl::string_view> kept(args.begin(), args.begin() + 3);
  for (size_t i = 3; i < args.size(); ++i) {
    if (!absl::EqualsIgnoreCase(args[i], "GET")) kept.push_back(args[i]);
  }
  return kept;
}

void StoreWithExpiry(CommandContext& ctx, ExpiryForm form) {
  int64_t when_ms = 0;
  if (!ParseExpiry(ctx, 2, form, &when_ms)) return;
  Db db = ctx.db();
  db.FindForWrite(ctx.arg(1));
  Store(ctx, db, ctx.arg(1), ctx.arg(3), {.when_ms = when_ms});
  ctx.Ok();
}

// Keys and values alternate from the first argument on.
bool CheckPairs(CommandContext& ctx) {
  if (ctx.argc() % 2 == 1) return true;
  ctx.Error(absl::StrCat("ERR wrong number of arguments for '",
                         ctx.spec().full_name, "' command"));
  return false;
}

void StorePairs(CommandContext& ctx, Db& db) {
  for (size_t i = 1; i < ctx.argc(); i += 2) {
    db.FindForWrite(ctx.arg(i));
    Store(ctx, db, ctx.arg(i), ctx.arg(i + 1), {});
  }
}

}  // namespace

void SetCommand(CommandContext& ctx) {
  ValueOptions options;
  if (!ParseValueOptions(ctx, 3, ValueOptionSet::kSet, &options)) return;
  Database::Expiry expiry{.keep = options.keep_expiry};
  if (options.expiry != ExpiryForm::kNone &&
      !ParseExpiry(ctx, options.expiry_arg, options.expiry, &expiry.when_ms)) {
    return;
  }
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  if (options.return_old && !ReplyWithValue(ctx, db, key)) return;
  // Also where existence does not matter: an expired key's end has to be told,
  // and KEEPTTL must not keep what is over.
  const bool exists = db.FindForWrite(key) != nullptr;
  if ((options.only_if_missing && exists) ||
      (options.only_if_present && !exists)) {
    if (!options.return_old) ctx.reply().Null();
    return;
  }
  Store(ctx, db, key, ctx.arg(2), expiry);
  if (!options.return_old) {
    ctx.Ok();
  } else if (expiry.when_ms == kNoExpiry) {
    ctx.ReplaceEffect(WithoutGet(ctx.args()));
  }
}

void SetNxCommand(CommandContext& ctx) {
  Db db = ctx.db();
  if (db.FindForWrite(ctx.arg(1)) != nullptr) {
    ctx.reply().Integer(0);
    return;
  }
  Store(ctx, db, ctx.arg(1), ctx.arg(2), {});
  ctx.reply().Integer(1);
}

void SetExCommand(CommandContext& ctx) {
  StoreWithExpiry(ctx, ExpiryForm::kSeconds);
}

void PSetExCommand(CommandContext& ctx) {
  StoreWithExpiry(ctx, ExpiryForm::kMilliseconds);
}

void GetCommand(CommandContext& ctx) {
  Db db = ctx.db();
  ReplyWithValue(ctx, db, ctx.arg(1));
}

void GetSetCommand(CommandContext& ctx) {
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  if (!ReplyWithValue(ctx, db, key)) return;
  db.FindForWrite(key);
  Store(ctx, db, key, ctx.arg(2), {});
  ctx.ReplaceEffect({"SET", key, ctx.arg(2)});
}

void GetDelCommand(CommandContext& ctx) {
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  if (!ReplyWithValue(ctx, db, key)) return;
  if (db.FindForWrite(key) != nullptr)
    Delete(ctx, db, key, ConfigId::kLazyfreeLazyUserDel);
}

void GetExCommand(CommandContext& ctx) {
  ValueOptions options;
  if (!ParseValueOptions(ctx, 2, ValueOptionSet::kGetEx, &options)) return;
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  const Entry* entry = db.Find(key);
  if (entry == nullptr) {
    ctx.reply().Null();
    return;
  }
  if (!CheckString(ctx, entry)) return;
  int64_t when_ms = kNoExpiry;
  if (options.expiry != ExpiryForm::kNone &&
      !ParseExpiry(ctx, options.expiry_arg, options.expiry, &when_ms))
    return;
  ReplyWithString(ctx.reply(), *entry);

  if (options.expiry != ExpiryForm::kNone && when_ms <= ctx.now_ms()) {
    Delete(ctx, db, key, ConfigId::kLazyfreeLazyExpire);
  } else if (options.expiry != ExpiryForm::kNone) {
    db.SetExpiry(key, when_ms);
    ctx.ReplaceEffect({"PEXPIREAT", key, absl::AlphaNum(when_ms).Piece()});
    ctx.Notify(kEventGeneric, "expire", key);
  } else if (options.remove_expiry && entry->has_expiry()) {
    db.SetExpiry(key, kNoExpiry);
    ctx.ReplaceEffect({"PERSIST", key});
    ctx.Notify(kEventGeneric, "persist", key);
  }
}

void MGetCommand(CommandContext& ctx) {
  Db db = ctx.db();
  ctx.reply().ArrayHeader(ctx.argc() - 1);
  for (size_t i = 1; i < ctx.argc(); ++i) {
    const Entry* entry = db.Find(ctx.arg(i));
    if (entry == nullptr || entry->type() != ValueType::kString) {
      ctx.reply().Null();
    } else {
      ReplyWithString(ctx.reply(), *entry);
    }
  }
}

void MSetCommand(CommandContext& ctx) {
  if (!CheckPairs(ctx)) return;
  Db db = ctx.db();
  StorePairs(ctx, db);
  ctx.Ok();
}

void MSetNxCommand(CommandContext& ctx) {
  if (!CheckPairs(ctx)) return;
  Db db = ctx.db();
  for (size_t i = 1; i < ctx.argc(); i += 2) {
    if (db.FindForWrite(ctx.arg(i)) != nullptr) {
      ctx.reply().Integer(0);
      return;
    }
  }
  StorePairs(ctx, db);
  ctx.reply().Integer(1);
}

}  // namespace holdfast::server
