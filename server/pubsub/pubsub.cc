#include "server/pubsub/pubsub.h"

#include <initializer_list>

#include "glog/logging.h"
#include "net/resp/reply_writer.h"
#include "server/text/glob.h"

namespace holdfast::server {
namespace {

constexpr size_t kStripes = 64;

// One message in both protocols, each made when the first client needs it.
class Message {
 public:
  explicit Message(std::initializer_list<absl::string_view> parts)
      : parts_(parts.begin(), parts.end()) {}

  absl::string_view For(const Session& session) {
    const int protocol = session.protocol.load(std::memory_order_relaxed);
    std::string& bytes = bytes_[protocol == 3];
    if (bytes.empty()) {
      net::ReplyWriter writer(&bytes, protocol);
      writer.PushHeader(parts_.size());
      for (const absl::string_view part : parts_) writer.Bulk(part);
    }
    return bytes;
  }

 private:
  const std::vector<absl::string_view> parts_;
  std::string bytes_[2];
};

// Keeps what others see of a session: the counts and the kind.
void NoteSubscriptions(Session* session) {
  const auto count = [session](Topic topic) {
    return static_cast<int>(
        session->own.subscribed[static_cast<int>(topic)].size());
  };
  const int channels = count(Topic::kChannel);
  const int patterns = count(Topic::kPattern);
  const int shard_channels = count(Topic::kShardChannel);
  session->subscriptions.store(channels, std::memory_order_relaxed);
  session->pattern_subscriptions.store(patterns, std::memory_order_relaxed);
  session->shard_subscriptions.store(shard_channels, std::memory_order_relaxed);
  const bool any = channels + patterns + shard_channels > 0;
  SessionKind expected = any ? SessionKind::kNormal : SessionKind::kPubsub;
  session->kind.compare_exchange_strong(
      expected, any ? SessionKind::kPubsub : SessionKind::kNormal);
}

}  // namespace

PubSub::PubSub(Delivery* delivery)
    : delivery_(*delivery),
      // A message is held against every pattern, so that stripes of them would
      // only be locked one after the other.
      tables_{SubscriberTable(kStripes), SubscriberTable(1),
              SubscriberTable(kStripes)} {}

bool PubSub::Subscribe(Session* session, Topic topic, absl::string_view name) {
  DCHECK(session->mailbox() != nullptr);
  if (!session->own.subscribed[static_cast<int>(topic)].emplace(name).second)
    return false;
  NoteSubscriptions(session);
  table(topic).Add(name, session);
  return true;
}

bool PubSub::Unsubscribe(Session* session, Topic topic,
                         absl::string_view name) {
  auto& names = session->own.subscribed[static_cast<int>(topic)];
  const auto it = names.find(name);
  if (it == names.end()) return false;
  table(topic).Remove(name, session);
  names.erase(it);
  NoteSubscriptions(session);
  return true;
}

void PubSub::UnsubscribeAll(Session* session) {
  for (int topic = 0; topic < kTopics; ++topic) {
    for (const std::string& name : session->own.subscribed[topic])
      tables_[topic].Remove(name, session);
    session->own.subscribed[topic].clear();
  }
  NoteSubscriptions(session);
}

int64_t PubSub::Publish(absl::string_view channel, absl::string_view text) {
  int64_t receivers = 0;
  const auto send = [&](Message* message,
                        const SubscriberTable::Sessions& sessions) {
    for (Session* session : sessions)
      delivery_.Send(session, message->For(*session));
    receivers += static_cast<int64_t>(sessions.size());
  };
  table(Topic::kChannel).With(channel, [&](const auto& sessions) {
    Message message({"message", channel, text});
    send(&message, sessions);
  });
  table(Topic::kPattern)
      .ForEach([&](absl::string_view pattern, const auto& sessions) {
        if (!GlobMatch(pattern, channel)) return;
        Message message({"pmessage", pattern, channel, text});
        send(&message, sessions);
      });
  return receivers;
}

int64_t PubSub::PublishToShard(absl::string_view channel,
                               absl::string_view text) {
  int64_t receivers = 0;
  table(Topic::kShardChannel).With(channel, [&](const auto& sessions) {
    Message message({"smessage", channel, text});
    for (Session* session : sessions)
      delivery_.Send(session, message.For(*session));
    receivers = static_cast<int64_t>(sessions.size());
  });
  return receivers;
}

size_t PubSub::SubscribersOf(Topic topic, absl::string_view name) {
  return table(topic).SubscribersOf(name);
}

std::vector<std::string> PubSub::Names(Topic topic, absl::string_view pattern) {
  std::vector<std::string> names;
  table(topic).ForEach([&](absl::string_view name, const auto&) {
    if (GlobMatch(pattern, name)) names.emplace_back(name);
  });
  return names;
}

}  // namespace holdfast::server
