#include "server/commands/admin.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "server/command/errors.h"
#include "server/commands/admin_handlers.h"
#include "server/commands/object_help.h"
#include "server/engine/engine.h"
#include "server/engine/save_service.h"
#include "server/engine/version.h"
#include "server/session/session.h"

namespace holdfast::server {
namespace {

void Time(CommandContext& ctx) {
  const int64_t micros = absl::ToUnixMicros(ctx.engine().clock()->WallNow());
  ctx.reply().ArrayHeader(2);
  ctx.reply().BulkInteger(micros / 1000000);
  ctx.reply().BulkInteger(micros % 1000000);
}

void Shutdown(CommandContext& ctx) {
  bool save = false;
  bool no_save = false;
  bool now = false;
  bool force = false;
  bool abort = false;
  for (size_t i = 1; i < ctx.argc(); ++i) {
    if (ctx.ArgIs(i, "SAVE")) {
      save = true;
    } else if (ctx.ArgIs(i, "NOSAVE")) {
      no_save = true;
    } else if (ctx.ArgIs(i, "NOW")) {
      now = true;
    } else if (ctx.ArgIs(i, "FORCE")) {
      force = true;
    } else if (ctx.ArgIs(i, "ABORT")) {
      abort = true;
    } else {
      return ctx.Error(errors::kSyntax);
    }
  }
  if ((abort && (save || no_save || now || force)) || (save && no_save))
    return ctx.Error(errors::kSyntax);
  SaveService* const service = ctx.engine().save_service;
  if (abort) {
    const bool withdrawn = ctx.engine().withdraw_signal();
    if ((service == nullptr || !service->AbortEnd()) && !withdrawn)
      return ctx.Error("ERR No shutdown in progress.");
    LOG(INFO) << "Shutdown manually aborted.";
    return ctx.Ok();
  }
  if (service != nullptr) {
    const SaveService::EndSave wanted =
        save      ? SaveService::EndSave::kYes
        : no_save ? SaveService::EndSave::kNo
                  : SaveService::EndSave::kIfConfigured;
    const absl::Status ready = service->PrepareEnd(
        wanted, force, [&ctx] { return ctx.session().killed(); });
    if (!ready.ok())
      return ctx.Error("ERR Errors trying to SHUTDOWN. Check logs.");
  } else if (save && !force) {
    return ctx.Error("ERR Errors trying to SHUTDOWN. Check logs.");
  }
  ctx.session().own.skip_this_reply = true;
  ctx.session().own.close_after_reply = true;
  ctx.session().closing.store(true, std::memory_order_relaxed);
  ctx.engine().request_shutdown();
}

void Lolwut(CommandContext& ctx) {
  // VERSION and the numbers behind it choose drawings in Redis; here they are
  // only understood.
  for (size_t i = 1; i < ctx.argc(); ++i) {
    int64_t number = 0;
    if (i == 1 && ctx.ArgIs(1, "VERSION") && ctx.argc() > 2) continue;
    if (!ctx.IntArg(i, &number)) return;
  }
  ctx.reply().Verbatim(
      "txt",
      absl::StrCat("     _______\n"
                   "  __/       \\__\n"
                   " |  [=======]  |   Made fast to the quay,\n"
                   " |__         __|   whatever the tide does.\n"
                   "    \\_______/\n\n"
                   "Holdfast ver. ",
                   kHoldfastVersion, " (Redis ver. ", kRedisVersion, ")\n"));
}

// --- MODULE ---

void ModuleList(CommandContext& ctx) { ctx.reply().ArrayHeader(0); }
void ModuleLoad(CommandContext& ctx) {
  ctx.Error(
      "ERR Error loading the extension. Holdfast has no modules: it cannot "
      "load code.");
}
void ModuleUnload(CommandContext& ctx) {
  ctx.Error("ERR Error unloading module: no such module with that name");
}
void ModuleHelp(CommandContext& ctx) {
  ReplyWithHelp(
      ctx,
      {"LIST", "    List the modules: there are none.",
       "LOAD <path> [<arg> ...]",
       "    Refused, as are LOADEX and UNLOAD: modules cannot be loaded."});
}

}  // namespace

CommandSpec ServerSubcommand(absl::string_view name, int arity, uint64_t flags,
                             absl::string_view since,
                             absl::string_view complexity,
                             absl::string_view summary, CommandHandler handler,
                             absl::string_view syntax,
                             std::vector<absl::string_view> tips) {
  return {.name = name,
          .arity = arity,
          .flags = flags,
          .since = since,
          .group = "server",
          .complexity = complexity,
          .summary = summary,
          .syntax = syntax,
          .tips = std::move(tips),
          .handler = handler};
}

CommandSpec ServerContainer(absl::string_view name, absl::string_view since,
                            absl::string_view summary,
                            std::vector<CommandSpec> subcommands) {
  return {.name = name,
          .arity = -2,
          .since = since,
          .group = "server",
          .complexity = "Depends on subcommand.",
          .summary = summary,
          .subcommands = std::move(subcommands)};
}

CommandSpec ModuleCommand() {
  constexpr uint64_t kLoads = kAdmin | kNoScript | kNoAsyncLoading;
  return ServerContainer(
      "module", "4.0.0", "A container of commands on modules.",
      {ServerSubcommand("help", 2, kLoading | kStale, "5.0.0", "O(1)",
                        "Describes the subcommands.", ModuleHelp),
       ServerSubcommand("list", 2, kAdmin | kNoScript, "4.0.0",
                        "O(N) where N is the number of loaded modules.",
                        "Lists the modules.", ModuleList, {},
                        {"nondeterministic_output_order"}),
       ServerSubcommand("load", -3, kLoads, "4.0.0", "O(1)", "Loads a module.",
                        ModuleLoad, "path [arg [arg ...]]"),
       ServerSubcommand("loadex", -3, kLoads, "7.0.0", "O(1)",
                        "Loads a module, with settings.", ModuleLoad,
                        "path [CONFIG configs:<name value> [CONFIG "
                        "configs:<name value> ...]] "
                        "[ARGS args:<arg:string> [args:<arg:string> ...]]"),
       ServerSubcommand("unload", 3, kLoads, "4.0.0", "O(1)",
                        "Unloads a module.", ModuleUnload, "name")});
}

absl::Span<const CommandSpec> AdminCommands() {
  static const auto* const table = new std::vector<CommandSpec>{
      LatencyCommand(),
      {.name = "lolwut",
       .arity = -1,
       .flags = kReadonly | kFast,
       .since = "5.0.0",
       .group = "server",
       .summary = "Draws something, and tells the version.",
       .syntax = "[VERSION version]",
       .handler = Lolwut},
      ModuleCommand(),
      {.name = "shutdown",
       .arity = -1,
       .flags = kAdmin | kNoScript | kLoading | kStale | kNoMulti | kAllowBusy,
       .since = "1.0.0",
       .group = "server",
       .complexity = "O(N) when saving, where N is the total number of keys in "
                     "all databases when saving data, otherwise O(1)",
       .summary = "Ends the server.",
       .syntax = "[nosave_save:<nosave:\"NOSAVE\" | save:\"SAVE\">] "
                 "[now:\"NOW\"@7.0.0] [force:\"FORCE\"@7.0.0] "
                 "[abort:\"ABORT\"@7.0.0]",
       .handler = Shutdown,
       .history = {{"7.0.0", "NOW, FORCE and ABORT."}}},
      SlowlogCommand(),
      {.name = "time",
       .arity = 1,
       .flags = kLoading | kStale | kFast,
       .since = "2.6.0",
       .group = "server",
       .complexity = "O(1)",
       .summary = "Tells the server's time.",
       .tips = {"nondeterministic_output"},
       .handler = Time},
  };
  return *table;
}

}  // namespace holdfast::server
