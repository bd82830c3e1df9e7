// A -> B -> C: replicas of replicas keep what they have through every change
// above them (PSYNC2: one history, two names).

#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
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

class ChainTest : public ::testing::Test {
 protected:
  void SetUp() override {
    a_ = StartServer(ShortTimeouts());
    b_ = StartServer(ShortTimeouts());
    c_ = StartServer(ShortTimeouts());
    to_a_ = ProxyTo(*a_);
    to_b_ = ProxyTo(*b_);
    // The stream has selected its database before C joins.
    EXPECT_THAT(TestClient(*a_).Do("SET", "k", "v"), IsOk());
    Follow(*b_, to_a_->port());
    ASSERT_TRUE(IsSame(*a_, *b_));
    Write(a_.get());
    ASSERT_TRUE(IsSame(*a_, *b_));
    Follow(*c_, to_b_->port());
    ASSERT_TRUE(LinkComesUp(*c_));
    Write(a_.get());
    ASSERT_TRUE(IsSame(*a_, *b_));
    ASSERT_TRUE(IsSame(*b_, *c_));
  }

  void Write(ServerProcess* server) {
    TestClient client(*server);
    EXPECT_THAT(client.Do("INCR", "counter"), IsInt(::testing::Gt(0)));
    EXPECT_THAT(client.Do("APPEND", "log", "x"), IsInt(::testing::Gt(0)));
  }

  static int64_t FullSyncs(const ServerProcess& replica) {
    return TestClient(replica).InfoInt("replication", "master_full_syncs");
  }

  std::unique_ptr<ServerProcess> a_, b_, c_;
  std::unique_ptr<FaultProxy> to_a_, to_b_;
};

// A write of A's that has no SELECT before it, because the stream has had one.
TEST_F(ChainTest, ASubReplicaLearnsWhichDatabaseTheStreamIsIn) {
  EXPECT_EQ(FullSyncs(*c_), 1) << CausesText(*c_);
  EXPECT_EQ(CausesText(*c_), "");
  EXPECT_EQ(to_b_->stats().accepted, 1);
}

TEST_F(ChainTest, ACutAboveLeavesTheLinkBelowAlone) {
  const int64_t accepted = to_b_->stats().accepted;
  for (int i = 0; i < 5; ++i) {
    to_a_->CutNow(i % 2 == 0 ? CutKind::kRst : CutKind::kFin);
    Write(a_.get());
    EXPECT_TRUE(IsSame(*a_, *b_));
    EXPECT_TRUE(IsSame(*b_, *c_));
  }
  EXPECT_EQ(to_b_->stats().accepted, accepted);
  EXPECT_EQ(Stat(*a_, "sync_full"), 1);
  EXPECT_EQ(Stat(*b_, "sync_full"), 1);
}

TEST_F(ChainTest, CutsOfBothLinksUnderLoadLoseNothing) {
  const uint64_t seed = Seed(4711);
  constexpr int kCuts = 60;
  Dice dice(seed);
  WriteLoad load(*a_, {.seed = seed, .pause = absl::Microseconds(500)});
  for (int i = 0; i < kCuts; ++i) {
    FaultProxy* const proxy = dice.OneIn(2) ? to_a_.get() : to_b_.get();
    const int64_t cuts = proxy->stats().cuts;
    proxy->CutAfter(Direction::kToClient, dice.Below(8192),
                    dice.Pick({CutKind::kRst, CutKind::kFin}));
    ASSERT_TRUE(proxy->WaitFor([&](const ProxyStats& s) {
      return s.cuts > cuts;
    })) << "cut "
        << i;
  }
  load.Stop();
  to_a_->Heal();
  to_b_->Heal();
  EXPECT_TRUE(IsSame(*a_, *b_));
  EXPECT_TRUE(IsSame(*b_, *c_));
  EXPECT_EQ(Stat(*a_, "sync_full"), 1) << CausesText(*b_);
  EXPECT_EQ(Stat(*b_, "sync_full"), 1) << CausesText(*c_);
}

// With every write acknowledged by B, nothing is lost; C goes on from where B
// is.
TEST_F(ChainTest, PromotionUnderLoadLosesNoAcknowledgedWrite) {
  const int64_t full_of_b = Stat(*b_, "sync_full");
  TestClient client(*a_);
  int acknowledged = 0;
  for (int i = 1; i <= 300; ++i) {
    EXPECT_THAT(client.Do("SET", "n", i), IsOk());
    EXPECT_THAT(client.Do("WAIT", 1, 10000), IsInt(1));
    acknowledged = i;
  }
  a_->Kill();
  EXPECT_THAT(TestClient(*b_).Do("REPLICAOF", "NO", "ONE"), IsOk());
  EXPECT_THAT(TestClient(*b_).Do("GET", "n"),
              IsBulk(absl::StrCat(acknowledged)));
  Write(b_.get());
  EXPECT_TRUE(IsSame(*b_, *c_));
  EXPECT_EQ(Stat(*b_, "sync_full"), full_of_b);
}

