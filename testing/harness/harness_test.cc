// ServerProcess and TestClient, tried on the real redis-server.

#include <signal.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "net/resp/value.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"
#include "testing/harness/child_process.h"
#include "testing/harness/server_process.h"
#include "testing/harness/test_client.h"
#include "testing/support/reply_matchers.h"
#include "testing/support/wait_for.h"

namespace holdfast::test {
namespace {

using net::Deadline;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class HarnessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!RealRedisAvailable()) GTEST_SKIP() << "no redis-server here";
  }

  static std::unique_ptr<ServerProcess> Redis(ServerOptions options = {}) {
    options.kind = ServerKind::kRedis;
    auto server = ServerProcess::Start(std::move(options));
    EXPECT_TRUE(server.ok()) << server.status();
    return server.ok() ? *std::move(server) : nullptr;
  }
  static Deadline In(absl::Duration d) {
    return Deadline::After(net::Clock::Real(), d);
  }
};

TEST_F(HarnessTest, TwoServersRunSideBySide) {
  auto one = Redis();
  auto two = Redis();
  ASSERT_NE(one->port(), two->port());
  TestClient a(*one), b(*two);
  EXPECT_THAT(a.Do("SET", "k", 1), IsOk());
  EXPECT_THAT(a.Do("INCRBY", "k", 41), IsInt(42));
  EXPECT_THAT(a.Do("GET", "k"), IsBulk("42"));
  EXPECT_THAT(b.Do("GET", "k"), IsNil());
  EXPECT_THAT(a.Do("NOSUCH"), IsError(StartsWith("ERR unknown command")));
  EXPECT_EQ(a.InfoInt("server", "tcp_port"), one->port());
  EXPECT_EQ(a.Config("dir"), one->dir());
  EXPECT_TRUE(one->LogContains("Ready to accept connections"));
}

TEST_F(HarnessTest, FlagsReachTheServer) {
  auto server = Redis({.flags = {{"maxmemory-policy", "allkeys-lru"},
                                 {"requirepass", "secret"}}});
  ASSERT_NE(server, nullptr);
  TestClient client(*server);
  EXPECT_THAT(client.Do("GET", "k"), IsError(StartsWith("NOAUTH")));
  EXPECT_THAT(client.Do("AUTH", "secret"), IsOk());
  EXPECT_EQ(client.Config("maxmemory-policy"), "allkeys-lru");
}

TEST_F(HarnessTest, AFailedStartHasTheLogInItsText) {
  auto server = ServerProcess::Start(
      {.kind = ServerKind::kRedis, .flags = {{"no-such-flag", "1"}}});
  EXPECT_EQ(server.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(server.status().message()),
              HasSubstr("no-such-flag"));
}

TEST_F(HarnessTest, RestartKeepsPortAndDirectory) {
  auto server = Redis({.flags = {{"appendonly", "yes"}}});
  TestClient client(*server);
  EXPECT_THAT(client.Do("SET", "k", "v"), IsOk());
  const int port = server->port();
  EXPECT_EQ(server->Restart().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(server->Stop().ok());
  EXPECT_TRUE(client.IsClosed());
  EXPECT_TRUE(server->Restart().ok());
  EXPECT_EQ(server->port(), port);
  EXPECT_THAT(TestClient(*server).Do("GET", "k"), IsBulk("v"));
  server->Kill();
  EXPECT_TRUE(server->Restart().ok());
}

TEST_F(HarnessTest, AStoppedServerIsSilentUntilItGoesOn) {
  auto server = Redis();
  TestClient client(*server);
  EXPECT_THAT(client.Do("PING"), IsSimple("PONG"));
  ASSERT_TRUE(server->Signal(SIGSTOP).ok());
  client.Send("PING");
  EXPECT_TRUE(client.Silent());
  EXPECT_EQ(server->WaitUntilReady(In(absl::Milliseconds(50))).code(),
            absl::StatusCode::kDeadlineExceeded);
  ASSERT_TRUE(server->Signal(SIGCONT).ok());
  EXPECT_THAT(client.Receive(), IsSimple("PONG"));
}

TEST_F(HarnessTest, PipelinesAndRawBytes) {
  auto server = Redis();
  TestClient client(*server);
  const auto replies =
      client.Pipeline({{"SET", "k", "v"}, {"GET", "k"}, {"LPUSH", "k", "x"}});
  ASSERT_EQ(replies.size(), 3u);
  EXPECT_THAT(replies[1], IsBulk("v"));
  EXPECT_THAT(replies[2], IsError(HasSubstr("WRONGTYPE")));
  client.SendRaw("PING\r\n");
  EXPECT_THAT(client.Receive(), IsSimple("PONG"));
  client.SendRaw("*1\r\n$x\r\n");
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(HarnessTest, PushesAreKept) {
  auto server = Redis();
  TestClient client(*server);
  EXPECT_THAT(client.Do("HELLO", 3),
              IsMap(::testing::Contains(IsBulk("redis"))));
  EXPECT_THAT(client.Do("CLIENT", "TRACKING", "on"), IsOk());
  EXPECT_THAT(client.Do("GET", "k"), IsNil());
  EXPECT_THAT(TestClient(*server).Do("SET", "k", 1), IsOk());
  EXPECT_TRUE(WaitFor([&] {
    EXPECT_THAT(client.Do("PING"), IsSimple("PONG"));
    return client.TakePushes().size() == 1;
  }));
}

TEST_F(HarnessTest, ABrokenConnectionFailsTheTestAndCrashesNothing) {
  auto server = Redis();
  TestClient client(*server);
  server->Kill();
  net::Value reply;
  EXPECT_NONFATAL_FAILURE(reply = client.Do("GET", "k"), "GET k");
  EXPECT_THAT(reply, IsError(StartsWith("TESTCLIENT")));
  EXPECT_NONFATAL_FAILURE(client.Do("PING"), "not connected");
  EXPECT_FALSE(client.TryDo("PING").ok());
  EXPECT_NONFATAL_FAILURE(client.Info(), "not connected");
}

TEST_F(HarnessTest, ACrashThatNobodyAskedForFailsTheTest) {
  auto server = Redis();
  TestClient client(*server);
  // Behind the harness's back.
  ASSERT_EQ(kill(server->pid(), SIGTERM), 0);
  EXPECT_TRUE(WaitFor([&] { return !server->Running(); }));
  EXPECT_NONFATAL_FAILURE(server.reset(), "ended by itself");
}

TEST_F(HarnessTest, LogTailIsTheLastLines) {
  auto server = Redis();
  const std::string tail = server->LogTail(2);
  EXPECT_EQ(std::count(tail.begin(), tail.end(), '\n'), 2) << tail;
  EXPECT_THAT(tail, HasSubstr("Ready to accept connections"));
}

}  // namespace
}  // namespace holdfast::test
