#include "server/persist/save/saver.h"

#include <dirent.h>
#include <sys/stat.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "server/keyspace/slot_table.h"
#include "server/persist/load/load_file.h"
#include "server/persist/save/save_testing.h"

namespace holdfast::server {
namespace {

std::vector<std::string> FilesIn(const std::string& path) {
  std::vector<std::string> names;
  DIR* const directory = opendir(path.c_str());
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  closedir(directory);
  return names;
}

class SaverTest : public testing::Test {
 protected:
  // What a server finds that starts in the directory now.
  std::string Loaded(absl::string_view command) {
    SaveBench other(directory_.path());
    const absl::Status loaded =
        LoadAtStart(other.engine.get(), [] { return false; });
    return loaded.ok() ? other.Do(command) : loaded.ToString();
  }
  std::vector<std::string> Files() { return FilesIn(directory_.path()); }
  void Fill(int keys) {
    for (int i = 0; i < keys; ++i) bench_.Do(absl::StrCat("SET key:", i, " v"));
  }

  ScratchDirectory directory_;
  SaveBench bench_{directory_.path()};
};

TEST_F(SaverTest, SaveWritesAFileThatHoldsAllAndLeavesNoOther) {
  Fill(1000);
  EXPECT_EQ(bench_.changes(), 1000);
  EXPECT_EQ(bench_.Do("SAVE"), "+OK\r\n");
  EXPECT_EQ(bench_.changes(), 0);
  EXPECT_EQ(Files(), std::vector<std::string>{"dump.rdb"});
  EXPECT_EQ(Loaded("DBSIZE"), ":1000\r\n");
  EXPECT_EQ(bench_.saver->status().saves, 1);
}

TEST_F(SaverTest, AnyFaultLeavesTheOldFileAndNoTemporaryOne) {
  bench_.Do("SET a old");
  ASSERT_EQ(bench_.Do("SAVE"), "+OK\r\n");
  bench_.Do("SET a new");
  struct Fault {
    const char* name;
    std::function<void(FaultyFiles*)> order;
  };
  const std::vector<Fault> faults = {
      {"create", [](FaultyFiles* f) { f->fail_create = true; }},
      {"No space left on device", [](FaultyFiles* f) { f->room = 50; }},
      {"fsync", [](FaultyFiles* f) { f->fail_sync = true; }},
      {"close", [](FaultyFiles* f) { f->fail_close = true; }},
      {"rename", [](FaultyFiles* f) { f->fail_rename = true; }},
  };
  for (const Fault& fault : faults) {
    SaveBench faulty(directory_.path());
    faulty.Do("SET a new");
    fault.order(&faulty.files);
    EXPECT_EQ(faulty.Do("SAVE"), "-ERR\r\n") << fault.name;
    EXPECT_EQ(faulty.changes(), 1) << fault.name;
    EXPECT_TRUE(
        absl::StrContains(faulty.saver->status().last_error, fault.name))
        << faulty.saver->status().last_error;
    EXPECT_EQ(Files(), std::vector<std::string>{"dump.rdb"}) << fault.name;
    EXPECT_EQ(Loaded("GET a"), "$3\r\nold\r\n") << fault.name;
    // A failed SAVE refuses no writes: only a background save's failure does.
    EXPECT_EQ(faulty.Do("SET b 1"), "+OK\r\n");
  }
}

TEST_F(SaverTest, ADirectoryThatCannotBeSyncedIsAnError) {
  bench_.files.fail_directory_sync = true;
  EXPECT_EQ(bench_.Do("SAVE"), "-ERR\r\n");
}

TEST_F(SaverTest, AMissingDirectoryAndADirectoryInPlaceOfTheFileAreErrors) {
  ASSERT_EQ(mkdir(directory_.File("dump.rdb").c_str(), 0755), 0);
  EXPECT_EQ(bench_.Do("SAVE"), "-ERR\r\n");
  EXPECT_EQ(Files(), std::vector<std::string>{"dump.rdb"});
  SaveBench nowhere(directory_.path());
  const std::string gone = directory_.File("gone");
  ASSERT_EQ(mkdir(gone.c_str(), 0755), 0);
  ASSERT_TRUE(nowhere.engine->config().Record(ConfigId::kDir, {gone}).ok());
  ASSERT_EQ(rmdir(gone.c_str()), 0);
  EXPECT_EQ(nowhere.Do("SAVE"), "-ERR\r\n");
}

TEST_F(SaverTest, ABackgroundSaveThatFailsStopsWritesUntilOneSucceeds) {
  bench_.files.fail_sync = true;
  bench_.Do("SET a 1");
  EXPECT_EQ(bench_.Do("BGSAVE"), "+Background saving started\r\n");
  bench_.Await();
  EXPECT_FALSE(bench_.saver->status().last_ok);
  // Without save points nobody counts on them.
  EXPECT_EQ(bench_.Do("SET a 2"), "+OK\r\n");
  ASSERT_TRUE(bench_.engine->config().Set({{"save", "900 1"}}, {}).ok());
  EXPECT_TRUE(absl::StartsWith(bench_.Do("SET a 3"), "-MISCONF Redis is "));
  EXPECT_EQ(bench_.Do("GET a"), "$1\r\n2\r\n");
  ASSERT_TRUE(bench_.engine->config()
                  .Set({{"stop-writes-on-bgsave-error", "no"}}, {})
                  .ok());
  EXPECT_EQ(bench_.Do("SET a 4"), "+OK\r\n");
  ASSERT_TRUE(bench_.engine->config()
                  .Set({{"stop-writes-on-bgsave-error", "yes"}}, {})
                  .ok());
  bench_.files.fail_sync = false;
  EXPECT_EQ(bench_.Do("BGSAVE SCHEDULE"), "+Background saving started\r\n");
  bench_.Await();
  EXPECT_EQ(bench_.Do("SET a 5"), "+OK\r\n");
  EXPECT_EQ(bench_.changes(), 1);
}

TEST_F(SaverTest, OneAtATimeAndWritersGoOn) {
  Fill(10);
  bench_.files.hold_sync = true;
  EXPECT_EQ(bench_.Do("BGSAVE"), "+Background saving started\r\n");
  EXPECT_EQ(bench_.Do("BGSAVE"),
            "-ERR Background save already in progress\r\n");
  EXPECT_EQ(bench_.Do("BGSAVE SCHEDULE"),
            "-ERR Background save already in progress\r\n");
  EXPECT_EQ(bench_.Do("SAVE"), "-ERR Background save already in progress\r\n");
  EXPECT_EQ(bench_.Do("BGSAVE now"), "-ERR syntax error\r\n");
  // Until the walk is over, so that the write is surely not in the file.
  while (bench_.files.syncs == 0) std::this_thread::yield();
  EXPECT_EQ(bench_.Do("SET late 1"), "+OK\r\n");
  EXPECT_TRUE(absl::StrContains(bench_.Do("INFO persistence"),
                                "rdb_bgsave_in_progress:1\r\n"));
  bench_.files.hold_sync = false;
  bench_.Await();
  EXPECT_EQ(bench_.changes(), 1);
  EXPECT_EQ(Loaded("EXISTS late"), ":0\r\n");
  EXPECT_EQ(Loaded("DBSIZE"), ":10\r\n");
}

TEST_F(SaverTest, InATransactionItIsScheduledForTheNextTick) {
  SaveBench::Client client(bench_.engine.get());
  client.Do("MULTI");
  client.Do("SET a 1");
  client.Do("BGSAVE");
  EXPECT_EQ(client.Do("SAVE"),
            "-ERR Command not allowed inside a transaction\r\n");
  client.Do("DISCARD");
  client.Do("MULTI");
  client.Do("SET a 1");
  client.Do("BGSAVE");
  EXPECT_EQ(client.Do("EXEC"), "*2\r\n+OK\r\n+Background saving scheduled\r\n");
  EXPECT_FALSE(bench_.saver->status().background);
  bench_.saver->Tick();
  bench_.Await();
  EXPECT_EQ(Loaded("DBSIZE"), ":1\r\n");
}

TEST_F(SaverTest, SavePointsLookAtChangesAndTime) {
  ASSERT_TRUE(bench_.engine->config().Set({{"save", "3600 1"}}, {}).ok());
  Fill(5);
  bench_.saver->Tick();
  EXPECT_EQ(bench_.saver->status().saves, 0);
  bench_.engine->role().loading = true;
  ASSERT_TRUE(bench_.engine->config().Set({{"save", "1 6"}}, {}).ok());
  absl::SleepFor(absl::Milliseconds(1100));
  bench_.saver->Tick();
  EXPECT_EQ(bench_.saver->status().saves, 0) << "half a dataset was saved";
  bench_.engine->role().loading = false;
  bench_.saver->Tick();
  EXPECT_EQ(bench_.saver->status().saves, 0) << "five changes are not six";
  bench_.Do("SET six 1");
  bench_.saver->Tick();
  bench_.Await();
  EXPECT_EQ(bench_.saver->status().saves, 1);
  EXPECT_EQ(bench_.changes(), 0);
}

TEST_F(SaverTest, FlushallGivesABackgroundSaveUp) {
  Fill(100);
  bench_.files.hold_sync = true;
  bench_.Do("BGSAVE");
  while (bench_.files.syncs == 0) std::this_thread::yield();
  bench_.files.hold_sync = false;
  bench_.Await();
  Fill(100);
  ASSERT_TRUE(
      bench_.engine->config().Set({{"rdb-key-save-delay", "100000"}}, {}).ok());
  bench_.Do("BGSAVE");
  bench_.Do("FLUSHALL");
  bench_.Await();
  EXPECT_TRUE(bench_.saver->status().last_ok) << "called off is not failed";
  EXPECT_EQ(bench_.changes(), 200);
  EXPECT_EQ(Loaded("DBSIZE"), ":100\r\n") << "the old file";
  EXPECT_EQ(Files(), std::vector<std::string>{"dump.rdb"});
}

TEST_F(SaverTest, FlushallSavesTheEmptyDatasetWhereSavePointsAre) {
  Fill(100);
  bench_.Do("SAVE");
  ASSERT_TRUE(bench_.engine->config().Set({{"save", "3600 1"}}, {}).ok());
  EXPECT_EQ(bench_.Do("FLUSHALL"), "+OK\r\n");
  EXPECT_EQ(bench_.changes(), 0);
  EXPECT_EQ(Loaded("DBSIZE"), ":0\r\n");
}

TEST_F(SaverTest, SavesBesideWritersCountEveryChangeOnce) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> writers;
  std::atomic<int64_t> written{0};
  for (int w = 0; w < 2; ++w) {
    writers.emplace_back([&, w] {
      SaveBench::Client client(bench_.engine.get());
      for (int i = 0; !stop; ++i, ++written)
        client.Do(absl::StrCat("SET k:", w, ":", i % 500, " ", i));
    });
  }
  for (int i = 0; i < 10; ++i) EXPECT_EQ(bench_.Do("SAVE"), "+OK\r\n");
  stop = true;
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(bench_.Do("SAVE"), "+OK\r\n");
  EXPECT_EQ(bench_.changes(), 0);
  EXPECT_EQ(Loaded("DBSIZE"), bench_.Do("DBSIZE"));
}

TEST_F(SaverTest, TheEndSavesIfConfiguredAndLetsNoWriteInAfterIt) {
  const auto never = [] { return false; };
  Fill(3);
  ASSERT_TRUE(
      bench_.saver
          ->PrepareEnd(SaveService::EndSave::kIfConfigured, false, never)
          .ok());
  EXPECT_TRUE(Files().empty());
  SaveBench other(directory_.path(), "save 3600 1\n");
  other.Do("SET a 1");
  ASSERT_TRUE(
      other.saver->PrepareEnd(SaveService::EndSave::kIfConfigured, false, never)
          .ok());
  EXPECT_EQ(other.Do("SET a 2"), "-ERR the server is shutting down\r\n");
  EXPECT_EQ(other.Do("GET a"), "$1\r\n1\r\n");
  EXPECT_EQ(Loaded("GET a"), "$1\r\n1\r\n");
}

TEST_F(SaverTest, AnEndThatCannotSaveGoesOnUnlessForced) {
  const auto never = [] { return false; };
  Fill(3);
  bench_.files.fail_rename = true;
  EXPECT_FALSE(
      bench_.saver->PrepareEnd(SaveService::EndSave::kYes, false, never).ok());
  EXPECT_EQ(bench_.Do("SET a 2"), "+OK\r\n");
  EXPECT_FALSE(
      bench_.saver
          ->PrepareEnd(SaveService::EndSave::kYes, false, [] { return true; })
          .ok());
  EXPECT_FALSE(bench_.saver->AbortEnd()) << "there is none to call off";
  EXPECT_EQ(bench_.Do("SET a 3"), "+OK\r\n");
  EXPECT_TRUE(
      bench_.saver->PrepareEnd(SaveService::EndSave::kYes, true, never).ok());
  EXPECT_TRUE(Files().empty());
}

TEST_F(SaverTest, WhileLoadingTheEndNeverSaves) {
  bench_.engine->role().loading = true;
  EXPECT_TRUE(
      bench_.saver
          ->PrepareEnd(SaveService::EndSave::kYes, false, [] { return false; })
          .ok());
  EXPECT_TRUE(Files().empty());
}

TEST_F(SaverTest, StopEndsASaveThatTakesLong) {
  Fill(100);
  ASSERT_TRUE(bench_.engine->config()
                  .Set({{"rdb-key-save-delay", "10000000"}}, {})
                  .ok());
  bench_.Do("BGSAVE");
  bench_.saver.reset();
  EXPECT_TRUE(Files().empty());
}

TEST_F(SaverTest, ASaveTakesItsTurnBehindAReplicasSnapshot) {
  Fill(100);
  std::atomic<bool> go{false};
  const auto replicas =
      Snapshot::Start(bench_.engine.get(), false, [&go](Slot) {
        while (!go) std::this_thread::yield();
      });
  ASSERT_TRUE(replicas.ok());
  EXPECT_EQ(bench_.Do("BGSAVE"), "+Background saving started\r\n");
  EXPECT_EQ(bench_.Do("SET late 1"), "+OK\r\n");
  go = true;
  bench_.Await();
  EXPECT_TRUE(bench_.saver->status().last_ok);
  EXPECT_EQ(Loaded("DBSIZE"), ":101\r\n");
}

}  // namespace
}  // namespace holdfast::server
