#include "server/persist/aof/aof.h"

#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <filesystem>  // Without exceptions.
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "net/resp/reply_writer.h"
#include "server/persist/aof/aof_testing.h"
#include "server/persist/rdb/redis_server_testing.h"

namespace holdfast::server {
namespace {

constexpr char kIncrement[] = "appendonlydir/appendonly.aof.1.incr.aof";
constexpr char kManifest[] = "appendonlydir/appendonly.aof.manifest";

void CopyTree(const std::string& from, const std::string& to) {
  std::error_code error;
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive,
                        error);
  CHECK(!error) << error.message();
}

class AofTest : public testing::Test {
 protected:
  // The value of a key in what a server loads from a copy of the files.
  std::string Loaded(absl::string_view line) {
    ScratchDirectory copy;
    CopyTree(directory_.path(), copy.path());
    AofBench again(copy.path());
    const absl::Status started = again.Start();
    return started.ok() ? again.Do(line) : std::string(started.message());
  }
  // A last increment of these bytes, and the server's start with it.
  absl::Status StartWith(AofBench* bench, absl::string_view bytes) {
    mkdir(directory_.File("appendonlydir").c_str(), 0755);
    directory_.Write(kManifest,
                     "file appendonly.aof.1.incr.aof seq 1 type i\n");
    directory_.Write(kIncrement, bytes);
    return bench->Start();
  }

