#ifndef HOLDFAST_SERVER_COMMANDS_HASH_HANDLERS_H_
#define HOLDFAST_SERVER_COMMANDS_HASH_HANDLERS_H_

#include "server/command/context.h"

// Private to the hash family: what its table names. The handlers' contract is
// CommandContext's; arguments are counted and slots locked when they are
// called.
namespace holdfast::server {

// hash.cc: fields and their values.
void HSetCommand(CommandContext& ctx);  // Also HMSET.
void HSetNxCommand(CommandContext& ctx);
void HGetCommand(CommandContext& ctx);
void HMGetCommand(CommandContext& ctx);
void HDelCommand(CommandContext& ctx);
void HLenCommand(CommandContext& ctx);
void HStrLenCommand(CommandContext& ctx);
void HExistsCommand(CommandContext& ctx);

// hash_walk.cc: whole hashes, or parts that chance chooses.
void HGetAllCommand(CommandContext& ctx);
void HKeysCommand(CommandContext& ctx);
void HValsCommand(CommandContext& ctx);
void HScanCommand(CommandContext& ctx);
void HRandFieldCommand(CommandContext& ctx);

// hash_number.cc: values as numbers.
void HIncrByCommand(CommandContext& ctx);
void HIncrByFloatCommand(CommandContext& ctx);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_HASH_HANDLERS_H_