// Longer than every timeout: B has nothing to pass on but that it lives.
TEST_F(ChainTest, ALongPartitionAboveLeavesTheLinkBelowAlone) {
  const int64_t accepted = to_b_->stats().accepted;
  to_a_->Partition();
  EXPECT_TRUE(LinkGoesDown(*b_));
  absl::SleepFor(kPeerTimeout + kSlack);
  EXPECT_EQ(ReplicationField(*c_, "master_link_status"), "up");
  Write(a_.get());
  to_a_->Heal();
  EXPECT_TRUE(IsSame(*a_, *b_));
  EXPECT_TRUE(IsSame(*b_, *c_));
  EXPECT_EQ(to_b_->stats().accepted, accepted);
  EXPECT_EQ(Stat(*a_, "sync_full"), 1);
}

TEST_F(ChainTest, WhoLosesTheMiddleContinuesAtTheTop) {
  b_->Kill();
  EXPECT_TRUE(LinkGoesDown(*c_));
  Write(a_.get());
  Follow(*c_, a_->port());
  EXPECT_TRUE(IsSame(*a_, *c_));
  EXPECT_EQ(Stat(*a_, "sync_full"), 1);  // B's first one.
  EXPECT_EQ(Stat(*a_, "sync_partial_ok"), 1);
}

TEST_F(ChainTest, SiblingsContinueFromWhoIsPromoted) {
  const auto sibling = StartServer(ShortTimeouts());
  Follow(*sibling, a_->port());
  ASSERT_TRUE(IsSame(*a_, *sibling));
  const int64_t full_of_b = Stat(*b_, "sync_full");
  a_->Kill();
  EXPECT_THAT(TestClient(*b_).Do("REPLICAOF", "NO", "ONE"), IsOk());
  EXPECT_NE(ReplicationField(*b_, "master_replid"),
            ReplicationField(*sibling, "master_replid"));
  Write(b_.get());
  Follow(*sibling, b_->port());
  EXPECT_TRUE(IsSame(*b_, *sibling));
  EXPECT_TRUE(IsSame(*b_, *c_)) << "C learns the new name of what it has";
  EXPECT_EQ(ReplicationField(*c_, "master_replid"),
            ReplicationField(*b_, "master_replid"));
  EXPECT_EQ(Stat(*b_, "sync_full"), full_of_b);
  EXPECT_GE(Stat(*b_, "sync_partial_ok"), 2);
}

// A planned change of roles: A has nothing that B has not.
TEST_F(ChainTest, ADemotedPrimaryContinuesPartially) {
  const int64_t full_of_b = Stat(*b_, "sync_full");
  // The last of A's stream reaches B before.
  EXPECT_TRUE(IsSame(*a_, *b_));
  EXPECT_THAT(TestClient(*b_).Do("REPLICAOF", "NO", "ONE"), IsOk());
  Follow(*a_, b_->port());
  Write(b_.get());
  EXPECT_TRUE(IsSame(*b_, *a_));
  EXPECT_TRUE(IsSame(*b_, *c_));
  EXPECT_EQ(Stat(*b_, "sync_full"), full_of_b);
}

// The other way round it has: what only A wrote must go, all of it.
TEST_F(ChainTest, ADemotedPrimaryWithWritesOfItsOwnIsCopiedAnew) {
  to_a_->Partition();
  TestClient(*a_).Do("SET", "lost", "write");
  EXPECT_THAT(TestClient(*b_).Do("REPLICAOF", "NO", "ONE"), IsOk());
  Write(b_.get());
  to_a_->Heal();
  Follow(*a_, b_->port());
  EXPECT_TRUE(IsSame(*b_, *a_));
  EXPECT_THAT(TestClient(*a_).Do("EXISTS", "lost"), IsInt(0));
  EXPECT_TRUE(IsSame(*b_, *c_));
}

// A full synchronisation in the middle changes the history below it, too.
TEST_F(ChainTest, ANewHistoryAboveIsPassedOn) {
  EXPECT_THAT(TestClient(*a_).Do("DEBUG", "CHANGE-REPL-ID"), IsOk());
  to_a_->CutNow(CutKind::kRst);
  Write(a_.get());
  EXPECT_TRUE(WaitForValue([&] { return FullSyncs(*b_); }, 2));
  EXPECT_TRUE(IsSame(*a_, *b_));
  EXPECT_TRUE(IsSame(*b_, *c_));
  EXPECT_EQ(ReplicationField(*c_, "master_replid"),
            ReplicationField(*a_, "master_replid"));
}

}  // namespace
}  // namespace holdfast::test
