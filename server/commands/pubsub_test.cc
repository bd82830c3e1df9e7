#include "server/commands/pubsub.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "server/commands/keys_testing.h"

namespace holdfast::server {
namespace {

class PubSubCommandsTest : public KeysTest {
 protected:
  ~PubSubCommandsTest() override {
    engine_.pubsub().UnsubscribeAll(&session_);
    engine_.pubsub().UnsubscribeAll(&other_session_);
  }
  std::string Mail() {
    std::string mail;
    if (session_.mailbox() != nullptr) session_.mailbox()->Take(&mail);
    return mail;
  }
  void SetEvents(absl::string_view classes) {
    const Config::NameValue pair("notify-keyspace-events",
                                 std::string(classes));
    ASSERT_TRUE(engine_.config().Set({&pair, 1}, {}).ok());
  }
  // Lines of what arrived: "channel message".
  std::string Events() {
    std::string events;
    const std::string mail = Mail();
    size_t at = 0;
    // *4 $8 pmessage $1 * $n channel $n message
    while ((at = mail.find("pmessage\r\n", at)) != std::string::npos) {
      const auto next = [&mail, &at] {
        at = mail.find("\r\n", mail.find('$', at)) + 2;
        const size_t end = mail.find("\r\n", at);
        return mail.substr(at, end - at);
      };
      next();
      const std::string channel = next();
      absl::StrAppend(&events, channel, " ", next(), "\n");
    }
    return events;
  }
};

TEST_F(PubSubCommandsTest, SubscribingTellsTheNumberOfChannelsAndPatterns) {
  EXPECT_EQ(Do("SUBSCRIBE a b a"),
            "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
            "*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n"
            "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:2\r\n");
  EXPECT_EQ(Do("PSUBSCRIBE *"), "*3\r\n$10\r\npsubscribe\r\n$1\r\n*\r\n:3\r\n");
  EXPECT_EQ(Do("SSUBSCRIBE s"), "*3\r\n$10\r\nssubscribe\r\n$1\r\ns\r\n:1\r\n");
  EXPECT_EQ(Do("UNSUBSCRIBE b nobody"),
            "*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:2\r\n"
            "*3\r\n$11\r\nunsubscribe\r\n$6\r\nnobody\r\n:2\r\n");
  EXPECT_EQ(Do("PUNSUBSCRIBE"),
            "*3\r\n$12\r\npunsubscribe\r\n$1\r\n*\r\n:1\r\n");
  EXPECT_EQ(Do("PUNSUBSCRIBE"), "*3\r\n$12\r\npunsubscribe\r\n$-1\r\n:1\r\n");
  EXPECT_EQ(Do("UNSUBSCRIBE"), "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n");
  EXPECT_EQ(Do("SUNSUBSCRIBE s"),
            "*3\r\n$12\r\nsunsubscribe\r\n$1\r\ns\r\n:0\r\n");
  EXPECT_EQ(Do("UNSUBSCRIBE"), "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n");
}

TEST_F(PubSubCommandsTest, ARespTwoSubscriberMayDoLittleElse) {
  Do("SUBSCRIBE a");
  EXPECT_EQ(Do("GET k"),
            "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE "
            "/ PING / QUIT / RESET are allowed in this context\r\n");
  EXPECT_EQ(Do("PUBSUB CHANNELS").find("-ERR Can't execute 'pubsub|channels'"),
            0u);
  EXPECT_EQ(Do("PING"), "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
  EXPECT_EQ(Do("PING hi"), "*2\r\n$4\r\npong\r\n$2\r\nhi\r\n");
  EXPECT_EQ(Do("RESET"), "+RESET\r\n");
  EXPECT_EQ(Do("PING"), "+PONG\r\n");
  EXPECT_EQ(DoAsOther("PUBLISH a x"), ":0\r\n");
}

TEST_F(PubSubCommandsTest, ARespThreeSubscriberGoesOn) {
  Do("HELLO 3");
  EXPECT_EQ(Do("SUBSCRIBE a"), ">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
  EXPECT_EQ(Do("SET k v"), kOkReply);
  EXPECT_EQ(Do("PING"), "+PONG\r\n");
  EXPECT_EQ(Do("PUBLISH a me"), ":1\r\n");
  EXPECT_EQ(Mail(), ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nme\r\n");
  EXPECT_EQ(Do("UNSUBSCRIBE x"),
            ">3\r\n$11\r\nunsubscribe\r\n$1\r\nx\r\n:1\r\n");
  EXPECT_EQ(Do("PUNSUBSCRIBE"), ">3\r\n$12\r\npunsubscribe\r\n_\r\n:1\r\n");
}

TEST_F(PubSubCommandsTest, MessagesOfAChannelComeBeforeItsEnd) {
  Do("SUBSCRIBE a");
  DoAsOther("PUBLISH a last");
  EXPECT_EQ(Do("UNSUBSCRIBE a"),
            "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$4\r\nlast\r\n"
            "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n");
}

TEST_F(PubSubCommandsTest, SubscriptionsAreToldToWhoWantsNoReplies) {
  session_.own.reply_off = true;
  EXPECT_EQ(Do("SUBSCRIBE a"), "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
  EXPECT_EQ(Do("PING"), "");
  EXPECT_EQ(Do("SUBSCRIBE"), "");
  EXPECT_EQ(Do("UNSUBSCRIBE"), "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n");
}

TEST_F(PubSubCommandsTest, MayBeQueuedButForShardChannels) {
  Do("MULTI");
  Do("SUBSCRIBE a");
  Do("SSUBSCRIBE s");
  EXPECT_EQ(Do("EXEC"),
            "*2\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
            "-ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client\r\n");
}

TEST_F(PubSubCommandsTest, PubSubTellsWhoListens) {
  Do("SUBSCRIBE one two");
  Do("PSUBSCRIBE t*");
  Do("SSUBSCRIBE shard");
  EXPECT_EQ(Sorted(DoAsOther("PUBSUB CHANNELS")),
            (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(DoAsOther("PUBSUB CHANNELS t*"), "*1\r\n$3\r\ntwo\r\n");
  EXPECT_EQ(DoAsOther("PUBSUB CHANNELS t* x"),
            "-ERR unknown subcommand or wrong number of arguments for "
            "'CHANNELS'. Try PUBSUB HELP.\r\n");
  EXPECT_EQ(DoAsOther("PUBSUB NUMSUB one shard"),
            "*4\r\n$3\r\none\r\n:1\r\n$5\r\nshard\r\n:0\r\n");
  EXPECT_EQ(DoAsOther("PUBSUB NUMSUB"), "*0\r\n");
  EXPECT_EQ(DoAsOther("PUBSUB NUMPAT"), ":1\r\n");
  EXPECT_EQ(DoAsOther("PUBSUB SHARDCHANNELS"), "*1\r\n$5\r\nshard\r\n");
  EXPECT_EQ(DoAsOther("PUBSUB SHARDNUMSUB shard"),
            "*2\r\n$5\r\nshard\r\n:1\r\n");
  EXPECT_EQ(DoAsOther("SPUBLISH shard x"), ":1\r\n");
  EXPECT_EQ(DoAsOther("PUBLISH two x"), ":2\r\n");
}

TEST_F(PubSubCommandsTest, PublishingGoesToReplicasFromAPrimaryOnly) {
  EXPECT_EQ(EffectsOf("PUBLISH c m"), "PUBLISH c m");
  EXPECT_EQ(EffectsOf("SPUBLISH c m"), "SPUBLISH c m");
  EXPECT_EQ(EffectsOf("SUBSCRIBE c"), "");
  BecomeReplica(true);
  EXPECT_EQ(DoAsOther("PUBLISH c m"), ":1\r\n");
  Mail();
  EXPECT_TRUE(Apply("PUBLISH c from-primary").ok());
  EXPECT_NE(Mail().find("from-primary"), std::string::npos);
}

TEST_F(PubSubCommandsTest, KeyspaceEventsAreToldAsConfigured) {
  Do("PSUBSCRIBE *");
  DoAsOther("SET k v");
  EXPECT_EQ(Events(), "");
  SetEvents("KEA");
  DoAsOther("SET k v");
  EXPECT_EQ(Events(), "__keyspace@0__:k set\n__keyevent@0__:set k\n");
  DoAsOther("GET missing");
  EXPECT_EQ(Events(), "");
  SetEvents("Elm");
  DoAsOther("SET k v");
  DoAsOther("RPUSH l a");
  DoAsOther("GET missing");
  EXPECT_EQ(Events(),
            "__keyevent@0__:rpush l\n__keyevent@0__:keymiss missing\n");
  SetEvents("Kn");
  DoAsOther("SET k v");
  DoAsOther("RPUSH fresh a");
  DoAsOther("APPEND s x");
  DoAsOther("APPEND s x");
  DoAsOther("INCR n");
  DoAsOther("SUNIONSTORE dst nothing");
  DoAsOther("COPY s t");
  DoAsOther("RENAME t u");
  DoAsOther("MOVE u 1");
  EXPECT_EQ(Events(),
            "__keyspace@0__:fresh new\n__keyspace@0__:s new\n"
            "__keyspace@0__:n new\n__keyspace@0__:t new\n"
            "__keyspace@0__:u new\n__keyspace@1__:u new\n");
  SetEvents("Kx");
  DoAsOther("SET gone v PX 5");
  Advance(absl::Milliseconds(6));
  DoAsOther("GET gone");
  EXPECT_EQ(Events(), "__keyspace@0__:gone expired\n");
  SetEvents("A");
  DoAsOther("DEL k");
  EXPECT_EQ(Events(), "");
}

}  // namespace
}  // namespace holdfast::server
