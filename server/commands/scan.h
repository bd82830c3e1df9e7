#ifndef HOLDFAST_SERVER_COMMANDS_SCAN_H_
#define HOLDFAST_SERVER_COMMANDS_SCAN_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// The commands that find keys: KEYS, SCAN, RANDOMKEY. They lock one slot after
// another, so none of them sees the keyspace as it was at one instant (inside
// MULTI they do). For CommandTable::Add(). The span lives for ever.
absl::Span<const CommandSpec> ScanCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_SCAN_H_
