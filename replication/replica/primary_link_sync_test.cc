// Full and partial synchronisation and the stream, with a primary that the test
// plays.

#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/time/clock.h"
#include "replication/events/causes.h"
#include "replication/replica/fake_primary.h"
#include "replication/replica/primary_link.h"
#include "replication/replica/replica_under_test.h"
#include "testing/support/wait_for.h"

namespace holdfast::replication {
namespace {

using Phase = PrimaryLink::Phase;
using test::WaitFor;

constexpr char kOther[] = "fedcba9876543210fedcba9876543210fedcba98";
constexpr char kNull[] = "$-1\r\n";
std::string Bulk(absl::string_view s) {
  return absl::StrCat("$", s.size(), "\r\n", s, "\r\n");
}

std::string FullResync(absl::string_view id, int64_t offset,
                       const std::string& rdb) {
  return absl::StrCat("+FULLRESYNC ", id, " ", offset, "\r\n$", rdb.size(),
                      "\r\n", rdb);
}
std::string FullResyncEof(absl::string_view id, int64_t offset,
                          const std::string& rdb) {
  const std::string mark(40, 'e');
  return absl::StrCat("+FULLRESYNC ", id, " ", offset, "\r\n\n\n$EOF:", mark,
                      "\r\n", rdb, mark);
}

class PrimaryLinkSyncTest : public testing::Test {
 protected:
  // Waits until everything up to this offset is applied.
  static testing::AssertionResult Applied(ReplicaUnderTest& replica,
                                          int64_t offset) {
    return WaitFor([&](std::string* seen) {
      *seen = absl::StrCat(replica.engine.log().end_offset(), " ",
                           replica.LastCause(), " ",
                           replica.link->state().last_error);
      return replica.engine.log().end_offset() == offset &&
             replica.link->state().up;
    });
  }
  static testing::AssertionResult Noted(ReplicaUnderTest& replica,
                                        const std::string& cause,
                                        int64_t times = 1) {
    return WaitFor([&](std::string* seen) {
      *seen = absl::StrCat(replica.LastCause(), " ",
                           replica.link->state().last_error);
      return replica.Count(cause) >= times;
    });
  }
  // A synchronised replica: greets, sends the keys, returns the primary's end.
  std::unique_ptr<PrimaryEnd> Synchronise(ReplicaUnderTest& replica,
                                          const std::vector<RdbKey>& keys,
                                          int64_t offset,
                                          bool holdfast = false) {
    primary_ = FakePrimary();  // Nobody but this replica knows its port.
    replica.Follow(primary_.port());
    auto end = primary_.Accept();
    end->Greet(holdfast);
    end->Write(FullResync(kTestHistory, offset, MakeRdb(keys)));
    EXPECT_TRUE(Applied(replica, offset));
    return end;
  }

