#include "server/commands/migrate.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/commands/keys_testing.h"
#include "server/migrate/fake_target.h"
#include "server/migrate/link.h"

namespace holdfast::server {
namespace {

using ::testing::ElementsAre;
using Command = FakeTarget::Command;

constexpr char kNoKey[] = "+NOKEY\r\n";

class MigrateTest : public KeysTest {
 protected:
  // "migrate <target> <rest>".
  std::string Migrate(absl::string_view rest) { return Do(Line(rest)); }
  std::string Line(absl::string_view rest) {
    return absl::StrCat("migrate 127.0.0.1 ", target_.port(), " ", rest);
  }
  // What the target said no to, if anything.
  std::string Answer(const Command& command) {
    if (on_command_ != nullptr) on_command_(command);
    const std::string key = command.size() > 1 ? command[1] : "";
    if (key == refused_) return "-ERR refused\r\n";
    if (key == hangs_up_at_) return std::string(FakeTarget::kHangUp);
    return command[0] == "DEL" ? ":1\r\n" : "+OK\r\n";
  }
  bool Exists(absl::string_view key) {
    return DoAsOther(absl::StrCat("exists ", key)) == Int(1);
  }
  // Every command but SELECT.
  std::vector<std::string> Sent() {
    std::vector<std::string> sent = target_.commands();
    sent.erase(std::remove_if(sent.begin(), sent.end(),
                              [](const std::string& c) {
                                return absl::StartsWith(c, "SELECT");
                              }),
               sent.end());
    return sent;
  }

