#ifndef HOLDFAST_SERVER_COMMANDS_STRING_HANDLERS_H_
#define HOLDFAST_SERVER_COMMANDS_STRING_HANDLERS_H_

#include "absl/strings/string_view.h"
#include "net/resp/reply_writer.h"
#include "server/command/context.h"
#include "server/commands/value_args.h"
#include "server/keyspace/entry.h"

// Private to the string family: what its files share. The handlers' contract is
// CommandContext's; arguments are counted and slots locked when they are
// called.
namespace holdfast::server {

// string.cc: whole values.
void SetCommand(CommandContext& ctx);
void SetNxCommand(CommandContext& ctx);
void SetExCommand(CommandContext& ctx);
void PSetExCommand(CommandContext& ctx);
void GetCommand(CommandContext& ctx);
void GetSetCommand(CommandContext& ctx);
void GetDelCommand(CommandContext& ctx);
void GetExCommand(CommandContext& ctx);
void MGetCommand(CommandContext& ctx);
void MSetCommand(CommandContext& ctx);
void MSetNxCommand(CommandContext& ctx);

// string_bytes.cc: parts of a value.
void AppendCommand(CommandContext& ctx);
void StrLenCommand(CommandContext& ctx);
void SetRangeCommand(CommandContext& ctx);
void GetRangeCommand(CommandContext& ctx);

// string_number.cc: values as numbers.
void IncrCommand(CommandContext& ctx);
void DecrCommand(CommandContext& ctx);
void IncrByCommand(CommandContext& ctx);
void DecrByCommand(CommandContext& ctx);
void IncrByFloatCommand(CommandContext& ctx);

// string_lcs.cc.
void LcsCommand(CommandContext& ctx);

// REQUIRES: a string.
inline void ReplyWithString(net::ReplyWriter& reply, const Entry& entry) {
  char scratch[Entry::kScratch];
  reply.Bulk(entry.StringBytes(scratch));
}

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_STRING_HANDLERS_H_