  FakePrimary primary_;
};

TEST_F(PrimaryLinkSyncTest, FullSyncInBothForms) {
  const std::string rdb = MakeRdb({{0, "a", "1"},
                                   {0, "b", std::string(100000, 'x')},
                                   {9, "c", "3", 4102444800000}},
                                  9);
  for (const bool eof : {false, true}) {
    ReplicaUnderTest replica;
    primary_ = FakePrimary();
    replica.Follow(primary_.port());
    auto end = primary_.Accept();
    EXPECT_EQ(end->Greet(), "? -1");
    end->Write(eof ? FullResyncEof(kTestHistory, 1000, rdb)
                   : FullResync(kTestHistory, 1000, rdb));
    end->AwaitAck(1000);
    ASSERT_TRUE(Applied(replica, 1000));
    EXPECT_EQ(replica.engine.log().replication_id().id, kTestHistory);
    EXPECT_EQ(replica.history_changes, 1);
    EXPECT_EQ(replica.Do("GET a"), Bulk("1"));
    EXPECT_EQ(replica.Do("STRLEN b"), ":100000\r\n");
    EXPECT_EQ(replica.Do("DBSIZE"), ":2\r\n");
    replica.Do("SELECT 9");
    EXPECT_EQ(replica.Do("PEXPIRETIME c"), ":4102444800000\r\n");
    // The stream goes on in the database that the snapshot names.
    const std::string more = Resp("SET d 4");
    end->Write(more);
    end->Write(Resp("REPLCONF GETACK *"));
    end->AwaitAck(1000 + static_cast<int64_t>(
                             more.size() + Resp("REPLCONF GETACK *").size()));
    EXPECT_EQ(replica.Do("GET d"), Bulk("4"));
    const auto state = replica.link->state();
    EXPECT_TRUE(state.up);
    EXPECT_EQ(state.full_syncs, 1);
    EXPECT_EQ(state.last_cause, "");
    EXPECT_TRUE(replica.engine.role().link_up);
    EXPECT_FALSE(replica.engine.role().loading);
  }
}

TEST_F(PrimaryLinkSyncTest, SnapshotTailAndAThousandCommandsInOneSegment) {
  for (const bool eof : {false, true}) {
    ReplicaUnderTest replica;
    primary_ = FakePrimary();
    replica.Follow(primary_.port());
    auto end = primary_.Accept();
    end->Greet();
    const std::string rdb = MakeRdb({{0, "n", "0"}});
    std::string stream = Resp("SELECT 0");
    for (int i = 0; i < 1000; ++i) stream += Resp("INCR n");
    end->Write((eof ? FullResyncEof(kTestHistory, 7, rdb)
                    : FullResync(kTestHistory, 7, rdb)) +
               stream);
    EXPECT_TRUE(Applied(replica, 7 + static_cast<int64_t>(stream.size())));
    EXPECT_EQ(replica.Do("GET n"), Bulk("1000"));
  }
}

TEST_F(PrimaryLinkSyncTest, ReplicasOwnLogIsTheStreamByteForByte) {
  ReplicaUnderTest replica;
  auto end = Synchronise(replica, {}, 50);
  const std::string stream =
      absl::StrCat(Resp("SELECT 3"), Resp("SET k v"), Resp("PING"), "\n",
                   Resp("PUBLISH c m"), Resp("MULTI"), Resp("SET a 1"),
                   Resp("SPUBLISH c m"), Resp("SELECT 4"), Resp("SET b 2"),
                   Resp("EXEC"), Resp("REPLCONF GETACK *"), Resp("SET c 3"));
  end->Write(stream);
  ASSERT_TRUE(Applied(replica, 50 + static_cast<int64_t>(stream.size())));
  std::string log;
  while (log.size() < stream.size()) {
    const auto chunk =
        replica.engine.log().Read(50 + static_cast<int64_t>(log.size()));
    ASSERT_TRUE(chunk.ok()) << chunk.status();
    log.append(chunk->bytes().data(), chunk->bytes().size());
  }
  EXPECT_EQ(log, stream);
  EXPECT_EQ(replica.engine.log().selected_db(), 4);
  replica.Do("SELECT 3");
  EXPECT_EQ(replica.Do("GET a"), Bulk("1"));
  EXPECT_EQ(replica.Do("GET c"), kNull);
  replica.Do("SELECT 4");
  EXPECT_EQ(replica.Do("GET b"), Bulk("2"));
  EXPECT_EQ(replica.Do("GET c"), Bulk("3"));
}

TEST_F(PrimaryLinkSyncTest, ACutAtEveryByteLosesAndRepeatsNothing) {
  const std::string stream = absl::StrCat(
      Resp("SELECT 2"), Resp("INCR n"), Resp("PING"), Resp("MULTI"),
      Resp("INCR n"), Resp("SELECT 1"), Resp("APPEND s x"), Resp("EXEC"),
      Resp("APPEND s y"), Resp("SELECT 2"), Resp("INCRBY n 10"));
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    ReplicaUnderTest replica;
    auto end = Synchronise(replica, {{2, "n", "5"}}, 10);
    end->Write(stream.substr(0, cut));
    end->HalfClose();
    EXPECT_TRUE(end->ClosedByReplica());
    auto again = primary_.Accept();
    const std::string asked = again->Greet();
    int64_t next = 0;
    ASSERT_TRUE(absl::SimpleAtoi(asked.substr(asked.find(' ') + 1), &next))
        << asked;
    ASSERT_EQ(asked, absl::StrCat(kTestHistory, " ", next));
    const int64_t have = next - 1 - 10;
    ASSERT_GE(have, 0);
    ASSERT_LE(have, static_cast<int64_t>(cut));
    // Whole commands only: what it has ends where one ends.
    EXPECT_TRUE(have == 0 || absl::EndsWith(stream.substr(0, have), "\r\n"));
    again->Write(absl::StrCat("+CONTINUE\r\n", stream.substr(have)));
    ASSERT_TRUE(Applied(replica, 10 + static_cast<int64_t>(stream.size())))
        << "cut at " << cut;
    replica.Do("SELECT 2");
    EXPECT_EQ(replica.Do("GET n"), Bulk("17")) << "cut at " << cut;
    replica.Do("SELECT 1");
    EXPECT_EQ(replica.Do("GET s"), Bulk("xy")) << "cut at " << cut;
    EXPECT_EQ(replica.link->state().full_syncs, 1);
  }
}

TEST_F(PrimaryLinkSyncTest, ATransactionCutBeforeItsExecLeavesNoTrace) {
  ReplicaUnderTest replica;
  auto end = Synchronise(replica, {{0, "n", "1"}}, 0);
  const std::string before = Resp("SELECT 0");
  end->Write(before + Resp("MULTI") + Resp("INCR n") + Resp("SET m 1"));
  end->HalfClose();
  EXPECT_TRUE(end->ClosedByReplica());
  EXPECT_EQ(replica.Do("GET n"), Bulk("1"));
  EXPECT_EQ(replica.Do("GET m"), kNull);
  auto again = primary_.Accept();
  EXPECT_EQ(again->Greet(), absl::StrCat(kTestHistory, " ", before.size() + 1));
}

TEST_F(PrimaryLinkSyncTest, GetackIsAnsweredAtOnceWithItsOwnBytes) {
  // A heartbeat that never comes by itself in this test.
  ReplicaUnderTest replica({{"repl-ack-interval-ms", "100000"}});
  auto end = Synchronise(replica, {}, 0);
  end->AwaitAck(0);
  int64_t offset = 0;
  for (int i = 0; i < 100; ++i) {
    end->Write(Resp("REPLCONF GETACK *"));
    offset += static_cast<int64_t>(Resp("REPLCONF GETACK *").size());
    EXPECT_EQ(end->CommandLine(), absl::StrCat("REPLCONF ACK ", offset));
  }
}

TEST_F(PrimaryLinkSyncTest, HoldfastsNewlinesAreBesideTheStream) {
  ReplicaUnderTest replica;
  auto end = Synchronise(replica, {}, 0, /*holdfast=*/true);
  const std::string stream = Resp("SELECT 0") + Resp("SET k v");
  end->Write(
      absl::StrCat("\n\n", Resp("SELECT 0"), "\n", Resp("SET k v"), "\n\n\n"));
  EXPECT_TRUE(Applied(replica, static_cast<int64_t>(stream.size())));
  EXPECT_TRUE(replica.link->state().peer_is_holdfast);
}

TEST_F(PrimaryLinkSyncTest, SendsHeartbeatsInTheirTime) {
  ReplicaUnderTest replica({{"repl-ack-interval-ms", "20"}});
  replica.Follow(primary_.port());
  auto end = primary_.Accept();
  end->Greet();
  end->Write(absl::StrCat("+FULLRESYNC ", kTestHistory, " 5\r\n"));
  end->AwaitNewlines(3);  // While the snapshot is waited for,
  const std::string rdb = MakeRdb({{0, "a", "b"}});
  end->Write(
      absl::StrCat("$", rdb.size(), "\r\n", rdb.substr(0, rdb.size() / 2)));
  EXPECT_TRUE(
      WaitFor([&] { return replica.link->state().phase == Phase::kLoading; }));
  end->AwaitNewlines(end->newlines() + 3);  // and while it is loaded.
  end->Write(rdb.substr(rdb.size() / 2));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(end->CommandLine(), "REPLCONF ACK 5");
}

// --- Loading ----------------------------------------------------------------

TEST_F(PrimaryLinkSyncTest, OldDataIsServedUntilTheNewIsWhole) {
  ReplicaUnderTest replica;
  replica.Do("SET old 1");
  replica.Do("SET both 1");
  replica.Follow(primary_.port());
  auto end = primary_.Accept();
  end->Greet();
  const std::string rdb = MakeRdb({{0, "both", "2"}, {0, "new", "2"}});
  end->Write(absl::StrCat("+FULLRESYNC ", kTestHistory, " 5\r\n$", rdb.size(),
                          "\r\n", rdb.substr(0, rdb.size() - 1)));
  EXPECT_TRUE(WaitFor([&] { return replica.link->state().sync_keys == 2; }));
  EXPECT_TRUE(replica.engine.role().loading);
  EXPECT_TRUE(replica.engine.role().async_loading);
  EXPECT_EQ(replica.Do("GET both"), Bulk("1"));
  EXPECT_EQ(replica.Do("GET new"), kNull);
  const auto state = replica.link->state();
  EXPECT_TRUE(state.sync_in_progress);
  EXPECT_EQ(state.sync_total_bytes, static_cast<int64_t>(rdb.size()));
  EXPECT_FALSE(state.up);
  end->Write(rdb.substr(rdb.size() - 1));
  EXPECT_TRUE(Applied(replica, 5));
  EXPECT_EQ(replica.Do("GET both"), Bulk("2"));
  EXPECT_EQ(replica.Do("GET old"), kNull);
  EXPECT_FALSE(replica.engine.role().loading);
  EXPECT_FALSE(replica.engine.role().async_loading);
}

TEST_F(PrimaryLinkSyncTest, AnEmptyReplicaSaysLoading) {
  ReplicaUnderTest replica;
  replica.Follow(primary_.port());
  auto end = primary_.Accept();
  end->Greet();
  const std::string rdb = MakeRdb({{0, "k", "2"}});
  end->Write(absl::StrCat("+FULLRESYNC ", kTestHistory, " 5\r\n$", rdb.size(),
                          "\r\n", rdb.substr(0, rdb.size() - 1)));
  EXPECT_TRUE(WaitFor([&] { return replica.link->state().sync_keys == 1; }));
  EXPECT_TRUE(absl::StartsWith(replica.Do("GET k"), "-LOADING"));
}

TEST_F(PrimaryLinkSyncTest, BadSnapshotsKeepTheOldDataAndAreNamed) {
  const std::string good = MakeRdb({{0, "new", "2"}, {1, "new", "3"}});
  std::string newer = good;
  newer.replace(5, 4, "0099");
  std::string wrong_sum = good;
  wrong_sum.back() = static_cast<char>(wrong_sum.back() ^ 1);
  std::string flipped = good;
  flipped[good.size() - 12] =
      static_cast<char>(flipped[good.size() - 12] ^ 0x40);
  std::string list =
      absl::StrCat(good.substr(0, 9), std::string("\x01\x01k\x00", 4));
  struct Case {
    std::string rdb;
    const char* cause;
  };
  for (const Case& c :
       {Case{newer, "rdb_version"}, Case{wrong_sum, "rdb_corrupt"},
        Case{flipped, "rdb_corrupt"}, Case{"", "rdb_corrupt"},
        Case{"REDIS", "rdb_corrupt"}, Case{"NOTREDIS10", "rdb_corrupt"},
        Case{good.substr(0, good.size() - 9), "rdb_corrupt"},
        Case{good + "tail", "rdb_corrupt"},
        Case{MakeRdb({{16, "k", "v"}}), "too_few_databases"},
        Case{MakeRdb({{0, "k", "v"}}, 16), "too_few_databases"},
        Case{list.substr(0, 12) + std::string(20, '\0'), "rdb_"}}) {
    ReplicaUnderTest replica;
    replica.Do("SET old 1");
    const server::ReplicationId before = replica.engine.log().replication_id();
    primary_ = FakePrimary();
    replica.Follow(primary_.port());
    auto end = primary_.Accept();
    end->Greet();
    end->Write(FullResync(kTestHistory, 5, c.rdb));
    EXPECT_TRUE(end->ClosedByReplica());
    EXPECT_TRUE(WaitFor([&] {
      return absl::StartsWith(replica.link->state().last_cause, c.cause);
    })) << c.cause
        << ", not " << replica.link->state().last_cause << ": "
        << replica.link->state().last_error;
    EXPECT_EQ(replica.Do("GET old"), Bulk("1"));
    EXPECT_EQ(replica.Do("GET new"), kNull);
    EXPECT_EQ(replica.Do("DBSIZE"), ":1\r\n");
    EXPECT_EQ(replica.engine.log().replication_id().id, before.id);
    EXPECT_EQ(replica.history_changes, 0);
    // And it comes again, for the whole of it.
    auto again = primary_.Accept();
    EXPECT_EQ(again->Greet(), "? -1");
    again->Write(FullResync(kTestHistory, 5, good));
    EXPECT_TRUE(Applied(replica, 5));
    EXPECT_EQ(replica.Do("GET new"), Bulk("2"));
  }
}

TEST_F(PrimaryLinkSyncTest, ASnapshotCutAnywhereKeepsTheOldData) {
  const std::string rdb = MakeRdb({{0, "new", "2"}});
  ReplicaUnderTest replica;
  replica.Do("SET old 1");
  replica.Follow(primary_.port());
  const std::string all = FullResyncEof(kTestHistory, 5, rdb);
  const size_t reply = all.find("\r\n") + 2;
  int64_t cuts = 0;
  for (size_t cut = reply; cut < all.size(); cut += 7) {
    auto end = primary_.Accept();
    EXPECT_EQ(end->Greet(), "? -1");
    end->Write(all.substr(0, cut));
    end->HalfClose();
    EXPECT_TRUE(end->ClosedByReplica());
    EXPECT_TRUE(Noted(replica, "transfer_cut", ++cuts)) << cut;
    EXPECT_EQ(replica.Do("GET old"), Bulk("1"));
    EXPECT_EQ(replica.Do("GET new"), kNull);
  }
  EXPECT_FALSE(replica.engine.role().loading);
}

TEST_F(PrimaryLinkSyncTest, AStalledTransferIsNamedAndATricklingOneIsNot) {
  const std::string rdb = MakeRdb({{0, "new", "2"}});
  ReplicaUnderTest replica({{"repl-peer-timeout-ms", "600"}});
  replica.Follow(primary_.port());
  auto end = primary_.Accept();
  end->Greet(/*holdfast=*/true);
  end->Write(absl::StrCat("+FULLRESYNC ", kTestHistory, " 5\r\n$", rdb.size(),
                          "\r\n", rdb.substr(0, 30)));
  const net::MonoTime began = net::Clock::Real()->Now();
  EXPECT_TRUE(end->ClosedByReplica());
  const absl::Duration took = net::Clock::Real()->Now() - began;
  EXPECT_GE(took, absl::Milliseconds(580));
  EXPECT_LE(took, absl::Milliseconds(1600));
  EXPECT_TRUE(Noted(replica, "transfer_stalled"));

  auto slow = primary_.Accept();
  slow->Greet(/*holdfast=*/true);
  slow->Write(absl::StrCat("+FULLRESYNC ", kTestHistory, " 5\r\n"));
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(slow->ClosedByReplica(absl::Milliseconds(100)));
    slow->Write("\n");
  }
  slow->Write(absl::StrCat("$", rdb.size(), "\r\n"));
  for (size_t at = 0; at < rdb.size(); at += rdb.size() / 4) {
    EXPECT_FALSE(slow->ClosedByReplica(absl::Milliseconds(100)));
    slow->Write(rdb.substr(at, rdb.size() / 4));
  }
  EXPECT_TRUE(WaitFor([&] { return replica.link->state().up; }));
  EXPECT_EQ(replica.Count("transfer_stalled"), 1);
}

