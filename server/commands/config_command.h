#ifndef HOLDFAST_SERVER_COMMANDS_CONFIG_COMMAND_H_
#define HOLDFAST_SERVER_COMMANDS_CONFIG_COMMAND_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// CONFIG GET, SET, RESETSTAT, REWRITE: commands over server/config, whose hooks
// put a change into force. A SET lasts as long as they do (a new listener, a
// larger backlog); no keyspace lock is held meanwhile.
// For CommandTable::Add(). The span lives for ever.
absl::Span<const CommandSpec> ConfigCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_CONFIG_COMMAND_H_
