#include "server/commands/pubsub.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/commands/object_help.h"
#include "server/commands/pubsub_handlers.h"
#include "server/engine/engine.h"

namespace holdfast::server {
namespace {

// What a client is told of each (un)subscription, and which of its
// subscriptions the number in it counts.
struct Words {
  absl::string_view subscribe;
  absl::string_view unsubscribe;
};

Words WordsOf(Topic topic) {
  switch (topic) {
    case Topic::kChannel:
      return {"subscribe", "unsubscribe"};
    case Topic::kPattern:
      return {"psubscribe", "punsubscribe"};
    case Topic::kShardChannel:
      return {"ssubscribe", "sunsubscribe"};
  }
  return {};
}

int64_t Count(const Session& session, Topic topic) {
  const auto count = [&session](Topic t) {
    return static_cast<int64_t>(
        session.own.subscribed[static_cast<int>(t)].size());
  };
  return topic == Topic::kShardChannel
             ? count(topic)
             : count(Topic::kChannel) + count(Topic::kPattern);
}

void SubscribeTo(CommandContext& ctx, Topic topic) {
  Session& session = ctx.session();
  const absl::Status opened = session.OpenMailbox();
  if (!opened.ok())
    return ctx.Error(absl::StrCat("ERR cannot subscribe: ", opened.message()));
  session.own.told = true;
  for (const absl::string_view name : ctx.args().subspan(1)) {
    ctx.engine().pubsub().Subscribe(&session, topic, name);
    ctx.reply().PushHeader(3);
    ctx.reply().Bulk(WordsOf(topic).subscribe);
    ctx.reply().Bulk(name);
    ctx.reply().Integer(Count(session, topic));
  }
}

void UnsubscribeFrom(CommandContext& ctx, Topic topic) {
  Session& session = ctx.session();
  const auto& mine = session.own.subscribed[static_cast<int>(topic)];
  const std::vector<std::string> all(mine.begin(), mine.end());
  std::vector<absl::string_view> names(all.begin(), all.end());
  if (ctx.argc() > 1) names.assign(ctx.args().begin() + 1, ctx.args().end());
  session.own.told = true;
  for (const absl::string_view name : names) {
    ctx.engine().pubsub().Unsubscribe(&session, topic, name);
    // What came before the end of the subscription is told before it; inside a
    // transaction's reply, however, there is no room for it.
    if (session.mailbox() != nullptr && ctx.may_block())
      session.mailbox()->Take(ctx.reply().out());
    ctx.reply().PushHeader(3);
    ctx.reply().Bulk(WordsOf(topic).unsubscribe);
    ctx.reply().Bulk(name);
    ctx.reply().Integer(Count(session, topic));
  }
  if (names.empty()) {
    ctx.reply().PushHeader(3);
    ctx.reply().Bulk(WordsOf(topic).unsubscribe);
    ctx.reply().Null();
    ctx.reply().Integer(Count(session, topic));
  }
}

// A replica's own clients may publish to its subscribers, but what is told to
// its replicas comes from the primary alone.
void TellReplicas(CommandContext& ctx) {
  if (!ctx.engine().is_replica()) ctx.ForceEffect();
}

void ReplyWithNames(CommandContext& ctx, Topic topic) {
  if (ctx.argc() > 3) return ReplyWrongSubcommandArguments(ctx);
  const std::vector<std::string> names = ctx.engine().pubsub().Names(
      topic, ctx.argc() == 3 ? ctx.arg(2) : absl::string_view("*"));
  ctx.reply().ArrayHeader(names.size());
  for (const std::string& name : names) ctx.reply().Bulk(name);
}

void ReplyWithCounts(CommandContext& ctx, Topic topic) {
  ctx.reply().ArrayHeader(2 * (ctx.argc() - 2));
  for (const absl::string_view name : ctx.args().subspan(2)) {
    ctx.reply().Bulk(name);
    ctx.reply().Integer(
        static_cast<int64_t>(ctx.engine().pubsub().SubscribersOf(topic, name)));
  }
}

}  // namespace

void SubscribeCommand(CommandContext& ctx) {
  SubscribeTo(ctx, Topic::kChannel);
}
void PSubscribeCommand(CommandContext& ctx) {
  SubscribeTo(ctx, Topic::kPattern);
}
void SSubscribeCommand(CommandContext& ctx) {
  if (!ctx.may_block())
    return ctx.Error("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");
  SubscribeTo(ctx, Topic::kShardChannel);
}
void UnsubscribeCommand(CommandContext& ctx) {
  UnsubscribeFrom(ctx, Topic::kChannel);
}
void PUnsubscribeCommand(CommandContext& ctx) {
  UnsubscribeFrom(ctx, Topic::kPattern);
}
void SUnsubscribeCommand(CommandContext& ctx) {
  UnsubscribeFrom(ctx, Topic::kShardChannel);
}

void PublishCommand(CommandContext& ctx) {
  TellReplicas(ctx);
  ctx.reply().Integer(ctx.engine().pubsub().Publish(ctx.arg(1), ctx.arg(2)));
}

void SPublishCommand(CommandContext& ctx) {
  TellReplicas(ctx);
  ctx.reply().Integer(
      ctx.engine().pubsub().PublishToShard(ctx.arg(1), ctx.arg(2)));
}

void PubSubChannels(CommandContext& ctx) {
  ReplyWithNames(ctx, Topic::kChannel);
}
void PubSubShardChannels(CommandContext& ctx) {
  ReplyWithNames(ctx, Topic::kShardChannel);
}
void PubSubNumSub(CommandContext& ctx) {
  ReplyWithCounts(ctx, Topic::kChannel);
}
void PubSubShardNumSub(CommandContext& ctx) {
  ReplyWithCounts(ctx, Topic::kShardChannel);
}
void PubSubNumPat(CommandContext& ctx) {
  ctx.reply().Integer(
      static_cast<int64_t>(ctx.engine().pubsub().count(Topic::kPattern)));
}

void PubSubHelp(CommandContext& ctx) {
  ReplyWithHelp(ctx,
                {"CHANNELS [<pattern>]",
                 "    List the channels that have subscribers, or those of "
                 "them that match the",
                 "    pattern.", "NUMPAT",
                 "    Count the patterns that have subscribers.",
                 "NUMSUB [<channel> ...]",
                 "    Count the subscribers of each channel, patterns left "
                 "out.",
                 "SHARDCHANNELS [<pattern>]",
                 "    List the shard channels that have subscribers, or "
                 "those of them that match",
                 "    the pattern.", "SHARDNUMSUB [<shardchannel> ...]",
                 "    Count the subscribers of each shard channel."});
}

}  // namespace holdfast::server