TEST_F(PrimaryLinkSyncTest, APrimarysErrorInPlaceOfTheSnapshot) {
  ReplicaUnderTest replica;
  replica.Follow(primary_.port());
  auto end = primary_.Accept();
  end->Greet();
  end->Write(
      absl::StrCat("+FULLRESYNC ", kTestHistory,
                   " 5\r\n-ERR BGSAVE failed, replication can't continue\r\n"));
  EXPECT_TRUE(Noted(replica, "transfer_aborted"));
  auto again = primary_.Accept();
  again->Greet();
  again->Write(absl::StrCat("+FULLRESYNC ", kTestHistory, " 5\r\n*1\r\n"));
  EXPECT_TRUE(Noted(replica, "protocol_error"));
}

TEST_F(PrimaryLinkSyncTest, AnEmptyPrimaryOfUnknownHistoryIsRefused) {
  ReplicaUnderTest replica;
  replica.Do("SET precious 1");
  replica.Follow(primary_.port());
  for (int i = 0; i < 2; ++i) {
    auto end = primary_.Accept();
    end->Greet();
    end->Write(FullResync(kTestHistory, 0, MakeRdb({})));
    EXPECT_TRUE(end->ClosedByReplica());
  }
  EXPECT_TRUE(Noted(replica, "refused_empty_master", 2));
  EXPECT_EQ(replica.Do("GET precious"), Bulk("1"));
  replica.Set("repl-refuse-empty-primary", "no");
  auto end = primary_.Accept();
  end->Greet();
  end->Write(FullResync(kTestHistory, 0, MakeRdb({})));
  EXPECT_TRUE(Applied(replica, 0));
  EXPECT_EQ(replica.Do("GET precious"), kNull);
}

