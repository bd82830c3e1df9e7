#ifndef HOLDFAST_SERVER_COMMANDS_HASH_H_
#define HOLDFAST_SERVER_COMMANDS_HASH_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// The commands on hashes: HSET and its kin, HGET and its kin, counters in
// fields, HRANDFIELD, HSCAN. For CommandTable::Add(). The span lives for ever.
absl::Span<const CommandSpec> HashCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_HASH_H_
