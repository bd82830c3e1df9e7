// Links that break at any byte, or lie: no write is lost, doubled or changed.

#include <sys/types.h>

#include <iostream>
#include <memory>
#include <set>
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
#include "testing/support/dice.h"
#include "testing/support/environment.h"
#include "testing/support/reply_matchers.h"
#include "testing/support/wait_for.h"

namespace holdfast::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Ge;
using ::testing::Gt;
using ::testing::Key;

constexpr Direction kUp = Direction::kToServer;
constexpr Direction kDown = Direction::kToClient;

class CutLinkTest : public ::testing::Test {
 protected:
  void StartPair(const Flags& more = {}) {
    primary_ = StartServer(ShortTimeouts(more));
    replica_ = StartServer(ShortTimeouts(more));
    proxy_ = ProxyTo(*primary_);
    EXPECT_THAT(TestClient(*primary_).Do("SET", "k", "v"), IsOk());
    Follow(*replica_, proxy_->port());
    ASSERT_TRUE(IsSame(*primary_, *replica_));
  }

  std::unique_ptr<ServerProcess> primary_;
  std::unique_ptr<ServerProcess> replica_;
  std::unique_ptr<FaultProxy> proxy_;
};

TEST_F(CutLinkTest, CutsAtAnyByteLoseAndDoubleNothing) {
  const uint64_t seed = Seed(20261122);
  constexpr int kCuts = 200;
  StartPair();
  Dice dice(seed);
  const int threads[] = {Threads(*primary_), Threads(*replica_)};
  const int files[] = {Files(*primary_), Files(*replica_)};
  WriteLoad first(*primary_,
                  {.seed = seed + 1, .pause = absl::Microseconds(500)});
  WriteLoad second(*primary_,
                   {.seed = seed + 2, .pause = absl::Microseconds(500)});
  for (int i = 0; i < kCuts; ++i) {
    const CutKind kind = dice.Pick({CutKind::kRst, CutKind::kFin});
    const bool down = !dice.OneIn(4);
    // What a replica sends is short: its handshake and an ACK now and then.
    const int64_t bytes = down ? dice.Below(8192) : dice.Below(250);
    const int64_t cuts = proxy_->stats().cuts;
    SCOPED_TRACE(absl::StrCat("cut ", i, down ? " down" : " up", " after ",
                              bytes, kind == CutKind::kRst ? " rst" : " fin"));
    proxy_->CutAfter(down ? kDown : kUp, bytes, kind);
    ASSERT_TRUE(
        proxy_->WaitFor([&](const ProxyStats& s) { return s.cuts > cuts; }));
  }
  first.Stop();
  second.Stop();
  proxy_->Heal();
  EXPECT_TRUE(IsSame(*primary_, *replica_));
  EXPECT_EQ(Stat(*primary_, "sync_full"), 1);
  // Nothing of the links that broke is left.
  using ::testing::Le;
  EXPECT_TRUE(WaitForValue([&] { return Threads(*primary_); }, Le(threads[0])));
  EXPECT_TRUE(WaitForValue([&] { return Threads(*replica_); }, Le(threads[1])));
  EXPECT_TRUE(WaitForValue([&] { return Files(*primary_); }, Le(files[0])));
  EXPECT_TRUE(WaitForValue([&] { return Files(*replica_); }, Le(files[1])));
  std::cout << first.commands() + second.commands() << " commands, "
            << Offset(*primary_) << " bytes, "
            << Stat(*primary_, "sync_partial_ok") << " partial, "
            << proxy_->stats() << "; " << CausesText(*replica_) << "\n";
}

// A full synchronisation that is cut is begun again, and the replica keeps what
// it had until one comes through.
TEST_F(CutLinkTest, ACutTransferIsBegunAgain) {
  constexpr int kCuts = 10;
  StartPair();
  EXPECT_THAT(TestClient(*primary_).Do("DEBUG", "POPULATE", 2000, "p", 100),
              IsOk());
  proxy_->Partition();
  // A replica with a history of its own.
  EXPECT_THAT(TestClient(*replica_).Do("REPLICAOF", "NO", "ONE"), IsOk());
  EXPECT_THAT(TestClient(*replica_).Do("FLUSHALL"), IsOk());
  EXPECT_THAT(TestClient(*replica_).Do("SET", "own", "data"), IsOk());
  proxy_->Heal();
  proxy_->CutNow(CutKind::kRst);
  Dice dice(7);
  proxy_->CutAfter(kDown, 20000, CutKind::kRst);
  Follow(*replica_, proxy_->port());
  for (int i = 0; i < kCuts; ++i) {
    const int64_t cuts = proxy_->stats().cuts;
    ASSERT_TRUE(proxy_->WaitFor(
        [&](const ProxyStats& s) { return s.cuts > cuts || i == 0; }));
    EXPECT_THAT(TestClient(*replica_).Do("GET", "own"), IsBulk("data"));
    proxy_->CutAfter(kDown, dice.Between(1000, 100000),
                     dice.Pick({CutKind::kRst, CutKind::kFin}));
  }
  proxy_->Heal();
  EXPECT_TRUE(IsSame(*primary_, *replica_));
  EXPECT_THAT(Causes(*replica_), Contains(Key("transfer_cut")))
      << CausesText(*replica_);
}

