#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "server/commands/keys_testing.h"

namespace holdfast::server {
namespace {

constexpr char kNullArrayReply[] = "*-1\r\n";
constexpr char kEmptyReply[] = "*0\r\n";
constexpr char kBadIdReply[] =
    "-ERR Invalid stream ID specified as stream command argument\r\n";
constexpr char kNotGreaterReply[] =
    "-ERR The ID specified in XADD is equal or smaller than the target stream "
    "top item\r\n";
constexpr char kWrongTypeReply[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

class StreamTest : public KeysTest {
 protected:
  // As the reply shows it: an entry with the field "f".
  static std::string Entry(absl::string_view id, absl::string_view value) {
    return absl::StrCat("*2\r\n", Bulk(id), "*2\r\n", Bulk("f"), Bulk(value));
  }
  // The ids of all entries.
  std::string Ids(absl::string_view key) {
    const std::string reply = Do(absl::StrCat("xrange ", key, " - +"));
    std::string ids;
    for (size_t at = 0; (at = reply.find("*2\r\n$", at)) != std::string::npos;
         at += 4) {
      const size_t begin = reply.find('\n', at + 4) + 1;
      const std::string word =
          reply.substr(begin, reply.find('\r', begin) - begin);
      if (absl::StrContains(word, '-'))
        absl::StrAppend(&ids, ids.empty() ? "" : " ", word);
    }
    return ids;
  }
  void Fill(absl::string_view key, int count) {
    for (int i = 1; i <= count; ++i)
      Do(absl::StrCat("xadd ", key, " ", i, " f v"));
  }
  std::string Now() const { return absl::StrCat(NowMs()); }
};

// --- Entries ---

TEST_F(StreamTest, AddsWithIdsOfAllForms) {
  EXPECT_EQ(Do("xadd s 1-1 f a"), Bulk("1-1"));
  EXPECT_EQ(Do("xadd s 1-* f b"), Bulk("1-2"));
  EXPECT_EQ(Do("xadd s 2 f c"), Bulk("2-0"));
  EXPECT_EQ(Do("xadd s * f d"), Bulk(Now() + "-0"));
  EXPECT_EQ(Do("xadd s * f d"), Bulk(Now() + "-1"));
  EXPECT_EQ(Do("xlen s"), Int(5));
  EXPECT_EQ(Do("xadd s 2-0 f x"), kNotGreaterReply);
  EXPECT_EQ(Do("xadd new 0-* f x"), Bulk("0-1"));
  EXPECT_EQ(Do("type s"), "+stream\r\n");
  EXPECT_EQ(Do("object encoding s"), Bulk("stream"));
}

TEST_F(StreamTest, RefusesIdsAndFieldsThatAreNone) {
  for (const char* id : {"x", "1-x", "-", "+", "$", "(1", "''"})
    EXPECT_EQ(Do(absl::StrCat("xadd s ", id, " f v")), kBadIdReply) << id;
  EXPECT_EQ(Do("xadd s 0-0 f v"),
            "-ERR The ID specified in XADD must be greater than 0-0\r\n");
  const char kArity[] = "-ERR wrong number of arguments for 'xadd' command\r\n";
  EXPECT_EQ(Do("xadd s * f"), kArity);
  EXPECT_EQ(Do("xadd s * f v g"), kArity);
  EXPECT_EQ(Do("xadd s maxlen 5 *"), kArity);
  EXPECT_EQ(Do("exists s"), Int(0));
  Do("set string v");
  EXPECT_EQ(Do("xadd string * f v"), kWrongTypeReply);
  EXPECT_EQ(Do("xadd s nomkstream * f v"), kNullReply);
  EXPECT_EQ(Do("exists s"), Int(0));
}

TEST_F(StreamTest, TheLastOfAllIdsIsTheLast) {
  const char kMax[] = "18446744073709551615-18446744073709551615";
  EXPECT_EQ(Do(absl::StrCat("xadd s ", kMax, " f v")), Bulk(kMax));
  EXPECT_EQ(Do("xadd s * f v"),
            "-ERR The stream has exhausted the last possible ID, unable to add "
            "more items\r\n");
  EXPECT_EQ(Do(absl::StrCat("xrange s (", kMax, " +")),
            "-ERR invalid start ID for the interval\r\n");
  EXPECT_EQ(Do("xrange s - (0-0"), "-ERR invalid end ID for the interval\r\n");
  Do("xadd t 5-18446744073709551615 f v");
  EXPECT_EQ(Do("xadd t 5-* f v"), kNotGreaterReply);
}

TEST_F(StreamTest, RangesInBothDirections) {
  Fill("s", 3);
  EXPECT_EQ(Do("xrange s - + count 1"),
            absl::StrCat("*1\r\n", Entry("1-0", "v")));
  EXPECT_EQ(Do("xrevrange s + (2 count 5"),
            absl::StrCat("*1\r\n", Entry("3-0", "v")));
  EXPECT_EQ(Do("xrange s 2 1"), kEmptyReply);
  EXPECT_EQ(Do("xrange s - + count 0"), kNullArrayReply);
  EXPECT_EQ(Do("xrange s - + count -5"), kNullArrayReply);
  EXPECT_EQ(Do("xrange nosuch - + count 0"), kEmptyReply);
  EXPECT_EQ(Do("xrange s - + count"), kSyntaxReply);
  EXPECT_EQ(Do("xrange s - + count x"), kNotIntegerReply);
  EXPECT_EQ(Do("xrange s x +"), kBadIdReply);
}

TEST_F(StreamTest, ReplicasGetTheIdAndTheExactTrimming) {
  Fill("s", 5);
  EXPECT_EQ(EffectsOf("xadd s * f v"),
            absl::StrCat("xadd s ", Now(), "-0 f v"));
  EXPECT_EQ(EffectsOf("xadd t 1-* f v"), "xadd t 1-0 f v");
  EXPECT_EQ(EffectsOf("xadd t 7 f v"), "xadd t 7 f v");
  EXPECT_EQ(EffectsOf("xtrim s maxlen 5"), "xtrim s maxlen 5");
  EXPECT_EQ(EffectsOf("xtrim s maxlen 5"), "");
  EXPECT_EQ(Do("xtrim s maxlen = 0"), Int(5));
  EXPECT_EQ(Do("exists s"), Int(1)) << "an empty stream stays";
}

TEST_F(StreamTest, NodesAreAsLargeAsTheDirectivesSay) {
  const auto nodes = [this](absl::string_view key) {
    const std::string info = Do(absl::StrCat("xinfo stream ", key));
    const std::string name = Bulk("radix-tree-keys") + ":";
    const size_t at = info.find(name) + name.size();
    return info.substr(at, info.find('\r', at) - at);
  };
  Fill("s", 101);
  EXPECT_EQ(nodes("s"), "2");
  ASSERT_TRUE(engine_.config().LoadText("stream-node-max-entries 5\n").ok());
  Fill("t", 21);
  EXPECT_EQ(nodes("t"), "5");
  ASSERT_TRUE(engine_.config()
                  .LoadText("stream-node-max-entries 0\n"
                            "stream-node-max-bytes 100\n")
                  .ok());
  for (int i = 1; i <= 3; ++i)
    Do({"xadd", "u", absl::StrCat(i), "f", std::string(100, 'x')});
  EXPECT_EQ(nodes("u"), "3");
}

TEST_F(StreamTest, TrimsWholeNodesOnlyIfItMay) {
  Fill("s", 250);
  EXPECT_EQ(EffectsOf("xtrim s maxlen ~ 120"), "xtrim s maxlen = 150");
  EXPECT_EQ(Do("xlen s"), Int(150));
  EXPECT_EQ(EffectsOf("xtrim s minid ~ 210 limit 10"), "");
  EXPECT_EQ(EffectsOf("xadd s minid ~ 210 251 f v"),
            "xadd s minid = 201-0 251 f v");
  EXPECT_EQ(Do("xlen s"), Int(51));
  EXPECT_EQ(Do("xtrim s minid 250"), Int(49));
  EXPECT_EQ(Ids("s"), "250-0 251-0");
}

TEST_F(StreamTest, RefusesTrimmingThatIsNone) {
  Fill("s", 3);
  EXPECT_EQ(Do("xtrim s maxlen x"), kNotIntegerReply);
  EXPECT_EQ(Do("xtrim s maxlen -1"),
            "-ERR The MAXLEN argument must be >= 0.\r\n");
  EXPECT_EQ(Do("xtrim s minid x"), kBadIdReply);
  EXPECT_EQ(Do("xtrim s limit 5 limit 5"),
            "-ERR syntax error, LIMIT cannot be used without specifying a "
            "trimming strategy\r\n");
  EXPECT_EQ(Do("xtrim s maxlen 5 limit 5"),
            "-ERR syntax error, LIMIT cannot be used without the special ~ "
            "option\r\n");
  EXPECT_EQ(Do("xtrim s maxlen ~ 5 limit -1"),
            "-ERR The LIMIT argument must be >= 0.\r\n");
  EXPECT_EQ(Do("xtrim s maxlen 5 minid 5"),
            "-ERR syntax error, MAXLEN and MINID options at the same time are "
            "not compatible\r\n");
  EXPECT_EQ(Do("xtrim s limit 0 x"), kSyntaxReply);
  EXPECT_EQ(Do("xtrim nosuch maxlen 0"), Int(0));
  EXPECT_EQ(Do("xlen s"), Int(3));
}

TEST_F(StreamTest, DeletesAllOrNothingOfWhatIsNamed) {
  Fill("s", 3);
  EXPECT_EQ(Do("xdel s 1 x"), kBadIdReply);
  EXPECT_EQ(Do("xlen s"), Int(3));
  EXPECT_EQ(Do("xdel s 1 9 3 3"), Int(2));
  EXPECT_EQ(Ids("s"), "2-0");
  EXPECT_EQ(EffectsOf("xdel s 9"), "");
  EXPECT_EQ(Do("xdel nosuch x"), Int(0));
  EXPECT_EQ(Do("xadd s 3 f v"), kNotGreaterReply);
}

TEST_F(StreamTest, SetsIdsWithinWhatIsThere) {
  Fill("s", 3);
  EXPECT_EQ(Do("xsetid s 2"),
            "-ERR The ID specified in XSETID is smaller than the target stream "
            "top item\r\n");
  EXPECT_EQ(Do("xsetid s 200 entriesadded 2"),
            "-ERR The entries_added specified in XSETID is smaller than the "
            "target stream length\r\n");
  EXPECT_EQ(Do("xsetid s 200 entriesadded -1"),
            "-ERR entries_added must be positive\r\n");
  EXPECT_EQ(Do("xsetid s 200 maxdeletedid 201"),
            "-ERR The ID specified in XSETID is smaller than the provided "
            "max_deleted_entry_id\r\n");
  EXPECT_EQ(Do("xsetid s 200 entriesadded"), kSyntaxReply);
  EXPECT_EQ(Do("xsetid nosuch 1"), kNoKeyReply);
  EXPECT_EQ(Do("xsetid s 200 entriesadded 7 maxdeletedid 5-1"), kOkReply);
  const std::string info = Do("xinfo stream s");
  EXPECT_TRUE(
      absl::StrContains(info, Bulk("last-generated-id") + Bulk("200-0")));
  EXPECT_TRUE(absl::StrContains(info, Bulk("entries-added") + Int(7)));
  EXPECT_TRUE(
      absl::StrContains(info, Bulk("max-deleted-entry-id") + Bulk("5-1")));
}

// --- Groups ---

TEST_F(StreamTest, GroupsNeedTheirKey) {
  const char kNoKey[] =
      "-ERR The XGROUP subcommand requires the key to exist. Note that for "
      "CREATE you may want to use the MKSTREAM option to create an empty "
      "stream automatically.\r\n";
  EXPECT_EQ(Do("xgroup create s g $"), kNoKey);
  EXPECT_EQ(Do("xgroup create s g x mkstream"), kBadIdReply);
  EXPECT_EQ(Do("exists s"), Int(0));
  EXPECT_EQ(Do("xgroup create s g $ mkstream"), kOkReply);
  EXPECT_EQ(Do("xlen s"), Int(0));
  EXPECT_EQ(Do("xgroup create s g $ mkstream"),
            "-BUSYGROUP Consumer Group name already exists\r\n");
  EXPECT_EQ(Do("xgroup setid s nosuch 0"),
            "-NOGROUP No such consumer group 'nosuch' for key name 's'\r\n");
  EXPECT_EQ(Do("xgroup destroy nosuch g"), kNoKey);
  EXPECT_EQ(Do("xgroup destroy s nosuch"), Int(0));
  EXPECT_EQ(Do("xgroup create s h 0 entriesread -2"),
            "-ERR value for ENTRIESREAD must be positive or -1\r\n");
  EXPECT_EQ(Do("xgroup create s h 0 nonsense"),
            "-ERR unknown subcommand or wrong number of arguments for "
            "'create'. Try XGROUP HELP.\r\n");
  EXPECT_EQ(Do("xgroup createconsumer s g c"), Int(1));
  EXPECT_EQ(EffectsOf("xgroup createconsumer s g c"), "");
  EXPECT_EQ(Do("xgroup delconsumer s g c"), Int(0));
  EXPECT_EQ(Do("xgroup destroy s g"), Int(1));
}

TEST_F(StreamTest, WhatIsDeliveredIsPending) {
  Fill("s", 3);
  Do("xgroup create s g 0");
  EXPECT_EQ(Do("xreadgroup group g c count 2 streams s >"),
            absl::StrCat("*1\r\n*2\r\n", Bulk("s"), "*2\r\n", Entry("1-0", "v"),
                         Entry("2-0", "v")));
  EXPECT_EQ(Do("xpending s g"),
            absl::StrCat("*4\r\n:2\r\n", Bulk("1-0"), Bulk("2-0"),
                         "*1\r\n*2\r\n", Bulk("c"), Bulk("2")));
  EXPECT_EQ(Do("xack s g 1 9"), Int(1));
  Advance(absl::Milliseconds(70));
  EXPECT_EQ(
      Do("xpending s g - + 10 c"),
      absl::StrCat("*1\r\n*4\r\n", Bulk("2-0"), Bulk("c"), Int(70), Int(1)));
  EXPECT_EQ(Do("xpending s g idle 71 - + 10"), kEmptyReply);
  EXPECT_EQ(Do("xpending s g - + 10 nosuch"), kEmptyReply);
  EXPECT_EQ(Do("xpending s nosuch"),
            "-NOGROUP No such key 's' or consumer group 'nosuch'\r\n");
  EXPECT_EQ(Do("xpending s g - +"), kSyntaxReply);
  EXPECT_EQ(Do("xpending s g idle 5 - +"), kSyntaxReply);
}

TEST_F(StreamTest, HistoryShowsDeletedEntriesAsNull) {
  Fill("s", 2);
  Do("xgroup create s g 0");
  Do("xreadgroup group g c streams s >");
  Do("xdel s 1");
  EXPECT_EQ(Do("xreadgroup group g c streams s 0"),
            absl::StrCat("*1\r\n*2\r\n", Bulk("s"), "*2\r\n*2\r\n", Bulk("1-0"),
                         kNullArrayReply, Entry("2-0", "v")));
  // A consumer nobody knew is told to replicas, though it gets nothing.
  EXPECT_EQ(EffectsOf("xreadgroup group g other streams s 0"),
            "XGROUP CREATECONSUMER s g other");
}

TEST_F(StreamTest, ReplicasGetWhatCameOfReading) {
  Fill("s", 2);
  Do("xgroup create s g 0 entriesread 0");
  EXPECT_EQ(EffectsOf("xreadgroup group g c count 1 streams s >"),
            absl::StrCat("MULTI; XCLAIM s g c 0 1-0 TIME ", Now(),
                         " RETRYCOUNT 1 FORCE JUSTID LASTID 1-0; "
                         "XGROUP SETID s g 1-0 ENTRIESREAD 1; EXEC"));
  EXPECT_EQ(EffectsOf("xreadgroup group g d noack streams s >"),
            "MULTI; XGROUP CREATECONSUMER s g d; "
            "XGROUP SETID s g 2-0 ENTRIESREAD 2; EXEC");
  EXPECT_EQ(EffectsOf("xreadgroup group g e streams s >"), "");
  EXPECT_FALSE(absl::StrContains(Do("xinfo consumers s g"), Bulk("e")));
  EXPECT_EQ(EffectsOf("xreadgroup group g c streams s 0"), "");
}

TEST_F(StreamTest, ClaimsChangeHands) {
  Fill("s", 2);
  Do("xgroup create s g 0");
  Do("xreadgroup group g c count 1 streams s >");
  EXPECT_EQ(Do("xclaim s g d 10 1-0"), kEmptyReply) << "not idle";
  EXPECT_FALSE(absl::StrContains(Do("xinfo consumers s g"), Bulk("d")));
  Advance(absl::Milliseconds(10));
  const std::string now = Now();
  EXPECT_EQ(EffectsOf("xclaim s g d 10 1-0 lastid 1-1"),
            absl::StrCat("XCLAIM s g d 0 1-0 TIME ", now,
                         " RETRYCOUNT 2 FORCE JUSTID LASTID 1-1"));
  EXPECT_EQ(Do("xclaim s g d 0 2-0"), kEmptyReply) << "not pending";
  EXPECT_EQ(Do("xclaim s g d 0 2-0 force justid"),
            absl::StrCat("*1\r\n", Bulk("2-0")));
  Do("xdel s 2-0");
  EXPECT_EQ(EffectsOf("xclaim s g e 0 2-0"),
            absl::StrCat("XCLAIM s g d 0 2-0 TIME ", now,
                         " RETRYCOUNT 1 FORCE JUSTID LASTID 1-1"));
  EXPECT_EQ(EffectsOf("xclaim s g e 0 9-9 lastid 8"),
            "XGROUP SETID s g 8-0 ENTRIESREAD 1");
}

TEST_F(StreamTest, RefusesClaimsThatAreNone) {
  Fill("s", 1);
  Do("xgroup create s g 0");
  EXPECT_EQ(Do("xclaim s nosuch c 0 1"),
            "-NOGROUP No such key 's' or consumer group 'nosuch'\r\n");
  EXPECT_EQ(Do("xclaim s g c x 1"),
            "-ERR Invalid min-idle-time argument for XCLAIM\r\n");
  EXPECT_EQ(Do("xclaim s g c 0 1 x"),
            "-ERR Unrecognized XCLAIM option 'x'\r\n");
  EXPECT_EQ(Do("xclaim s g c 0 1 idle x"),
            "-ERR Invalid IDLE option argument for XCLAIM\r\n");
  EXPECT_EQ(Do("xclaim s g c 0 1 force idle -9223372036854775808 justid"),
            absl::StrCat("*1\r\n", Bulk("1-0")));
  EXPECT_EQ(Do("xautoclaim s g c 0 x"), kBadIdReply);
  EXPECT_EQ(Do("xautoclaim s g c 0 - count 0"), "-ERR COUNT must be > 0\r\n");
  EXPECT_EQ(Do("xautoclaim s g c 0 - count 9223372036854775807"),
            "-ERR COUNT must be > 0\r\n");
  EXPECT_EQ(Do("xautoclaim s g c 0 - nonsense"), kSyntaxReply);
  EXPECT_EQ(Do("xautoclaim nosuch g c 0 -"),
            "-NOGROUP No such key 'nosuch' or consumer group 'g'\r\n");
}

TEST_F(StreamTest, AutoClaimGoesOnAndForgetsWhatIsDeleted) {
  Fill("s", 4);
  Do("xgroup create s g 0");
  Do("xreadgroup group g c streams s >");
  Do("xdel s 1 3");
  EXPECT_EQ(Do("xautoclaim s g d 0 - count 2 justid"),
            absl::StrCat("*3\r\n", Bulk("3-0"), "*1\r\n", Bulk("2-0"), "*1\r\n",
                         Bulk("1-0")));
  EXPECT_EQ(Do("xautoclaim s g d 0 3-0"),
            absl::StrCat("*3\r\n", Bulk("0-0"), "*1\r\n", Entry("4-0", "v"),
                         "*1\r\n", Bulk("3-0")));
  EXPECT_EQ(Do("xautoclaim s g d 1000000 -"),
            absl::StrCat("*3\r\n", Bulk("0-0"), kEmptyReply, kEmptyReply));
}

TEST_F(StreamTest, WhatReplicasGetMakesThemTheSame) {
  BecomeReplica(true);
  const std::vector<std::string> lines = {
      "XADD s 1-0 f v", "XADD s 2-0 f v", "XGROUP CREATE s g 0",
      "XCLAIM s g c 0 1-0 TIME 5 RETRYCOUNT 3 FORCE JUSTID LASTID 1-0",
      "XTRIM s MAXLEN = 1 LIMIT 5"};
  for (const std::string& line : lines) EXPECT_TRUE(Apply(line).ok()) << line;
  EXPECT_EQ(Ids("s"), "2-0");
  EXPECT_EQ(Do("xpending s g - + 1"),
            absl::StrCat("*1\r\n*4\r\n", Bulk("1-0"), Bulk("c"),
                         Int(NowMs() - 5), Int(3)));
}

// As in Redis, only what changes entries is news to watchers.
TEST_F(StreamTest, WatchersDoNotSeeGroups) {
  Fill("s", 2);
  Do("watch s");
  for (const char* line :
       {"xgroup create s g 0", "xreadgroup group g c streams s >", "xack s g 1",
        "xclaim s g d 0 2", "xgroup setid s g $", "xsetid s 9",
        "xgroup destroy s g"}) {
    DoAsOther(line);
  }
  Do("multi");
  Do("xlen s");
  EXPECT_EQ(Do("exec"), "*1\r\n:2\r\n");
  for (const char* line : {"xadd s 10 f v", "xtrim s maxlen 1", "xdel s 10",
                           "xgroup create new g $ mkstream"}) {
    Do("watch s new");
    DoAsOther(line);
    Do("multi");
    Do("xlen s");
    EXPECT_EQ(Do("exec"), kNullArrayReply) << line;
  }
}

TEST_F(StreamTest, CopiesAndDumpsKeepGroups) {
  Fill("s", 3);
  Do("xgroup create s g 0");
  Do("xreadgroup group g c count 2 streams s >");
  const std::string full = Do("xinfo stream s full");
  EXPECT_EQ(Do("copy s t"), Int(1));
  EXPECT_EQ(Do("xinfo stream t full"), full);
  const std::string dump = Do("dump s");
  const size_t begin = dump.find('\n') + 1;
  EXPECT_EQ(
      Do({"restore", "u", "0", dump.substr(begin, dump.size() - begin - 2)}),
      kOkReply);
  EXPECT_EQ(Do("xinfo stream u full"), full);
  Do("xack t g 1 2");
  EXPECT_EQ(Do("xinfo stream s full"), full);
}

// --- Waiting ---

class BlockedStreamTest : public StreamTest {
 protected:
  // Registers the other client. Empty: it waits.
  std::string Block(absl::string_view line) { return DoAsOther(line); }
  bool Waits() const { return other_session_.own.wait != nullptr; }
  // What it was served. REQUIRES: it was (or this waits for ever).
  std::string Served() {
    std::string reply;
    std::exchange(other_session_.own.wait, nullptr)(&reply);
    return reply;
  }
  static std::string One(absl::string_view key, absl::string_view id) {
    return absl::StrCat("*1\r\n*2\r\n", Bulk(key), "*1\r\n", Entry(id, "v"));
  }
  static constexpr char kUnblocked[] =
      "-UNBLOCKED the stream key no longer exists\r\n";
};

TEST_F(BlockedStreamTest, ReadsAtOnceWhatIsThere) {
  Fill("s", 2);
  EXPECT_EQ(Block("xread block 0 streams nosuch s 0 1"), One("s", "2-0"));
  EXPECT_FALSE(Waits());
  session_.protocol.store(3);
  EXPECT_EQ(Do("xread streams s 1"),
            absl::StrCat("%1\r\n", Bulk("s"), "*1\r\n", Entry("2-0", "v")));
  EXPECT_EQ(Do("xread streams s $"), "_\r\n");
}

TEST_F(BlockedStreamTest, EveryReaderIsServed) {
  EXPECT_EQ(Block("xread block 0 streams a s $ $"), "");
  EXPECT_EQ(EffectsOf("xadd s 1 f v"), "xadd s 1 f v");
  EXPECT_EQ(Served(), One("s", "1-0"));
  // It waits for what comes behind its id.
  EXPECT_EQ(Block("xread block 0 streams s s 5 0"), One("s", "1-0"));
  EXPECT_EQ(Block("xread block 0 streams s 5"), "");
  Do("xadd s 3 f v");
  Do("xadd s 6 f v");
  EXPECT_EQ(Served(), One("s", "6-0"));
}

TEST_F(BlockedStreamTest, OtherTypesAndDeletedEntriesServeNobody) {
  EXPECT_EQ(Block("xread block 0 streams s $"), "");
  Do("set s string");
  Do("del s");
  Do("multi");
  Do("xadd s 1 f v");
  Do("xdel s 1");
  Do("exec");
  Do("xadd s 2 f v");
  EXPECT_EQ(Served(), One("s", "2-0"));
}

TEST_F(BlockedStreamTest, OtherWaysToMakeAStreamServeToo) {
  for (const char* line : {"rename from s", "copy from s"}) {
    Do("flushall");
    Do("xadd from 1 f v");
    EXPECT_EQ(Block("xread block 0 streams s 0"), "") << line;
    Do(line);
    EXPECT_EQ(Served(), One("s", "1-0")) << line;
  }
}

TEST_F(BlockedStreamTest, AGroupsReaderIsServedAsIfItHadCalledAgain) {
  Do("xgroup create s g $ mkstream entriesread 0");
  EXPECT_EQ(Block("xreadgroup group g c block 0 streams s >"), "");
  EXPECT_EQ(EffectsOf("xadd s 1 f v"),
            absl::StrCat("xadd s 1 f v; MULTI; XCLAIM s g c 0 1-0 TIME ", Now(),
                         " RETRYCOUNT 1 FORCE JUSTID LASTID 1-0; XGROUP SETID "
                         "s g 1-0 ENTRIESREAD 1; EXEC"));
  EXPECT_EQ(Served(), One("s", "1-0"));
  EXPECT_EQ(Do("xack s g 1"), Int(1));
}

TEST_F(BlockedStreamTest, AGroupsReaderLearnsThatThereIsNothingToWaitFor) {
  for (const char* line :
       {"del s", "set s v", "rename s t", "flushall", "flushdb", "unlink s",
        "swapdb 0 1", "move s 2", "pexpire s -1"}) {
    Do("flushall");
    Do("xgroup create s g $ mkstream");
    EXPECT_EQ(Block("xreadgroup group g c block 0 streams s >"), "") << line;
    Do(line);
    EXPECT_EQ(Served(), kUnblocked) << line;
  }
  Do("flushall");
  Do("xgroup create s g $ mkstream");
  Block("xreadgroup group g c block 0 streams s >");
  Do("xgroup destroy s g");
  EXPECT_EQ(Served(),
            "-NOGROUP the consumer group this client was blocked on no longer "
            "exists\r\n");
}

TEST_F(BlockedStreamTest, AGroupsReaderLearnsThatTheKeyExpired) {
  Do("xgroup create s g $ mkstream");
  Do("pexpire s 10");
  EXPECT_EQ(Block("xreadgroup group g c block 0 streams s >"), "");
  Advance(absl::Milliseconds(20));
  EXPECT_EQ(Do("exists s"), Int(0));  // Found under a shared lock.
  EXPECT_EQ(Served(), kUnblocked);
}

TEST_F(BlockedStreamTest, WhatIsNoNewsWakesNobody) {
  Fill("s", 2);
  Do("xgroup create s g $");
  EXPECT_EQ(Block("xreadgroup group g c block 0 streams s >"), "");
  for (const char* line :
       {"xgroup setid s g 0", "xsetid s 9", "xdel s 1", "xgroup create s h 0",
        "xreadgroup group g d streams s 0", "xtrim s maxlen 5"}) {
    EXPECT_EQ(EffectsOf(line).find("XCLAIM"), std::string::npos) << line;
  }
  Do("xadd s 10 f v");
  EXPECT_EQ(Served(), absl::StrCat("*1\r\n*2\r\n", Bulk("s"), "*2\r\n",
                                   Entry("2-0", "v"), Entry("10-0", "v")));
}

TEST_F(BlockedStreamTest, TimeoutsAndTransactions) {
  Do("xgroup create s g $ mkstream");
  EXPECT_EQ(Block("xread block 500 streams s $"), "");
  Advance(absl::Milliseconds(500));
  EXPECT_EQ(Served(), kNullArrayReply);
  Do("multi");
  Do("xread block 0 streams s $");
  Do("xreadgroup group g c block 0 streams s >");
  EXPECT_EQ(Do("exec"), "*2\r\n*-1\r\n*-1\r\n");
  EXPECT_EQ(Do("xread block x streams s $"),
            "-ERR timeout is not an integer or out of range\r\n");
  EXPECT_EQ(Do("xread block -1 streams s $"), "-ERR timeout is negative\r\n");
  EXPECT_EQ(Do("xread block 9223372036854775807 streams s $"),
            "-ERR timeout is out of range\r\n");
}

TEST_F(BlockedStreamTest, RefusesReadsThatAreNone) {
  Do("xgroup create s g $ mkstream");
  EXPECT_EQ(Do("xread count 1 block 0 streams s"),
            "-ERR Unbalanced XREAD list of streams: for each stream key an "
            "ID or '$' must be specified.\r\n");
  EXPECT_EQ(Do("xread count 1 block 0 streams"), kSyntaxReply);
  EXPECT_EQ(Do("xread group g c streams s >"),
            "-ERR The GROUP option is only supported by XREADGROUP. You called "
            "XREAD instead.\r\n");
  EXPECT_EQ(Do("xread noack streams s 0"),
            "-ERR The NOACK option is only supported by XREADGROUP. You called "
            "XREAD instead.\r\n");
  EXPECT_EQ(Do("xread count 1 streams s >"),
            "-ERR The > ID can be specified only when calling XREADGROUP using "
            "the GROUP <group> <consumer> option.\r\n");
  EXPECT_EQ(Do("xreadgroup group g c streams nosuch >"),
            "-NOGROUP No such key 'nosuch' or consumer group 'g' in XREADGROUP "
            "with GROUP option\r\n");
  EXPECT_TRUE(absl::StartsWith(Do("xreadgroup group g c streams s $"),
                               "-ERR The $ ID is meaningless"));
  EXPECT_EQ(Do("xreadgroup count 1 block 0 streams s >"),
            "-ERR Missing GROUP option for XREADGROUP\r\n");
  Do("set string v");
  EXPECT_EQ(Do("xread block 0 streams s string 0 0"), kWrongTypeReply);
}

}  // namespace
}  // namespace holdfast::server
