#ifndef HOLDFAST_SERVER_COMMANDS_DUMP_H_
#define HOLDFAST_SERVER_COMMANDS_DUMP_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// DUMP and RESTORE: a value of any type as bytes, and back.
absl::Span<const CommandSpec> DumpCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_DUMP_H_
