// Subscribers on real connections: messages reach clients that say nothing, a
// replica's subscribers hear what is published on its primary, and one that
// does not read is closed without anybody else noticing.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/resp/value.h"
#include "testing/harness/server_process.h"
#include "testing/harness/test_client.h"
#include "testing/integration/faults_support.h"
#include "testing/support/reply_matchers.h"
#include "testing/support/wait_for.h"

namespace holdfast::test {
namespace {

using ::testing::ElementsAre;

auto IsMessage(absl::string_view channel, absl::string_view text) {
  return IsArray(ElementsAre(IsBulk("message"), IsBulk(std::string(channel)),
                             IsBulk(std::string(text))));
}

class PubSubIntegrationTest : public ::testing::Test {
 protected:
  const std::unique_ptr<ServerProcess> server_ = StartServer(ShortTimeouts());
  TestClient publisher_{*server_};
};

TEST_F(PubSubIntegrationTest, AMessageReachesWhoSaysNothing) {
  TestClient subscriber(*server_);
  subscriber.Do("SUBSCRIBE", "c");
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(publisher_.Do("PUBLISH", "c", i), IsInt(1));
    EXPECT_THAT(subscriber.Receive(), IsMessage("c", absl::StrCat(i)));
  }
}

TEST_F(PubSubIntegrationTest, MessagesComeBeforeTheAnswersToLaterRequests) {
  TestClient subscriber(*server_);
  subscriber.Do("SUBSCRIBE", "c");
  for (int i = 0; i < 100; ++i) {
    publisher_.Do("PUBLISH", "c", i);
    subscriber.Send("PING", "after");
    EXPECT_THAT(subscriber.Receive(), IsMessage("c", absl::StrCat(i)));
    EXPECT_THAT(subscriber.Receive(),
                IsArray(ElementsAre(IsBulk("pong"), IsBulk("after"))));
  }
}

TEST_F(PubSubIntegrationTest, ASubscriberIsNotClosedForBeingIdle) {
  TestClient subscriber(*server_);
  subscriber.Do("SUBSCRIBE", "c");
  TestClient idle(*server_);
  idle.Do("PING");
  publisher_.Do("CONFIG", "SET", "timeout", 1);
  // The other one's end shows that the time has passed.
  EXPECT_FALSE(idle.TryReceive(absl::Seconds(20)).ok());
  TestClient again(*server_);
  EXPECT_THAT(again.Do("PUBLISH", "c", "still there"), IsInt(1));
  EXPECT_THAT(subscriber.Receive(), IsMessage("c", "still there"));
}

TEST_F(PubSubIntegrationTest, WhoLeavesIsForgotten) {
  auto subscriber = std::make_unique<TestClient>(*server_);
  subscriber->Do("SUBSCRIBE", "c");
  subscriber->Do("PSUBSCRIBE", "*");
  subscriber.reset();
  EXPECT_TRUE(WaitForValue(
      [&] { return publisher_.InfoInt("stats", "pubsub_channels"); }, 0));
  EXPECT_TRUE(WaitForValue(
      [&] { return publisher_.InfoInt("stats", "pubsub_patterns"); }, 0));
  EXPECT_THAT(publisher_.Do("PUBLISH", "c", ""), IsInt(0));
}

TEST_F(PubSubIntegrationTest, WhoDoesNotReadIsClosedAndNobodyElseWaits) {
  publisher_.Do("CONFIG", "SET", "client-output-buffer-limit",
                "pubsub 1000000 0 0");
  TestClient stuck(*server_);
  TestClient reader(*server_);
  stuck.Do("SUBSCRIBE", "c");
  reader.Do("SUBSCRIBE", "c");
  const std::string text(100000, 't');
  const auto closed = [this] {
    return publisher_.InfoInt("stats",
                              "client_output_buffer_limit_disconnections");
  };
  for (int i = 0; closed() == 0; ++i) {
    ASSERT_LT(i, 1000) << "the stuck subscriber was not closed";
    publisher_.Do("PUBLISH", "c", text);
    EXPECT_THAT(reader.Receive(), IsMessage("c", text));
  }
  EXPECT_TRUE(WaitForValue(
      [this] {
        return publisher_.Do("PUBSUB", "NUMSUB", "c").elements()[1].integer();
      },
      1));
  EXPECT_EQ(closed(), 1);
}

TEST_F(PubSubIntegrationTest, AReplicaTellsItsSubscribers) {
  const auto replica = StartServer(ShortTimeouts());
  TestClient at_replica(*replica);
  publisher_.Do("SET", "k", "v");
  at_replica.Do("CONFIG", "SET", "notify-keyspace-events", "Es");
  at_replica.Do("REPLICAOF", "127.0.0.1", server_->port());
  ASSERT_TRUE(WaitForValue([&] { return at_replica.Do("GET", "k").str(); },
                           std::string("v")));
  TestClient subscriber(*replica);
  subscriber.Do("SUBSCRIBE", "c", "__keyevent@0__:sadd");
  subscriber.Receive();
  publisher_.Do("PUBLISH", "c", "from the primary");
  EXPECT_THAT(subscriber.Receive(), IsMessage("c", "from the primary"));
  at_replica.Do("PUBLISH", "c", "from the replica");
  EXPECT_THAT(subscriber.Receive(), IsMessage("c", "from the replica"));
  publisher_.Do("SADD", "s", "m");
  EXPECT_THAT(subscriber.Receive(), IsMessage("__keyevent@0__:sadd", "s"));
  // The link has lost nothing by the replica's own message.
  publisher_.Do("SET", "k", "w");
  EXPECT_TRUE(WaitForValue([&] { return at_replica.Do("GET", "k").str(); },
                           std::string("w")));
}

}  // namespace
}  // namespace holdfast::test
