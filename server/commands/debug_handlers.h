#ifndef HOLDFAST_SERVER_COMMANDS_DEBUG_HANDLERS_H_
#define HOLDFAST_SERVER_COMMANDS_DEBUG_HANDLERS_H_

#include "server/command/context.h"

// Private to debug.h's command: its subcommands. args()[1] is the subcommand
// and the arguments are counted; no lock is held (but all, inside a
// transaction).
namespace holdfast::server {

// debug_data.cc: about keys and their values.
void DebugDigestAll(CommandContext& ctx);
void DebugDigestValues(CommandContext& ctx);
void DebugObject(CommandContext& ctx);
void DebugListpack(CommandContext& ctx);
void DebugQuicklist(CommandContext& ctx);
void DebugHtStats(CommandContext& ctx);
void DebugHtStatsKey(CommandContext& ctx);
void DebugPopulate(CommandContext& ctx);

// debug_protocol.cc: replies of every type.
void DebugProtocol(CommandContext& ctx);
void DebugError(CommandContext& ctx);

// debug_reload.cc.
void DebugReload(CommandContext& ctx);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_DEBUG_HANDLERS_H_
