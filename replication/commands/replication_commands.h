#ifndef HOLDFAST_REPLICATION_COMMANDS_REPLICATION_COMMANDS_H_
#define HOLDFAST_REPLICATION_COMMANDS_REPLICATION_COMMANDS_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::replication {

// REPLICAOF, SLAVEOF, PSYNC, SYNC, REPLCONF, WAIT, ROLE, REPLICATION. They find
// the server's Replication through its engine.
absl::Span<const server::CommandSpec> ReplicationCommands();

}  // namespace holdfast::replication

#endif  // HOLDFAST_REPLICATION_COMMANDS_REPLICATION_COMMANDS_H_
