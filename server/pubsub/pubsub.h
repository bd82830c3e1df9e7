#ifndef HOLDFAST_SERVER_PUBSUB_PUBSUB_H_
#define HOLDFAST_SERVER_PUBSUB_PUBSUB_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "server/pubsub/delivery.h"
#include "server/pubsub/subscriber_table.h"
#include "server/session/session.h"

namespace holdfast::server {

// Who is subscribed to what, and publishing: channels, patterns over channels,
// and shard channels, which have names of their own and no patterns.
//
// Thread-safe. Publishers never wait for a subscriber (Delivery), and only for
// other publishers to the same channel, which have an order that all
// subscribers see. Locks: a stripe of subscribers, below it a mailbox's.
class PubSub {
 public:
  // `delivery` outlives it.
  explicit PubSub(Delivery* delivery);

  // For the session's own thread. True if the session was not subscribed
  // before (was subscribed, for Unsubscribe).
  // REQUIRES for Subscribe: the session has its mailbox open.
  bool Subscribe(Session* session, Topic topic, absl::string_view name);
  bool Unsubscribe(Session* session, Topic topic, absl::string_view name);
  // After this the session gets no message any more. Every session that
  // subscribed must call it before it ends.
  void UnsubscribeAll(Session* session);

  // Any thread. How many subscriptions got the message; one client counts once
  // for the channel and once for each pattern.
  int64_t Publish(absl::string_view channel, absl::string_view message);
  int64_t PublishToShard(absl::string_view channel, absl::string_view message);

  // Names with subscribers.
  size_t count(Topic topic) const { return table(topic).size(); }
  size_t SubscribersOf(Topic topic, absl::string_view name);
  // All that match the glob pattern.
  std::vector<std::string> Names(Topic topic, absl::string_view pattern);

 private:
  SubscriberTable& table(Topic topic) {
    return tables_[static_cast<int>(topic)];
  }
  const SubscriberTable& table(Topic topic) const {
    return tables_[static_cast<int>(topic)];
  }

  Delivery& delivery_;
  SubscriberTable tables_[kTopics];
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PUBSUB_PUBSUB_H_
