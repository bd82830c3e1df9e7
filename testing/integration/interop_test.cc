// Holdfast and the real Redis as each other's primary and replica: full
// synchronisation, live stream, partial resynchronisation after cuts, chains.

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/harness/server_process.h"
#include "testing/harness/test_client.h"
#include "testing/integration/interop_support.h"
#include "testing/proxy/fault_proxy.h"
#include "testing/support/dice.h"
#include "testing/support/environment.h"
#include "testing/support/reply_matchers.h"
#include "testing/support/wait_for.h"

namespace holdfast::test {
namespace {

using ::testing::Ge;
using ::testing::HasSubstr;
using Flags = std::vector<std::pair<std::string, std::string>>;

constexpr int kKeys = 100000;
constexpr int kLiveWrites = 5000;

class InteropTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!RealRedisAvailable()) {
      GTEST_SKIP() << "no redis-server on this machine (apt install "
                      "redis-server, or set HOLDFAST_REAL_REDIS)";
    }
  }

  // The primary's links end; they come back, and go on where they were.
  static void CutAndComeBack(Node& primary, Node& replica,
                             const std::function<void()>& cut,
                             const std::function<void()>& write_meanwhile) {
    const int64_t full = FullSyncs(primary);
    const int64_t partial = PartialSyncs(primary);
    cut();
    write_meanwhile();
    EXPECT_TRUE(WaitForValue([&] { return PartialSyncs(primary); },
                             Ge(partial + 1), absl::Seconds(60)));
    EXPECT_TRUE(WaitForLink(replica));
    EXPECT_EQ(FullSyncs(primary), full) << "a partial one would have done";
  }

  // The whole story of one primary and one replica.
  void FillFollowWriteCut(Node primary, Node replica, int keys = kKeys) {
    ASSERT_TRUE(primary.ok() && replica.ok());
    Dice dice(Seed(20240607));
    FillDatabases(primary, keys, &dice);
    // Something old, to be replaced.
    EXPECT_THAT(replica->Do("SET", "old", "data"), IsOk());
    Follow(replica, primary);
    ASSERT_TRUE(WaitForLink(replica));
    EXPECT_TRUE(Agree({&primary, &replica}))
        << "after the full synchronisation";
    EXPECT_THAT(replica->Do("GET", "old"), IsNil());
    EXPECT_EQ(FullSyncs(primary), 1);
    // One that had data may have offered its own history first.
    const int64_t refused = primary->InfoInt("stats", "sync_partial_err");
    EXPECT_LE(refused, 1);

    WriteLive(primary, kLiveWrites, &dice);
    EXPECT_TRUE(Agree({&primary, &replica})) << "after the live stream";
    EXPECT_THAT(replica->Do("SET", "k", "v"), IsError(HasSubstr("READONLY")));

    const auto write = [&] { WriteLive(primary, kLiveWrites / 5, &dice); };
    CutAndComeBack(
        primary, replica, [&] { primary.proxy->CutNow(CutKind::kRst); }, write);
    CutAndComeBack(
        primary, replica,
        [&] {
          EXPECT_THAT(primary->Do("CLIENT", "KILL", "TYPE", "replica"),
                      IsInt(1));
        },
        write);
    // In the middle of a command, while it flows.
    CutAndComeBack(
        primary, replica,
        [&] {
          primary.proxy->CutAfter(Direction::kToClient, 12345, CutKind::kRst);
        },
        write);
    CutAndComeBack(
        primary, replica,
        [&] {
          primary.proxy->CutAfter(Direction::kToClient, 777, CutKind::kFin);
        },
        write);
    EXPECT_TRUE(Agree({&primary, &replica})) << "after the cuts";
    EXPECT_EQ(FullSyncs(primary), 1);
    EXPECT_GE(PartialSyncs(primary), 4);
    EXPECT_EQ(primary->InfoInt("stats", "sync_partial_err"), refused);
  }
};

TEST_F(InteropTest, RedisFollowsHoldfast) {
  FillFollowWriteCut(StartNode(ServerKind::kHoldfast),
                     StartNode(ServerKind::kRedis));
}

