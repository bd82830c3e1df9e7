// The link against the real thing: redis-server as primary.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "replication/replica/replica_under_test.h"
#include "testing/harness/server_process.h"
#include "testing/harness/test_client.h"
#include "testing/support/wait_for.h"

namespace holdfast::replication {
namespace {

using test::WaitFor;

class RealRedisTest : public testing::Test {
 protected:
  void Start(std::vector<std::pair<std::string, std::string>> flags) {
    if (!test::RealRedisAvailable())
      GTEST_SKIP() << "no redis-server on this machine";
    test::ServerOptions options;
    options.kind = test::ServerKind::kRedis;
    options.flags = std::move(flags);
    auto started = test::ServerProcess::Start(options);
    ASSERT_TRUE(started.ok()) << started.status();
    primary_ = *std::move(started);
    client_ = std::make_unique<test::TestClient>(*primary_);
  }

  // Until the replica has applied all that the primary has sent.
  testing::AssertionResult CaughtUp(ReplicaUnderTest& replica) {
    return WaitFor([&](std::string* seen) {
      const int64_t theirs =
          client_->InfoInt("replication", "master_repl_offset");
      const int64_t ours = replica.engine.log().end_offset();
      const auto state = replica.link->state();
      *seen = absl::StrCat(ours, " of ", theirs, " ", state.last_cause, " ",
                           state.last_error);
      return state.up && ours == theirs &&
             replica.engine.log().replication_id().id ==
                 client_->InfoField("replication", "master_replid");
    });
  }

  // Every key of both: values and times of expiry.
  void ExpectSameData(ReplicaUnderTest& replica) {
    for (int db = 0; db < 16; ++db) {
      client_->Do("SELECT", db);
      replica.Do(absl::StrCat("SELECT ", db));
      const net::Value keys = client_->Do("KEYS", "*");
      ASSERT_EQ(replica.Do("DBSIZE"), absl::StrCat(":", keys.size(), "\r\n"))
          << "database " << db;
      std::vector<std::vector<std::string>> reads;
      for (const net::Value& key : keys.elements()) {
        reads.push_back({"GET", key.str()});
        reads.push_back({"PEXPIRETIME", key.str()});
      }
      const std::vector<net::Value> theirs = client_->Pipeline(reads);
      for (size_t i = 0; i < reads.size(); i += 2) {
        const std::string value = theirs[i].str();
        ASSERT_EQ(replica.Do("GET " + reads[i][1]),
                  absl::StrCat("$", value.size(), "\r\n", value, "\r\n"))
            << reads[i][1];
        ASSERT_EQ(replica.Do("PEXPIRETIME " + reads[i][1]),
                  absl::StrCat(":", theirs[i + 1].integer(), "\r\n"))
            << reads[i][1];
      }
    }
    client_->Do("SELECT", 0);
  }

  void Fill() {
    for (int db : {0, 1, 7, 15}) {
      std::vector<std::vector<std::string>> writes = {
          {"SELECT", absl::StrCat(db)}};
      for (int i = 0; i < 1000; ++i) {
        const std::string key = absl::StrCat("key:", db, ":", i);
        writes.push_back(
            {"SET", key,
             i % 3 == 0 ? absl::StrCat(i * 1000003)
                        : std::string(i, static_cast<char>('a' + i % 26))});
        if (i % 5 == 0)
          writes.push_back({"PEXPIREAT", key, absl::StrCat(4102444800000 + i)});
      }
      client_->Pipeline(writes);
    }
    client_->Do("SELECT", 0);
  }