TEST_F(PrimaryLinkSyncTest, AnEmptyPrimaryOfTheSameHistoryIsFollowed) {
  ReplicaUnderTest replica;
  auto end = Synchronise(replica, {{0, "k", "v"}}, 10);
  end.reset();
  auto again = primary_.Accept();
  again->Greet();
  again->Write(FullResync(kTestHistory, 99, MakeRdb({})));
  EXPECT_TRUE(Applied(replica, 99));
  EXPECT_EQ(replica.Do("GET k"), kNull);
}

TEST_F(PrimaryLinkSyncTest, WatchersNoticeTheSwap) {
  ReplicaUnderTest replica;
  replica.Do("SET k 1");
  auto dirty = std::make_shared<std::atomic<bool>>(false);
  {
    server::SlotSetLock locks(&replica.engine.keyspace().slots(),
                              &replica.engine.keyspace().gate());
    locks.LockAll();
    replica.engine.keyspace().AddWatch(server::KeyRef("k").slot,
                                       {0, "k", dirty, false});
  }
  auto end = Synchronise(replica, {{0, "k", "2"}}, 10);
  EXPECT_TRUE(dirty->load());
}

// --- Going on ---------------------------------------------------------------

TEST_F(PrimaryLinkSyncTest, GoesOnUnderANewName) {
  ReplicaUnderTest replica;
  auto end = Synchronise(replica, {{0, "k", "v"}}, 10);
  end.reset();
  auto again = primary_.Accept();
  EXPECT_EQ(again->Greet(), absl::StrCat(kTestHistory, " 11"));
  again->Write(absl::StrCat("+CONTINUE ", kOther, "\r\n"));
  EXPECT_TRUE(WaitFor([&] {
    return replica.link->state().partial_syncs == 1 && replica.link->state().up;
  }));
  EXPECT_EQ(replica.engine.log().replication_id().id, kOther);
  EXPECT_EQ(replica.engine.log().replication_id().id2, kTestHistory);
  EXPECT_EQ(replica.engine.log().replication_id().second_offset, 11);
  EXPECT_EQ(replica.history_changes, 2);
}