  ScratchDirectory directory_;
};

TEST_F(AofTest, WhatWasWrittenIsThereAgain) {
  {
    AofBench bench(directory_.path());
    ASSERT_TRUE(bench.Start().ok());
    bench.Do("SET a 1");
    bench.Do("INCR a");
    EXPECT_EQ(directory_.Read(kManifest),
              "file appendonly.aof.1.base.rdb seq 1 type b\n"
              "file appendonly.aof.1.incr.aof seq 1 type i\n");
  }
  EXPECT_EQ(directory_.Read(kIncrement),
            absl::StrCat(net::EncodeCommand({"SELECT", "0"}),
                         net::EncodeCommand({"SET", "a", "1"}),
                         net::EncodeCommand({"INCR", "a"})));
  for (int i = 3; i < 6; ++i) {
    AofBench bench(directory_.path());
    ASSERT_TRUE(bench.Start().ok());
    EXPECT_EQ(bench.Do("INCR a"), absl::StrCat(":", i, "\r\n"));
  }
}

TEST_F(AofTest, ATailThatIsTornAtAnyByteIsCutOff) {
  const std::vector<std::string> units = {
      net::EncodeCommand({"SELECT", "0"}),
      net::EncodeCommand({"SET", "k", "1"}), "#TS:1628217470\r\n",
      absl::StrCat(
          net::EncodeCommand({"MULTI"}), net::EncodeCommand({"INCR", "k"}),
          net::EncodeCommand({"INCR", "k"}), net::EncodeCommand({"EXEC"})),
      net::EncodeCommand({"INCR", "k"})};
  const std::vector<std::string> values = {
      "$-1\r\n", "$1\r\n1\r\n", "$1\r\n1\r\n", "$1\r\n3\r\n", "$1\r\n4\r\n"};
  std::string all;
  for (const std::string& unit : units) all += unit;
  for (size_t length = 0; length <= all.size(); ++length) {
    size_t good = 0;
    size_t whole = 0;
    while (whole < units.size() && good + units[whole].size() <= length)
      good += units[whole++].size();
    const absl::string_view torn = absl::string_view(all).substr(0, length);
    {
      AofBench strict(directory_.path(), "aof-load-truncated no\n");
      const absl::Status status = StartWith(&strict, torn);
      EXPECT_EQ(status.ok(), good == length) << length << status;
      if (!status.ok()) {
        EXPECT_TRUE(absl::StartsWith(status.message(),
                                     "Unexpected end of file reading the "
                                     "append only file"))
            << status;
      }
    }
    AofBench bench(directory_.path());
    const absl::Status status = StartWith(&bench, torn);
    ASSERT_TRUE(status.ok()) << length << status;
    EXPECT_EQ(directory_.Read(kIncrement).size(), good) << length;
    EXPECT_EQ(bench.Do("GET k"), whole == 0 ? "$-1\r\n" : values[whole - 1])
        << length;
  }
}

TEST_F(AofTest, WhatIsNoCommandFileIsRefusedAndLeftAsItIs) {
  const std::string set = net::EncodeCommand({"SET", "a", "b"});
  for (const std::string& bad :
       {absl::StrCat(set, "!!!", set), absl::StrCat(set, "*0\r\n"),
        absl::StrCat(set, "*1\r\nPING\r\n"), absl::StrCat("*-5\r\n", set),
        absl::StrCat(set, net::EncodeCommand({"EXEC"})),
        absl::StrCat(net::EncodeCommand({"MULTI"}),
                     net::EncodeCommand({"MULTI"}))}) {
    AofBench bench(directory_.path());
    const absl::Status status = StartWith(&bench, bad);
    EXPECT_TRUE(absl::StartsWith(status.message(),
                                 "Bad file format reading the append only file "
                                 "appendonly.aof.1.incr.aof"))
        << bad << status;
    EXPECT_EQ(directory_.Read(kIncrement), bad);
  }
  AofBench bench(directory_.path());
  const absl::Status status =
      StartWith(&bench, net::EncodeCommand({"BLA", "foo"}));
  EXPECT_EQ(status.message(),
            "Unknown command 'BLA' reading the append only file "
            "appendonly.aof.1.incr.aof");
}

TEST_F(AofTest, AFullDiskRefusesWritesAndServiceResumesByItself) {
  AofBench bench(directory_.path(), "appendfsync always\n");
  ASSERT_TRUE(bench.Start().ok());
  bench.Do("SET before 1");
  ASSERT_TRUE(bench.Await().ok());
  const std::string good = directory_.Read(kIncrement);
  bench.bench.files.room = 0;
  bench.Do("SET lost 1");
  EXPECT_FALSE(bench.Await().ok());  // Its client is not told that it is done.
  EXPECT_EQ(bench.Do("SET refused 1"),
            "-MISCONF Errors writing to the AOF file: No space left on "
            "device\r\n");
  EXPECT_EQ(bench.Do("GET before"), "$1\r\n1\r\n");
  EXPECT_FALSE(bench.aof->status().last_write_ok);
  EXPECT_EQ(directory_.Read(kIncrement), good);
  bench.bench.files.room = int64_t{1} << 40;
  ASSERT_TRUE(AofBench::Eventually(
      [&] { return bench.Do("SET after 1") == "+OK\r\n"; }));
  ASSERT_TRUE(bench.Await().ok());
  EXPECT_TRUE(bench.aof->status().last_write_ok);
  EXPECT_EQ(Loaded("EXISTS before lost refused after"), ":3\r\n");
}

TEST_F(AofTest, AfterASyncThatFailedEverythingSinceIsWrittenAgain) {
  AofBench bench(directory_.path(), "appendfsync always\n");
  ASSERT_TRUE(bench.Start().ok());
  bench.Do("SET a 1");
  ASSERT_TRUE(bench.Await().ok());
  const std::string good = directory_.Read(kIncrement);
  bench.bench.files.fail_sync = true;
  bench.Do("SET b 1");
  EXPECT_FALSE(bench.Await().ok());
  EXPECT_TRUE(AofBench::Eventually(
      [&] { return directory_.Read(kIncrement) == good; }));
  bench.bench.files.fail_sync = false;
  ASSERT_TRUE(
      AofBench::Eventually([&] { return bench.Do("SET c 1") == "+OK\r\n"; }));
  ASSERT_TRUE(bench.Await().ok());
  EXPECT_EQ(Loaded("DBSIZE"), ":3\r\n");
}

TEST_F(AofTest, ManyClientsShareOneSync) {
  AofBench bench(directory_.path(), "appendfsync always\n");
  ASSERT_TRUE(bench.Start().ok());
  bench.Do("SET first 1");
  ASSERT_TRUE(bench.Await().ok());
  const int before = bench.bench.files.syncs;
  bench.bench.files.hold_sync = true;
  std::vector<std::thread> clients;
  std::atomic<int> answered{0};
  for (int i = 0; i < 20; ++i) {
    clients.emplace_back([&, i] {
      bench.Do(absl::StrCat("SET k", i, " 1"));
      EXPECT_TRUE(bench.Await().ok());
      ++answered;
    });
  }
  EXPECT_TRUE(
      AofBench::Eventually([&] { return bench.Do("DBSIZE") == ":21\r\n"; }));
  EXPECT_EQ(answered, 0);
  bench.bench.files.hold_sync = false;
  for (std::thread& client : clients) client.join();
  EXPECT_LE(bench.bench.files.syncs - before, 3);
}

TEST_F(AofTest, EveryStepOfARewriteLeavesFilesThatLoad) {
  for (const char* preamble : {"yes", "no"}) {
    ScratchDirectory directory;
    AofBench bench(directory.path(),
                   absl::StrCat("aof-use-rdb-preamble ", preamble, "\n"));
    ASSERT_TRUE(bench.Start().ok());
    for (int i = 0; i < 50; ++i) bench.Do(absl::StrCat("INCRBY n ", i));
    bench.Do("SET far v PX 100000000");
    ASSERT_TRUE(bench.Written());
    int steps = 0;
    bench.files.set_step([&] {
      ++steps;
      ScratchDirectory copy;
      CopyTree(directory.path(), copy.path());
      AofBench again(copy.path());
      const absl::Status started = again.Start();
      ASSERT_TRUE(started.ok()) << steps << ": " << started;
      EXPECT_EQ(again.Do("GET n"), "$4\r\n1225\r\n") << steps;
      EXPECT_EQ(again.Do("DBSIZE"), ":2\r\n") << steps;
    });
    EXPECT_EQ(bench.aof->RewriteInBackground(false),
              AofService::Begun::kStarted);
    ASSERT_TRUE(bench.Rewritten());
    EXPECT_TRUE(bench.aof->status().last_rewrite_ok);
    EXPECT_GT(steps, 10);
    bench.files.set_step([] {});
    bench.Do("INCR n");
    ASSERT_TRUE(bench.Written());
    EXPECT_EQ(directory.Read(kManifest),
              absl::StrCat("file appendonly.aof.2.base.",
                           preamble[0] == 'y' ? "rdb" : "aof",
                           " seq 2 type b\n"
                           "file appendonly.aof.2.incr.aof seq 2 type i\n"));
    ScratchDirectory copy;
    CopyTree(directory.path(), copy.path());
    AofBench again(copy.path());
    ASSERT_TRUE(again.Start().ok());
    EXPECT_EQ(again.Do("GET n"), "$4\r\n1226\r\n");
  }
}

TEST_F(AofTest, WritesDuringRewritesAreNeitherLostNorDoubled) {
  AofBench bench(directory_.path());
  ASSERT_TRUE(bench.Start().ok());
  std::atomic<bool> stop{false};
  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([&, i] {
      SaveBench::Client client(bench.bench.engine.get());
      for (int n = 0; !stop; ++n) {
        client.Do("INCR shared");
        client.Do(absl::StrCat("INCR own", i, ":", n % 100));
      }
    });
  }
  for (int round = 0; round < 5; ++round) {
    EXPECT_EQ(bench.aof->RewriteInBackground(false),
              AofService::Begun::kStarted);
    ASSERT_TRUE(bench.Rewritten());
    EXPECT_TRUE(bench.aof->status().last_rewrite_ok);
  }
  stop = true;
  for (std::thread& writer : writers) writer.join();
  ASSERT_TRUE(bench.Written());
  EXPECT_EQ(Loaded("GET shared"), bench.Do("GET shared"));
  for (int i = 0; i < 4; ++i) {
    const std::string get = absl::StrCat("GET own", i, ":7");
    EXPECT_EQ(Loaded(get), bench.Do(get));
  }
}

