#ifndef HOLDFAST_SERVER_COMMANDS_SAVE_H_
#define HOLDFAST_SERVER_COMMANDS_SAVE_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// BGSAVE, LASTSAVE, SAVE.
absl::Span<const CommandSpec> SaveCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_SAVE_H_
