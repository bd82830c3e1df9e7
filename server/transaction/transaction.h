#ifndef HOLDFAST_SERVER_TRANSACTION_TRANSACTION_H_
#define HOLDFAST_SERVER_TRANSACTION_TRANSACTION_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// MULTI, EXEC, DISCARD, WATCH, UNWATCH.
//
// EXEC is one execution unit: the slots of all queued commands and of all
// watched keys are locked once, in order; then it is seen whether a watched key
// was touched; then the commands run, and their effects go into the log in one
// piece.
absl::Span<const CommandSpec> TransactionCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TRANSACTION_TRANSACTION_H_