TEST_F(PrimaryLinkSyncTest, AnotherLinkGoesOnWhereThisOneStopped) {
  ReplicaUnderTest replica;
  auto end = Synchronise(replica, {{5, "k", "1"}}, 10);
  const std::string stream = Resp("SELECT 5") + Resp("INCR k");
  end->Write(stream);
  ASSERT_TRUE(Applied(replica, 10 + static_cast<int64_t>(stream.size())));
  replica.link.reset();
  FakePrimary other;
  replica.Follow(other.port());
  auto again = other.Accept();
  EXPECT_EQ(again->Greet(),
            absl::StrCat(kTestHistory, " ", 11 + stream.size()));
  again->Write(
      absl::StrCat("+CONTINUE\r\n", Resp("INCR k")));  // Still in database 5.
  EXPECT_TRUE(Applied(
      replica,
      10 + static_cast<int64_t>(stream.size() + Resp("INCR k").size())));
  replica.Do("SELECT 5");
  EXPECT_EQ(replica.Do("GET k"), Bulk("3"));
}

TEST_F(PrimaryLinkSyncTest, AFormerPrimaryAsksWithItsOwnHistory) {
  ReplicaUnderTest replica;
  {
    server::ExclusiveGate gate(&replica.engine.keyspace().gate());
    replica.engine.log().Activate();
  }
  replica.Do("SET k v");
  replica.Follow(primary_.port());
  auto end = primary_.Accept();
  EXPECT_EQ(end->Greet(),
            absl::StrCat(replica.engine.log().replication_id().id, " ",
                         replica.engine.log().end_offset() + 1));
}

