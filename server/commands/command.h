#ifndef HOLDFAST_SERVER_COMMANDS_COMMAND_H_
#define HOLDFAST_SERVER_COMMANDS_COMMAND_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// COMMAND and its subcommands: what the command table holds, told to clients.
// For CommandTable::Add(). The span lives for ever.
absl::Span<const CommandSpec> CommandCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_COMMAND_H_
