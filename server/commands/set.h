#ifndef HOLDFAST_SERVER_COMMANDS_SET_H_
#define HOLDFAST_SERVER_COMMANDS_SET_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// The commands on sets: members, SPOP and SRANDMEMBER, intersections, unions
// and differences, SSCAN. For CommandTable::Add(). The span lives for ever.
absl::Span<const CommandSpec> SetCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_SET_H_
