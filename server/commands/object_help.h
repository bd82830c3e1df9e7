#ifndef HOLDFAST_SERVER_COMMANDS_OBJECT_HELP_H_
#define HOLDFAST_SERVER_COMMANDS_OBJECT_HELP_H_

#include <initializer_list>

#include "absl/strings/string_view.h"
#include "server/command/context.h"

namespace holdfast::server {

// The answer to HELP of a container command: an array of lines with the frame
// that Redis gives it (tools look for "<NAME> <subcommand>"). `lines` are all
// but the heading and HELP's own.
void ReplyWithHelp(CommandContext& ctx,
                   std::initializer_list<absl::string_view> lines);

// The error of a subcommand that is there, but not with these arguments.
void ReplyWrongSubcommandArguments(CommandContext& ctx);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_OBJECT_HELP_H_
