#include "server/persist/load/load_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "server/persist/save/save_testing.h"

namespace holdfast::server {
namespace {

absl::Status Start(SaveBench* bench) {
  return LoadAtStart(bench->engine.get(), [] { return false; });
}

class LoadFileTest : public testing::Test {
 protected:
  // Makes dump.rdb of a few keys and returns its bytes.
  std::string Saved(bool position = false) {
    SaveBench bench(directory_.path());
    if (position) {
      bench.engine->log().AdoptHistory({std::string(40, 'a'), "", -1}, 1000);
      bench.engine->log().Activate();
    }
    for (int i = 0; i < 20; ++i)
      bench.Do(absl::StrCat("SET key:", i, " value", i, "-abcdefabcdefabcdef"));
    bench.Do("SET n 12345");
    bench.Do("SET far v PX 100000000");
    end_ = bench.engine->log().end_offset();
    CHECK_EQ(bench.Do("SAVE"), "+OK\r\n");
    return directory_.Read("dump.rdb");
  }

  ScratchDirectory directory_;
  int64_t end_ = 0;
};

TEST_F(LoadFileTest, NoFileIsAnEmptyStart) {
  SaveBench bench(directory_.path());
  EXPECT_TRUE(Start(&bench).ok());
  EXPECT_EQ(bench.Do("DBSIZE"), ":0\r\n");
  EXPECT_FALSE(bench.engine->log().active());
}

TEST_F(LoadFileTest, WhatWasSavedIsLoadedAndCounted) {
  Saved();
  SaveBench bench(directory_.path());
  ASSERT_TRUE(Start(&bench).ok());
  EXPECT_EQ(bench.Do("DBSIZE"), ":22\r\n");
  EXPECT_EQ(bench.Do("GET n"), "$5\r\n12345\r\n");
  EXPECT_EQ(bench.changes(), 0);
  const LoadProgress& progress = bench.engine->load_progress();
  EXPECT_EQ(progress.keys_loaded, 22);
  EXPECT_EQ(progress.loaded_bytes, progress.total_bytes);
  // Nobody ever followed that server, so there is no position to go on from.
  EXPECT_FALSE(bench.engine->log().active());
}

TEST_F(LoadFileTest, AFileCutShortAnywhereIsRefusedAndNothingIsThere) {
  const std::string whole = Saved();
  for (size_t length = 0; length < whole.size(); ++length) {
    directory_.Write("dump.rdb", whole.substr(0, length));
    SaveBench bench(directory_.path());
    const absl::Status status = Start(&bench);
    ASSERT_FALSE(status.ok()) << length;
    ASSERT_FALSE(absl::IsNotFound(status) || absl::IsCancelled(status));
    EXPECT_TRUE(
        absl::StartsWith(status.message(), "Fatal error loading the DB"))
        << status;
    EXPECT_TRUE(absl::StrContains(status.message(), "offset")) << status;
    ASSERT_EQ(bench.Do("DBSIZE"), ":0\r\n");
  }
}

TEST_F(LoadFileTest, AFlippedBitAnywhereIsRefused) {
  const std::string whole = Saved();
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    directory_.Write("dump.rdb", bad);
    SaveBench bench(directory_.path());
    // (An older version's number is no fault that the header could show.)
    ASSERT_FALSE(Start(&bench).ok()) << at;
    ASSERT_EQ(bench.Do("DBSIZE"), ":0\r\n");
  }
}

TEST_F(LoadFileTest, AWrongChecksumIsNamed) {
  std::string bad = Saved();
  bad.replace(bad.size() - 8, 8, "foobar00");
  directory_.Write("dump.rdb", bad);
  SaveBench bench(directory_.path());
  EXPECT_TRUE(absl::StrContains(Start(&bench).message(), "CRC error"));
  SaveBench careless(directory_.path(), "rdbchecksum no\n");
  EXPECT_TRUE(Start(&careless).ok());
}

TEST_F(LoadFileTest, ADirectoryInPlaceOfTheFileIsFatal) {
  ASSERT_EQ(mkdir(directory_.File("dump.rdb").c_str(), 0755), 0);
  SaveBench bench(directory_.path());
  EXPECT_TRUE(absl::StrContains(Start(&bench).message(), "directory"));
}

TEST_F(LoadFileTest, ItCanBeCancelledAndThenNothingIsThere) {
  Saved();
  SaveBench bench(directory_.path());
  int asked = 0;
  const absl::Status status =
      LoadAtStart(bench.engine.get(), [&asked] { return ++asked > 5; });
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_EQ(bench.Do("DBSIZE"), ":0\r\n");
}

TEST_F(LoadFileTest, ExpiredKeysAreLeftOutButByAReplica) {
  {
    SaveBench bench(directory_.path());
    bench.Do("SET gone v PX 1");
    bench.Do("SET stays v");
    absl::SleepFor(absl::Milliseconds(3));
    bench.Do("SAVE");
  }
  SaveBench primary(directory_.path());
  ASSERT_TRUE(Start(&primary).ok());
  EXPECT_EQ(primary.Do("DBSIZE"), ":1\r\n");
  EXPECT_EQ(primary.engine->load_progress().keys_expired, 1);
  EXPECT_EQ(primary.engine->load_progress().keys_loaded, 1);
  SaveBench replica(directory_.path(), "replicaof 127.0.0.1 1\n");
  ASSERT_TRUE(Start(&replica).ok());
  EXPECT_EQ(replica.Do("DBSIZE"), ":2\r\n");
}

TEST_F(LoadFileTest, AReplicaGoesOnWhereTheFileWas) {
  Saved(/*position=*/true);
  ASSERT_GT(end_, 1000);
  SaveBench bench(directory_.path(), "replicaof 127.0.0.1 1\n");
  ASSERT_TRUE(Start(&bench).ok());
  CommandLog& log = bench.engine->log();
  EXPECT_TRUE(log.active());
  EXPECT_EQ(log.replication_id().id, std::string(40, 'a'));
  EXPECT_EQ(log.end_offset(), end_);
  EXPECT_EQ(log.selected_db(), 0);
}

TEST_F(LoadFileTest, APrimaryKeepsItsOldHistoryAsSecondOne) {
  Saved(/*position=*/true);
  SaveBench bench(directory_.path());
  ASSERT_TRUE(Start(&bench).ok());
  CommandLog& log = bench.engine->log();
  EXPECT_NE(log.replication_id().id, std::string(40, 'a'));
  EXPECT_EQ(log.replication_id().id2, std::string(40, 'a'));
  EXPECT_EQ(log.end_offset(), end_);
  // A replica that has all of it continues; one that lacks a byte, or has one
  // more, cannot.
  EXPECT_TRUE(log.CanContinue(std::string(40, 'a'), end_).ok());
  EXPECT_FALSE(log.CanContinue(std::string(40, 'a'), end_ - 1).ok());
  EXPECT_FALSE(log.CanContinue(std::string(40, 'a'), end_ + 1).ok());
}

TEST_F(LoadFileTest, ReplicasThatGoOnAreToldOfTheKeysLeftOut) {
  int64_t saved_at = 0;
  {
    SaveBench bench(directory_.path());
    bench.engine->log().AdoptHistory({std::string(40, 'a'), "", -1}, 1000);
    bench.engine->log().Activate();
    bench.Do("SET gone v PX 1");
    bench.Do("SAVE");
    saved_at = bench.engine->log().end_offset();
  }
  absl::SleepFor(absl::Milliseconds(3));
  SaveBench bench(directory_.path());
  ASSERT_TRUE(Start(&bench).ok());
  CommandLog& log = bench.engine->log();
  EXPECT_TRUE(log.CanContinue(std::string(40, 'a'), saved_at).ok());
  const auto chunk = log.Read(saved_at);
  ASSERT_TRUE(chunk.ok());
  EXPECT_EQ(chunk->bytes(),
            "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"
            "*2\r\n$3\r\nDEL\r\n$4\r\ngone\r\n");
}

TEST_F(LoadFileTest, ADatabaseThatIsNotThereIsRefused) {
  {
    SaveBench bench(directory_.path());
    SaveBench::Client client(bench.engine.get());
    client.Do("SET a 1");
    client.Do("MOVE a 9");
    client.Do("SAVE");
  }
  SaveBench few(directory_.path(), "databases 9\n");
  EXPECT_TRUE(absl::StrContains(Start(&few).message(), "databases 9"));
}

// --- With the real redis-server ---

TEST_F(LoadFileTest, RedisLoadsOursAndWeLoadRedis) {
  if (access(kRedisServer, X_OK) != 0) GTEST_SKIP() << "no redis-server";
  Saved();
  {
    RedisServer redis(directory_, {"--save", "900 1"});
    ASSERT_TRUE(redis.ready()) << redis.log();
    const auto client = redis.Connect();
    EXPECT_EQ(client->Command({"DBSIZE"}), "22");
    EXPECT_EQ(client->Command({"GET", "n"}), "12345");
    EXPECT_EQ(client->Command({"GET", "key:7"}), "value7-abcdefabcdefabcdef");
    client->Command({"SET", "of-redis", std::string(500, 'r')});
    EXPECT_EQ(client->Command({"SAVE"}), "OK");
  }
  SaveBench bench(directory_.path());
  ASSERT_TRUE(Start(&bench).ok());
  EXPECT_EQ(bench.Do("DBSIZE"), ":23\r\n");
  EXPECT_EQ(bench.Do("STRLEN of-redis"), ":500\r\n");
  std::string verdict;
  Saved();
  EXPECT_EQ(RunProgram({kRedisCheckRdb, directory_.File("dump.rdb")}, &verdict),
            0)
      << verdict;
}

}  // namespace
}  // namespace holdfast::server
