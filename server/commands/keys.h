#ifndef HOLDFAST_SERVER_COMMANDS_KEYS_H_
#define HOLDFAST_SERVER_COMMANDS_KEYS_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// The commands on named keys, whatever their type: deleting, looking, renaming,
// copying, and when they expire. For CommandTable::Add(). The span lives for
// ever.
absl::Span<const CommandSpec> KeyCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_KEYS_H_
