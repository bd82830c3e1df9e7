// Links on which nothing goes wrong: they must never be dropped.

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/harness/server_process.h"
#include "testing/harness/test_client.h"
#include "testing/integration/faults_support.h"
#include "testing/proxy/fault_proxy.h"
#include "testing/support/reply_matchers.h"
#include "testing/support/wait_for.h"

namespace holdfast::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr absl::Duration kShortWrite = absl::Milliseconds(150);
constexpr int kWriteTimeouts = 20;

const Flags kFlags =
    ShortTimeouts({{"repl-write-timeout-ms", "150"}, {"repl-timeout", "2"}});

// That nothing happens can only be seen by waiting for it not to.
void BeIdle() { absl::SleepFor(kWriteTimeouts * kShortWrite); }

TEST(IdleLinkTest, BetweenTwoHoldfastsOutlivesManyWriteTimeouts) {
  const auto primary = StartServer(kFlags);
  const auto replica = StartServer(kFlags);
  const auto proxy = ProxyTo(*primary);
  EXPECT_THAT(TestClient(*primary).Do("SET", "k", "v"), IsOk());
  Follow(*replica, proxy->port());
  ASSERT_TRUE(IsSame(*primary, *replica));
  const int64_t offset = Offset(*primary);

  BeIdle();

  EXPECT_EQ(proxy->stats().accepted, 1);
  EXPECT_EQ(ReplicationField(*replica, "master_link_drops"), "0");
  EXPECT_EQ(Offset(*primary), offset)
      << "keepalives between two Holdfasts stay beside the stream";
  EXPECT_EQ(CausesText(*primary), "");
  EXPECT_EQ(CausesText(*replica), "");
  EXPECT_EQ(Stat(*primary, "sync_full"), 1);
  EXPECT_THAT(TestClient(*primary).Do("SET", "k", "w"), IsOk());
  EXPECT_TRUE(IsSame(*primary, *replica));
}

TEST(IdleLinkTest, OfARedisReplicaOutlivesManyWriteTimeouts) {
  if (!RealRedisAvailable()) GTEST_SKIP();
  const auto primary = StartServer(kFlags);
  const auto replica = StartServer({{"repl-timeout", "2"}}, ServerKind::kRedis);
  const auto proxy = ProxyTo(*primary);
  EXPECT_THAT(TestClient(*primary).Do("SET", "k", "v"), IsOk());
  Follow(*replica, proxy->port());
  ASSERT_TRUE(LinkComesUp(*replica));

  BeIdle();

  EXPECT_EQ(proxy->stats().accepted, 1);
  EXPECT_EQ(CausesText(*primary), "");
  EXPECT_EQ(ReplicationField(*replica, "master_link_status"), "up");
  EXPECT_THAT(TestClient(*primary).Do("SET", "k", "w"), IsOk());
  EXPECT_TRUE(WaitForValue([&] { return TestClient(*replica).Do("GET", "k"); },
                           IsBulk("w")));
  EXPECT_EQ(Stat(*primary, "sync_full"), 1);
}

TEST(IdleLinkTest, ToARedisPrimaryOutlivesManyWriteTimeouts) {
  if (!RealRedisAvailable()) GTEST_SKIP();
  const auto primary = StartServer({{"repl-timeout", "2"},
                                    {"repl-ping-replica-period", "1"},
                                    {"repl-diskless-sync-delay", "0"}},
                                   ServerKind::kRedis);
  const auto replica = StartServer(kFlags);
  const auto proxy = ProxyTo(*primary);
  EXPECT_THAT(TestClient(*primary).Do("SET", "k", "v"), IsOk());
  Follow(*replica, proxy->port());
  ASSERT_TRUE(LinkComesUp(*replica));

  BeIdle();

  EXPECT_EQ(proxy->stats().accepted, 1);
  EXPECT_EQ(ReplicationField(*replica, "master_link_drops"), "0");
  EXPECT_EQ(CausesText(*replica), "");
  EXPECT_THAT(TestClient(*primary).Do("SET", "k", "w"), IsOk());
  EXPECT_TRUE(WaitForValue([&] { return TestClient(*replica).Do("GET", "k"); },
                           IsBulk("w")));
}

// A Holdfast in the middle cannot add PINGs to a stream that is its primary's:
// the primary has to, though all its own replicas are Holdfasts.
TEST(IdleLinkTest, OfARedisBelowAHoldfastReplicaOutlivesItsTimeout) {
  if (!RealRedisAvailable()) GTEST_SKIP();
  const auto top = StartServer(kFlags);
  const auto middle = StartServer(kFlags);
  const auto bottom = StartServer({{"repl-timeout", "2"}}, ServerKind::kRedis);
  const auto proxy = ProxyTo(*middle);
  EXPECT_THAT(TestClient(*top).Do("SET", "k", "v"), IsOk());
  Follow(*middle, top->port());
  ASSERT_TRUE(LinkComesUp(*middle));
  Follow(*bottom, proxy->port());
  ASSERT_TRUE(LinkComesUp(*bottom));

  absl::SleepFor(absl::Seconds(4));

  EXPECT_EQ(proxy->stats().accepted, 1);
  EXPECT_EQ(ReplicationField(*bottom, "master_link_status"), "up");
  EXPECT_EQ(CausesText(*middle), "");
  EXPECT_THAT(TestClient(*top).Do("SET", "k", "w"), IsOk());
  EXPECT_TRUE(WaitForValue([&] { return TestClient(*bottom).Do("GET", "k"); },
                           IsBulk("w")));
}

