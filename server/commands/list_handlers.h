#ifndef HOLDFAST_SERVER_COMMANDS_LIST_HANDLERS_H_
#define HOLDFAST_SERVER_COMMANDS_LIST_HANDLERS_H_

#include "server/command/context.h"

// The handlers of the list family, for its table alone.
namespace holdfast::server {

void LPushCommand(CommandContext& ctx);
void RPushCommand(CommandContext& ctx);
void LPushXCommand(CommandContext& ctx);
void RPushXCommand(CommandContext& ctx);
void LPopCommand(CommandContext& ctx);
void RPopCommand(CommandContext& ctx);
void LLenCommand(CommandContext& ctx);
void LIndexCommand(CommandContext& ctx);
void LRangeCommand(CommandContext& ctx);
void LPosCommand(CommandContext& ctx);
void LSetCommand(CommandContext& ctx);
void LInsertCommand(CommandContext& ctx);
void LRemCommand(CommandContext& ctx);
void LTrimCommand(CommandContext& ctx);

void LMoveCommand(CommandContext& ctx);
void RPopLPushCommand(CommandContext& ctx);
void LMPopCommand(CommandContext& ctx);

void BLPopCommand(CommandContext& ctx);
void BRPopCommand(CommandContext& ctx);
void BLMoveCommand(CommandContext& ctx);
void BRPopLPushCommand(CommandContext& ctx);
void BLMPopCommand(CommandContext& ctx);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_LIST_HANDLERS_H_
