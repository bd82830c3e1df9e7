#ifndef HOLDFAST_SERVER_COMMANDS_SORT_HANDLERS_H_
#define HOLDFAST_SERVER_COMMANDS_SORT_HANDLERS_H_

#include "server/command/context.h"

// The handlers of SORT and SORT_RO, for their table alone.
namespace holdfast::server {

void SortCommand(CommandContext& ctx);
void SortRoCommand(CommandContext& ctx);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_SORT_HANDLERS_H_
