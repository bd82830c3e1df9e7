#ifndef HOLDFAST_SERVER_COMMANDS_HYPERLOGLOG_H_
#define HOLDFAST_SERVER_COMMANDS_HYPERLOGLOG_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// The commands that count different elements: PFADD, PFCOUNT, PFMERGE, PFDEBUG,
// PFSELFTEST. For CommandTable::Add(). The span lives for ever.
absl::Span<const CommandSpec> HyperLogLogCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_HYPERLOGLOG_H_
