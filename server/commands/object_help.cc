#include "server/commands/object_help.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/command/spec.h"

namespace holdfast::server {

void ReplyWithHelp(CommandContext& ctx,
                   std::initializer_list<absl::string_view> lines) {
  const CommandSpec& container =
      ctx.spec().parent != nullptr ? *ctx.spec().parent : ctx.spec();
  net::ReplyWriter& reply = ctx.reply();
  reply.ArrayHeader(lines.size() + 3);
  reply.SimpleString(absl::StrCat(
      absl::AsciiStrToUpper(container.name),
      " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
  for (const absl::string_view line : lines) reply.SimpleString(line);
  reply.SimpleString("HELP");
  reply.SimpleString("    Prints this help.");
}

void ReplyWrongSubcommandArguments(CommandContext& ctx) {
  ctx.Error(absl::StrCat(
      "ERR unknown subcommand or wrong number of arguments for '", ctx.arg(1),
      "'. Try ", absl::AsciiStrToUpper(ctx.spec().parent->name), " HELP."));
}

}  // namespace holdfast::server
