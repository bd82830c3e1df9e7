#ifndef HOLDFAST_SERVER_COMMANDS_STREAM_HANDLERS_H_
#define HOLDFAST_SERVER_COMMANDS_STREAM_HANDLERS_H_

#include "server/command/context.h"

// The handlers of the stream family, for its table alone.
namespace holdfast::server {

void XAddCommand(CommandContext& ctx);
void XTrimCommand(CommandContext& ctx);
void XDelCommand(CommandContext& ctx);
void XSetIdCommand(CommandContext& ctx);

void XLenCommand(CommandContext& ctx);
void XRangeCommand(CommandContext& ctx);
void XRevRangeCommand(CommandContext& ctx);

void XReadCommand(CommandContext& ctx);
void XReadGroupCommand(CommandContext& ctx);

void XGroupCreateCommand(CommandContext& ctx);
void XGroupSetIdCommand(CommandContext& ctx);
void XGroupDestroyCommand(CommandContext& ctx);
void XGroupCreateConsumerCommand(CommandContext& ctx);
void XGroupDelConsumerCommand(CommandContext& ctx);
void XGroupHelpCommand(CommandContext& ctx);

void XAckCommand(CommandContext& ctx);
void XPendingCommand(CommandContext& ctx);
void XClaimCommand(CommandContext& ctx);
void XAutoClaimCommand(CommandContext& ctx);

void XInfoStreamCommand(CommandContext& ctx);
void XInfoGroupsCommand(CommandContext& ctx);
void XInfoConsumersCommand(CommandContext& ctx);
void XInfoHelpCommand(CommandContext& ctx);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_STREAM_HANDLERS_H_