TEST_F(PrimaryLinkSyncTest, AnApplyErrorIsMendedByOneFullSync) {
  ReplicaUnderTest replica;
  auto end = Synchronise(replica, {{0, "k", "text"}}, 100);
  const std::string good = Resp("SELECT 0") + Resp("SET a 1");
  end->Write(good + Resp("INCR k") + Resp("SET never 1"));
  EXPECT_TRUE(end->ClosedByReplica());
  EXPECT_TRUE(Noted(replica, "apply_error"));
  const std::string error = replica.link->state().last_error;
  EXPECT_TRUE(absl::StrContains(error, "INCR")) << error;
  EXPECT_TRUE(
      absl::StrContains(error, absl::StrCat("offset ", 100 + good.size())))
      << error;
  EXPECT_EQ(replica.engine.log().end_offset(),
            static_cast<int64_t>(100 + good.size()));
  EXPECT_EQ(replica.Do("GET never"), kNull);
  EXPECT_NE(replica.engine.log().replication_id().id, kTestHistory)
      << "others could go on from a wrong dataset";
  // An attempt that fails does not make it forget.
  auto failing = primary_.Accept();
  EXPECT_EQ(failing->Greet(), "? -1");
  failing->Write("-LOADING\r\n");
  auto again = primary_.Accept();
  EXPECT_EQ(again->Greet(), "? -1");
  again->Write(FullResync(kTestHistory, 500, MakeRdb({{0, "k", "1"}})));
  EXPECT_TRUE(Applied(replica, 500));
  again.reset();
  auto after = primary_.Accept();
  EXPECT_EQ(after->Greet(), absl::StrCat(kTestHistory, " 501"));
}