// It then reads the snapshot off the socket, instead of from a file.
TEST_F(InteropTest, RedisFollowsHoldfastLoadingFromTheSocket) {
  FillFollowWriteCut(
      StartNode(ServerKind::kHoldfast),
      StartNode(ServerKind::kRedis, {{"repl-diskless-load", "swapdb"}}),
      kKeys / 5);
}

TEST_F(InteropTest, HoldfastFollowsRedisThatSendsAnEofMarkedSnapshot) {
  FillFollowWriteCut(
      StartNode(ServerKind::kRedis, {{"repl-diskless-sync", "yes"}}),
      StartNode(ServerKind::kHoldfast));
}

TEST_F(InteropTest, HoldfastFollowsRedisThatSendsASnapshotOfKnownLength) {
  FillFollowWriteCut(
      StartNode(ServerKind::kRedis, {{"repl-diskless-sync", "no"}}),
      StartNode(ServerKind::kHoldfast));
}

TEST_F(InteropTest, HoldfastFollowsHoldfast) {
  FillFollowWriteCut(StartNode(ServerKind::kHoldfast),
                     StartNode(ServerKind::kHoldfast), kKeys / 5);
}

// FAILOVER on a Redis asks the replica for the role with PSYNC's third
// argument.
TEST_F(InteropTest, RedisHandsItsRoleOverToAHoldfast) {
  Node first = StartNode(ServerKind::kRedis);
  Node second = StartNode(ServerKind::kHoldfast);
  ASSERT_TRUE(first.ok() && second.ok());
  Dice dice(Seed(20240607));
  FillDatabases(first, 1000, &dice);
  Follow(second, first);
  ASSERT_TRUE(WaitForLink(second));
  EXPECT_THAT(first->Do("FAILOVER", "TIMEOUT", 20000), IsOk());
  ASSERT_TRUE(WaitForLink(first));
  EXPECT_EQ(second->InfoField("replication", "role"), "master");
  EXPECT_EQ(FullSyncs(second), 0);
  WriteLive(second, kLiveWrites / 5, &dice);
  EXPECT_TRUE(Agree({&second, &first}));
}

// --- While it is written ----------------------------------------------------

// The snapshot is made and sent under write load: each write is in it or in
// the stream, and none in both.
class UnderLoadTest : public InteropTest {
 protected:
  void FollowUnderLoad(Node primary, Node replica) {
    ASSERT_TRUE(primary.ok() && replica.ok());
    Dice dice(Seed(20240607));
    FillDatabases(primary, kKeys / 2, &dice);
    // Slow enough for some thousand writes to come in between.
    primary.proxy->Throttle(Direction::kToClient, 8 << 20);
    Follow(replica, primary);
    while (FullSyncs(primary) == 0) WriteLive(primary, 100, &dice);
    for (int i = 0; i < 10; ++i) WriteLive(primary, 500, &dice);
    primary.proxy->Pass(Direction::kToClient);
    ASSERT_TRUE(WaitForLink(replica));
    WriteLive(primary, 500, &dice);
    EXPECT_TRUE(Agree({&primary, &replica}));
    EXPECT_EQ(FullSyncs(primary), 1);
  }
};

TEST_F(UnderLoadTest, RedisFollowsHoldfast) {
  FollowUnderLoad(StartNode(ServerKind::kHoldfast),
                  StartNode(ServerKind::kRedis));
}

TEST_F(UnderLoadTest, HoldfastFollowsRedis) {
  FollowUnderLoad(StartNode(ServerKind::kRedis),
                  StartNode(ServerKind::kHoldfast));
}

TEST_F(UnderLoadTest, HoldfastFollowsHoldfast) {
  FollowUnderLoad(StartNode(ServerKind::kHoldfast),
                  StartNode(ServerKind::kHoldfast));
}

// --- Chains ---

