#include "server/commands/server_data.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "server/commands/keys_testing.h"

namespace holdfast::server {
namespace {

class ServerDataTest : public KeysTest {
 protected:
  // Whether a transaction of the other client, which watched, is called off.
  bool WatcherIsTold(absl::string_view change) {
    Do(change);
    DoAsOther("multi");
    DoAsOther("get x");
    return DoAsOther("exec") == "*-1\r\n";
  }
};

TEST_F(ServerDataTest, DbSizeCountsTheSelectedDatabase) {
  EXPECT_EQ(Do("dbsize"), Int(0));
  Do("mset a 1 b 2");
  Do("copy a a db 1");
  EXPECT_EQ(Do("dbsize"), Int(2));
  EXPECT_EQ(Do("dbsize x"),
            "-ERR wrong number of arguments for 'dbsize' command\r\n");
}

TEST_F(ServerDataTest, DbSizeInATransactionWithAnyLocks) {
  Do("multi");
  Do("dbsize");
  EXPECT_EQ(Do("exec"), absl::StrCat("*1\r\n", Int(0)));
  // A key of slot 0, which DBSIZE would lock otherwise.
  Do("multi");
  Do("set 3560 1");
  Do("dbsize");
  EXPECT_EQ(Do("exec"), absl::StrCat("*2\r\n+OK\r\n", Int(1)));
}

TEST_F(ServerDataTest, FlushDbLeavesTheOthers) {
  Do("mset a 1 b 2");
  Do("copy a a db 1");
  EXPECT_EQ(Do("flushdb"), kOkReply);
  EXPECT_EQ(Do("dbsize"), Int(0));
  Do("swapdb 0 1");
  EXPECT_EQ(Do("dbsize"), Int(1));
}

TEST_F(ServerDataTest, FlushAllTakesAll) {
  for (const char* line : {"flushall", "FLUSHALL async", "flushall SYNC"}) {
    Do("set a 1");
    Do("copy a a db 15");
    EXPECT_EQ(Do(line), kOkReply);
    EXPECT_EQ(Do("dbsize"), Int(0));
    Do("swapdb 0 15");
    EXPECT_EQ(Do("dbsize"), Int(0));
  }
}

TEST_F(ServerDataTest, FlushingTakesNoOtherOptions) {
  Do("set a 1");
  for (const char* line :
       {"flushall now", "flushdb now", "flushall sync async", "flushdb ''"}) {
    EXPECT_EQ(Do(line), kSyntaxReply) << line;
    EXPECT_EQ(EffectsOf(line), "") << line;
  }
  EXPECT_EQ(Do("dbsize"), Int(1));
}

TEST_F(ServerDataTest, FlushingNothingIsReplicatedAllTheSame) {
  EXPECT_EQ(EffectsOf("FlushAll"), "FlushAll");
  EXPECT_EQ(EffectsOf("flushdb async"), "flushdb async");
  Do("set a 1");
  EXPECT_EQ(EffectsOf("flushall"), "flushall");
}

TEST_F(ServerDataTest, FlushingCallsOffWatchersOfWhatWasThere) {
  Do("set a 1");
  DoAsOther("watch a");
  EXPECT_TRUE(WatcherIsTold("flushdb"));
  DoAsOther("watch a");
  EXPECT_FALSE(WatcherIsTold("flushall")) << "it did not exist before either";
  Do("copy a b");
  Do("set a 1");
  DoAsOther("watch a");
  EXPECT_TRUE(WatcherIsTold("flushall"));
}

TEST_F(ServerDataTest, SwapDbExchangesAndTellsWatchersOfBothEnds) {
  Do("set a 1");
  DoAsOther("watch a");
  EXPECT_TRUE(WatcherIsTold("swapdb 0 2"));
  EXPECT_EQ(Do("dbsize"), Int(0));
  DoAsOther("watch a");
  EXPECT_TRUE(WatcherIsTold("swapdb 2 0")) << "it came to be";
  DoAsOther("watch b");
  EXPECT_FALSE(WatcherIsTold("swapdb 2 0")) << "neither has it";
  DoAsOther("watch a");
  EXPECT_FALSE(WatcherIsTold("swapdb 3 4"));
}

TEST_F(ServerDataTest, SwapDbWithItselfChangesNothingButIsReplicated) {
  Do("set a 1");
  DoAsOther("watch a");
  EXPECT_FALSE(WatcherIsTold("swapdb 0 0"));
  EXPECT_EQ(EffectsOf("swapdb 0 0"), "swapdb 0 0");
  EXPECT_EQ(Do("get a"), Bulk("1"));
}

TEST_F(ServerDataTest, SwapDbRefusals) {
  EXPECT_EQ(Do("swapdb x 1"), "-ERR invalid first DB index\r\n");
  EXPECT_EQ(Do("swapdb 1 ''"), "-ERR invalid second DB index\r\n");
  EXPECT_EQ(Do("swapdb 1 2147483648"), "-ERR invalid second DB index\r\n");
  EXPECT_EQ(Do("swapdb 1 16"), kDbRangeReply);
  EXPECT_EQ(Do("swapdb -1 1"), kDbRangeReply);
  EXPECT_EQ(EffectsOf("swapdb 1 16"), "");
}

TEST_F(ServerDataTest, WholeDatabasesInsideATransaction) {
  Do("set a 1");
  Do("multi");
  for (const char* line :
       {"set b 1", "flushall", "set c 1", "swapdb 0 1", "dbsize"})
    Do(line);
  EXPECT_EQ(Do("exec"),
            absl::StrCat("*5\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n", Int(0)));
  Do("swapdb 0 1");
  EXPECT_EQ(Do("dbsize"), Int(1));
}

}  // namespace
}  // namespace holdfast::server