TEST_F(PrimaryLinkSyncTest, EveryKindOfDivergenceIsNoticed) {
  for (const std::string& bad :
       {Resp("NOSUCHCOMMAND x"), Resp("GET"), Resp("SELECT 16"),
        Resp("SELECT x"), Resp("SELECT"), Resp("APPEND list"),
        Resp("MULTI") + Resp("SET a 1") + Resp("NOSUCHCOMMAND x") +
            Resp("EXEC"),
        Resp("MULTI") + Resp("INCR text") + Resp("EXEC")}) {
    ReplicaUnderTest replica;
    auto end = Synchronise(replica, {{0, "text", "x"}}, 0);
    end->Write(Resp("SELECT 0") + bad);
    EXPECT_TRUE(Noted(replica, "apply_error")) << bad;
    auto again = primary_.Accept();
    EXPECT_EQ(again->Greet(), "? -1") << bad;
  }
}

// It would be this link's own thread that ends the link, or waits for ever.
TEST_F(PrimaryLinkSyncTest, WhatIsNotAboutDataIsNotObeyed) {
  for (const std::string& bad :
       {Resp("AUTH x"), Resp("ECHO x"), Resp("HELLO 3"), Resp("QUIT"),
        Resp("RESET"),
        Resp("MULTI") + Resp("SET a 2") + Resp("RESET") + Resp("EXEC")}) {
    ReplicaUnderTest replica;
    auto end = Synchronise(replica, {{0, "a", "1"}}, 0);
    end->Write(Resp("SELECT 0") + bad + Resp("SET a 3"));
    EXPECT_TRUE(Noted(replica, "apply_error")) << bad;
    const std::string error = replica.link->state().last_error;
    EXPECT_TRUE(absl::StrContains(error, "not obeyed")) << error;
    EXPECT_EQ(replica.Do("GET a"), Bulk("1")) << bad;
    auto again = primary_.Accept();
    EXPECT_EQ(again->Greet(), "? -1") << bad;
  }
}

TEST_F(PrimaryLinkSyncTest, TheTextOfAnErrorIsOneLine) {
  ReplicaUnderTest replica;
  auto end = Synchronise(replica, {{0, "text", "x"}}, 0);
  end->Write(Resp("SELECT 0") + Resp("INCR text"));
  EXPECT_TRUE(Noted(replica, "apply_error"));
  const std::string error = replica.link->state().last_error;
  EXPECT_EQ(error.find_first_of("\r\n"), std::string::npos)
      << absl::CHexEscape(error);
}

TEST_F(PrimaryLinkSyncTest,
       GarbageInTheStreamIsAProtocolErrorAndTwiceAFullSync) {
  for (const std::string& bad :
       {std::string("SET k v\r\n"), std::string("$5\r\nhello\r\n"),
        std::string("*1\r\n:5\r\n"), std::string("*1\r\n$3\r\nSETXX"),
        Resp("EXEC"), Resp("MULTI") + Resp("MULTI")}) {
    ReplicaUnderTest replica;
    auto end = Synchronise(replica, {}, 0);
    const std::string good = Resp("SELECT 0");
    end->Write(good + bad);
    EXPECT_TRUE(Noted(replica, "protocol_error")) << bad;
    auto again = primary_.Accept();
    EXPECT_EQ(again->Greet(), absl::StrCat(kTestHistory, " ", good.size() + 1))
        << bad;
    again->Write("+CONTINUE\r\n" + bad);
    auto third = primary_.Accept();
    EXPECT_EQ(third->Greet(), "? -1") << bad;
  }
}

TEST_F(PrimaryLinkSyncTest, WithoutADatabaseNothingIsApplied) {
  ReplicaUnderTest replica;
  replica.Follow(primary_.port());
  auto end = primary_.Accept();
  end->Greet();
  end->Write(FullResync(kTestHistory, 0, MakeRdb({{0, "k", "1"}}, -1)) +
             Resp("PING") + Resp("INCR k"));
  EXPECT_TRUE(Noted(replica, "apply_error"));
  EXPECT_EQ(replica.Do("GET k"), Bulk("1"));
}

// --- Losing it --------------------------------------------------------------

TEST_F(PrimaryLinkSyncTest, ASilentPrimaryIsDeclaredDeadInItsTime) {
  ReplicaUnderTest replica({{"repl-peer-timeout-ms", "600"}});
  auto end = Synchronise(replica, {}, 0, /*holdfast=*/true);
  // Any byte renews it, also one of a command that is not whole.
  const std::string slow = Resp("SELECT 0");
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_FALSE(end->ClosedByReplica(absl::Milliseconds(200)));
    end->Write(slow.substr(i, 1));
  }
  const net::MonoTime began = net::Clock::Real()->Now();
  EXPECT_TRUE(end->ClosedByReplica());
  const absl::Duration took = net::Clock::Real()->Now() - began;
  EXPECT_GE(took, absl::Milliseconds(580));
  EXPECT_LE(took, absl::Milliseconds(1600));
  EXPECT_TRUE(Noted(replica, "primary_silent"));
  EXPECT_EQ(replica.events.Recent()[0].kind, LinkEventKind::kDrop);
  EXPECT_TRUE(
      absl::StrContains(replica.events.Recent()[0].tcp, "state=ESTABLISHED"))
      << replica.events.Recent()[0].tcp;
}

