#ifndef HOLDFAST_SERVER_COMMANDS_DUMP_H_
#define HOLDFAST_SERVER_COMMANDS_DUMP_H_

#include <string>

#include "absl/types/span.h"
#include "server/command/spec.h"
#include "server/keyspace/entry.h"

namespace holdfast::server {

class Engine;

// The value of an entry as DUMP gives it. The same value gives the same bytes
// as long as the configuration stays. REQUIRES: the entry's slot.
std::string DumpPayload(Engine& engine, const Entry& entry);

// DUMP and RESTORE: a value of any type as bytes, and back.
absl::Span<const CommandSpec> DumpCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_DUMP_H_
