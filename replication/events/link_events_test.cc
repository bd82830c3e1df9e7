#include "replication/events/link_events.h"

#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "net/resp/reply_writer.h"
#include "net/time/manual_clock.h"
#include "replication/events/causes.h"

namespace holdfast::replication {
namespace {

LinkEvent Drop(absl::string_view cause,
               absl::string_view peer = "10.0.0.1:6379") {
  LinkEvent event;
  event.kind = LinkEventKind::kDrop;
  event.peer = std::string(peer);
  event.phase = "streaming";
  event.cause = std::string(cause);
  return event;
}

class LinkEventsTest : public testing::Test {
 protected:
  net::ManualClock clock_;
  LinkEvents events_{&clock_};
};

TEST_F(LinkEventsTest, KeepsTheLastThirtyTwoAndCountsAll) {
  for (int i = 0; i < 100; ++i)
    events_.Add(Drop(cause::kReset, absl::StrCat("h", i, ":1")));
  const auto recent = events_.Recent();
  ASSERT_EQ(recent.size(), LinkEvents::kCapacity);
  EXPECT_EQ(recent.front().peer, "h99:1");
  EXPECT_EQ(recent.back().peer, "h68:1");
  EXPECT_EQ(recent.front().id, 100);
  EXPECT_EQ(events_.total(), 100);
  EXPECT_EQ(events_.Causes().at("reset"), 100);
}

TEST_F(LinkEventsTest, AnOutageDoesNotPushOutHowItBegan) {
  events_.Add(Drop(cause::kPrimarySilent));
  const absl::Time began = clock_.WallNow();
  for (int i = 0; i < 1000; ++i) {
    clock_.Advance(absl::Seconds(30));
    LinkEvent failed =
        Drop(i % 2 == 0 ? cause::kConnectTimeout : cause::kConnectRefused);
    failed.kind = LinkEventKind::kConnectFailed;
    events_.Add(failed);
  }
  const auto recent = events_.Recent();
  ASSERT_EQ(recent.size(), 3u);
  EXPECT_EQ(recent[0].count, 500);
  EXPECT_EQ(recent[1].count, 500);
  EXPECT_EQ(recent[2].cause, cause::kPrimarySilent);
  EXPECT_EQ(recent[2].when, began);
  EXPECT_EQ(recent[0].first, began + absl::Seconds(60));
  EXPECT_EQ(recent[0].when, clock_.WallNow());
}

TEST_F(LinkEventsTest, EventsOfOtherLinksAreNotJoined) {
  events_.Add(Drop(cause::kReset, "a:1"));
  events_.Add(Drop(cause::kReset, "b:1"));
  LinkEvent other_way = Drop(cause::kReset, "b:1");
  other_way.direction = LinkDirection::kFromReplica;
  events_.Add(other_way);
  EXPECT_EQ(events_.Recent().size(), 3u);
}

TEST_F(LinkEventsTest, CountersOfCausesAreBounded) {
  for (int i = 0; i < 1000; ++i) events_.Add(Drop(absl::StrCat("cause", i)));
  EXPECT_EQ(events_.Causes().size(), LinkEvents::kMaxCauses);
}

TEST_F(LinkEventsTest, InfoIsOneLineAnEventWhateverItsTexts) {
  LinkEvent event = Drop(cause::kReset, "10.0.0.1:6379\r\nrole:master");
  event.error = ECONNRESET;
  event.our_offset = 1234;
  event.text = "evil\r\ntext:1";
  events_.Add(event);
  std::string out;
  events_.AppendInfo(&out, 8);
  EXPECT_EQ(out,
            "link_events:1\r\nlink_causes:reset=1\r\n"
            "link_event_0:time=2024-01-01T00:00:00Z,dir=to-primary,peer=10.0.0."
            "1:6379  role:master,event=drop,"
            "phase=streaming,cause=reset,errno=104,offset=1234\r\n");
  out.clear();
  events_.AppendInfo(&out, 0);
  EXPECT_FALSE(absl::StrContains(out, "link_event_0"));
}

TEST_F(LinkEventsTest, ALongTextIsCut) {
  LinkEvent event = Drop(cause::kReset);
  event.text.assign(1 << 20, 'x');
  events_.Add(event);
  EXPECT_LE(events_.Recent()[0].text.size(), 512u);
}

TEST_F(LinkEventsTest, ReplyIsAnArrayOfMapsWithAdvice) {
  events_.Add(Drop(cause::WithStep(cause::kHandshakeRefused, "auth")));
  clock_.Advance(absl::Milliseconds(250));
  for (const int protocol : {2, 3}) {
    std::string out;
    net::ReplyWriter writer(&out, protocol);
    events_.AppendReply(&writer);
    EXPECT_TRUE(absl::StartsWith(
        out, protocol == 3 ? "*1\r\n%15\r\n" : "*1\r\n*30\r\n"))
        << out;
    EXPECT_TRUE(absl::StrContains(out, "age-ms\r\n:250\r\n")) << out;
    EXPECT_TRUE(absl::StrContains(out, "masterauth")) << out;
    EXPECT_TRUE(absl::StrContains(out, "handshake_refused:auth")) << out;
  }
}

TEST_F(LinkEventsTest, ManyThreadsMayAdd) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 500; ++i) {
        events_.Add(Drop(cause::kReset, absl::StrCat(t, ":", i)));
        std::string out;
        events_.AppendInfo(&out, 3);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(events_.total(), 2000);
}

TEST(CausesTest, EveryFaultHasAdvice) {
  for (const absl::string_view cause :
       {cause::kConnectTimeout,   cause::kConnectRefused,
        cause::kConnectFailed,    cause::kResolveFailed,
        cause::kHandshakeTimeout, cause::kHandshakeRefused,
        cause::kTransferStalled,  cause::kTransferCut,
        cause::kTransferAborted,  cause::kRdbCorrupt,
        cause::kRdbVersion,       cause::kRdbUnsupported,
        cause::kTooFewDatabases,  cause::kRefusedEmptyMaster,
        cause::kPrimarySilent,    cause::kPrimaryClosed,
        cause::kHeartbeatFailed,  cause::kApplyError,
        cause::kReplicaSilent,    cause::kReplicaClosed,
        cause::kReplicaStuck,     cause::kReplicaLagging,
        cause::kProtocolError,    cause::kReset,
        cause::kTimedOut,         cause::kKilled}) {
    EXPECT_FALSE(cause::Advice(cause).empty()) << cause;
    EXPECT_EQ(cause::Advice(cause::WithStep(cause, "x")), cause::Advice(cause));
  }
  EXPECT_TRUE(cause::Advice("no such").empty());
  EXPECT_TRUE(cause::Advice("").empty());
}

}  // namespace
}  // namespace holdfast::replication