// A snapshot begins where no write is under way. One that takes longer than the
// link's timeout neither ends the link nor holds up the writes of others.
TEST(IdleLinkTest, WaitsForASnapshotBehindALongWrite) {
  // Longer than the second between two empty lines, on a busy machine too.
  const Flags flags = ShortTimeouts({{"repl-peer-timeout-ms", "2500"},
                                     {"repl-handshake-timeout-ms", "2500"}});
  const auto primary = StartServer(flags);
  std::vector<std::unique_ptr<ServerProcess>> replicas;
  replicas.push_back(StartServer(flags));
  if (RealRedisAvailable()) {
    replicas.push_back(
        StartServer({{"repl-timeout", "3"}}, ServerKind::kRedis));
  }
  TestClient slow(*primary), other(*primary);
  const std::string text(8000, 'a');
  EXPECT_THAT(slow.Do("MSET", "{slow}1", text, "{slow}2", text), IsOk());
  const absl::Time begun = absl::Now();
  EXPECT_THAT(slow.Do("LCS", "{slow}1", "{slow}2", "LEN"), IsInt(8000));
  const absl::Duration one = absl::Now() - begun;
  EXPECT_THAT(slow.Do("MULTI"), IsOk());
  for (absl::Duration all; all < absl::Seconds(5); all += one) {
    EXPECT_THAT(slow.Do("LCS", "{slow}1", "{slow}2", "LEN"),
                IsSimple("QUEUED"));
  }
  EXPECT_THAT(slow.Do("SET", "{slow}", "2"), IsSimple("QUEUED"));
  slow.Send("EXEC");
  std::vector<std::unique_ptr<FaultProxy>> proxies;
  for (const auto& replica : replicas) {
    proxies.push_back(ProxyTo(*primary));
    Follow(*replica, proxies.back()->port());
  }

  Latencies latencies;
  while (absl::IsDeadlineExceeded(
      slow.TryReceive(absl::Milliseconds(5)).status())) {
    const absl::Time sent = absl::Now();
    EXPECT_THAT(other.Do("SET", "other", latencies.count()), IsOk());
    latencies.Add(absl::Now() - sent);
  }

  std::cout << "SET meanwhile: " << latencies.ToString() << "\n";
  EXPECT_GT(latencies.count(), 20);
  EXPECT_LT(latencies.Quantile(1),
            Bound(absl::Milliseconds(100), absl::Seconds(2)));
  for (const auto& replica : replicas) {
    ASSERT_TRUE(LinkComesUp(*replica));
    EXPECT_TRUE(WaitForValue(
        [&] { return TestClient(*replica).Do("GET", "{slow}"); }, IsBulk("2")));
  }
  for (const auto& proxy : proxies) EXPECT_EQ(proxy->stats().accepted, 1);
  EXPECT_EQ(CausesText(*primary), "");
  EXPECT_EQ(CausesText(*replicas[0]), "");
  EXPECT_EQ(Stat(*primary, "sync_full"), static_cast<int64_t>(replicas.size()));
}

// --- WAIT --------------------------------------------------------------------

// The replica acknowledges as soon as it is asked, not with its next heartbeat.
TEST(IdleLinkTest, WaitTakesARoundTripAndNotAHeartbeat) {
  constexpr int kRounds = 300;
  const Flags flags = {{"repl-ack-interval-ms", "3000"}};
  const auto primary = StartServer(flags);
  const auto replica = StartServer(flags);
  Follow(*replica, primary->port());
  ASSERT_TRUE(IsSame(*primary, *replica));
  TestClient client(*primary);
  Latencies latencies;
  for (int i = 0; i < kRounds; ++i) {
    EXPECT_THAT(client.Do("SET", "k", i), IsOk());
    const absl::Time begin = absl::Now();
    EXPECT_THAT(client.Do("WAIT", 1, 10000), IsInt(1));
    latencies.Add(absl::Now() - begin);
  }
  std::cout << "WAIT 1: " << latencies.ToString() << "\n";
  EXPECT_LT(latencies.Quantile(1), absl::Seconds(1));
}

// --- Configuration -----------------------------------------------------------

void ExpectRefused(absl::string_view ping_period, absl::string_view timeout) {
  ServerOptions options;
  options.flags = {{"repl-ping-replica-period", std::string(ping_period)},
                   {"repl-timeout", std::string(timeout)}};
  const auto server = ServerProcess::Start(options);
  ASSERT_FALSE(server.ok()) << ping_period << " " << timeout;
  EXPECT_THAT(
      std::string(server.status().message()),
      AllOf(HasSubstr("repl-ping-replica-period"), HasSubstr("repl-timeout")));
}

TEST(LinkConfigurationTest, APingPeriodNotBelowTheTimeoutIsRefusedByName) {
  ExpectRefused("5", "5");
  ExpectRefused("10", "3");
}

TEST(LinkConfigurationTest, NorCanItBeSetLater) {
  const auto server =
      StartServer({{"repl-ping-replica-period", "3"}, {"repl-timeout", "10"}});
  TestClient client(*server);
  for (const char* timeout : {"3", "1"}) {
    EXPECT_THAT(client.Do("CONFIG", "SET", "repl-timeout", timeout),
                IsError(AllOf(HasSubstr("repl-ping-replica-period"),
                              HasSubstr("repl-timeout"))));
  }
  EXPECT_EQ(client.Config("repl-timeout"), "10");
  EXPECT_THAT(client.Do("CONFIG", "SET", "repl-timeout", "4"), IsOk());
}

}  // namespace
}  // namespace holdfast::test
