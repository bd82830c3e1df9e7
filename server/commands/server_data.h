#ifndef HOLDFAST_SERVER_COMMANDS_SERVER_DATA_H_
#define HOLDFAST_SERVER_COMMANDS_SERVER_DATA_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// The commands on whole databases: DBSIZE, FLUSHALL, FLUSHDB, SWAPDB. What they
// take out of the keyspace is freed by the lazy-free thread, SYNC or ASYNC: how
// long the locks are held does not depend on how much it was.
// For CommandTable::Add(). The span lives for ever.
absl::Span<const CommandSpec> ServerDataCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_SERVER_DATA_H_
