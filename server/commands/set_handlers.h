#ifndef HOLDFAST_SERVER_COMMANDS_SET_HANDLERS_H_
#define HOLDFAST_SERVER_COMMANDS_SET_HANDLERS_H_

#include "server/command/context.h"

// Private to the set family: what its table names. The handlers' contract is
// CommandContext's; arguments are counted and slots locked when they are
// called.
namespace holdfast::server {

// set.cc: members of one set, or of two.
void SAddCommand(CommandContext& ctx);
void SRemCommand(CommandContext& ctx);
void SMoveCommand(CommandContext& ctx);
void SIsMemberCommand(CommandContext& ctx);
void SMIsMemberCommand(CommandContext& ctx);
void SCardCommand(CommandContext& ctx);
void SMembersCommand(CommandContext& ctx);
void SScanCommand(CommandContext& ctx);

// set_random.cc: members that chance chooses.
void SPopCommand(CommandContext& ctx);
void SRandMemberCommand(CommandContext& ctx);

// set_algebra.cc: several sets.
void SInterCommand(CommandContext& ctx);
void SInterCardCommand(CommandContext& ctx);
void SInterStoreCommand(CommandContext& ctx);
void SUnionCommand(CommandContext& ctx);
void SUnionStoreCommand(CommandContext& ctx);
void SDiffCommand(CommandContext& ctx);
void SDiffStoreCommand(CommandContext& ctx);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_SET_HANDLERS_H_