// The log is kept for who is slow to receive the snapshot, beyond its usual
// size.
TEST_F(CutLinkTest, ASlowTransferUnderLoadComesThroughTheFirstTime) {
  const Flags flags = ShortTimeouts({{"repl-backlog-size", "256kb"}});
  primary_ = StartServer(flags);
  replica_ = StartServer(flags);
  proxy_ = ProxyTo(*primary_);
  EXPECT_THAT(TestClient(*primary_).Do("DEBUG", "POPULATE", 20000, "p", 100),
              IsOk());
  proxy_->Throttle(kDown, 1 << 20);
  WriteLoad load(*primary_, {.seed = 8, .largest_value = 4096});
  Follow(*replica_, proxy_->port());
  EXPECT_TRUE(LinkComesUp(*replica_));
  load.Stop();
  proxy_->Heal();
  EXPECT_TRUE(IsSame(*primary_, *replica_));
  EXPECT_EQ(Stat(*primary_, "sync_full"), 1) << CausesText(*replica_);
  EXPECT_EQ(proxy_->stats().accepted, 1);
}

// A primary that came back without its data is not copied.
TEST_F(CutLinkTest, APrimaryThatLostItsDataTakesNobodyElsesAway) {
  StartPair();
  primary_->Kill();
  ASSERT_EQ(primary_->Restart(), absl::OkStatus());
  EXPECT_TRUE(WaitFor(
      [&] { return Causes(*replica_).contains("refused_empty_master"); }));
  EXPECT_THAT(TestClient(*replica_).Do("GET", "k"), IsBulk("v"));
  // It is, once somebody has given it data.
  EXPECT_THAT(TestClient(*primary_).Do("SET", "new", "data"), IsOk());
  EXPECT_TRUE(IsSame(*primary_, *replica_));
}

TEST_F(CutLinkTest, AHalfClosedLinkIsMadeAnew) {
  StartPair();
  for (const Direction direction : {kDown, kUp}) {
    const int64_t accepted = proxy_->stats().accepted;
    proxy_->HalfClose(direction);
    EXPECT_TRUE(proxy_->WaitFor(
        [&](const ProxyStats& s) { return s.accepted > accepted; }));
    EXPECT_THAT(TestClient(*primary_).Do("APPEND", "k", "w"), IsInt(Gt(1)));
    EXPECT_TRUE(IsSame(*primary_, *replica_));
  }
  EXPECT_EQ(Stat(*primary_, "sync_full"), 1);
  EXPECT_THAT(Causes(*replica_), Contains(Key("primary_closed")))
      << CausesText(*replica_);
  EXPECT_THAT(Causes(*primary_), Contains(Key("replica_closed")))
      << CausesText(*primary_);
}

TEST_F(CutLinkTest, AResetIsNamedOnBothSides) {
  StartPair();
  proxy_->CutNow(CutKind::kRst);
  ASSERT_TRUE(
      proxy_->WaitFor([](const ProxyStats& s) { return s.accepted >= 2; }));
  EXPECT_TRUE(IsSame(*primary_, *replica_));
  EXPECT_THAT(Causes(*replica_), Contains(Key("reset")))
      << CausesText(*replica_);
  EXPECT_THAT(Causes(*primary_), Contains(Key("reset")))
      << CausesText(*primary_);
  EXPECT_EQ(Stat(*primary_, "sync_full"), 1);
}

// One byte in 10 ms, each way, for longer than every deadline: slow, not dead.
TEST_F(CutLinkTest, ATrickleIsALinkThatLives) {
  StartPair();
  const int64_t accepted = proxy_->stats().accepted;
  proxy_->Trickle(kDown, absl::Milliseconds(10));
  proxy_->Trickle(kUp, absl::Milliseconds(10));
  EXPECT_THAT(TestClient(*primary_).Do("SET", "k", std::string(300, 'x')),
              IsOk());
  absl::SleepFor(2 * kPeerTimeout + kWriteTimeout);
  EXPECT_EQ(proxy_->stats().accepted, accepted);
  EXPECT_EQ(CausesText(*replica_), "");
  EXPECT_EQ(CausesText(*primary_), "");
  proxy_->Heal();
  EXPECT_TRUE(IsSame(*primary_, *replica_));
  EXPECT_EQ(proxy_->stats().accepted, accepted);
}