  std::string refused_ = "<none>";
  std::string hangs_up_at_ = "<none>";
  // Called in the target's thread; set while nothing is sent.
  std::function<void(const Command&)> on_command_;
  FakeTarget target_{
      [this](const Command& command) { return Answer(command); }};
};

TEST_F(MigrateTest, MovesAKey) {
  Do("set k v");
  EXPECT_EQ(EffectsOf(Line("k 3 1000")), "DEL k");
  EXPECT_EQ(Do("exists k"), Int(0));
  EXPECT_THAT(target_.commands(), ElementsAre("SELECT 3", "RESTORE k"));
  EXPECT_EQ(engine_.migrate_links().size(), 1);
  EXPECT_EQ(Migrate("k 3 1000"), kNoKey);
  EXPECT_EQ(EffectsOf(Line("k 3 1000")), "");
}

TEST_F(MigrateTest, TheEmptyNameIsAKeyToo) {
  Do("set '' v");
  EXPECT_EQ(Migrate("'' 0 1000"), kOkReply);
  EXPECT_THAT(Sent(), ElementsAre("RESTORE "));
}

TEST_F(MigrateTest, ACopyStays) {
  Do("set k v");
  EXPECT_EQ(EffectsOf(Line("k 0 1000 copy")), "");
  EXPECT_EQ(Migrate("k 0 1000 COPY REPLACE"), kOkReply);
  EXPECT_EQ(Do("get k"), Bulk("v"));
  EXPECT_THAT(Sent(), ElementsAre("RESTORE k", "RESTORE k"));
}

TEST_F(MigrateTest, SendsValueTimeToLiveAndReplace) {
  std::vector<Command> seen;
  on_command_ = [&](const Command& command) { seen.push_back(command); };
  Do("set k v px 5000");
  const std::string dump = Do("dump k");
  EXPECT_EQ(Migrate("k 0 0 REPLACE"), kOkReply);
  ASSERT_EQ(seen.size(), 2);
  EXPECT_THAT(seen[1],
              ElementsAre("RESTORE", "k", "5000", testing::_, "REPLACE"));
  EXPECT_EQ(Bulk(seen[1][3]), dump);
}

TEST_F(MigrateTest, ManyKeys) {
  Do("mset a 1 b 2 c 3");
  Do("pexpire c 10");
  Advance(absl::Milliseconds(20));
  EXPECT_EQ(EffectsOf(Line("'' 0 1000 keys a none b a c")), "DEL c; DEL a b");
  EXPECT_THAT(Sent(), ElementsAre("RESTORE a", "RESTORE b"));
  EXPECT_EQ(Do("dbsize"), Int(0));
  EXPECT_EQ(Migrate("'' 0 1000 keys a b"), kNoKey);
  EXPECT_EQ(Migrate("'' 0 1000 keys"), kNoKey);
}

TEST_F(MigrateTest, WhatTheTargetRefusesStays) {
  Do("mset a 1 b 2 c 3");
  refused_ = "b";
  EXPECT_EQ(EffectsOf(Line("'' 0 1000 keys a b c")), "DEL a c");
  EXPECT_TRUE(Exists("b"));
  EXPECT_EQ(Migrate("b 0 1000"),
            "-ERR Target instance replied with error: ERR refused\r\n");
  EXPECT_TRUE(Exists("b"));
}

TEST_F(MigrateTest, WhatIsNotConfirmedStays) {
  Do("mset a 1 b 2 c 3");
  hangs_up_at_ = "b";
  EXPECT_EQ(EffectsOf(Line("'' 0 1000 keys a b c")), "DEL a");
  EXPECT_EQ(Do("dbsize"), Int(2));
  EXPECT_EQ(engine_.migrate_links().size(), 0);
  EXPECT_EQ(Migrate("b 0 1000"),
            "-IOERR error or timeout reading to target instance\r\n");
  EXPECT_EQ(Do("dbsize"), Int(2));
}

TEST_F(MigrateTest, NobodyThere) {
  Do("set k v");
  for (const char* line :
       {"migrate 127.0.0.1 1 k 0 1000", "migrate 127.0.0.1 x k 0 1000",
        "migrate /tmp/s 0 k 0 10", "migrate '' 1 k 0 10"}) {
    EXPECT_EQ(Do(line), "-IOERR error or timeout connecting to the client\r\n");
  }
  EXPECT_TRUE(Exists("k"));
}

TEST_F(MigrateTest, WrongArgumentsAreRefusedBeforeAnythingIsDone) {
  Do("set k v");
  for (const char* rest : {"k 0 1000 nonsense", "k 0 1000 auth",
                           "k 0 1000 auth2 u", "k 0 1000 copy replace auth"}) {
    EXPECT_EQ(Migrate(rest), kSyntaxReply) << rest;
  }
  for (const char* rest : {"k x 1000", "k 0 x", "k 0 1.5",
                           "k 99999999999999999999 0", "k '' 0", "k 0 ''"}) {
    EXPECT_EQ(Migrate(rest), kNotIntegerReply) << rest;
  }
  EXPECT_EQ(Migrate("k 0 1000 keys k"),
            "-ERR When using MIGRATE KEYS option, the key argument must be set "
            "to the empty string\r\n");
  EXPECT_EQ(Do("migrate 127.0.0.1 1 k 0"),
            "-ERR wrong number of arguments for 'migrate' command\r\n");
  EXPECT_EQ(target_.connections(), 0);
}

// The clock stands still, so a huge timeout must not overflow on its way.
TEST_F(MigrateTest, HugeNumbers) {
  Do("set k v");
  EXPECT_EQ(Migrate("k -9223372036854775808 9223372036854775807 copy"),
            kOkReply);
  EXPECT_EQ(target_.commands()[0], "SELECT -9223372036854775808");
  EXPECT_EQ(Migrate("k 9223372036854775807 -9223372036854775808"), kOkReply);
}

TEST_F(MigrateTest, Authenticates) {
  Do("mset a 1 b 2");
  EXPECT_EQ(Migrate("a 0 1000 auth keys"), kOkReply);
  EXPECT_EQ(Migrate("b 0 1000 AUTH2 me keys"), kOkReply);
  EXPECT_THAT(target_.commands(),
              ElementsAre("AUTH keys", "SELECT 0", "RESTORE a", "AUTH me",
                          "RESTORE b"));
}

TEST_F(MigrateTest, NothingIsLockedWhileTheTargetIsWaitedFor) {
  Do("mset a 1 b 2");
  on_command_ = [&](const Command& command) {
    if (command[0] != "RESTORE" || command[1] != "b") return;
    EXPECT_EQ(DoAsOther("append c 1"), Int(1)) << "as would be a write gate";
    EXPECT_EQ(DoAsOther("get a"), Bulk("1"));
    EXPECT_EQ(DoAsOther("dbsize"), Int(3));
    const ExclusiveGate gate(&engine_.keyspace().gate());
  };
  EXPECT_EQ(Migrate("'' 0 1000 keys a b"), kOkReply);
  EXPECT_EQ(Do("dbsize"), Int(1));
}

TEST_F(MigrateTest, AKeyThatChangesMeanwhileIsSentAgain) {
  Do("mset a 1 b 2");
  int changes = 0;
  std::string last;
  on_command_ = [&](const Command& command) {
    if (command[1] != "b" || command[0] != "RESTORE") return;
    last = command[3];
    EXPECT_EQ(command.size(), changes == 0 ? 4 : 5);
    if (changes < 3) DoAsOther(absl::StrCat("set b ", ++changes));
  };
  EXPECT_EQ(EffectsOf(Line("'' 0 1000 keys a b")),
            "set b 1; DEL a; set b 2; set b 3; DEL b")
      << "in the order of what happened";
  EXPECT_THAT(Sent(), ElementsAre("RESTORE a", "RESTORE b", "RESTORE b",
                                  "RESTORE b", "RESTORE b"));
  EXPECT_EQ(Do("dbsize"), Int(0));
  EXPECT_EQ(Do({"restore", "b", "0", last}), kOkReply);
  EXPECT_EQ(Do("get b"), Bulk("3"));
}

TEST_F(MigrateTest, AKeyThatNeverStandsStillStays) {
  Do("set k 0");
  on_command_ = [&](const Command& command) {
    if (command[0] == "RESTORE") DoAsOther("incr k");
  };
  EXPECT_EQ(Migrate("k 0 1000"),
            "-IOERR keys changed again and again while they were sent: they "
            "stay\r\n");
  EXPECT_EQ(Do("get k"), Bulk("8"));
  EXPECT_EQ(engine_.keyspace().slots()[SlotOfKey("k")].watches, nullptr);
}

TEST_F(MigrateTest, AKeyThatIsDeletedMeanwhileIsDeletedThere) {
  Do("mset a 1 b 2");
  on_command_ = [&](const Command& command) {
    if (command[0] == "RESTORE") DoAsOther("del a");
  };
  EXPECT_EQ(Migrate("'' 0 1000 keys a b"), kOkReply);
  EXPECT_THAT(Sent(), ElementsAre("RESTORE a", "RESTORE b", "DEL a"));
  Do("set a 3");
  EXPECT_EQ(Migrate("a 0 1000"), kNoKey);
}

TEST_F(MigrateTest, AFlushMeanwhileCounts) {
  for (const char* flush : {"flushall", "swapdb 0 1"}) {
    Do("set k v");
    std::atomic<bool> once{true};
    on_command_ = [&](const Command& command) {
      if (command[0] == "RESTORE" && once.exchange(false)) DoAsOther(flush);
    };
    EXPECT_EQ(Migrate("k 0 1000"), kNoKey) << flush;
    EXPECT_EQ(Sent().back(), "DEL k");
  }
  EXPECT_EQ(DoAsOther("select 1"), kOkReply);
  EXPECT_EQ(DoAsOther("get k"), Bulk("v"));
}

// XACK tells no watcher.
TEST_F(MigrateTest, AStreamWhoseGroupsChangeIsSentAgain) {
  Do("xadd s 1-1 f v");
  Do("xgroup create s g 0");
  Do("xreadgroup group g c streams s >");
  std::atomic<bool> once{true};
  on_command_ = [&](const Command& command) {
    if (command[0] == "RESTORE" && once.exchange(false))
      DoAsOther("xack s g 1-1");
  };
  EXPECT_EQ(Migrate("s 0 1000"), kOkReply);
  EXPECT_THAT(Sent(), ElementsAre("RESTORE s", "RESTORE s"));
}

TEST_F(MigrateTest, WhoHasBecomeAReplicaDeletesNothing) {
  Do("set k v");
  on_command_ = [&](const Command& command) {
    if (command[0] == "RESTORE") BecomeReplica(true);
  };
  EXPECT_EQ(Migrate("k 0 1000"),
            "-READONLY You can't write against a read only replica.\r\n");
  EXPECT_EQ(Migrate("k 0 1000"),
            "-READONLY You can't write against a read only replica.\r\n");
  BecomeReplica(false);
  EXPECT_TRUE(Exists("k"));
  EXPECT_EQ(engine_.keyspace().slots()[SlotOfKey("k")].watches, nullptr);
}

TEST_F(MigrateTest, WatchersSeeTheKeyGo) {
  Do("set k v");
  DoAsOther("watch k");
  EXPECT_EQ(Migrate("k 0 1000"), kOkReply);
  DoAsOther("multi");
  DoAsOther("set x y");
  EXPECT_EQ(DoAsOther("exec"), "*-1\r\n");
}

TEST_F(MigrateTest, InATransaction) {
  Do("mset a 1 b 2");
  Do("multi");
  EXPECT_EQ(Migrate("'' 0 1000 keys a b"), "+QUEUED\r\n");
  EXPECT_EQ(Migrate("a 0 1000 keys b"), "+QUEUED\r\n");
  EXPECT_EQ(Do("set a 3"), "+QUEUED\r\n");
  EXPECT_EQ(EffectsOf("exec"), "MULTI; DEL a b; set a 3; EXEC");
  EXPECT_EQ(Do("get a"), Bulk("3"));
  EXPECT_THAT(Sent(), ElementsAre("RESTORE a", "RESTORE b"));
}

TEST_F(MigrateTest, AHangingTargetCostsTheTimeoutAndNoKey) {
  Do("set k v");
  std::atomic<bool> over{false};
  FakeTarget hanging([&](const Command&) {
    while (!over) {
      Advance(absl::Milliseconds(20));
      absl::SleepFor(absl::Milliseconds(1));
    }
    return "";
  });
  const std::string line =
      absl::StrCat("migrate 127.0.0.1 ", hanging.port(), " k 0 1000");
  const std::string error =
      "-IOERR error or timeout reading to target instance\r\n";
  EXPECT_EQ(Do(line), error);
  EXPECT_EQ(hanging.connections(), 1) << "a timeout is not tried again";
  Do("multi");
  Do(line);
  EXPECT_EQ(Do("exec"), absl::StrCat("*1\r\n", error));
  over = true;
  EXPECT_TRUE(Exists("k"));
}

TEST_F(MigrateTest, ThousandsOfKeysOfOneSlot) {
  std::string line = "'' 0 1000 keys";
  for (int i = 0; i < 5000; ++i) {
    Do(absl::StrCat("set {x}", i, " v"));
    absl::StrAppend(&line, " {x}", i);
  }
  EXPECT_EQ(Migrate(line), kOkReply);
  EXPECT_EQ(Do("dbsize"), Int(0));
  EXPECT_EQ(engine_.keyspace().slots()[SlotOfKey("{x}")].watches, nullptr);
}

}  // namespace
}  // namespace holdfast::server