TEST_F(AofTest, ARewriteThatFailsLeavesTheFileGoingOn) {
  AofBench bench(directory_.path());
  ASSERT_TRUE(bench.Start().ok());
  bench.Do("SET a 1");
  ASSERT_TRUE(bench.Written());
  bench.bench.files.fail_rename = true;
  EXPECT_EQ(bench.aof->RewriteInBackground(false), AofService::Begun::kStarted);
  ASSERT_TRUE(bench.Rewritten());
  EXPECT_FALSE(bench.aof->status().last_rewrite_ok);
  EXPECT_EQ(bench.Do("SET b 1"), "+OK\r\n");
  ASSERT_TRUE(bench.Written());
  EXPECT_EQ(Loaded("DBSIZE"), ":2\r\n");
  bench.bench.files.fail_rename = false;
  EXPECT_EQ(bench.aof->RewriteInBackground(false), AofService::Begun::kStarted);
  ASSERT_TRUE(bench.Rewritten());
  EXPECT_TRUE(bench.aof->status().last_rewrite_ok);
  EXPECT_EQ(Loaded("DBSIZE"), ":2\r\n");
}

TEST_F(AofTest, SwitchedOffAndOnAgainItHasWhatWasWrittenInBetween) {
  AofBench bench(directory_.path());
  ASSERT_TRUE(bench.Start().ok());
  bench.Do("SET a 1");
  ASSERT_TRUE(bench.aof->TurnOff().ok());
  EXPECT_FALSE(bench.aof->status().enabled);
  bench.Do("SET b 1");
  EXPECT_EQ(Loaded("DBSIZE"), ":1\r\n");
  ASSERT_TRUE(bench.aof->TurnOn().ok());
  ASSERT_TRUE(bench.Rewritten());
  bench.Do("SET c 1");
  ASSERT_TRUE(bench.Written());
  EXPECT_EQ(Loaded("DBSIZE"), ":3\r\n");
}

