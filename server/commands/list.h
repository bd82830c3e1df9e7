#ifndef HOLDFAST_SERVER_COMMANDS_LIST_H_
#define HOLDFAST_SERVER_COMMANDS_LIST_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// LPUSH, LPOP, LRANGE, LMOVE, BLPOP ...: lists as Redis 7.0 has them.
absl::Span<const CommandSpec> ListCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_LIST_H_
