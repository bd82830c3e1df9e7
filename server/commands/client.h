#ifndef HOLDFAST_SERVER_COMMANDS_CLIENT_H_
#define HOLDFAST_SERVER_COMMANDS_CLIENT_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// CLIENT and its subcommands: what the server knows of its connections, and
// what a connection chooses for itself. No keyspace lock is taken.
// For CommandTable::Add(). The span lives for ever.
absl::Span<const CommandSpec> ClientCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_CLIENT_H_
