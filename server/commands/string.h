#ifndef HOLDFAST_SERVER_COMMANDS_STRING_H_
#define HOLDFAST_SERVER_COMMANDS_STRING_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// The commands on string values: SET and its kin, GET and its kin, APPEND and
// ranges, counters, LCS. For CommandTable::Add(). The span lives for ever.
absl::Span<const CommandSpec> StringCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_STRING_H_