class ChainTest : public InteropTest {
 protected:
  // A chain with cuts at both hops; then the middle is promoted: its replica,
  // and the old primary as its new replica, go on without a full
  // synchronisation.
  void CutBothHopsThenPromoteTheMiddle(ServerKind ends, ServerKind middle) {
    Node first = StartNode(ends);
    Node second = StartNode(middle);
    Node third = StartNode(ends);
    ASSERT_TRUE(first.ok() && second.ok() && third.ok());
    Dice dice(Seed(20240607));
    FillDatabases(first, kKeys / 5, &dice);
    Follow(second, first);
    ASSERT_TRUE(WaitForLink(second));
    Follow(third, second);
    ASSERT_TRUE(WaitForLink(third));
    EXPECT_TRUE(Agree({&first, &second, &third})) << "after the start";

    const auto write = [&] { WriteLive(first, kLiveWrites / 5, &dice); };
    for (int round = 0; round < 2; ++round) {
      SCOPED_TRACE(absl::StrCat("round ", round));
      CutAndComeBack(
          first, second, [&] { first.proxy->CutNow(CutKind::kRst); }, write);
      CutAndComeBack(
          second, third,
          [&] {
            second.proxy->CutAfter(Direction::kToClient, dice.Below(20000),
                                   CutKind::kRst);
          },
          write);
      first.proxy->CutNow(CutKind::kRst);
      second.proxy->CutNow(CutKind::kRst);
      write();
      EXPECT_TRUE(Agree({&first, &second, &third})) << "after cuts";
    }
    EXPECT_EQ(FullSyncs(first), 1);
    EXPECT_EQ(FullSyncs(second), 1);

    EXPECT_THAT(second->Do("REPLICAOF", "NO", "ONE"), IsOk());
    // Its writes select their database anew.
    WriteLive(second, kLiveWrites / 5, &dice);
    Follow(first, second);
    ASSERT_TRUE(WaitForLink(first));
    WriteLive(second, kLiveWrites / 5, &dice);
    EXPECT_TRUE(Agree({&second, &first, &third})) << "after the promotion";
    EXPECT_EQ(FullSyncs(second), 1) << "the promotion cost a full one";
  }
};

// One joins the middle of a chain, again and again, while the stream that the
// middle passes on changes databases, also inside of transactions: the snapshot
// must say which database the stream is in just then.
class JoinTest : public ChainTest {
 protected:
  void JoinTheMiddleUnderLoad(ServerKind last) {
    constexpr int kJoins = 8;
    Node first = StartNode(ServerKind::kHoldfast);
    Node second = StartNode(ServerKind::kHoldfast);
    Node third = StartNode(last);
    ASSERT_TRUE(first.ok() && second.ok() && third.ok());
    Dice dice(Seed(20240607));
    FillDatabases(first, 2000, &dice);
    Follow(second, first);
    ASSERT_TRUE(WaitForLink(second));
    for (int join = 1; join <= kJoins; ++join) {
      SCOPED_TRACE(absl::StrCat("join ", join));
      Follow(third, second);
      while (FullSyncs(second) < join) WriteLive(first, 300, &dice);
      WriteLive(first, 1000, &dice);
      ASSERT_TRUE(WaitForLink(third));
      ASSERT_TRUE(Agree({&first, &second, &third}));
      EXPECT_EQ(FullSyncs(second), join);
      EXPECT_THAT(third->Do("REPLICAOF", "NO", "ONE"), IsOk());
      // A write of its own: nobody can continue its history.
      EXPECT_THAT(third->Do("SET", "k", "v"), IsOk());
    }
    EXPECT_EQ(FullSyncs(first), 1);
  }
};

TEST_F(JoinTest, RedisJoinsAHoldfast) {
  JoinTheMiddleUnderLoad(ServerKind::kRedis);
}

TEST_F(JoinTest, HoldfastJoinsAHoldfast) {
  JoinTheMiddleUnderLoad(ServerKind::kHoldfast);
}

TEST_F(ChainTest, HoldfastBetweenTwoRedises) {
  CutBothHopsThenPromoteTheMiddle(ServerKind::kRedis, ServerKind::kHoldfast);
}

TEST_F(ChainTest, RedisBetweenTwoHoldfasts) {
  CutBothHopsThenPromoteTheMiddle(ServerKind::kHoldfast, ServerKind::kRedis);
}

TEST_F(ChainTest, ThreeHoldfasts) {
  CutBothHopsThenPromoteTheMiddle(ServerKind::kHoldfast, ServerKind::kHoldfast);
}

}  // namespace
}  // namespace holdfast::test
