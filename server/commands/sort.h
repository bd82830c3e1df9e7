#ifndef HOLDFAST_SERVER_COMMANDS_SORT_H_
#define HOLDFAST_SERVER_COMMANDS_SORT_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// SORT and SORT_RO. For CommandTable::Add(). The span lives for ever.
absl::Span<const CommandSpec> SortCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_SORT_H_
