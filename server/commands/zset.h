#ifndef HOLDFAST_SERVER_COMMANDS_ZSET_H_
#define HOLDFAST_SERVER_COMMANDS_ZSET_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// The commands on sorted sets, but those that block and those of GEO. For
// CommandTable::Add(). The span lives for ever.
absl::Span<const CommandSpec> ZsetCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_ZSET_H_