TEST_F(AofTest, AnotherHistoryIsWrittenAnew) {
  AofBench bench(directory_.path());
  ASSERT_TRUE(bench.Start().ok());
  for (int i = 0; i < 100; ++i) bench.Do("INCR n");
  ASSERT_TRUE(bench.Written());
  {
    Engine& engine = *bench.bench.engine;
    SlotSetLock locks(&engine.keyspace().slots(), &engine.keyspace().gate());
    locks.LockAll();
    bench.aof->BeforeHistoryChange();
    engine.log().AdoptHistory({std::string(40, 'a'), "", -1}, 10);
  }
  for (int i = 0; i < 100; ++i) bench.Do("INCR n");
  ASSERT_TRUE(bench.Rewritten());
  ASSERT_TRUE(bench.Written());
  EXPECT_EQ(Loaded("GET n"), "$3\r\n200\r\n");
}

TEST_F(AofTest, LoadedAgainTheDataAreWhatTheFileHas) {
  AofBench bench(directory_.path());
  ASSERT_TRUE(bench.Start().ok());
  bench.Do("SET a 1");
  bench.Do("SET gone 1 PX 1");
  ASSERT_TRUE(bench.aof->Reload().ok());
  EXPECT_EQ(bench.Do("GET a"), "$1\r\n1\r\n");
  directory_.Write(kManifest, "nonsense\n");
  EXPECT_FALSE(bench.aof->Reload().ok());
  EXPECT_EQ(bench.Do("GET a"), "$1\r\n1\r\n");
}

TEST_F(AofTest, RedisReadsOursAndWeReadIts) {
  for (const char* preamble : {"yes", "no"}) {
    ScratchDirectory directory;
    const std::string option =
        absl::StrCat("aof-use-rdb-preamble ", preamble, "\n");
    {
      AofBench bench(directory.path(), option);
      ASSERT_TRUE(bench.Start().ok());
      bench.Do("SET a 1");
      bench.Do("SELECT 0");
      bench.aof->RewriteInBackground(false);
      ASSERT_TRUE(bench.Rewritten());
      bench.Do("INCR a");
    }
    {
      RedisServer redis(directory, {"--appendonly", "yes",
                                    "--aof-use-rdb-preamble", preamble});
      ASSERT_TRUE(redis.ready()) << redis.log();
      auto client = redis.Connect();
      EXPECT_EQ(client->Command({"GET", "a"}), "2");
      client->Command({"MULTI"});
      client->Command({"INCR", "a"});
      client->Command({"SET", "b", "x"});
      client->Command({"EXEC"});
    }
    AofBench bench(directory.path(), option);
    const absl::Status started = bench.Start();
    ASSERT_TRUE(started.ok()) << started;
    EXPECT_EQ(bench.Do("GET a"), "$1\r\n3\r\n");
    EXPECT_EQ(bench.Do("GET b"), "$1\r\nx\r\n");
  }
}

TEST_F(AofTest, TheSingleFileOfAnOlderRedisIsTakenOver) {
  directory_.Write("appendonly.aof",
                   absl::StrCat(net::EncodeCommand({"SELECT", "0"}),
                                net::EncodeCommand({"SET", "a", "1"})));
  AofBench bench(directory_.path());
  ASSERT_TRUE(bench.Start().ok());
  EXPECT_EQ(bench.Do("INCR a"), ":2\r\n");
  ASSERT_TRUE(bench.Written());
  EXPECT_EQ(directory_.Read(kManifest),
            "file appendonly.aof seq 1 type b\n"
            "file appendonly.aof.1.incr.aof seq 1 type i\n");
  EXPECT_EQ(Loaded("GET a"), "$1\r\n2\r\n");
}

TEST_F(AofTest, AFileThatIsMissingOrNotTheLastAndTornIsRefused) {
  mkdir(directory_.File("appendonlydir").c_str(), 0755);
  directory_.Write(kManifest,
                   "file appendonly.aof.1.incr.aof seq 1 type i\n"
                   "file appendonly.aof.2.incr.aof seq 2 type i\n");
  directory_.Write(kIncrement, "*3\r\n$3\r\nSET\r\n");
  {
    AofBench bench(directory_.path());
    const absl::Status status = bench.Start();
    EXPECT_TRUE(absl::StrContains(status.message(),
                                  "appendonly.aof.2.incr.aof length. stat: No "
                                  "such file or directory"))
        << status;
  }
  directory_.Write("appendonlydir/appendonly.aof.2.incr.aof", "");
  AofBench bench(directory_.path());
  const absl::Status status = bench.Start();
  EXPECT_TRUE(absl::StrContains(status.message(),
                                "the truncated file is not the last file"))
      << status;
}

}  // namespace
}  // namespace holdfast::server
