#ifndef HOLDFAST_SERVER_COMMANDS_CONNECTION_H_
#define HOLDFAST_SERVER_COMMANDS_CONNECTION_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// AUTH, ECHO, HELLO, PING, QUIT, RESET, SELECT. (CLIENT has a file of its own.)
absl::Span<const CommandSpec> ConnectionCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_CONNECTION_H_
