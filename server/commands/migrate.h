#ifndef HOLDFAST_SERVER_COMMANDS_MIGRATE_H_
#define HOLDFAST_SERVER_COMMANDS_MIGRATE_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// MIGRATE: moves keys to another server (redis.io/commands/migrate).
absl::Span<const CommandSpec> MigrateCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_MIGRATE_H_
