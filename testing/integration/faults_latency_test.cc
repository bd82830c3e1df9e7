// One client's slow command is nobody else's. Built twice: the `large` target
// sets HOLDFAST_STRICT and holds the figures to the design's bounds, which a
// machine that does other things at the same time cannot keep.

#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/harness/server_process.h"
#include "testing/harness/test_client.h"
#include "testing/integration/faults_support.h"
#include "testing/proxy/fault_proxy.h"
#include "testing/support/reply_matchers.h"

namespace holdfast::test {
namespace {

TEST(SlowCommandTest, SleepAndKeysHoldUpNeitherClientsNorLinks) {
  const int keys = Strict() ? 1000000 : 300000;
  const auto primary = StartServer(ShortTimeouts());
  const auto replica = StartServer(ShortTimeouts());
  const auto proxy = ProxyTo(*primary);
  TestClient client(*primary);
  client.set_timeout(absl::Seconds(120));
  EXPECT_THAT(client.Do("DEBUG", "POPULATE", keys), IsOk());
  Follow(*replica, proxy->port());
  ASSERT_TRUE(CatchesUp(*primary, *replica, absl::Seconds(120)));

  TestClient sleeper(*primary);
  TestClient lister(primary->port(), absl::Seconds(120));
  sleeper.Send("DEBUG", "SLEEP", 2);
  std::thread keys_thread([&] {
    const absl::Time end = absl::Now() + absl::Seconds(2);
    do {
      EXPECT_EQ(lister.Do("KEYS", "*").elements().size(),
                static_cast<size_t>(keys));
    } while (absl::Now() < end);
  });
  Latencies latencies;
  const absl::Time end = absl::Now() + absl::Seconds(3);
  while (absl::Now() < end) {
    const absl::Time begin = absl::Now();
    EXPECT_THAT(client.Do("PING"), IsSimple("PONG"));
    latencies.Add(absl::Now() - begin);
    absl::SleepFor(absl::Milliseconds(1));
  }
  EXPECT_THAT(sleeper.Receive(), IsOk());
  keys_thread.join();
  std::cout << "PING beside DEBUG SLEEP and KEYS over " << keys << ": "
            << latencies.ToString() << "\n";
  EXPECT_LT(latencies.Quantile(0.999),
            Bound(absl::Milliseconds(5), absl::Milliseconds(100)));
  EXPECT_EQ(proxy->stats().accepted, 1);
  EXPECT_EQ(CausesText(*primary), "");
  EXPECT_EQ(CausesText(*replica), "");
  EXPECT_EQ(ReplicationField(*primary, "connected_slaves"), "1");
  EXPECT_EQ(ReplicationField(*replica, "master_link_status"), "up");
}

// The same on the replica: its link is not its clients'.
TEST(SlowCommandTest, AReplicasSlowClientDoesNotHoldUpItsLink) {
  const auto primary = StartServer(ShortTimeouts());
  const auto replica = StartServer(ShortTimeouts());
  TestClient client(*primary);
  EXPECT_THAT(client.Do("DEBUG", "POPULATE", 100000), IsOk());
  Follow(*replica, primary->port());
  ASSERT_TRUE(CatchesUp(*primary, *replica, absl::Seconds(60)));
  TestClient sleeper(*replica);
  sleeper.Send("DEBUG", "SLEEP", 2);
  Latencies latencies;
  const absl::Time end = absl::Now() + absl::Seconds(2);
  while (absl::Now() < end) {
    EXPECT_THAT(client.Do("INCR", "n"), IsInt(::testing::Gt(0)));
    const absl::Time begin = absl::Now();
    EXPECT_THAT(client.Do("WAIT", 1, 5000), IsInt(1));
    latencies.Add(absl::Now() - begin);
  }
  EXPECT_THAT(sleeper.Receive(), IsOk());
  std::cout << "WAIT 1 beside DEBUG SLEEP on the replica: "
            << latencies.ToString() << "\n";
  EXPECT_LT(latencies.Quantile(1), absl::Seconds(1));
  EXPECT_EQ(CausesText(*primary), "");
  EXPECT_EQ(CausesText(*replica), "");
}

}  // namespace
}  // namespace holdfast::test
