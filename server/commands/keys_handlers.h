#ifndef HOLDFAST_SERVER_COMMANDS_KEYS_HANDLERS_H_
#define HOLDFAST_SERVER_COMMANDS_KEYS_HANDLERS_H_

#include "server/command/context.h"

// Private to the family of keys.h: what its files share. The handlers' contract
// is CommandContext's; arguments are counted and slots locked when they are
// called.
namespace holdfast::server {

// keys.cc: one key at a time, or a list of them.
void DelCommand(CommandContext& ctx);
void ExistsCommand(CommandContext& ctx);
void TypeCommand(CommandContext& ctx);
void TouchCommand(CommandContext& ctx);

// keys_move.cc: from one name or database to another.
void RenameCommand(CommandContext& ctx);
void RenameNxCommand(CommandContext& ctx);
void MoveCommand(CommandContext& ctx);
void CopyCommand(CommandContext& ctx);

// expire.cc.
void ExpireCommand(CommandContext& ctx);
void PExpireCommand(CommandContext& ctx);
void ExpireAtCommand(CommandContext& ctx);
void PExpireAtCommand(CommandContext& ctx);
void TtlCommand(CommandContext& ctx);
void PTtlCommand(CommandContext& ctx);
void ExpireTimeCommand(CommandContext& ctx);
void PExpireTimeCommand(CommandContext& ctx);
void PersistCommand(CommandContext& ctx);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_KEYS_HANDLERS_H_
