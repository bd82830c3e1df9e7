// Clients that wait for a key, on a real server: what ends their wait.

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
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
using ::testing::HasSubstr;

class BlockedClientsTest : public ::testing::Test {
 protected:
  bool Blocked(int64_t clients) {
    return WaitForValue(
        [&] {
          return TestClient(*server_).InfoInt("clients", "blocked_clients");
        },
        clients);
  }

  const std::unique_ptr<ServerProcess> server_ = StartServer(ShortTimeouts());
  TestClient other_{*server_};
};

TEST_F(BlockedClientsTest, RepliesBeforeAndAfterKeepTheirOrder) {
  TestClient client(*server_);
  client.SendRaw("PING\r\nBLPOP q 0\r\nECHO after\r\n");
  EXPECT_THAT(client.Receive(), IsSimple("PONG"));
  ASSERT_TRUE(Blocked(1));
  EXPECT_THAT(other_.Do("RPUSH", "q", "a", "b"), IsInt(2));
  EXPECT_THAT(other_.Do("LLEN", "q"), IsInt(1)) << "served before the reply";
  EXPECT_THAT(client.Receive(), IsArray(ElementsAre(IsBulk("q"), IsBulk("a"))));
  EXPECT_THAT(client.Receive(), IsBulk("after"));
  EXPECT_TRUE(Blocked(0));
}

TEST_F(BlockedClientsTest, FirstComeFirstServed) {
  constexpr int kClients = 20;
  std::vector<TestClient> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back(*server_);
    clients.back().Send("BLPOP", "q", absl::StrCat("own", i), 0);
    ASSERT_TRUE(Blocked(i + 1));
  }
  for (int i = 0; i < kClients; ++i) other_.Do("RPUSH", "q", i);
  for (int i = 0; i < kClients; ++i) {
    EXPECT_THAT(clients[i].Receive(),
                IsArray(ElementsAre(IsBulk("q"), IsBulk(absl::StrCat(i)))));
  }
  EXPECT_THAT(other_.Do("EXISTS", "q"), IsInt(0));
}

// What is served may bring an element back to a key that was looked after.
TEST_F(BlockedClientsTest, AKeyMayBecomeReadyTwiceAtOnce) {
  std::vector<TestClient> clients;
  for (int i = 0; i < 3; ++i) clients.emplace_back(*server_);
  clients[0].Send("BLMOVE", "{q}a", "{q}b", "LEFT", "LEFT", 0);
  ASSERT_TRUE(Blocked(1));
  clients[1].Send("BLPOP", "{q}a", 0);
  ASSERT_TRUE(Blocked(2));
  clients[2].Send("BLMOVE", "{q}b", "{q}a", "LEFT", "LEFT", 0);
  ASSERT_TRUE(Blocked(3));
  other_.Do("RPUSH", "{q}a", "x");
  EXPECT_THAT(clients[0].Receive(), IsBulk("x"));
  EXPECT_THAT(clients[2].Receive(), IsBulk("x"));
  EXPECT_THAT(clients[1].Receive(),
              IsArray(ElementsAre(IsBulk("{q}a"), IsBulk("x"))));
}

TEST_F(BlockedClientsTest, TimeoutsAreKeptToTheMillisecond) {
  TestClient client(*server_);
  const absl::Time begun = absl::Now();
  EXPECT_THAT(client.Do("BLPOP", "q", "0.25"), IsNilArray());
  const absl::Duration took = absl::Now() - begun;
  EXPECT_GE(took, absl::Milliseconds(250));
  EXPECT_LT(took, Bound(absl::Milliseconds(270), absl::Seconds(2)));
}

TEST_F(BlockedClientsTest, WhoGoesAwayTakesNothing) {
  auto client = std::make_unique<TestClient>(*server_);
  client->Send("BLPOP", "q", 0);
  ASSERT_TRUE(Blocked(1));
  client.reset();
  EXPECT_TRUE(Blocked(0));
  EXPECT_THAT(other_.Do("RPUSH", "q", "a"), IsInt(1));
  EXPECT_THAT(other_.Do("LPOP", "q"), IsBulk("a"));
}

TEST_F(BlockedClientsTest, ClientUnblockAndKill) {
  TestClient client(*server_);
  const int64_t id = client.Do("CLIENT", "ID").integer();
  client.Send("BLPOP", "q", 0);
  ASSERT_TRUE(Blocked(1));
  EXPECT_THAT(other_.Do("CLIENT", "UNBLOCK", id), IsInt(1));
  EXPECT_THAT(client.Receive(), IsNilArray());
  EXPECT_THAT(other_.Do("CLIENT", "UNBLOCK", id), IsInt(0));
  client.Send("BLPOP", "q", 0);
  ASSERT_TRUE(Blocked(1));
  EXPECT_THAT(other_.Do("CLIENT", "UNBLOCK", id, "ERROR"), IsInt(1));
  EXPECT_THAT(client.Receive(),
              IsError(HasSubstr("UNBLOCKED client unblocked via")));
  client.Send("BLPOP", "q", 0);
  ASSERT_TRUE(Blocked(1));
  EXPECT_THAT(other_.Do("CLIENT", "KILL", "ID", id), IsInt(1));
  EXPECT_TRUE(client.IsClosed());
  EXPECT_TRUE(Blocked(0));
}

