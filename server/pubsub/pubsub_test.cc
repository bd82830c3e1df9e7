#include "server/pubsub/pubsub.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "net/time/manual_clock.h"

namespace holdfast::server {
namespace {

class PubSubTest : public testing::Test {
 protected:
  ~PubSubTest() override {
    for (const auto& client : clients_) pubsub_.UnsubscribeAll(client.get());
  }

  Session* NewClient(int protocol = 2) {
    clients_.push_back(std::make_unique<Session>(clients_.size() + 1, nullptr,
                                                 "1.2.3.4:5", "here", 0));
    clients_.back()->protocol.store(protocol);
    EXPECT_TRUE(clients_.back()->OpenMailbox().ok());
    return clients_.back().get();
  }
  static std::string Mail(Session* client) {
    std::string mail;
    client->mailbox()->Take(&mail);
    return mail;
  }

  net::ManualClock clock_;
  Config config_;
  Stats stats_;
  Delivery delivery_{&config_, &clock_, &stats_};
  PubSub pubsub_{&delivery_};
  std::vector<std::unique_ptr<Session>> clients_;
};

TEST_F(PubSubTest, SendsToWhoIsSubscribedInItsProtocol) {
  Session* const two = NewClient(2);
  Session* const three = NewClient(3);
  Session* const other = NewClient();
  EXPECT_TRUE(pubsub_.Subscribe(two, Topic::kChannel, "news"));
  EXPECT_FALSE(pubsub_.Subscribe(two, Topic::kChannel, "news"));
  EXPECT_TRUE(pubsub_.Subscribe(three, Topic::kChannel, "news"));
  EXPECT_TRUE(pubsub_.Subscribe(other, Topic::kChannel, "olds"));
  EXPECT_EQ(pubsub_.Publish("news", "hi"), 2);
  EXPECT_EQ(Mail(two), "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n");
  EXPECT_EQ(Mail(three), ">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n");
  EXPECT_EQ(Mail(other), "");
  EXPECT_EQ(pubsub_.Publish("new", "hi"), 0);
  EXPECT_EQ(pubsub_.PublishToShard("news", "hi"), 0);
}

TEST_F(PubSubTest, AClientCountsOnceForItsChannelAndOnceForEachPattern) {
  Session* const client = NewClient();
  pubsub_.Subscribe(client, Topic::kChannel, "a1");
  pubsub_.Subscribe(client, Topic::kPattern, "a*");
  pubsub_.Subscribe(client, Topic::kPattern, "*1");
  pubsub_.Subscribe(client, Topic::kPattern, "b*");
  EXPECT_EQ(pubsub_.Publish("a1", ""), 3);
  const std::string mail = Mail(client);
  EXPECT_EQ(mail.find("*3\r\n$7\r\nmessage\r\n$2\r\na1\r\n$0\r\n\r\n"), 0u);
  EXPECT_NE(
      mail.find("*4\r\n$8\r\npmessage\r\n$2\r\na*\r\n$2\r\na1\r\n$0\r\n\r\n"),
      std::string::npos);
  EXPECT_NE(
      mail.find("*4\r\n$8\r\npmessage\r\n$2\r\n*1\r\n$2\r\na1\r\n$0\r\n\r\n"),
      std::string::npos);
  EXPECT_EQ(mail.find("b*"), std::string::npos);
}

TEST_F(PubSubTest, KeepsWhatOthersSeeOfTheSession) {
  Session* const client = NewClient();
  EXPECT_EQ(client->kind, SessionKind::kNormal);
  pubsub_.Subscribe(client, Topic::kShardChannel, "s");
  pubsub_.Subscribe(client, Topic::kPattern, "p");
  EXPECT_EQ(client->kind, SessionKind::kPubsub);
  EXPECT_EQ(client->subscriptions, 0);
  EXPECT_EQ(client->pattern_subscriptions, 1);
  EXPECT_EQ(client->shard_subscriptions, 1);
  EXPECT_FALSE(pubsub_.Unsubscribe(client, Topic::kChannel, "s"));
  EXPECT_TRUE(pubsub_.Unsubscribe(client, Topic::kShardChannel, "s"));
  EXPECT_EQ(client->kind, SessionKind::kPubsub);
  EXPECT_TRUE(pubsub_.Unsubscribe(client, Topic::kPattern, "p"));
  EXPECT_EQ(client->kind, SessionKind::kNormal);
  EXPECT_FALSE(pubsub_.Unsubscribe(client, Topic::kPattern, "p"));
}

TEST_F(PubSubTest, ForgetsAClientThatEnds) {
  Session* const client = NewClient();
  for (int i = 0; i < 100; ++i) {
    pubsub_.Subscribe(client, Topic::kChannel, absl::StrCat(i));
    pubsub_.Subscribe(client, Topic::kPattern, absl::StrCat(i, "*"));
  }
  EXPECT_EQ(pubsub_.count(Topic::kChannel), 100u);
  EXPECT_EQ(pubsub_.Names(Topic::kChannel, "1?").size(), 10u);
  EXPECT_EQ(pubsub_.SubscribersOf(Topic::kChannel, "7"), 1u);
  pubsub_.UnsubscribeAll(client);
  EXPECT_EQ(pubsub_.count(Topic::kChannel), 0u);
  EXPECT_EQ(pubsub_.count(Topic::kPattern), 0u);
  EXPECT_EQ(pubsub_.SubscribersOf(Topic::kChannel, "7"), 0u);
  EXPECT_EQ(pubsub_.Publish("7", "x"), 0);
  EXPECT_EQ(Mail(client), "");
}

TEST_F(PubSubTest, ClosesASubscriberThatDoesNotReadAndNobodyElse) {
  const Config::NameValue limit("client-output-buffer-limit",
                                "pubsub 1000 0 0");
  ASSERT_TRUE(config_.Set({&limit, 1}, {}).ok());
  Session* const stuck = NewClient();
  Session* const reader = NewClient();
  for (Session* client : {stuck, reader})
    pubsub_.Subscribe(client, Topic::kChannel, "c");
  const std::string message(100, 'm');
  int published = 0;
  while (!stuck->mailbox()->closed()) {
    ASSERT_LT(++published, 20);
    EXPECT_EQ(pubsub_.Publish("c", message), 2);
    EXPECT_NE(Mail(reader), "");
  }
  EXPECT_FALSE(reader->mailbox()->closed());
  EXPECT_EQ(stuck->mailbox()->bytes(), 0u);
  EXPECT_EQ(stats_.client_output_buffer_limit_disconnections, 1);
  pubsub_.Publish("c", message);
  EXPECT_EQ(stats_.client_output_buffer_limit_disconnections, 1);
}

// Clients come and go while others publish: nobody gets a message of a channel
// it is not subscribed to, and all see one order.
TEST_F(PubSubTest, GivesAllSubscribersOneOrderUnderThreads) {
  Session* const first = NewClient();
  Session* const second = NewClient();
  for (Session* client : {first, second})
    pubsub_.Subscribe(client, Topic::kChannel, "c");
  std::vector<Session*> passing;
  for (int i = 0; i < 2; ++i) passing.push_back(NewClient());
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 500; ++i)
        pubsub_.Publish("c", absl::StrCat(t, ":", i));
    });
    threads.emplace_back([this, client = passing[t]] {
      for (int i = 0; i < 500; ++i) {
        pubsub_.Subscribe(client, Topic::kChannel, "c");
        pubsub_.Subscribe(client, Topic::kPattern, "*");
        pubsub_.UnsubscribeAll(client);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string mail = Mail(first);
  EXPECT_EQ(mail, Mail(second));
  EXPECT_NE(mail.find("0:499"), std::string::npos);
  EXPECT_NE(mail.find("1:499"), std::string::npos);
  EXPECT_EQ(pubsub_.count(Topic::kPattern), 0u);
}

}  // namespace
}  // namespace holdfast::server