// The same for a whole synchronisation, of which no step has a byte more a
// second.
TEST_F(CutLinkTest, ATrickledSynchronisationIsNotGivenUp) {
  primary_ =
      StartServer(ShortTimeouts({{"repl-handshake-timeout-ms", "5000"}}));
  replica_ =
      StartServer(ShortTimeouts({{"repl-handshake-timeout-ms", "5000"}}));
  proxy_ = ProxyTo(*primary_);
  EXPECT_THAT(TestClient(*primary_).Do("SET", "k", std::string(200, 'x')),
              IsOk());
  proxy_->Trickle(kDown, absl::Milliseconds(5));
  proxy_->Trickle(kUp, absl::Milliseconds(5));
  Follow(*replica_, proxy_->port());
  EXPECT_TRUE(IsSame(*primary_, *replica_));
  EXPECT_EQ(proxy_->stats().accepted, 1) << CausesText(*replica_);
}

// --- Corruption
// ---------------------------------------------------------------- RESP has no
// checksum: a byte of a value can change unseen by anybody, so these hit what
// frames the values, and names.

struct Corruption {
  const char* name;
  std::vector<std::string>
      command;  // Its encoding is what the next bytes of the stream are.
  int64_t offset;
  uint8_t mask;
};

class CorruptLinkTest : public CutLinkTest,
                        public ::testing::WithParamInterface<Corruption> {};

TEST_P(CorruptLinkTest, IsSeenAndMended) {
  // No keepalive shifts the bytes.
  StartPair(
      {{"repl-peer-timeout-ms", "60000"}, {"repl-ping-replica-period", "30"}});
  TestClient client(*primary_);
  EXPECT_THAT(client.Do("MSET", "a", 1, "b", 2, "c", 3, "d", 4), IsOk());
  ASSERT_TRUE(IsSame(*primary_, *replica_));
  proxy_->CorruptAt(kDown, GetParam().offset, GetParam().mask);
  EXPECT_FALSE(client.DoArgs(GetParam().command).is_error());
  // More of the stream, for what waits for a longer value than is coming.
  WriteLoad load(*primary_, {.seed = 11, .pause = absl::Milliseconds(1)});
  EXPECT_TRUE(
      proxy_->WaitFor([](const ProxyStats& s) { return s.corrupted == 1; }));
  EXPECT_TRUE(proxy_->WaitFor(
      [](const ProxyStats& s) { return s.accepted >= 2; }, absl::Seconds(20)));
  load.Stop();
  EXPECT_TRUE(IsSame(*primary_, *replica_));
  const auto causes = Causes(*replica_);
  EXPECT_TRUE(causes.contains("protocol_error") ||
              causes.contains("apply_error"))
      << CausesText(*replica_);
  EXPECT_LE(Stat(*primary_, "sync_full"), 2);
  std::cout << CausesText(*replica_) << ", sync_full "
            << Stat(*primary_, "sync_full") << "\n";
}

const std::vector<std::string> kDel = {"DEL", "a", "b"};  // *3|$3|DEL|$1|a|$1|b
INSTANTIATE_TEST_SUITE_P(
    Bytes, CorruptLinkTest,
    ::testing::Values(Corruption{"Array", kDel, 0, 0xff},
                      // '3' to '2': DEL a, and then garbage. Applied wrongly,
                      // so it must be copied anew.
                      Corruption{"FewerArguments", kDel, 1, 0x01},
                      Corruption{"MoreArguments", kDel, 1,
                                 0x07},  // '3' to '4'.
                      Corruption{"ArrayLineEnd", kDel, 2, 0x20},
                      Corruption{"BulkMark", kDel, 4, 0x08},
                      Corruption{"ShorterName", kDel, 5, 0x01},
                      Corruption{"LongerKey", kDel, 14, 0x08},  // '1' to '9'.
                      Corruption{"Name", kDel, 8, 0x02}),       // DEL to FEL.
    [](const auto& info) { return std::string(info.param.name); });

// --- Many replicas ---

constexpr int kReplicas = 5;

