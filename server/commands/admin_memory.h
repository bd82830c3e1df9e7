#ifndef HOLDFAST_SERVER_COMMANDS_ADMIN_MEMORY_H_
#define HOLDFAST_SERVER_COMMANDS_ADMIN_MEMORY_H_

#include "server/command/context.h"

// The subcommands of MEMORY that report on the whole server; the container is
// object.cc's.
namespace holdfast::server {

void MemoryDoctor(CommandContext& ctx);
void MemoryMallocStats(CommandContext& ctx);
void MemoryStats(CommandContext& ctx);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_ADMIN_MEMORY_H_