TEST_F(PrimaryLinkSyncTest, AnIdleLinkWithKeepalivesStaysUp) {
  ReplicaUnderTest replica({{"repl-peer-timeout-ms", "600"},
                            {"repl-write-timeout-ms", "50"},
                            {"repl-ack-interval-ms", "20"}});
  auto end = Synchronise(replica, {}, 0, /*holdfast=*/true);
  for (int i = 0; i < 20; ++i) {
    end->Write("\n");
    EXPECT_FALSE(end->ClosedByReplica(absl::Milliseconds(50)));
  }
  EXPECT_EQ(replica.link->state().drops, 0);
  EXPECT_EQ(replica.events.Causes().size(), 0u);
}

TEST_F(PrimaryLinkSyncTest, AClosedAndAResetConnectionAreTold) {
  ReplicaUnderTest replica;
  auto end = Synchronise(replica, {}, 0);
  end->HalfClose();
  EXPECT_TRUE(Noted(replica, "primary_closed"));
  auto again = primary_.Accept();
  again->Greet();
  again->Write("+CONTINUE\r\n");
  EXPECT_TRUE(WaitFor([&] { return replica.link->state().up; }));
  again->Reset();
  again.reset();
  EXPECT_TRUE(Noted(replica, "reset"));
  EXPECT_EQ(replica.link->state().drops, 2);
}

TEST_F(PrimaryLinkSyncTest, ClientKillClosesTheLinkAndItGoesOn) {
  ReplicaUnderTest replica;
  auto end = Synchronise(replica, {{0, "k", "1"}}, 10);
  const auto sessions = replica.engine.sessions().All();
  ASSERT_EQ(sessions.size(), 1u);
  EXPECT_EQ(sessions[0]->kind, server::SessionKind::kPrimary);
  EXPECT_TRUE(
      absl::EndsWith(sessions[0]->address, absl::StrCat(":", primary_.port())))
      << sessions[0]->address;
  sessions[0]->Kill();
  EXPECT_TRUE(Noted(replica, "killed"));
  auto again = primary_.Accept();
  EXPECT_EQ(again->Greet(), absl::StrCat(kTestHistory, " 11"));
  again->Write("+CONTINUE\r\n");
  EXPECT_TRUE(WaitFor([&] { return replica.link->state().up; }));
  sessions[0]->Kill();  // The old one: of no effect.
  EXPECT_EQ(replica.engine.sessions().size(), 1u);
}

TEST_F(PrimaryLinkSyncTest, APrimaryThatTakesNothingIsGivenUp) {
  // The stream keeps coming, so only the heartbeats can tell.
  ReplicaUnderTest replica({{"repl-ack-interval-ms", "10"},
                            {"repl-write-timeout-ms", "40"},
                            {"repl-heartbeat-failures", "2"}});
  auto end = Synchronise(replica, {}, 0);
  // GETACKs without reading the answers fill the way back.
  std::string many;
  for (int i = 0; i < 2000; ++i) many += Resp("REPLCONF GETACK *");
  const net::Deadline deadline =
      net::Deadline::After(net::Clock::Real(), absl::Seconds(20));
  while (!deadline.Expired() && end->TryWrite(many)) continue;
  EXPECT_TRUE(Noted(replica, "heartbeat_failed"));
}

TEST_F(PrimaryLinkSyncTest, AValueLargerThanEveryBufferPasses) {
  ReplicaUnderTest replica({{"client-query-buffer-limit", "1mb"}});
  auto end = Synchronise(replica, {}, 0);
  const std::string value(12 << 20, 'v');
  const std::string set = absl::StrCat("*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$",
                                       value.size(), "\r\n", value, "\r\n");
  const std::string stream = absl::StrCat(Resp("SELECT 0"), Resp("MULTI"), set,
                                          Resp("SET x 1"), Resp("EXEC"), set);
  end->Write(stream);
  EXPECT_TRUE(Applied(replica, static_cast<int64_t>(stream.size())));
  EXPECT_EQ(replica.Do("STRLEN big"), absl::StrCat(":", value.size(), "\r\n"));
  EXPECT_EQ(replica.link->state().drops, 0);
}

}  // namespace
}  // namespace holdfast::replication
