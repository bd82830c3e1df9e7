// Peers that stop without closing: SIGSTOP keeps the kernel's half of every
// connection alive, so nothing but our own deadlines can tell.

#include <signal.h>

#include <iostream>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/harness/server_process.h"
#include "testing/harness/test_client.h"
#include "testing/integration/faults_support.h"
#include "testing/support/reply_matchers.h"
#include "testing/support/wait_for.h"

namespace holdfast::test {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::Key;

constexpr absl::Duration kPatience = absl::Seconds(20);

// Looks every 5 ms, so the time is good to that, and to the scheduler's mood.
template <typename Done>
absl::Duration TimeUntil(Done done) {
  const absl::Time begin = absl::Now();
  EXPECT_TRUE(WaitFor(done, kPatience));
  return absl::Now() - begin;
}

class FrozenPeerTest : public ::testing::Test {
 protected:
  void StartPair(const Flags& flags) {
    primary_ = StartServer(flags);
    replica_ = StartServer(flags);
    EXPECT_THAT(TestClient(*primary_).Do("SET", "k", "v"), IsOk());
    Follow(*replica_, primary_->port());
    ASSERT_TRUE(IsSame(*primary_, *replica_));
  }

  std::unique_ptr<ServerProcess> primary_;
  std::unique_ptr<ServerProcess> replica_;
};

TEST_F(FrozenPeerTest, APrimaryIsDeclaredDeadInTimeAndContinuedFromPartially) {
  StartPair(ShortTimeouts());
  ASSERT_EQ(primary_->Signal(SIGSTOP), absl::OkStatus());
  const absl::Duration took = TimeUntil([&] {
    return ReplicationField(*replica_, "master_link_status") == "down";
  });
  std::cout << "primary_silent after " << took << "\n";
  EXPECT_LT(took, kPeerTimeout + kSlack);
  const Event drop = NewestEvent(*replica_, "drop");
  EXPECT_THAT(drop, Contains(std::pair<const std::string, std::string>(
                        "cause", "primary_silent")))
      << ::testing::PrintToString(Events(*replica_));
  // It still serves what it has.
  EXPECT_THAT(TestClient(*replica_).Do("GET", "k"), IsBulk("v"));
  // Attempts end, too: connected by the kernel, never answered.
  EXPECT_TRUE(WaitFor(
      [&] { return Causes(*replica_).contains("handshake_timeout:ping"); }));

  ASSERT_EQ(primary_->Signal(SIGCONT), absl::OkStatus());
  ASSERT_TRUE(LinkComesUp(*replica_));
  EXPECT_THAT(TestClient(*primary_).Do("SET", "k", "w"), IsOk());
  EXPECT_TRUE(IsSame(*primary_, *replica_));
  EXPECT_EQ(Stat(*primary_, "sync_full"), 1);
  EXPECT_GE(Stat(*primary_, "sync_partial_ok"), 1);
}

// Shorter than the deadline: nobody has a reason to do anything.
TEST_F(FrozenPeerTest, AShortFreezeOfEitherSideCostsNoLink) {
  StartPair(ShortTimeouts({{"repl-peer-timeout-ms", "6000"}}));
  for (ServerProcess* const server : {primary_.get(), replica_.get()}) {
    ASSERT_EQ(server->Signal(SIGSTOP), absl::OkStatus());
    absl::SleepFor(absl::Milliseconds(1200));
    ASSERT_EQ(server->Signal(SIGCONT), absl::OkStatus());
    EXPECT_THAT(TestClient(*primary_).Do("APPEND", "k", "w"),
                IsInt(::testing::Gt(1)));
    EXPECT_TRUE(IsSame(*primary_, *replica_));
  }
  EXPECT_EQ(CausesText(*primary_), "");
  EXPECT_EQ(CausesText(*replica_), "");
}

TEST_F(FrozenPeerTest, AReplicaIsDeclaredDeadInTimeWhenIdle) {
  StartPair(ShortTimeouts());
  ASSERT_EQ(replica_->Signal(SIGSTOP), absl::OkStatus());
  const absl::Duration took = TimeUntil(
      [&] { return ReplicationField(*primary_, "connected_slaves") == "0"; });
  std::cout << "replica_silent after " << took << "\n";
  EXPECT_LT(took, kPeerTimeout + kSlack);
  EXPECT_THAT(Causes(*primary_), Contains(Key("replica_silent")));
  ASSERT_EQ(replica_->Signal(SIGCONT), absl::OkStatus());
  EXPECT_TRUE(IsSame(*primary_, *replica_));
  EXPECT_EQ(Stat(*primary_, "sync_full"), 1);
}

TEST_F(FrozenPeerTest,
       AReplicaUnderLoadIsDroppedInTimeAndCostsTheClientsNothing) {
  StartPair(ShortTimeouts({{"repl-backlog-size", "256mb"}}));
  {
    WriteLoad small(
        *primary_,
        {.seed = 1, .pause = absl::Milliseconds(1), .read_back = true});
    WriteLoad big(*primary_,
                  {.seed = 2, .keys = 50, .largest_value = 16 * 1024});
    ASSERT_EQ(replica_->Signal(SIGSTOP), absl::OkStatus());
    const absl::Duration took = TimeUntil(
        [&] { return ReplicationField(*primary_, "connected_slaves") == "0"; });
    std::cout << "dropped after " << took << ": " << CausesText(*primary_)
              << "\n";
    EXPECT_LT(took, kPeerTimeout + kSlack);
    EXPECT_THAT(Causes(*primary_),
                Contains(Key(AnyOf("replica_stuck", "replica_silent"))));
    absl::SleepFor(absl::Milliseconds(300));
    small.Stop();
    big.Stop();
    std::cout << "a client meanwhile: " << small.latencies().ToString() << "\n";
    EXPECT_LT(small.latencies().Quantile(0.99),
              Bound(absl::Milliseconds(5), absl::Milliseconds(100)));
    EXPECT_LT(small.latencies().Quantile(1),
              Bound(absl::Milliseconds(100), absl::Seconds(1)));
  }
  ASSERT_EQ(replica_->Signal(SIGCONT), absl::OkStatus());
  EXPECT_TRUE(IsSame(*primary_, *replica_));
  EXPECT_EQ(Stat(*primary_, "sync_full"), 1);
  EXPECT_GE(Stat(*primary_, "sync_partial_ok"), 1);
}

// Who does not keep up holds the log up to repl-backlog-max-bytes and no
// further.
TEST_F(FrozenPeerTest,
       AReplicaThatFellOutOfTheLogIsDroppedAndSynchronisedAnew) {
  StartPair(ShortTimeouts(
      {{"repl-backlog-size", "1mb"}, {"repl-backlog-max-bytes", "2mb"}}));
  ASSERT_EQ(replica_->Signal(SIGSTOP), absl::OkStatus());
  {
    // More than the kernel holds for it, and then more than the log.
    WriteLoad big(*primary_,
                  {.seed = 3, .keys = 50, .largest_value = 64 * 1024});
    EXPECT_TRUE(WaitForValue(
        [&] { return ReplicationField(*primary_, "connected_slaves"); }, "0",
        kPatience));
    EXPECT_TRUE(
        WaitFor([&] { return Offset(*primary_) > 16 << 20; }, kPatience));
  }
  EXPECT_THAT(Causes(*primary_),
              Contains(Key(AnyOf("replica_lagging", "replica_stuck"))))
      << CausesText(*primary_);
  EXPECT_LE(
      TestClient(*primary_).InfoInt("replication", "repl_backlog_histlen"),
      3 << 20);
  ASSERT_EQ(replica_->Signal(SIGCONT), absl::OkStatus());
  EXPECT_TRUE(IsSame(*primary_, *replica_));
  EXPECT_EQ(Stat(*primary_, "sync_full"), 2);
}

TEST_F(FrozenPeerTest, WaitEndsWithItsTimeout) {
  StartPair(ShortTimeouts({{"repl-peer-timeout-ms", "60000"}}));
  ASSERT_EQ(replica_->Signal(SIGSTOP), absl::OkStatus());
  TestClient client(*primary_);
  EXPECT_THAT(client.Do("SET", "k", "w"), IsOk());
  const absl::Time begin = absl::Now();
  EXPECT_THAT(client.Do("WAIT", 1, 300), IsInt(0));
  const absl::Duration took = absl::Now() - begin;
  EXPECT_GE(took, absl::Milliseconds(299));
  EXPECT_LT(took, absl::Milliseconds(300) + kSlack);
  ASSERT_EQ(replica_->Signal(SIGCONT), absl::OkStatus());
  EXPECT_THAT(client.Do("WAIT", 1, 10000), IsInt(1));
}

TEST_F(FrozenPeerTest, OneFrozenReplicaCostsTheOtherNothing) {
  StartPair(ShortTimeouts());
  const auto other = StartServer(ShortTimeouts());
  Follow(*other, primary_->port());
  ASSERT_TRUE(IsSame(*primary_, *other));
  ASSERT_EQ(replica_->Signal(SIGSTOP), absl::OkStatus());
  TestClient client(*primary_);
  Latencies latencies;
  const absl::Time end = absl::Now() + kPeerTimeout + kSlack;
  while (absl::Now() < end) {
    EXPECT_THAT(client.Do("SET", "k", std::string(4096, 'x')), IsOk());
    const absl::Time begin = absl::Now();
    EXPECT_THAT(client.Do("WAIT", 1, 10000), IsInt(1));
    latencies.Add(absl::Now() - begin);
  }
  std::cout << "WAIT 1 beside a frozen replica: " << latencies.ToString()
            << "\n";
  EXPECT_LT(latencies.Quantile(1), absl::Milliseconds(500));
  ASSERT_EQ(replica_->Signal(SIGCONT), absl::OkStatus());
  EXPECT_TRUE(IsSame(*primary_, *replica_));
  EXPECT_TRUE(IsSame(*primary_, *other));
  EXPECT_EQ(Stat(*primary_, "sync_full"), 2);
}

}  // namespace
}  // namespace holdfast::test