class ManyReplicasTest : public ::testing::Test {
 protected:
  void StartAll(const Flags& more = {}) {
    primary_ = StartServer(ShortTimeouts(more));
    proxy_ = ProxyTo(*primary_);
    for (int i = 0; i < kReplicas; ++i)
      replicas_.push_back(StartServer(ShortTimeouts(more)));
  }
  void FollowAll() {
    std::vector<TestClient> clients;
    for (const auto& replica : replicas_) clients.emplace_back(*replica);
    for (TestClient& client : clients)
      client.Send("REPLICAOF", "127.0.0.1", proxy_->port());
    for (TestClient& client : clients) EXPECT_THAT(client.Receive(), IsOk());
  }
  void ExpectAllSame() {
    for (const auto& replica : replicas_)
      EXPECT_TRUE(IsSame(*primary_, *replica, absl::Seconds(60)));
  }

  std::unique_ptr<ServerProcess> primary_;
  std::unique_ptr<FaultProxy> proxy_;
  std::vector<std::unique_ptr<ServerProcess>> replicas_;
};

TEST_F(ManyReplicasTest, CutTogetherTheyAllContinuePartially) {
  StartAll();
  EXPECT_THAT(TestClient(*primary_).Do("SET", "k", "v"), IsOk());
  FollowAll();
  ExpectAllSame();
  EXPECT_EQ(Stat(*primary_, "sync_full"), kReplicas);
  WriteLoad load(*primary_, {.seed = 5, .pause = absl::Milliseconds(1)});
  constexpr int kRounds = 5;
  for (int i = 1; i <= kRounds; ++i) {
    proxy_->CutNow(i % 2 == 0 ? CutKind::kRst : CutKind::kFin);
    for (const auto& replica : replicas_) {
      EXPECT_TRUE(WaitForValue(
          [&] {
            return TestClient(*replica).InfoInt("replication",
                                                "master_partial_syncs");
          },
          Ge(i)));
    }
  }
  load.Stop();
  ExpectAllSame();
  EXPECT_EQ(Stat(*primary_, "sync_full"), kReplicas);
  EXPECT_EQ(Stat(*primary_, "sync_partial_ok"), kReplicas * kRounds);
}

TEST_F(ManyReplicasTest, WhoAsksTogetherSharesASnapshot) {
  StartAll();
  EXPECT_THAT(TestClient(*primary_).Do("DEBUG", "POPULATE", 100000, "p", 100),
              IsOk());
  // Writes go on, so each snapshot has an offset of its own.
  WriteLoad load(*primary_, {.seed = 6, .pause = absl::Milliseconds(1)});
  FollowAll();
  for (const auto& replica : replicas_)
    EXPECT_TRUE(LinkComesUp(*replica, absl::Seconds(60)));
  load.Stop();
  std::set<std::string> offsets;
  for (const auto& replica : replicas_) {
    const std::string log = replica->LogTail(1000);
    const size_t at = log.find("Full synchronisation with primary");
    ASSERT_NE(at, std::string::npos);
    const size_t offset = log.find("offset ", at);
    offsets.insert(log.substr(offset, log.find('\n', offset) - offset));
    EXPECT_TRUE(CatchesUp(*primary_, *replica));
  }
  EXPECT_EQ(Digest(*replicas_[0]), Digest(*primary_));
  std::cout << kReplicas << " replicas, " << offsets.size() << " snapshots\n";
  EXPECT_LT(offsets.size(), kReplicas);
}

// While the primary refuses everybody, nobody hammers it.
TEST_F(ManyReplicasTest, AttemptsAreBoundedByBackoff) {
  StartAll({{"repl-backoff-base-ms", "100"},
            {"repl-backoff-cap-ms", "1000"},
            {"repl-healthy-after-ms", "5000"}});
  EXPECT_THAT(TestClient(*primary_).Do("SET", "k", "v"), IsOk());
  FollowAll();
  ExpectAllSame();
  const int64_t before = proxy_->stats().accepted;
  // Connections are made, and cut at the first byte that comes back.
  const absl::Duration outage = absl::Seconds(4);
  proxy_->SetTarget("127.0.0.1", 1);  // Where nobody listens.
  proxy_->CutNow(CutKind::kRst);
  absl::SleepFor(outage);
  const int64_t attempts = proxy_->stats().accepted - before;
  proxy_->SetTarget("127.0.0.1", primary_->port());
  std::cout << attempts << " attempts of " << kReplicas << " replicas in "
            << outage << "\n";
  // Pauses below 100, 200, 400, 800, 1000, ... ms, half of that on average.
  EXPECT_GE(attempts, 2 * kReplicas);
  EXPECT_LE(attempts, 20 * kReplicas);
  ExpectAllSame();
  EXPECT_EQ(Stat(*primary_, "sync_full"), kReplicas);
}

}  // namespace
}  // namespace holdfast::test
