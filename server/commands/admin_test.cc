#include "server/commands/admin.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/commands/admin_testing.h"
#include "server/commands/config_command.h"
#include "server/commands/connection.h"
#include "server/commands/object.h"
#include "server/commands/string.h"
#include "server/transaction/transaction.h"

namespace holdfast::server {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

class AdminTest : public testing::Test {
 protected:
  AdminBench bench{{AdminCommands(), ConfigCommands(), ConnectionCommands(),
                    ObjectCommands(), StringCommands(), TransactionCommands()}};
  std::string Run(absl::string_view line) { return bench.Run(line); }
};

TEST_F(AdminTest, TimeIsTheClocks) {
  const int64_t before = absl::ToUnixSeconds(bench.clock.WallNow());
  EXPECT_THAT(Run("TIME"),
              StartsWith(absl::StrCat("*2\r\n$", absl::StrCat(before).size(),
                                      "\r\n", before, "\r\n")));
}

TEST_F(AdminTest, ShutdownAsksForTheEndAndAnswersNothing) {
  int asked = 0;
  bench.engine->request_shutdown = [&asked] { ++asked; };
  EXPECT_EQ(Run("SHUTDOWN NOSAVE now FORCE"), "");
  EXPECT_EQ(asked, 1);
  EXPECT_TRUE(bench.clients[0].session->own.close_after_reply);
}

TEST_F(AdminTest, ShutdownRefusesContradictionsAndWhatItCannotDo) {
  bench.engine->request_shutdown = [] { FAIL(); };
  for (const char* line :
       {"SHUTDOWN a", "SHUTDOWN SAVE NOSAVE", "SHUTDOWN ABORT NOW",
        "SHUTDOWN nosave abort", "SHUTDOWN a b"}) {
    EXPECT_EQ(Run(line), "-ERR syntax error\r\n") << line;
  }
  EXPECT_EQ(Run("SHUTDOWN ABORT"), "-ERR No shutdown in progress.\r\n");
  EXPECT_EQ(Run("SHUTDOWN SAVE"),
            "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
  Run("MULTI");
  EXPECT_EQ(Run("SHUTDOWN"),
            "-ERR Command not allowed inside a transaction\r\n");
}

TEST_F(AdminTest, SlowlogTakesWhatIsSlowEnough) {
  EXPECT_EQ(Run("CONFIG SET slowlog-log-slower-than 0"), "+OK\r\n");
  EXPECT_EQ(Run("SLOWLOG RESET"), "+OK\r\n");
  Run("GET k");
  Run("SLOWLOG LEN");
  EXPECT_THAT(Run("SLOWLOG GET 1"),
              HasSubstr("*2\r\n$7\r\nSLOWLOG\r\n$3\r\nLEN\r\n$13\r\n10.0.0.1:"
                        "1001\r\n$0\r\n\r\n"));
  EXPECT_THAT(Run("SLOWLOG GET"), HasSubstr("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"));
  Run("CONFIG SET slowlog-log-slower-than -1");
  Run("SLOWLOG RESET");
  Run("GET k");
  EXPECT_EQ(Run("SLOWLOG LEN"), ":0\r\n");
  EXPECT_EQ(Run("SLOWLOG GET -1"), "*0\r\n");
  Run("CONFIG SET slowlog-log-slower-than 1000");
  Run("GET k");
  EXPECT_EQ(Run("SLOWLOG LEN"), ":0\r\n");
}

TEST_F(AdminTest, SlowlogHidesSecretsAndTransactionsFrames) {
  Run("CONFIG SET slowlog-log-slower-than 0");
  Run("SLOWLOG RESET");
  Run("AUTH default secret-1");
  Run("CONFIG SET masterauth secret-2 maxmemory 0");
  Run("MULTI");
  Run("GET in-multi");
  Run("EXEC");
  const std::string log = Run("SLOWLOG GET 100");
  EXPECT_THAT(log, Not(HasSubstr("secret")));
  EXPECT_THAT(log, HasSubstr("(redacted)"));
  EXPECT_THAT(log, HasSubstr("in-multi"));
  EXPECT_THAT(log, Not(HasSubstr("EXEC")));
}

TEST_F(AdminTest, SlowlogRefusesBadCounts) {
  for (const char* count : {"-2", "abc", "", "1.0"}) {
    EXPECT_EQ(Run(absl::StrCat("SLOWLOG GET ", count)),
              "-ERR count should be greater than or equal to -1\r\n");
  }
  EXPECT_EQ(Run("SLOWLOG GET 1 2"),
            "-ERR unknown subcommand or wrong number of arguments for 'GET'. "
            "Try SLOWLOG HELP.\r\n");
  EXPECT_EQ(Run("SLOWLOG LEN x"),
            "-ERR wrong number of arguments for 'slowlog|len' command\r\n");
}

TEST_F(AdminTest, LatencyHistogramCountsCalls) {
  Run("GET k");
  Run("GET k");
  EXPECT_EQ(Run("LATENCY HISTOGRAM get nosuch get|x"),
            "*2\r\n$3\r\nget\r\n*4\r\n$5\r\ncalls\r\n:2\r\n$14\r\nhistogram_"
            "usec\r\n*2\r\n:1\r\n:2\r\n");
  EXPECT_THAT(Run("LATENCY HISTOGRAM"),
              HasSubstr("$17\r\nlatency|histogram\r\n"));
  EXPECT_EQ(Run("LATENCY HISTOGRAM set"), "*0\r\n");
}

TEST_F(AdminTest, LatencyEventsAreAsIfNoneHadHappened) {
  EXPECT_EQ(Run("LATENCY LATEST"), "*0\r\n");
  EXPECT_EQ(Run("LATENCY HISTORY command"), "*0\r\n");
  EXPECT_EQ(Run("LATENCY RESET"), ":0\r\n");
  EXPECT_EQ(Run("LATENCY RESET a b"), ":0\r\n");
  EXPECT_EQ(Run("LATENCY GRAPH command"),
            "-ERR No samples available for event 'command'\r\n");
  EXPECT_EQ(Run("LATENCY HISTORY"),
            "-ERR wrong number of arguments for 'latency|history' command\r\n");
}

TEST_F(AdminTest, ModulesAreRefused) {
  EXPECT_EQ(Run("MODULE LIST"), "*0\r\n");
  EXPECT_THAT(Run("MODULE LOAD /x.so"),
              StartsWith("-ERR Error loading the extension."));
  EXPECT_EQ(Run("MODULE UNLOAD x"),
            "-ERR Error unloading module: no such module with that name\r\n");
  EXPECT_EQ(Run("MODULE LOAD"),
            "-ERR wrong number of arguments for 'module|load' command\r\n");
}

TEST_F(AdminTest, LolwutTellsTheVersion) {
  EXPECT_THAT(Run("LOLWUT"), HasSubstr("Redis ver. 7.2.0"));
  EXPECT_THAT(Run("LOLWUT VERSION 5 1 2"), HasSubstr("Holdfast ver. "));
  EXPECT_EQ(Run("LOLWUT VERSION x"),
            "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Run("LOLWUT x"),
            "-ERR value is not an integer or out of range\r\n");
}

TEST_F(AdminTest, MemoryReportsHaveTheirFields) {
  EXPECT_THAT(Run("MEMORY STATS"), HasSubstr("$15\r\ntotal.allocated\r\n:"));
  EXPECT_THAT(Run("MEMORY STATS"), StartsWith("*54\r\n"));
  EXPECT_THAT(Run("MEMORY DOCTOR"), StartsWith("$"));
  EXPECT_THAT(Run("MEMORY MALLOC-STATS"), StartsWith("$"));
}

TEST_F(AdminTest, ConfigGetsAndSets) {
  EXPECT_EQ(Run("CONFIG GET maxclients"),
            "*2\r\n$10\r\nmaxclients\r\n$5\r\n10000\r\n");
  EXPECT_EQ(Run("CONFIG GET nosuch"), "*0\r\n");
  EXPECT_EQ(Run("CONFIG SET maxmemory 5mb timeout 7"), "+OK\r\n");
  EXPECT_EQ(
      Run("CONFIG GET maxmemory timeout"),
      "*4\r\n$9\r\nmaxmemory\r\n$7\r\n5242880\r\n$7\r\ntimeout\r\n$1\r\n7\r\n");
  EXPECT_EQ(Run("CONFIG SET maxmemory"),
            "-ERR wrong number of arguments for 'config|set' command\r\n");
  EXPECT_EQ(Run("CONFIG SET maxmemory 1 timeout"), "-ERR syntax error\r\n");
  EXPECT_EQ(Run("CONFIG SET nosuch 1"),
            "-ERR Unknown option or number of arguments for CONFIG SET - "
            "'nosuch'\r\n");
  EXPECT_EQ(Run("CONFIG SET databases 4"),
            "-ERR CONFIG SET failed (possibly related to argument 'databases') "
            "- can't set immutable config\r\n");
  EXPECT_EQ(Run("CONFIG SET maxmemory 1 maxmemory 2"),
            "-ERR CONFIG SET failed (possibly related to argument 'maxmemory') "
            "- duplicate parameter\r\n");
  EXPECT_EQ(Run("CONFIG REWRITE"),
            "-ERR The server is running without a config file\r\n");
}

TEST_F(AdminTest, ProtectedDirectivesAreSetFromThisHostOnlyIfAtAll) {
  EXPECT_EQ(Run("CONFIG SET dir /tmp"),
            "-ERR CONFIG SET failed (possibly related to argument 'dir') - "
            "can't set protected config\r\n");
}

TEST_F(AdminTest, APasswordThatIsTakenAwayIsAskedOfNobody) {
  Run("CONFIG SET requirepass x");
  bench.AddClient().session->own.authenticated = false;
  EXPECT_THAT(bench.Run("GET k", 1), StartsWith("-NOAUTH"));
  Run("CONFIG SET requirepass ");
  EXPECT_EQ(bench.Run("GET k", 1), "$-1\r\n");
}

}  // namespace
}  // namespace holdfast::server
