#ifndef HOLDFAST_SERVER_COMMANDS_COMMAND_REPLY_H_
#define HOLDFAST_SERVER_COMMANDS_COMMAND_REPLY_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "net/resp/reply_writer.h"
#include "server/command/spec.h"

namespace holdfast::server {

// How COMMAND shows an entry of the command table, in the shapes and orders of
// Redis 7.0 (redis.io/commands/command, .../command-docs); clients build their
// key extraction and redis-cli its hints on these. Pure. REQUIRES: specs that a
// CommandTable holds.

// COMMAND INFO's ten fields, with subcommands nested.
void WriteCommandInfo(const CommandSpec& spec, net::ReplyWriter* reply);

// COMMAND DOCS' map for one command, without its name. Arguments come from
// CommandSpec::syntax; a synopsis that ParseSyntax() refuses gives none.
void WriteCommandDocs(const CommandSpec& spec, net::ReplyWriter* reply);

// A set of KeyFlags: "RW", "access" ...
void WriteKeyFlags(uint32_t flags, net::ReplyWriter* reply);

// The AclCategory with this name ("sortedset", any case); 0 if there is none.
uint32_t AclCategoryByName(absl::string_view name);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_COMMAND_REPLY_H_
