#include "server/commands/config_command.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "server/command/context.h"
#include "server/command/errors.h"
#include "server/commands/object_help.h"
#include "server/config/config.h"
#include "server/engine/engine.h"
#include "server/session/session.h"

namespace holdfast::server {
namespace {

void ConfigGet(CommandContext& ctx) {
  const auto values = ctx.engine().config().Get(ctx.args().subspan(2));
  ctx.reply().MapHeader(values.size());
  for (const auto& [name, value] : values) {
    ctx.reply().Bulk(name);
    ctx.reply().Bulk(value);
  }
}

// Connected from this host, as enable-protected-configs "local" asks.
bool IsLocal(const Session& session) {
  return session.unix_socket.load(std::memory_order_relaxed) ||
         absl::StartsWith(session.address, "127.") ||
         absl::StartsWith(session.address, "[::1]") ||
         absl::StartsWith(session.address, "::1:");
}

void ConfigSet(CommandContext& ctx) {
  if (ctx.argc() % 2 != 0) return ctx.Error(errors::kSyntax);
  std::vector<Config::NameValue> pairs;
  for (size_t i = 2; i < ctx.argc(); i += 2)
    pairs.emplace_back(ctx.arg(i), ctx.arg(i + 1));
  Config::SetContext context;
  context.local_client = IsLocal(ctx.session());
  context.loading = ctx.engine().role().loading.load(std::memory_order_relaxed);
  const absl::Status status = ctx.engine().config().Set(pairs, context);
  if (!status.ok()) return ctx.Error(status.message());
  ctx.Ok();
}

void ConfigResetStat(CommandContext& ctx) {
  ctx.engine().stats().Reset();
  ctx.engine().lazy_free().ResetFreed();
  ctx.Ok();
}

void ConfigRewrite(CommandContext& ctx) {
  const absl::Status status = ctx.engine().config().Rewrite();
  if (!status.ok()) {
    LOG(WARNING) << "CONFIG REWRITE failed: " << status.message();
    return ctx.Error(status.message());
  }
  LOG(WARNING) << "CONFIG REWRITE executed with success.";
  ctx.Ok();
}

void ConfigHelp(CommandContext& ctx) {
  ReplyWithHelp(
      ctx, {"GET <pattern> [<pattern> ...]",
            "    Show the directives that match a glob, with their values.",
            "SET <directive> <value> [<directive> <value> ...]",
            "    Change directives: all of them, or with an error none.",
            "RESETSTAT", "    Set the statistics of INFO back to zero.",
            "REWRITE", "    Write the values into the configuration file."});
}

CommandSpec Subcommand(absl::string_view name, int arity,
                       absl::string_view since, absl::string_view summary,
                       CommandHandler handler,
                       absl::string_view complexity = "O(1)",
                       absl::string_view syntax = {}) {
  return {.name = name,
          .arity = arity,
          .flags = kAdmin | kNoScript | kLoading | kStale,
          .since = since,
          .group = "server",
          .complexity = complexity,
          .summary = summary,
          .syntax = syntax,
          .handler = handler};
}

std::vector<CommandSpec> MakeSubcommands() {
  CommandSpec help =
      Subcommand("help", 2, "5.0.0", "Describes the subcommands.", ConfigHelp);
  help.flags = kLoading | kStale;
  CommandSpec set = Subcommand(
      "set", -4, "2.0.0", "Changes directives.", ConfigSet,
      "O(N) when N is the number of configuration parameters provided",
      "parameter_value:<parameter value> [parameter_value:<parameter value> "
      "...]");
  set.tips = {"request_policy:all_nodes", "response_policy:all_succeeded"};
  set.history = {{"7.0.0", "Sets several directives in one call."}};
  CommandSpec get = Subcommand(
      "get", -3, "2.0.0", "Shows directives.", ConfigGet,
      "O(N) when N is the number of configuration parameters provided",
      "parameter:<parameter:string> [parameter:<parameter:string> ...]");
  get.history = {{"7.0.0", "Takes several patterns."}};
  return {get, help,
          Subcommand("resetstat", 2, "2.0.0",
                     "Sets the statistics back to zero.", ConfigResetStat),
          Subcommand("rewrite", 2, "2.8.0",
                     "Writes the values into the configuration file.",
                     ConfigRewrite),
          set};
}

}  // namespace

absl::Span<const CommandSpec> ConfigCommands() {
  static const auto* const table = new std::vector<CommandSpec>{
      {.name = "config",
       .arity = -2,
       .since = "2.0.0",
       .group = "server",
       .complexity = "Depends on subcommand.",
       .summary = "A container of commands on the configuration.",
       .subcommands = MakeSubcommands()}};
  return *table;
}

}  // namespace holdfast::server
