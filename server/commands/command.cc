#include "server/commands/command.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "server/command/context.h"
#include "server/command/errors.h"
#include "server/command/table.h"
#include "server/commands/command_reply.h"
#include "server/engine/engine.h"
#include "server/text/glob.h"

namespace holdfast::server {
namespace {

const CommandTable& Table(CommandContext& ctx) {
  return ctx.engine().commands();
}

void InfoOfAll(CommandContext& ctx) {
  const auto& commands = Table(ctx).commands();
  ctx.reply().ArrayHeader(commands.size());
  for (const CommandSpec* spec : commands)
    WriteCommandInfo(*spec, &ctx.reply());
}

void CommandCommand(CommandContext& ctx) { InfoOfAll(ctx); }

void CommandCount(CommandContext& ctx) {
  ctx.reply().Integer(static_cast<int64_t>(Table(ctx).commands().size()));
}

void CommandInfo(CommandContext& ctx) {
  if (ctx.argc() == 2) return InfoOfAll(ctx);
  ctx.reply().ArrayHeader(ctx.argc() - 2);
  for (size_t i = 2; i < ctx.argc(); ++i) {
    const CommandSpec* spec = Table(ctx).FindFull(ctx.arg(i));
    if (spec == nullptr) {
      ctx.reply().Null();
    } else {
      WriteCommandInfo(*spec, &ctx.reply());
    }
  }
}

void CommandDocs(CommandContext& ctx) {
  std::vector<const CommandSpec*> wanted;
  if (ctx.argc() == 2) wanted = Table(ctx).commands();
  for (size_t i = 2; i < ctx.argc(); ++i) {
    const CommandSpec* spec = Table(ctx).FindFull(ctx.arg(i));
    if (spec != nullptr) wanted.push_back(spec);
  }
  ctx.reply().MapHeader(wanted.size());
  for (const CommandSpec* spec : wanted) {
    ctx.reply().Bulk(spec->full_name);
    WriteCommandDocs(*spec, &ctx.reply());
  }
}

void CommandList(CommandContext& ctx) {
  using Filter = std::function<bool(const CommandSpec&)>;
  Filter wanted = [](const CommandSpec&) { return true; };
  if (ctx.argc() > 2) {
    if (ctx.argc() != 5 || !ctx.ArgIs(2, "filterby"))
      return ctx.Error(errors::kSyntax);
    const absl::string_view value = ctx.arg(4);
    if (ctx.ArgIs(3, "module")) {
      wanted = [](const CommandSpec&) {
        return false;
      };  // There are no modules.
    } else if (ctx.ArgIs(3, "aclcat")) {
      const uint32_t category = AclCategoryByName(value);
      wanted = [category](const CommandSpec& spec) {
        return (spec.acl & category) != 0;
      };
    } else if (ctx.ArgIs(3, "pattern")) {
      wanted = [value](const CommandSpec& spec) {
        return GlobMatch(value, spec.full_name, GlobCase::kIgnore);
      };
    } else {
      return ctx.Error(errors::kSyntax);
    }
  }
  std::vector<absl::string_view> names;
  for (const CommandSpec* spec : Table(ctx).commands()) {
    if (wanted(*spec)) names.push_back(spec->full_name);
    for (const CommandSpec& sub : spec->subcommands) {
      if (wanted(sub)) names.push_back(sub.full_name);
    }
  }
  ctx.reply().ArrayHeader(names.size());
  for (const absl::string_view name : names) ctx.reply().Bulk(name);
}

void ReplyWithKeys(CommandContext& ctx, bool with_flags) {
  const absl::Span<const absl::string_view> args = ctx.args().subspan(2);
  const CommandSpec* spec = Table(ctx).ResolveOrNull(args);
  if (spec == nullptr) return ctx.Error("ERR Invalid command specified");
  if (!MayHaveKeys(*spec))
    return ctx.Error("ERR The command has no key arguments");
  if (!ArityFits(*spec, args.size()))
    return ctx.Error("ERR Invalid number of arguments specified for command");
  std::vector<KeyUse> keys;
  if (!ReportKeys(*spec, args, &keys)) {
    if (!spec->Is(kNoMandatoryKeys))
      return ctx.Error("ERR Invalid arguments specified for command");
    keys.clear();
  }
  ctx.reply().ArrayHeader(keys.size());
  for (const KeyUse& key : keys) {
    if (with_flags) ctx.reply().ArrayHeader(2);
    ctx.reply().Bulk(args[key.arg]);
    if (with_flags) WriteKeyFlags(key.flags, &ctx.reply());
  }
}

void CommandGetKeys(CommandContext& ctx) { ReplyWithKeys(ctx, false); }
void CommandGetKeysAndFlags(CommandContext& ctx) { ReplyWithKeys(ctx, true); }

void CommandHelp(CommandContext& ctx) {
  static constexpr absl::string_view kLines[] = {
      "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "(no subcommand)",
      "    The same as INFO without names.",
      "COUNT",
      "    How many commands there are.",
      "DOCS [<command-name> ...]",
      "    Documentation of these commands, or of all.",
      "GETKEYS <full-command>",
      "    The keys among a command's arguments.",
      "GETKEYSANDFLAGS <full-command>",
      "    The keys among a command's arguments and what is done to each.",
      "INFO [<command-name> ...]",
      "    Arity, flags, keys and categories of these commands, or of all.",
      "LIST [FILTERBY MODULE <module-name>|ACLCAT <category>|PATTERN "
      "<pattern>]",
      "    Names of all commands, or of those that the filter lets through.",
      "HELP",
      "    Print this help.",
  };
  ctx.reply().ArrayHeader(std::size(kLines));
  for (const absl::string_view line : kLines) ctx.reply().SimpleString(line);
}

constexpr absl::string_view kServer = "server";
constexpr absl::string_view kAnyOrder = "nondeterministic_output_order";
constexpr uint64_t kFlags = kLoading | kStale;

std::vector<CommandSpec> MakeCommands() {
  std::vector<CommandSpec> subcommands = {
      {.name = "count",
       .arity = 2,
       .flags = kFlags,
       .acl = kAclConnection,
       .since = "2.8.13",
       .group = kServer,
       .complexity = "O(1)",
       .summary = "Count the commands of this server",
       .handler = CommandCount},
      {.name = "docs",
       .arity = -2,
       .flags = kFlags,
       .acl = kAclConnection,
       .since = "7.0.0",
       .group = kServer,
       .complexity = "O(N), N being the number of commands asked for",
       .summary = "Documentation of commands",
       .syntax = "[command-name [command-name ...]]",
       .tips = {kAnyOrder},
       .handler = CommandDocs},
      {.name = "getkeys",
       .arity = -4,
       .flags = kFlags,
       .acl = kAclConnection,
       .since = "2.8.13",
       .group = kServer,
       .complexity = "O(N), N being the number of arguments",
       .summary = "Find the keys in a whole command",
       .handler = CommandGetKeys},
      {.name = "getkeysandflags",
       .arity = -4,
       .flags = kFlags,
       .acl = kAclConnection,
       .since = "7.0.0",
       .group = kServer,
       .complexity = "O(N), N being the number of arguments",
       .summary = "Find the keys in a whole command, and what it does to each",
       .handler = CommandGetKeysAndFlags},
      {.name = "help",
       .arity = 2,
       .flags = kFlags,
       .acl = kAclConnection,
       .since = "5.0.0",
       .group = kServer,
       .complexity = "O(1)",
       .summary = "Tell what the subcommands do",
       .handler = CommandHelp},
      {.name = "info",
       .arity = -2,
       .flags = kFlags,
       .acl = kAclConnection,
       .since = "2.8.13",
       .group = kServer,
       .complexity = "O(N), N being the number of commands asked for",
       .summary = "Arity, flags, keys and categories of commands",
       .syntax = "[command-name [command-name ...]]",
       .tips = {kAnyOrder},
       .handler = CommandInfo,
       .history = {{"7.0.0", "Without a name it tells of all commands."}}},
      {.name = "list",
       .arity = -2,
       .flags = kFlags,
       .acl = kAclConnection,
       .since = "7.0.0",
       .group = kServer,
       .complexity = "O(N), N being the number of commands of this server",
       .summary = "Names of the commands of this server",
       .syntax = "[FILTERBY filterby:<MODULE module-name | ACLCAT category | "
                 "PATTERN pattern>]",
       .tips = {kAnyOrder},
       .handler = CommandList},
  };
  return {
      {.name = "command",
       .arity = -1,
       .flags = kFlags,
       .acl = kAclConnection,
       .since = "2.8.13",
       .group = kServer,
       .complexity = "O(N), N being the number of commands of this server",
       .summary = "Arity, flags, keys and categories of all commands",
       .tips = {kAnyOrder},
       .handler = CommandCommand,
       .subcommands = std::move(subcommands)},
  };
}

}  // namespace

absl::Span<const CommandSpec> CommandCommands() {
  static const auto* const commands =
      new std::vector<CommandSpec>(MakeCommands());  // Never destroyed.
  return *commands;
}

}  // namespace holdfast::server
