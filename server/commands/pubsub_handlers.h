#ifndef HOLDFAST_SERVER_COMMANDS_PUBSUB_HANDLERS_H_
#define HOLDFAST_SERVER_COMMANDS_PUBSUB_HANDLERS_H_

#include "server/command/context.h"

namespace holdfast::server {

// The handlers that pubsub_table.cc names.
void SubscribeCommand(CommandContext& ctx);
void PSubscribeCommand(CommandContext& ctx);
void SSubscribeCommand(CommandContext& ctx);
void UnsubscribeCommand(CommandContext& ctx);
void PUnsubscribeCommand(CommandContext& ctx);
void SUnsubscribeCommand(CommandContext& ctx);
void PublishCommand(CommandContext& ctx);
void SPublishCommand(CommandContext& ctx);
void PubSubChannels(CommandContext& ctx);
void PubSubNumSub(CommandContext& ctx);
void PubSubNumPat(CommandContext& ctx);
void PubSubShardChannels(CommandContext& ctx);
void PubSubShardNumSub(CommandContext& ctx);
void PubSubHelp(CommandContext& ctx);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_PUBSUB_HANDLERS_H_
