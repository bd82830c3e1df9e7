#include "server/commands/keys.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "server/commands/keys_testing.h"

namespace holdfast::server {
namespace {

using KeyCommandsTest = KeysTest;

TEST_F(KeyCommandsTest, DelCountsWhatWasThere) {
  Do("mset a 1 b 2 c 3");
  EXPECT_EQ(Do("del a b nosuch a"), Int(2));
  EXPECT_EQ(Do("unlink c c"), Int(1));
  EXPECT_EQ(Do("dbsize"), Int(0));
  EXPECT_EQ(Do("del"), "-ERR wrong number of arguments for 'del' command\r\n");
}

TEST_F(KeyCommandsTest, DelOfNothingHasNoEffect) {
  EXPECT_EQ(EffectsOf("del nosuch"), "");
  Do("set a 1");
  EXPECT_EQ(EffectsOf("DEL a nosuch"), "DEL a nosuch");
}

TEST_F(KeyCommandsTest, AnExpiredKeyIsDeletedButNotCounted) {
  Do("set a 1 px 10");
  Advance(absl::Milliseconds(11));
  EXPECT_EQ(EffectsOf("del a"), "DEL a");
  Do("mset b 1");
  Do("set a 1 px 10");
  Advance(absl::Milliseconds(11));
  EXPECT_EQ(EffectsOf("del a b"), "MULTI; DEL a; del a b; EXEC");
}

TEST_F(KeyCommandsTest, ExistsAndTouchCountRepetitions) {
  Do("set a 1");
  EXPECT_EQ(Do("exists a a b"), Int(2));
  EXPECT_EQ(Do("touch a b a a"), Int(3));
}

TEST_F(KeyCommandsTest, OnlyTouchMakesAKeyRecentlyUsed) {
  Do("set a 1");
  Advance(absl::Seconds(10));
  for (const char* line :
       {"exists a", "type a", "ttl a", "object encoding a", "debug object a"})
    Do(line);
  EXPECT_EQ(Do("object idletime a"), Int(10));
  Do("touch a");
  EXPECT_EQ(Do("object idletime a"), Int(0));
}

TEST_F(KeyCommandsTest, Type) {
  Do("set a 1");
  EXPECT_EQ(Do("type a"), "+string\r\n");
  EXPECT_EQ(Do("type nosuch"), "+none\r\n");
}

TEST_F(KeyCommandsTest, RenameTakesValueAndExpiryAlong) {
  Do("set a x px 5000");
  Do("set b y");
  EXPECT_EQ(Do("rename a b"), kOkReply);
  EXPECT_EQ(Do("get b"), Bulk("x"));
  EXPECT_EQ(Do("pttl b"), Int(5000));
  EXPECT_EQ(Do("exists a"), Int(0));
}

TEST_F(KeyCommandsTest, RenameOverAnExpiringKeyDropsItsExpiry) {
  Do("set a x");
  Do("set b y px 5000");
  EXPECT_EQ(Do("rename a b"), kOkReply);
  EXPECT_EQ(Do("ttl b"), Int(-1));
}

TEST_F(KeyCommandsTest, MovingAKeyIsOneChangeWhateverWasThere) {
  const auto changes = [&](absl::string_view line) {
    const int64_t before = engine_.stats().changes_since_save.load();
    EXPECT_NE(Do(line)[0], '-') << line;
    return engine_.stats().changes_since_save.load() - before;
  };
  Do("mset a 1 b 2 c 3 e 4");
  EXPECT_EQ(changes("rename a b"), 1);
  EXPECT_EQ(changes("rename b d"), 1);
  EXPECT_EQ(changes("renamenx d d2"), 1);
  EXPECT_EQ(changes("renamenx d2 c"), 0);
  EXPECT_EQ(changes("move c 1"), 1);
  EXPECT_EQ(changes("copy e f"), 1);
  EXPECT_EQ(changes("copy e f replace"), 1);
  EXPECT_EQ(changes("rename e e"), 0);
}

TEST_F(KeyCommandsTest, RenameAndCopyTellTheWatchersOfWhatTheyReplace) {
  for (const char* line : {"rename a b", "copy a b replace"}) {
    Do("mset a 1 b 2");
    Do("watch b");
    EXPECT_EQ(DoAsOther(line)[0] == '-', false) << line;
    Do("multi");
    Do("get a");
    EXPECT_EQ(Do("exec"), "*-1\r\n") << line;
  }
  Do("set a 1");
  Do("watch a");
  DoAsOther("rename a z");
  Do("multi");
  EXPECT_EQ(Do("exec"), "*-1\r\n");
}

TEST_F(KeyCommandsTest, RenameRefusals) {
  EXPECT_EQ(Do("rename nosuch b"), kNoKeyReply);
  EXPECT_EQ(Do("rename nosuch nosuch"), kNoKeyReply);
  EXPECT_EQ(Do("renamenx nosuch b"), kNoKeyReply);
  Do("mset a 1 b 2");
  EXPECT_EQ(Do("renamenx a b"), Int(0));
  EXPECT_EQ(Do("get b"), Bulk("2"));
  EXPECT_EQ(Do("renamenx a a"), Int(0));
  EXPECT_EQ(Do("rename a a"), kOkReply);
  EXPECT_EQ(EffectsOf("rename a a"), "");
  EXPECT_EQ(EffectsOf("renamenx a b"), "");
  EXPECT_EQ(Do("renamenx a c"), Int(1));
}

TEST_F(KeyCommandsTest, RenameOverAnExpiredKeyDeletesItFirst) {
  Do("set old 1 px 1");
  Do("set a 2");
  Advance(absl::Milliseconds(2));
  EXPECT_EQ(EffectsOf("renamenx a old"),
            "MULTI; DEL old; renamenx a old; EXEC");
  EXPECT_EQ(Do("get old"), Bulk("2"));
}

TEST_F(KeyCommandsTest, MoveBetweenDatabases) {
  Do("set a x px 5000");
  EXPECT_EQ(Do("move a 3"), Int(1));
  EXPECT_EQ(Do("exists a"), Int(0));
  Do("set a other");
  EXPECT_EQ(Do("move a 3"), Int(0)) << "the target has one";
  EXPECT_EQ(Do("move nosuch 3"), Int(0));
  Do("swapdb 0 3");
  EXPECT_EQ(Do("get a"), Bulk("x"));
  EXPECT_EQ(Do("pttl a"), Int(5000));
}

TEST_F(KeyCommandsTest, MoveRefusals) {
  EXPECT_EQ(Do("move a 0"),
            "-ERR source and destination objects are the same\r\n");
  EXPECT_EQ(Do("move a 16"), kDbRangeReply);
  EXPECT_EQ(Do("move a -1"), kDbRangeReply);
  EXPECT_EQ(Do("move a x"), kNotIntegerReply);
  EXPECT_EQ(Do("move a 2147483648"),
            "-ERR value is out of range, value must between -2147483648 and "
            "2147483647\r\n");
}

TEST_F(KeyCommandsTest, CopyLeavesTheSource) {
  Do("set a x px 5000");
  EXPECT_EQ(Do("copy a b"), Int(1));
  EXPECT_EQ(Do("get a"), Bulk("x"));
  EXPECT_EQ(Do("get b"), Bulk("x"));
  EXPECT_EQ(Do("pttl b"), Int(5000));
  Do("append b y");
  EXPECT_EQ(Do("get a"), Bulk("x")) << "they share nothing";
}

TEST_F(KeyCommandsTest, CopyNeedsReplaceForATakenName) {
  Do("mset a 1 b 2");
  EXPECT_EQ(Do("copy a b"), Int(0));
  EXPECT_EQ(EffectsOf("copy a b REPLACE"), "copy a b REPLACE");
  EXPECT_EQ(Do("get b"), Bulk("1"));
  EXPECT_EQ(Do("copy a a"),
            "-ERR source and destination objects are the same\r\n");
  EXPECT_EQ(Do("copy nosuch b replace"), Int(0));
  EXPECT_EQ(Do("get b"), Bulk("1"));
}

TEST_F(KeyCommandsTest, CopyToAnotherDatabase) {
  Do("set a 1");
  EXPECT_EQ(Do("copy a a db 2"), Int(1));
  EXPECT_EQ(Do("copy a a db 2"), Int(0));
  EXPECT_EQ(Do("copy a a db 0"),
            "-ERR source and destination objects are the same\r\n");
  EXPECT_EQ(Do("copy a b db 16"), kDbRangeReply);
  EXPECT_EQ(Do("copy a b db x"), kNotIntegerReply);
  EXPECT_EQ(Do("copy a b db"), kSyntaxReply);
  EXPECT_EQ(Do("copy a b nonsense"), kSyntaxReply);
}

TEST_F(KeyCommandsTest, CopyKeepsTheEncoding) {
  const std::string limit(44, 'x');
  Do({"set", "long", limit + "y"});
  Do({"set", "short", limit});
  Do("set int 123");
  Do("set appended a");
  Do("append appended b");
  Do("incrbyfloat float 3");
  for (const char* key : {"long", "short", "int", "appended", "float"}) {
    Do(absl::StrCat("expire ", key, " 100"));
    EXPECT_EQ(Do(absl::StrCat("copy ", key, " copy replace")), Int(1));
    EXPECT_EQ(Do("get copy"), Do(absl::StrCat("get ", key)));
    EXPECT_EQ(Do("object encoding copy"),
              Do(absl::StrCat("object encoding ", key)))
        << key;
    EXPECT_EQ(Do("ttl copy"), Int(100)) << key;
  }
}

TEST_F(KeyCommandsTest, WatchersSeeBothEndsOfAMove) {
  for (const char* watched : {"a", "b"}) {
    Do("set a 1");
    DoAsOther(absl::StrCat("watch ", watched));
    Do("rename a b");
    DoAsOther("multi");
    DoAsOther("get x");
    EXPECT_EQ(DoAsOther("exec"), "*-1\r\n") << watched;
  }
}

TEST_F(KeyCommandsTest, AReplicaLeavesExpiredKeysToItsPrimary) {
  Do("set a 1 px 10");
  Advance(absl::Milliseconds(11));
  BecomeReplica(true);
  EXPECT_EQ(Do("exists a"), Int(0));
  EXPECT_EQ(Do("dbsize"), Int(1));
  EXPECT_TRUE(Apply("rename a b").ok()) << "the primary's stream sees it";
  EXPECT_TRUE(Apply("del b").ok());
  EXPECT_EQ(Do("dbsize"), Int(0));
  EXPECT_FALSE(Apply("rename a b").ok());
}

}  // namespace
}  // namespace holdfast::server
