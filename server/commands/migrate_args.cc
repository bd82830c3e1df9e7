#include "server/commands/migrate_args.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_set.h"
#include "server/command/errors.h"

namespace holdfast::server {
namespace {

constexpr int64_t kDefaultTimeoutMs = 1000;  // For 0 and below.
constexpr int64_t kLongestTimeoutMs = int64_t{365} * 24 * 3600 * 1000;

}  // namespace

bool ParseMigrate(CommandContext& ctx, MigrateArgs* args) {
  const auto refuse = [&ctx](absl::string_view text) {
    ctx.Error(text);
    return false;
  };
  size_t first_key = 3;
  size_t end = 4;
  MigrateTarget& target = args->target;
  for (size_t i = 6; i < ctx.argc(); ++i) {
    const size_t more = ctx.argc() - 1 - i;
    if (ctx.ArgIs(i, "COPY")) {
      args->copy = true;
    } else if (ctx.ArgIs(i, "REPLACE")) {
      args->replace = true;
    } else if (ctx.ArgIs(i, "AUTH") && more >= 1) {
      // A user named before stays, as in Redis.
      target.has_password = true;
      target.password = std::string(ctx.arg(++i));
    } else if (ctx.ArgIs(i, "AUTH2") && more >= 2) {
      target.has_password = true;
      target.has_user = true;
      target.user = std::string(ctx.arg(++i));
      target.password = std::string(ctx.arg(++i));
    } else if (ctx.ArgIs(i, "KEYS")) {
      if (!ctx.arg(3).empty()) {
        return refuse(
            "ERR When using MIGRATE KEYS option, the key argument must be set "
            "to the empty string");
      }
      first_key = i + 1;
      end = ctx.argc();
      break;
    } else {
      return refuse(errors::kSyntax);
    }
  }
  int64_t timeout_ms = 0;
  if (!ctx.IntArg(5, &timeout_ms) || !ctx.IntArg(4, &target.db)) return false;
  if (timeout_ms <= 0) timeout_ms = kDefaultTimeoutMs;
  args->timeout = absl::Milliseconds(std::min(timeout_ms, kLongestTimeoutMs));
  target.host = std::string(ctx.arg(1));
  target.port = std::string(ctx.arg(2));
  absl::flat_hash_set<absl::string_view> seen;
  for (size_t i = first_key; i < end; ++i) {
    if (seen.insert(ctx.arg(i)).second) args->keys.push_back(ctx.arg(i));
  }
  return true;
}

}  // namespace holdfast::server