TEST_F(BlockedClientsTest, BecomingAReplicaEndsTheWait) {
  TestClient client(*server_);
  client.Send("BLPOP", "q", 0);
  ASSERT_TRUE(Blocked(1));
  EXPECT_THAT(other_.Do("REPLICAOF", "127.0.0.1", 1), IsOk());
  EXPECT_THAT(client.Receive(), IsError(HasSubstr("instance state changed")));
}

TEST_F(BlockedClientsTest, AReplicaHasWhatThePrimaryHas) {
  const auto replica = StartServer(ShortTimeouts());
  other_.Do("SET", "k", "v");
  Follow(*replica, server_->port());
  ASSERT_TRUE(LinkComesUp(*replica));
  // Each moves what it gets on, to slots of all kinds.
  constexpr int kMovers = 4;
  constexpr int kElements = 500;
  std::vector<std::thread> movers;
  for (int i = 0; i < kMovers; ++i) {
    movers.emplace_back([this, i] {
      TestClient client(*server_);
      for (int n = 0; n < kElements / kMovers; ++n) {
        EXPECT_FALSE(client
                         .Do("BLMOVE", "source",
                             absl::StrCat("target", i, n % 3), "LEFT", "RIGHT",
                             20)
                         .is_null());
      }
    });
  }
  for (int i = 0; i < kElements; ++i) other_.Do("RPUSH", "source", i);
  for (std::thread& mover : movers) mover.join();
  EXPECT_THAT(other_.Do("EXISTS", "source"), IsInt(0));
  EXPECT_TRUE(CatchesUp(*server_, *replica));
  int64_t all = 0;
  TestClient reader(*replica);
  for (int i = 0; i < kMovers; ++i) {
    for (int n = 0; n < 3; ++n) {
      all += reader.Do("LLEN", absl::StrCat("target", i, n)).integer();
    }
  }
  EXPECT_EQ(all, kElements);
}

// As Redis 7.0.15: counted when it begins, logged when it is served, with the
// time of both parts but not of the wait; not at all when its time runs out.
TEST_F(BlockedClientsTest, IsLoggedAsSlowWhenItIsServed) {
  other_.Do("CONFIG", "SET", "slowlog-log-slower-than", 0);
  other_.Do("CONFIG", "RESETSTAT");
  const auto slow = [&] {
    return other_.Do("SLOWLOG", "GET", -1).DebugString();
  };
  const auto histogram = [&] {
    return other_.Do("LATENCY", "HISTOGRAM", "blpop").size();
  };
  TestClient client(*server_);
  client.Do("CLIENT", "SETNAME", "waiter");
  EXPECT_THAT(client.Do("BLPOP", "q", "0.01"), IsNilArray());
  EXPECT_THAT(slow(), ::testing::Not(HasSubstr("BLPOP")));
  client.Send("BLPOP", "q", 0);
  ASSERT_TRUE(Blocked(1));
  absl::SleepFor(absl::Milliseconds(50));
  EXPECT_THAT(slow(), ::testing::Not(HasSubstr("BLPOP")));
  EXPECT_EQ(histogram(), 0);
  EXPECT_THAT(other_.InfoField("commandstats", "cmdstat_blpop"),
              HasSubstr("calls=2,"));
  other_.Do("RPUSH", "q", "a");
  const net::Value entry = other_.Do("SLOWLOG", "GET", 1)[0];
  EXPECT_THAT(entry[3], IsBulks("BLPOP", "q", "0"));
  EXPECT_LT(entry[2].integer(), 50'000);
  EXPECT_THAT(entry[5], IsBulk("waiter"));
  EXPECT_EQ(histogram(), 2);
  EXPECT_THAT(other_.InfoField("commandstats", "cmdstat_blpop"),
              HasSubstr("calls=2,"));
  client.Receive();
  // One that need not wait is logged as any other.
  other_.Do("RPUSH", "q", "b");
  client.Do("BLPOP", "q", 0);
  EXPECT_THAT(other_.Do("SLOWLOG", "GET", 1)[0][3], IsBulks("BLPOP", "q", "0"));
}

TEST_F(BlockedClientsTest, WhoLeavesInAPauseLeavesNothingBehind) {
  const int threads = Threads(*server_);
  other_.Do("CLIENT", "PAUSE", 1'000'000, "WRITE");
  {
    TestClient client(*server_);
    client.Send("SET", "k", "v");
    ASSERT_TRUE(Blocked(1));
  }
  EXPECT_TRUE(Blocked(0));
  EXPECT_TRUE(WaitForValue([&] { return Threads(*server_); },
                           ::testing::Le(threads + 1)));  // PeerWatch's.
  other_.Do("CLIENT", "UNPAUSE");
  EXPECT_THAT(other_.Do("EXISTS", "k"), IsInt(0)) << "as in Redis";
}

}  // namespace
}  // namespace holdfast::test