  std::unique_ptr<test::ServerProcess> primary_;
  std::unique_ptr<test::TestClient> client_;
};

TEST_F(RealRedisTest, FullSyncStreamAndPartialResync) {
  Start({{"repl-diskless-sync", "yes"},
         {"repl-diskless-sync-delay", "0"},
         {"requirepass", "pw"}});
  if (IsSkipped()) return;
  client_->Do("AUTH", "pw");
  Fill();
  ReplicaUnderTest replica({{"masterauth", "pw"}});
  replica.Follow(primary_->port());
  ASSERT_TRUE(CaughtUp(replica));
  ExpectSameData(replica);

  // A live stream over databases, in transactions and out of them.
  for (int i = 0; i < 300; ++i) {
    client_->Pipeline({{"SELECT", absl::StrCat(i % 16)},
                       {"INCR", "counter"},
                       {"APPEND", "log", absl::StrCat(i, ";")},
                       {"MULTI"},
                       {"SET", absl::StrCat("t", i % 7), absl::StrCat(i)},
                       {"DEL", absl::StrCat("key:0:", i)},
                       {"SELECT", absl::StrCat((i + 1) % 16)},
                       {"INCRBY", "sum", absl::StrCat(i)},
                       {"EXEC"},
                       {"SET", "v", "x", "PX", "100000000"}});
  }
  client_->Do("SELECT", 3);
  ASSERT_TRUE(CaughtUp(replica));
  ExpectSameData(replica);
  EXPECT_THAT(client_->Do("WAIT", 1, 5000).integer(), 1);

  // The link is cut from the other end, again and again, under writes.
  for (int i = 0; i < 20; ++i) {
    client_->Do("CLIENT", "KILL", "TYPE", "replica");
    for (int j = 0; j < 50; ++j) client_->Do("INCR", absl::StrCat("after", j));
    ASSERT_TRUE(WaitFor([&] {
      return replica.link->state().drops > i && replica.link->state().up;
    }));
  }
  ASSERT_TRUE(CaughtUp(replica));
  ExpectSameData(replica);
  EXPECT_EQ(client_->InfoInt("stats", "sync_full"), 1);
  EXPECT_EQ(replica.link->state().full_syncs, 1);
  EXPECT_GE(replica.link->state().partial_syncs, 20);
  EXPECT_EQ(client_->InfoInt("replication", "connected_slaves"), 1);
}

TEST_F(RealRedisTest, SnapshotFromDisk) {
  Start({{"repl-diskless-sync", "no"}});
  if (IsSkipped()) return;
  Fill();
  ReplicaUnderTest replica;
  replica.Follow(primary_->port());
  ASSERT_TRUE(CaughtUp(replica));
  ExpectSameData(replica);
  client_->Do("SET", "more", "1");
  client_->Do("FLUSHALL");
  client_->Do("SET", "last", "1");
  ASSERT_TRUE(CaughtUp(replica));
  ExpectSameData(replica);
}

TEST_F(RealRedisTest, ARestartedEmptyPrimaryWipesNothing) {
  Start({{"repl-diskless-sync-delay", "0"}});
  if (IsSkipped()) return;
  Fill();
  ReplicaUnderTest replica;
  replica.Follow(primary_->port());
  ASSERT_TRUE(CaughtUp(replica));
  primary_->Kill();
  ASSERT_TRUE(primary_->Restart().ok());
  EXPECT_TRUE(
      WaitFor([&] { return replica.Count("refused_empty_master") > 0; }));
  EXPECT_EQ(replica.Do("DBSIZE"), ":1000\r\n");
}

TEST_F(RealRedisTest, WhatCannotBeHeldIsRefusedByName) {
  Start({{"repl-diskless-sync-delay", "0"}, {"databases", "32"}});
  if (IsSkipped()) return;
  client_->Do("SELECT", 20);
  client_->Do("SET", "k", "v");
  ReplicaUnderTest replica;
  replica.Do("SET old 1");
  replica.Follow(primary_->port());
  EXPECT_TRUE(WaitFor([&] { return replica.Count("too_few_databases") > 0; }));
  client_->Do("FLUSHALL");
  EXPECT_EQ(replica.Do("GET old"), "$1\r\n1\r\n");
  client_->Do("SELECT", 0);
  client_->Do("SET", "k", "v");
  EXPECT_TRUE(CaughtUp(replica));
}

}  // namespace
}  // namespace holdfast::replication
