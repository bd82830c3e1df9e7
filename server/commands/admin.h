#ifndef HOLDFAST_SERVER_COMMANDS_ADMIN_H_
#define HOLDFAST_SERVER_COMMANDS_ADMIN_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// What an operator asks a server for beside CLIENT, CONFIG and INFO: TIME,
// SHUTDOWN, LOLWUT, MODULE, SLOWLOG, LATENCY. None takes a keyspace lock.
// For CommandTable::Add(). The span lives for ever.
absl::Span<const CommandSpec> AdminCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_ADMIN_H_
