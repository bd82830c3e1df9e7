#ifndef HOLDFAST_SERVER_COMMANDS_OBJECT_H_
#define HOLDFAST_SERVER_COMMANDS_OBJECT_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// OBJECT and MEMORY: how a value is held, and what it costs.
// For CommandTable::Add(). The span lives for ever.
absl::Span<const CommandSpec> ObjectCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_OBJECT_H_
