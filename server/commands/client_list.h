#ifndef HOLDFAST_SERVER_COMMANDS_CLIENT_LIST_H_
#define HOLDFAST_SERVER_COMMANDS_CLIENT_LIST_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "server/command/context.h"
#include "server/session/session.h"

namespace holdfast::server {

// One line of CLIENT LIST without its end: fields and order of Redis 7.2
// (redis.io/commands/client-list), which are those of 7.0 and the library's
// name. Any thread; values of a busy session are as of its last command.
std::string DescribeSession(const Session& session, int64_t now_ms);

// "normal", "master", "replica" or "slave", "pubsub", in any case. False if
// none.
bool ParseSessionKind(absl::string_view name, SessionKind* kind);

// Handlers of CLIENT INFO, LIST and KILL.
void ClientInfo(CommandContext& ctx);
void ClientList(CommandContext& ctx);
void ClientKill(CommandContext& ctx);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_CLIENT_LIST_H_
