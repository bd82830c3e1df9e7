// The pub/sub commands as data.

#include <vector>

#include "server/commands/pubsub.h"
#include "server/commands/pubsub_handlers.h"

namespace holdfast::server {
namespace {

constexpr absl::string_view kGroup = "pubsub";
constexpr uint64_t kAnyTime = kPubsub | kLoading | kStale;

CommandSpec Subscription(absl::string_view name, int arity,
                         absl::string_view since, absl::string_view complexity,
                         absl::string_view summary, absl::string_view syntax,
                         CommandHandler handler) {
  return {.name = name,
          .arity = arity,
          .flags = kAnyTime | kNoScript | kWhileSubscribed,
          .since = since,
          .group = kGroup,
          .complexity = complexity,
          .summary = summary,
          .syntax = syntax,
          .handler = handler};
}

CommandSpec ShardSubscription(absl::string_view name, int arity,
                              absl::string_view complexity,
                              absl::string_view summary,
                              absl::string_view syntax,
                              CommandHandler handler) {
  CommandSpec spec =
      Subscription(name, arity, "7.0.0", complexity, summary, syntax, handler);
  spec.keys = {KeyRange(kKeyNotKey, 1, -1)};
  return spec;
}

CommandSpec Report(absl::string_view name, int arity, absl::string_view since,
                   absl::string_view complexity, absl::string_view summary,
                   absl::string_view syntax, CommandHandler handler) {
  return {.name = name,
          .arity = arity,
          .flags = kAnyTime,
          .since = since,
          .group = kGroup,
          .complexity = complexity,
          .summary = summary,
          .syntax = syntax,
          .handler = handler};
}

std::vector<CommandSpec> MakeCommands() {
  return {
      Subscription("subscribe", -2, "2.0.0", "O(1) a channel",
                   "Get the messages of channels", "channel [channel ...]",
                   SubscribeCommand),
      Subscription("unsubscribe", -1, "2.0.0", "O(1) a channel",
                   "Get no more messages of channels, or of any",
                   "[channel [channel ...]]", UnsubscribeCommand),
      Subscription("psubscribe", -2, "2.0.0", "O(1) a pattern",
                   "Get the messages of all channels that match patterns",
                   "pattern:<pattern> [pattern:<pattern> ...]", PSubscribeCommand),
      Subscription("punsubscribe", -1, "2.0.0", "O(1) a pattern",
                   "Get no more messages for patterns, or for any",
                   "[pattern:pattern [pattern ...]]", PUnsubscribeCommand),
      ShardSubscription("ssubscribe", -2, "O(1) a channel",
                        "Get the messages of shard channels",
                        "shardchannel [shardchannel ...]", SSubscribeCommand),
      ShardSubscription("sunsubscribe", -1, "O(1) a channel",
                        "Get no more messages of shard channels, or of any",
                        "[shardchannel [shardchannel ...]]",
                        SUnsubscribeCommand),
      {.name = "publish",
       .arity = 3,
       .flags = kAnyTime | kFast | kMayReplicate,
       .since = "2.0.0",
       .group = kGroup,
       .complexity = "O(N+M), N being the number of the channel's subscribers "
                     "and M the number of patterns of all clients",
       .summary = "Send a message to a channel",
       .syntax = "channel message",
       .handler = PublishCommand},
      {.name = "spublish",
       .arity = 3,
       .flags = kAnyTime | kFast | kMayReplicate,
       .keys = {OneKey(kKeyNotKey)},
       .since = "7.0.0",
       .group = kGroup,
       .complexity = "O(N), N being the number of the channel's subscribers",
       .summary = "Send a message to a shard channel",
       .syntax = "shardchannel message",
       .handler = SPublishCommand},
      {.name = "pubsub",
       .arity = -2,
       .since = "2.8.0",
       .group = kGroup,
       .complexity = "Depends on the subcommand.",
       .summary = "A container of commands on subscriptions",
       .subcommands =
           {
               Report("channels", -2, "2.8.0",
                      "O(N), N being the number of channels with subscribers",
                      "List the channels that have subscribers",
                      "[pattern:pattern]", PubSubChannels),
               {.name = "help",
                .arity = 2,
                .flags = kLoading | kStale,
                .since = "6.2.0",
                .group = kGroup,
                .complexity = "O(1)",
                .summary = "Describe the subcommands",
                .handler = PubSubHelp},
               Report("numpat", 2, "2.8.0", "O(1)",
                      "Count the patterns that have subscribers", "",
                      PubSubNumPat),
               Report("numsub", -2, "2.8.0", "O(1) a channel",
                      "Count the subscribers of channels",
                      "[channel [channel ...]]", PubSubNumSub),
               Report("shardchannels", -2, "7.0.0",
                      "O(N), N being the number of channels with subscribers",
                      "List the shard channels that have subscribers",
                      "[pattern:pattern]", PubSubShardChannels),
               Report("shardnumsub", -2, "7.0.0", "O(1) a channel",
                      "Count the subscribers of shard channels",
                      "[shardchannel [shardchannel ...]]", PubSubShardNumSub),
           }},
  };
}

}  // namespace

absl::Span<const CommandSpec> PubSubCommands() {
  static const auto* const table = new std::vector<CommandSpec>(MakeCommands());
  return *table;
}

}  // namespace holdfast::server
