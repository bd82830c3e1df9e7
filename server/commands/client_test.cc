#include "server/commands/client.h"

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/commands/admin_testing.h"
#include "server/commands/client_list.h"
#include "server/commands/string.h"
#include "server/transaction/transaction.h"

namespace holdfast::server {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

class ClientTest : public testing::Test {
 protected:
  AdminBench bench{{ClientCommands(), StringCommands(), TransactionCommands()}};
  std::string Run(absl::string_view line, size_t client = 0) {
    return bench.Run(line, client);
  }
};

TEST_F(ClientTest, LineHasTheFieldsOfRedisInTheirOrder) {
  const std::string line = Run("CLIENT INFO");
  EXPECT_THAT(
      line, MatchesRegex("\\$[0-9]+\r\nid=1 addr=10.0.0.1:1001 "
                         "laddr=10.0.0.9:6379 fd=-1 name= age=0 idle=0 flags=N "
                         "db=0 sub=0 psub=0 ssub=0 multi=-1 qbuf=0 qbuf-free=0 "
                         "argv-mem=10 multi-mem=0 rbs=0 rbp=0 "
                         "obl=0 oll=0 omem=0 tot-mem=[0-9]+ events=r "
                         "cmd=client\\|info user=default redir=-1 resp=2 "
                         "lib-name= lib-ver=\n\r\n"));
}

TEST_F(ClientTest, LineFollowsWhatTheClientDoes) {
  Run("MULTI");
  Run("SET k v");
  bench.clients[0].session->unix_socket.store(true);
  Run("CLIENT NO-EVICT on");
  EXPECT_THAT(DescribeSession(*bench.clients[0].session, 0),
              HasSubstr("flags=xU db=0"));
  EXPECT_THAT(DescribeSession(*bench.clients[0].session, 0),
              HasSubstr("multi=2 "));
  Run("DISCARD");
  EXPECT_EQ(Run("CLIENT NO-EVICT on"), "+OK\r\n");
  EXPECT_EQ(Run("CLIENT NO-TOUCH ON"), "+OK\r\n");
  EXPECT_THAT(Run("CLIENT INFO"), HasSubstr("flags=UeT "));
  bench.clock.Advance(absl::Seconds(7));
  EXPECT_THAT(DescribeSession(*bench.clients[0].session,
                              bench.clock.Now().nanos() / 1000000),
              HasSubstr("age=7 idle=7 "));
}

TEST_F(ClientTest, ListSelectsByTypeAndId) {
  bench.AddClient().session->kind.store(SessionKind::kReplica);
  bench.AddClient();
  EXPECT_THAT(Run("CLIENT LIST TYPE replica"),
              MatchesRegex("\\$[0-9]+\r\nid=2 [^\n]*\n\r\n"));
  EXPECT_THAT(Run("CLIENT LIST TYPE Slave"), HasSubstr("id=2 "));
  EXPECT_EQ(Run("CLIENT LIST TYPE pubsub"), "$0\r\n\r\n");
  EXPECT_THAT(Run("CLIENT LIST ID 3 99 1"),
              MatchesRegex("\\$[0-9]+\r\nid=3 [^\n]*\nid=1 [^\n]*\n\r\n"));
  EXPECT_EQ(Run("CLIENT LIST ID 0 -5"), "$0\r\n\r\n");
  EXPECT_EQ(Run("CLIENT LIST TYPE foo"), "-ERR Unknown client type 'foo'\r\n");
  EXPECT_EQ(Run("CLIENT LIST ID x"), "-ERR Invalid client ID\r\n");
  for (const char* line : {"CLIENT LIST ID", "CLIENT LIST foo",
                           "CLIENT LIST TYPE", "CLIENT LIST TYPE normal x"}) {
    EXPECT_EQ(Run(line), "-ERR syntax error\r\n") << line;
  }
}

TEST_F(ClientTest, KillByAddressKillsOneAndNobodyIsAnError) {
  bench.AddClient();
  EXPECT_EQ(Run("CLIENT KILL 10.0.0.1:1002"), "+OK\r\n");
  EXPECT_TRUE(bench.clients[1].session->killed());
  EXPECT_EQ(Run("CLIENT KILL 10.0.0.1:1002"), "-ERR No such client\r\n");
  EXPECT_THAT(Run("CLIENT LIST"), Not(HasSubstr("id=2 ")));
  // Oneself: after the reply.
  EXPECT_EQ(Run("CLIENT KILL 10.0.0.1:1001"), "+OK\r\n");
  EXPECT_TRUE(bench.clients[0].session->own.close_after_reply);
  EXPECT_FALSE(bench.clients[0].session->killed());
}

TEST_F(ClientTest, KillTakesAllThatMatchEveryFilterAndSparesOneself) {
  for (int i = 0; i < 4; ++i) bench.AddClient();
  bench.clients[1].session->kind.store(SessionKind::kReplica);
  bench.clients[2].session->kind.store(SessionKind::kPrimary);
  EXPECT_EQ(Run("CLIENT KILL TYPE replica ID 3"), ":0\r\n");
  EXPECT_EQ(Run("CLIENT KILL TYPE slave ID 2"), ":1\r\n");
  EXPECT_TRUE(bench.clients[1].session->killed());
  EXPECT_EQ(Run("CLIENT KILL TYPE MASTER"), ":1\r\n");
  EXPECT_TRUE(bench.clients[2].session->killed());
  EXPECT_EQ(Run("CLIENT KILL USER default SKIPME yes"), ":2\r\n");
  EXPECT_FALSE(bench.clients[0].session->own.close_after_reply);
  EXPECT_EQ(Run("CLIENT KILL LADDR 10.0.0.9:6379 SKIPME no"), ":1\r\n");
  EXPECT_TRUE(bench.clients[0].session->own.close_after_reply);
}

TEST_F(ClientTest, KillRefusesWhatItDoesNotUnderstandAndKillsNobody) {
  bench.AddClient();
  EXPECT_EQ(Run("CLIENT KILL"),
            "-ERR wrong number of arguments for 'client|kill' command\r\n");
  for (const char* line :
       {"CLIENT KILL ID 10 wrong_arg", "CLIENT KILL SKIPME maybe x y",
        "CLIENT KILL SKIPME maybe", "CLIENT KILL TYPE normal ID",
        "CLIENT KILL foo bar"}) {
    EXPECT_EQ(Run(line), "-ERR syntax error\r\n") << line;
  }
  for (const char* id : {"str", "-1", "0", "99999999999999999999"}) {
    EXPECT_EQ(Run(absl::StrCat("CLIENT KILL ID ", id)),
              "-ERR client-id should be greater than 0\r\n");
  }
  EXPECT_EQ(Run("CLIENT KILL TYPE wrong"),
            "-ERR Unknown client type 'wrong'\r\n");
  EXPECT_EQ(Run("CLIENT KILL USER wrong"), "-ERR No such user 'wrong'\r\n");
  EXPECT_FALSE(bench.clients[1].session->killed());
}

TEST_F(ClientTest, NamesAreOneWordOfVisibleCharacters) {
  EXPECT_EQ(Run("CLIENT GETNAME"), "$-1\r\n");
  EXPECT_EQ(Run("CLIENT SETNAME me"), "+OK\r\n");
  EXPECT_EQ(Run("CLIENT GETNAME"), "$2\r\nme\r\n");
  const std::string refused =
      "-ERR Client names cannot contain spaces, newlines or special "
      "characters.\r\n";
  for (const absl::string_view name : {"a b", "a\n", "\x7f", "\xc3\xa4"}) {
    EXPECT_EQ(bench.RunArgs({"client", "setname", name}), refused);
  }
  EXPECT_EQ(bench.RunArgs({"client", "setname", ""}), "+OK\r\n");
  EXPECT_EQ(Run("CLIENT GETNAME"), "$-1\r\n");
}

TEST_F(ClientTest, SetInfoNotesTheLibrary) {
  EXPECT_EQ(Run("CLIENT SETINFO lib-name jedis"), "+OK\r\n");
  EXPECT_EQ(Run("CLIENT SETINFO LIB-VER 1.2"), "+OK\r\n");
  EXPECT_THAT(Run("CLIENT INFO"), HasSubstr(" lib-name=jedis lib-ver=1.2\n"));
  EXPECT_EQ(Run("CLIENT SETINFO foo bar"),
            "-ERR Unrecognized option 'foo'\r\n");
  EXPECT_EQ(bench.RunArgs({"client", "setinfo", "lib-ver", "a b"}),
            "-ERR lib-ver cannot contain spaces, newlines or special "
            "characters.\r\n");
  EXPECT_EQ(bench.RunArgs({"client", "setinfo", "lib-name", ""}), "+OK\r\n");
  EXPECT_THAT(Run("CLIENT INFO"), HasSubstr(" lib-name= lib-ver=1.2\n"));
}

TEST_F(ClientTest, ReplyOffSilencesAndSkipSkipsOne) {
  EXPECT_EQ(Run("CLIENT REPLY OFF"), "");
  EXPECT_EQ(Run("GET k"), "");
  EXPECT_EQ(Run("CLIENT REPLY skip"), "");
  EXPECT_EQ(Run("CLIENT REPLY foo"), "");
  EXPECT_EQ(Run("CLIENT REPLY ON"), "+OK\r\n");
  EXPECT_EQ(Run("GET k"), "$-1\r\n");
  EXPECT_EQ(Run("CLIENT REPLY SKIP"), "");
  EXPECT_EQ(Run("GET k"), "");
  EXPECT_EQ(Run("GET k"), "$-1\r\n");
  EXPECT_EQ(Run("CLIENT REPLY SKIP"), "");
  EXPECT_EQ(Run("CLIENT REPLY ON"), "+OK\r\n");
  EXPECT_EQ(Run("CLIENT REPLY foo"), "-ERR syntax error\r\n");
}

TEST_F(ClientTest, PauseHoldsWritesUntilUnpaused) {
  bench.AddClient();
  EXPECT_EQ(Run("CLIENT PAUSE 100000 WRITE"), "+OK\r\n");
  EXPECT_EQ(Run("GET k", 1), "$-1\r\n");
  std::string written;
  std::thread writer([&] { written = Run("SET k v", 1); });
  while (!bench.clients[1].session->blocked.load()) std::this_thread::yield();
  EXPECT_EQ(Run("GET k"), "$-1\r\n");
  EXPECT_EQ(Run("CLIENT UNPAUSE"), "+OK\r\n");
  writer.join();
  EXPECT_EQ(written, "+OK\r\n");
  EXPECT_EQ(Run("GET k"), "$1\r\nv\r\n");
}

TEST_F(ClientTest, PauseInATransactionDoesNotWaitForItself) {
  Run("MULTI");
  Run("SET k v");
  Run("CLIENT PAUSE 1 WRITE");
  EXPECT_THAT(Run("EXEC"), StartsWith("*2\r\n+OK\r\n+OK\r\n"));
}

TEST_F(ClientTest, PauseRefusesBadTimeouts) {
  EXPECT_EQ(Run("CLIENT PAUSE x"),
            "-ERR timeout is not an integer or out of range\r\n");
  EXPECT_EQ(Run("CLIENT PAUSE -1"), "-ERR timeout is negative\r\n");
  EXPECT_EQ(Run("CLIENT PAUSE 9223372036854775807"),
            "-ERR timeout is out of range\r\n");
  EXPECT_EQ(Run("CLIENT PAUSE 1 foo"),
            "-ERR CLIENT PAUSE mode must be WRITE or ALL\r\n");
  EXPECT_EQ(Run("CLIENT PAUSE 1 all x"),
            "-ERR unknown subcommand or wrong number of arguments for 'PAUSE'. "
            "Try CLIENT HELP.\r\n");
  EXPECT_EQ(bench.engine->pause().mode(), Pause::Mode::kNone);
}

TEST_F(ClientTest, UnblockReachesOneThatWaits) {
  bench.AddClient();
  EXPECT_EQ(Run("CLIENT UNBLOCK 2"), ":0\r\n");
  EXPECT_EQ(Run("CLIENT UNBLOCK 77"), ":0\r\n");
  EXPECT_EQ(Run("CLIENT UNBLOCK -1"), ":0\r\n");
  std::vector<std::string> calls;
  bench.clients[1].session->set_unblocker([&calls](absl::string_view error) {
    calls.emplace_back(error);
    return calls.size() < 3;
  });
  EXPECT_EQ(Run("CLIENT UNBLOCK 2"), ":1\r\n");
  EXPECT_EQ(Run("CLIENT UNBLOCK 2 error"), ":1\r\n");
  EXPECT_EQ(Run("CLIENT UNBLOCK 2 TIMEOUT"), ":0\r\n");
  EXPECT_EQ(calls, (std::vector<std::string>{
                       "", "UNBLOCKED client unblocked via CLIENT UNBLOCK", ""}));
  EXPECT_EQ(Run("CLIENT UNBLOCK x"),
            "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Run("CLIENT UNBLOCK 1 foo"),
            "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n");
}

TEST_F(ClientTest, TrackingSaysThatItIsNotThere) {
  EXPECT_EQ(Run("CLIENT TRACKING off"), "+OK\r\n");
  EXPECT_EQ(Run("CLIENT TRACKING ON"),
            "-ERR client tracking is not supported yet\r\n");
  EXPECT_EQ(Run("CLIENT TRACKING on BCAST PREFIX a"),
            "-ERR client tracking is not supported yet\r\n");
  EXPECT_EQ(Run("CLIENT TRACKING on foo"), "-ERR syntax error\r\n");
  EXPECT_EQ(Run("CLIENT TRACKING foo"), "-ERR syntax error\r\n");
  EXPECT_EQ(Run("CLIENT GETREDIR"), ":-1\r\n");
  EXPECT_EQ(Run("CLIENT TRACKINGINFO"),
            "*6\r\n$5\r\nflags\r\n*1\r\n$3\r\noff\r\n$8\r\nredirect\r\n:-1\r\n$"
            "8\r\nprefixes\r\n*0\r\n");
  EXPECT_THAT(Run("CLIENT CACHING yes"),
              StartsWith("-ERR CLIENT CACHING can be called only when"));
}

TEST_F(ClientTest, NoTouchLeavesTheAccessTimeAlone) {
  Run("SET k v");
  const uint32_t before =
      bench.engine->keyspace().db(0).Find(KeyRef("k"))->access();
  bench.clock.Advance(absl::Seconds(100));
  bench.engine->TickLruClock();
  Run("CLIENT NO-TOUCH on");
  Run("GET k");
  EXPECT_EQ(bench.engine->keyspace().db(0).Find(KeyRef("k"))->access(), before);
  Run("CLIENT NO-TOUCH off");
  Run("GET k");
  EXPECT_NE(bench.engine->keyspace().db(0).Find(KeyRef("k"))->access(), before);
  EXPECT_EQ(Run("CLIENT NO-TOUCH maybe"), "-ERR syntax error\r\n");
}

TEST_F(ClientTest, HelpNamesTheCommand) {
  EXPECT_THAT(Run("CLIENT HELP"),
              HasSubstr("+CLIENT <subcommand> [<arg> [value] [opt] ...]. "
                        "Subcommands are:\r\n"));
  EXPECT_EQ(Run("CLIENT foo"),
            "-ERR unknown subcommand 'foo'. Try CLIENT HELP.\r\n");
}

}  // namespace
}  // namespace holdfast::server
