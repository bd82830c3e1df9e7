#include "server/commands/save.h"

#include <vector>

#include "absl/status/status.h"
#include "server/command/context.h"
#include "server/command/errors.h"
#include "server/engine/aof_service.h"
#include "server/engine/engine.h"
#include "server/engine/save_service.h"

namespace holdfast::server {
namespace {

constexpr absl::string_view kUnderWay =
    "ERR Background save already in progress";

// Null, with an error replied, in a process that cannot save.
SaveService* Service(CommandContext& ctx) {
  if (ctx.engine().save_service == nullptr) ctx.Error("ERR");
  return ctx.engine().save_service;
}

void Save(CommandContext& ctx) {
  SaveService* const service = Service(ctx);
  if (service == nullptr) return;
  const absl::Status saved = service->SaveNow(/*wait_for_background=*/false);
  if (absl::IsFailedPrecondition(saved) && service->status().background)
    return ctx.Error(kUnderWay);
  // Redis's text: the reason is in the log and in INFO.
  if (!saved.ok()) return ctx.Error("ERR");
  ctx.Ok();
}

void BgSave(CommandContext& ctx) {
  SaveService* const service = Service(ctx);
  if (service == nullptr) return;
  if (ctx.argc() > 2 || (ctx.argc() == 2 && !ctx.ArgIs(1, "SCHEDULE")))
    return ctx.Error(errors::kSyntax);
  // As in Redis, where one child is all there is: a rewrite is waited for only
  // when that is said.
  const bool rewriting = ctx.engine().aof_service != nullptr &&
                         ctx.engine().aof_service->rewriting();
  if (rewriting && ctx.argc() == 1 && !service->status().background) {
    return ctx.Error(
        "ERR Another child process is active (AOF?): can't BGSAVE right now. "
        "Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible.");
  }
  // In a transaction the snapshot waits for its end, as Redis's fork does.
  switch (service->Background(/*later=*/!ctx.may_block() || rewriting)) {
    case SaveService::Begun::kStarted:
      return ctx.reply().SimpleString("Background saving started");
    case SaveService::Begun::kScheduled:
      return ctx.reply().SimpleString("Background saving scheduled");
    case SaveService::Begun::kAlready:
      return ctx.Error(kUnderWay);
  }
}

void BgRewriteAof(CommandContext& ctx) {
  AofService* const service = ctx.engine().aof_service;
  if (service == nullptr) return ctx.Error("ERR");
  switch (service->RewriteInBackground(/*later=*/!ctx.may_block())) {
    case AofService::Begun::kStarted:
      return ctx.reply().SimpleString(
          "Background append only file rewriting started");
    case AofService::Begun::kScheduled:
      return ctx.reply().SimpleString(
          "Background append only file rewriting scheduled");
    case AofService::Begun::kAlready:
      return ctx.Error(
          "ERR Background append only file rewriting already in progress");
    case AofService::Begun::kFailed:
      return ctx.Error(
          "ERR Can't execute an AOF background rewriting. Please check the "
          "server logs for more information.");
  }
}

void LastSave(CommandContext& ctx) {
  SaveService* const service = Service(ctx);
  if (service == nullptr) return;
  ctx.reply().Integer(service->status().last_save_unix);
}

}  // namespace

absl::Span<const CommandSpec> SaveCommands() {
  static const auto* const table = new std::vector<CommandSpec>{
      {.name = "bgrewriteaof",
       .arity = 1,
       .flags = kAdmin | kNoScript | kNoAsyncLoading,
       .since = "1.0.0",
       .group = "server",
       .complexity = "O(1)",
       .summary = "Writes the append-only file anew in the background.",
       .handler = BgRewriteAof},
      {.name = "bgsave",
       .arity = -1,
       .flags = kAdmin | kNoScript | kNoAsyncLoading,
       .since = "1.0.0",
       .group = "server",
       .complexity = "O(1)",
       .summary = "Writes the dataset to disk in the background.",
       .syntax = "[SCHEDULE@3.2.2]",
       .handler = BgSave,
       .history = {{"3.2.2", "Added the `SCHEDULE` option."}}},
      {.name = "lastsave",
       .arity = 1,
       .flags = kLoading | kStale | kFast,
       .acl = kAclAdmin | kAclDangerous,
       .since = "1.0.0",
       .group = "server",
       .complexity = "O(1)",
       .summary = "Tells when the dataset was last written to disk.",
       .tips = {"nondeterministic_output"},
       .handler = LastSave},
      {.name = "save",
       .arity = 1,
       .flags = kAdmin | kNoScript | kNoAsyncLoading | kNoMulti,
       .since = "1.0.0",
       .group = "server",
       .complexity =
           "O(N) where N is the total number of keys in all databases",
       .summary = "Writes the dataset to disk and waits for it.",
       .handler = Save},
  };
  return *table;
}

}  // namespace holdfast::server
