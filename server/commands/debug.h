#ifndef HOLDFAST_SERVER_COMMANDS_DEBUG_H_
#define HOLDFAST_SERVER_COMMANDS_DEBUG_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// DEBUG: what tests and the desperate ask of a server. One command, as in
// Redis: its subcommands are not in the table. Allowed by enable-debug-command
// only. For CommandTable::Add(). The span lives for ever.
absl::Span<const CommandSpec> DebugCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_DEBUG_H_
