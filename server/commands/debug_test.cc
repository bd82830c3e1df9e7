#include "server/commands/debug.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "server/commands/debug_digest.h"
#include "server/commands/keys_testing.h"

namespace holdfast::server {
namespace {

using DebugTest = KeysTest;

std::string Simple(absl::string_view s) { return absl::StrCat("+", s, "\r\n"); }
const std::string kNoDigest(40, '0');

// Digests here are what redis-server 7.0.15 said of the same data.
TEST_F(DebugTest, DigestsAreThoseOfRedis) {
  EXPECT_EQ(Do("debug digest"), Simple(kNoDigest));
  Do("set a 1");
  EXPECT_EQ(Do("debug digest"),
            Simple("943d800368fb9c0e951138f1bc0e313ac769d91f"));
  Do("flushall");
  EXPECT_EQ(Do("debug digest"), Simple(kNoDigest));
}

TEST_F(DebugTest, DigestOfManyDatabasesAndExpiries) {
  Do("set a 1");
  Do("set b hello ex 1000");
  Do({"set", "long", std::string(300, 'y')});
  Do("copy a z db 3");
  Do("copy b b db 15");
  EXPECT_EQ(Do("debug digest"),
            Simple("5785548695c5fc08963f52054f3a52955f3e5f7a"));
  EXPECT_EQ(
      Do("debug digest-value a b nosuch"),
      absl::StrCat("*3\r\n", Simple("b4fc66738120fba0b5aa500ab5c2bf89cea1c5da"),
                   Simple("d037c4eb8a8b36b602fbced4000daeab0714c1e3"),
                   Simple(kNoDigest)));
}

TEST_F(DebugTest, DigestTellsDifferencesApart) {
  Do("set a 1");
  const std::string one = Do("debug digest");
  Do("expire a 100");
  EXPECT_NE(Do("debug digest"), one);
  Do("expire a 200");
  const std::string expiring = Do("debug digest");
  Do("expire a 300");
  EXPECT_EQ(Do("debug digest"), expiring) << "when it expires is not in it";
  Do("persist a");
  EXPECT_EQ(Do("debug digest"), one);
  Do("swapdb 0 1");
  EXPECT_NE(Do("debug digest"), one);
}

TEST_F(DebugTest, DigestIncludesWhatHasExpired) {
  Do("set a 1 px 10");
  const std::string before = Do("debug digest");
  const std::string value = Do("debug digest-value a");
  Advance(absl::Milliseconds(11));
  EXPECT_EQ(Do("debug digest"), before);
  EXPECT_EQ(Do("debug digest-value a"), value);
}

TEST_F(DebugTest, MixingIsOrderedAndXorIsNot) {
  DatasetDigest ab, ba, x, y;
  ab.Mix("a");
  ab.Mix("b");
  ba.Mix("b");
  ba.Mix("a");
  EXPECT_NE(ab.Hex(), ba.Hex());
  x.Xor("a");
  x.Xor("b");
  y.Xor("b");
  y.Xor("a");
  EXPECT_EQ(x.Hex(), y.Hex());
  EXPECT_EQ(DatasetDigest().Hex(), kNoDigest);
}

TEST_F(DebugTest, RefusedUnlessAllowed) {
  const std::string refusal =
      "-ERR DEBUG command not allowed. If the enable-debug-command option is "
      "set to \"local\", you can run it from a "
      "local connection, otherwise you need to set this option in the "
      "configuration file, and then restart the "
      "server.\r\n";
  ASSERT_TRUE(engine_.config().LoadText("enable-debug-command local\n").ok());
  EXPECT_EQ(Do("debug digest"), refusal) << "the test's address is not local";
  session_.unix_socket = true;
  EXPECT_EQ(Do("debug digest"), Simple(kNoDigest));
  ASSERT_TRUE(engine_.config().LoadText("enable-debug-command no\n").ok());
  EXPECT_EQ(Do("debug digest"), refusal);
  EXPECT_EQ(Do("debug panic"), refusal);
  EXPECT_EQ(Do("debug segfault"), refusal);
}

TEST_F(DebugTest, UnknownSubcommandsAndCounts) {
  const auto unknown = [](absl::string_view name) {
    return absl::StrCat(
        "-ERR unknown subcommand or wrong number of arguments for '", name,
        "'. Try DEBUG HELP.\r\n");
  };
  EXPECT_EQ(Do("debug nonsense"), unknown("nonsense"));
  EXPECT_EQ(Do("debug JMAP"), unknown("JMAP"));
  EXPECT_EQ(Do("debug object"), unknown("object"));
  EXPECT_EQ(Do("debug sleep"), unknown("sleep"));
  EXPECT_EQ(Do("debug digest x"), unknown("digest"));
  EXPECT_EQ(Do("debug"),
            "-ERR wrong number of arguments for 'debug' command\r\n");
  EXPECT_EQ(Do(absl::StrCat("debug ", std::string(1000, 'x'))),
            unknown(std::string(128, 'x')));
}

TEST_F(DebugTest, WhatIsNotThereSaysSo) {
  EXPECT_EQ(Do("debug crash-and-recover"),
            "-ERR DEBUG crash-and-recover is not supported by this server\r\n");
}

TEST_F(DebugTest, ObjectDescribesTheValue) {
  Do("set a hello");
  Advance(absl::Seconds(7));
  const std::string reply = Do("debug object a");
  EXPECT_TRUE(absl::StartsWith(reply, "+Value at:0x")) << reply;
  EXPECT_TRUE(absl::StrContains(
      reply, " refcount:1 encoding:embstr serializedlength:6 lru:"))
      << reply;
  EXPECT_TRUE(absl::StrContains(reply, " lru_seconds_idle:7\r\n")) << reply;
  EXPECT_EQ(Do("debug object nosuch"), kNoKeyReply);
  EXPECT_EQ(Do("debug listpack a"), "-ERR Not a listpack encoded object.\r\n");
  EXPECT_EQ(Do("debug quicklist nosuch"), kNoKeyReply);
}

TEST_F(DebugTest, PopulateFillsWhatIsMissing) {
  Do("set key:1 mine");
  EXPECT_EQ(EffectsOf("debug populate 3"), "") << "nothing of it is replicated";
  EXPECT_EQ(
      Do("mget key:0 key:1 key:2"),
      absl::StrCat("*3\r\n", Bulk("value:0"), Bulk("mine"), Bulk("value:2")));
  EXPECT_EQ(Do("debug populate 2 p 10"), kOkReply);
  EXPECT_EQ(Do("get p:1"), Bulk(absl::string_view("value:1\0\0\0", 10)));
  Do("debug populate 1 q 3");
  EXPECT_EQ(Do("get q:0"), Bulk("val"));
  EXPECT_EQ(Do("debug populate x"),
            "-ERR value is out of range, must be positive\r\n");
  EXPECT_EQ(Do("debug populate -1"),
            "-ERR value is out of range, must be positive\r\n");
  EXPECT_EQ(Do("debug populate 1 a -1"),
            "-ERR value is out of range, must be positive\r\n");
  EXPECT_EQ(
      Do("debug populate 1 a 9223372036854775807"),
      "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n");
}

TEST_F(DebugTest, PopulateAndDigestInsideATransaction) {
  Do("multi");
  Do("debug populate 2");
  Do("dbsize");
  Do("debug digest-value key:0 nosuch");
  const std::string reply = Do("exec");
  EXPECT_TRUE(
      absl::StartsWith(reply, absl::StrCat("*3\r\n+OK\r\n", Int(2), "*2\r\n+")))
      << reply;
}

TEST_F(DebugTest, ReplicateFeedsTheLogOnly) {
  EXPECT_EQ(EffectsOf("debug replicate SET a 1"), "SET a 1");
  EXPECT_EQ(Do("exists a"), Int(0));
}

TEST_F(DebugTest, SwitchesAndTexts) {
  EXPECT_EQ(Do("debug set-active-expire 0"), kOkReply);
  EXPECT_FALSE(engine_.active_expire());
  EXPECT_EQ(Do("debug set-active-expire 1"), kOkReply);
  EXPECT_TRUE(engine_.active_expire());
  EXPECT_EQ(Do("debug error FOO"), "-FOO\r\n");
  EXPECT_EQ(Do({"debug", "error", "a\r\nb"}), "-a  b\r\n");
  EXPECT_EQ(Do("debug log hello"), kOkReply);
  const std::string id = engine_.log().replication_id().id;
  EXPECT_EQ(Do("debug change-repl-id"), kOkReply);
  EXPECT_NE(engine_.log().replication_id().id, id);
  EXPECT_EQ(Do("debug htstats 16"), "-ERR Out of range database\r\n");
  Do("set a 1");
  EXPECT_TRUE(
      absl::StrContains(Do("debug htstats 0"), " number of elements: 1\n"));
}

TEST_F(DebugTest, SleepEndsAtOnceWithoutATime) {
  for (const char* seconds : {"0", "-5", "nan", "x", "0.001"}) {
    EXPECT_EQ(Do(absl::StrCat("debug sleep ", seconds)), kOkReply) << seconds;
  }
  session_.Kill();
  Do("debug sleep 100000000");  // Returns: nobody is there to reply to.
}

TEST_F(DebugTest, PackedStructuresGoToTheLog) {
  Do("hset h f v");
  Do("zadd z 1 m");
  Do("rpush l a b");
  Do("sadd s a b");
  const std::string listpack = "+Listpack structure printed on stdout\r\n";
  EXPECT_EQ(Do("debug listpack h"), listpack);
  EXPECT_EQ(Do("debug listpack z"), listpack);
  for (const char* other : {"l", "s"}) {
    EXPECT_EQ(Do(absl::StrCat("debug listpack ", other)),
              "-ERR Not a listpack encoded object.\r\n");
  }
  const std::string quicklist = "+Quicklist structure printed on stdout\r\n";
  EXPECT_EQ(Do("debug quicklist l"), quicklist);
  EXPECT_EQ(Do("debug quicklist l 1"), quicklist);
  EXPECT_EQ(Do("debug quicklist h"),
            "-ERR Not a quicklist encoded object.\r\n");
  Do({"hset", "h", "f", std::string(100, 'x')});
  EXPECT_EQ(Do("debug listpack h"), "-ERR Not a listpack encoded object.\r\n");
  EXPECT_EQ(Do("debug listpack nosuch"), kNoKeyReply);
}

TEST_F(DebugTest, QuicklistThresholds) {
  const std::string bad =
      "-ERR argument must be a memory value bigger than 1 and smaller than "
      "4gb\r\n";
  for (const char* good : {"0", "1", "100b", "4095mb", "4293918720", "1GB"}) {
    EXPECT_EQ(Do(absl::StrCat("debug quicklist-packed-threshold ", good)),
              kOkReply)
        << good;
  }
  for (const char* wrong :
       {"4gb", "4293918721", "x", "1x", "-1", "99999999999999999999", "1 b"}) {
    EXPECT_EQ(Do({"debug", "quicklist-packed-threshold", wrong}), bad) << wrong;
  }
}

TEST_F(DebugTest, ProtocolInBothVersions) {
  EXPECT_EQ(Do("debug protocol double"), Bulk("3.141"));
  EXPECT_EQ(Do("debug protocol map"),
            "*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n");
  EXPECT_EQ(Do("debug protocol push"),
            "-ERR RESP2 is not supported by this command\r\n");
  EXPECT_EQ(Do("debug protocol attrib"),
            Bulk("Some real reply following the attribute"));
  session_.protocol = 3;
  EXPECT_EQ(Do("debug protocol double"), ",3.141\r\n");
  EXPECT_EQ(Do("debug protocol map"),
            "%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n");
  EXPECT_EQ(Do("debug protocol set"), "~3\r\n:0\r\n:1\r\n:2\r\n");
  EXPECT_EQ(Do("debug protocol verbatim"),
            "=29\r\ntxt:This is a verbatim\nstring\r\n");
  EXPECT_TRUE(absl::StartsWith(Do("debug protocol push"),
                               ">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n$"));
  EXPECT_TRUE(absl::StartsWith(Do("debug protocol attrib"),
                               "|1\r\n$14\r\nkey-popularity\r\n*2\r\n"));
  EXPECT_TRUE(
      absl::StartsWith(Do("debug protocol nonsense"),
                       "-ERR Wrong protocol type name. Please use one"));
}

}  // namespace
}  // namespace holdfast::server
