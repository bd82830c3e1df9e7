#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "server/commands/keys_testing.h"

namespace holdfast::server {
namespace {

constexpr char kWrongTypeReply[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
constexpr char kNullArrayReply[] = "*-1\r\n";

class ListTest : public KeysTest {
 protected:
  // All elements, with a space between.
  std::string Elements(absl::string_view key) {
    std::string all;
    for (int64_t i = 0;; ++i) {
      const std::string reply = Do(absl::StrCat("lindex ", key, " ", i));
      if (reply == kNullReply) return all;
      const size_t begin = reply.find('\n') + 1;
      absl::StrAppend(&all, i == 0 ? "" : " ",
                      reply.substr(begin, reply.size() - begin - 2));
    }
  }
  static std::string Array(std::initializer_list<absl::string_view> elements) {
    std::string all = absl::StrCat("*", elements.size(), "\r\n");
    for (const absl::string_view e : elements) absl::StrAppend(&all, Bulk(e));
    return all;
  }
};

TEST_F(ListTest, PushesAndPopsAtBothEnds) {
  EXPECT_EQ(Do("rpush l b c"), Int(2));
  EXPECT_EQ(Do("lpush l a 1"), Int(4));
  EXPECT_EQ(Elements("l"), "1 a b c");
  EXPECT_EQ(Do("lpop l"), Bulk("1"));
  EXPECT_EQ(Do("rpop l 2"), Array({"c", "b"}));
  EXPECT_EQ(Do("lpop l 0"), "*0\r\n");
  EXPECT_EQ(Do("lpop l 10"), Array({"a"}));
  EXPECT_EQ(Do("exists l"), Int(0));
  EXPECT_EQ(Do("lpop l"), kNullReply);
  EXPECT_EQ(Do("lpop l 2"), kNullArrayReply);
  EXPECT_EQ(Do("lpop l 0"), kNullArrayReply);
  EXPECT_EQ(Do("lpop l -1"),
            "-ERR value is out of range, must be positive\r\n");
  EXPECT_EQ(Do("lpop l 1 2"),
            "-ERR wrong number of arguments for 'lpop' command\r\n");
}

TEST_F(ListTest, PushXWantsAList) {
  EXPECT_EQ(Do("lpushx l a"), Int(0));
  EXPECT_EQ(Do("exists l"), Int(0));
  Do("rpush l b");
  EXPECT_EQ(Do("lpushx l a"), Int(2));
  EXPECT_EQ(Do("rpushx l c d"), Int(4));
  EXPECT_EQ(Elements("l"), "a b c d");
  EXPECT_EQ(EffectsOf("rpushx nosuch x"), "");
}

TEST_F(ListTest, EveryCommandRefusesAnotherType) {
  Do("set s v");
  Do("rpush l a");
  for (const char* line : {"lpush s a",
                           "rpush s a",
                           "lpushx s a",
                           "lpop s",
                           "rpop s 1",
                           "llen s",
                           "lindex s 0",
                           "lrange s 0 1",
                           "lpos s a",
                           "lset s 0 a",
                           "linsert s before a b",
                           "lrem s 0 a",
                           "ltrim s 0 1",
                           "lmove s l left left",
                           "lmove l s left left",
                           "rpoplpush l s",
                           "lmpop 2 nosuch s left",
                           "blpop s 0",
                           "brpop nosuch s 0",
                           "blmove s l left left 0",
                           "brpoplpush s l 0",
                           "blmpop 0 1 s left"}) {
    EXPECT_EQ(Do(line), kWrongTypeReply) << line;
  }
  EXPECT_EQ(Do("get l"), kWrongTypeReply);
  EXPECT_EQ(Elements("l"), "a");
  EXPECT_EQ(Do("get s"), Bulk("v"));
}

TEST_F(ListTest, RangesClampTheirEnds) {
  Do("rpush l a b c d");
  EXPECT_EQ(Do("lrange l 0 -1"), Array({"a", "b", "c", "d"}));
  EXPECT_EQ(Do("lrange l -100 1"), Array({"a", "b"}));
  EXPECT_EQ(Do("lrange l 2 100"), Array({"c", "d"}));
  EXPECT_EQ(Do("lrange l 3 2"), "*0\r\n");
  EXPECT_EQ(Do("lrange l 4 9"), "*0\r\n");
  EXPECT_EQ(Do("lrange l -9 -8"), "*0\r\n");
  EXPECT_EQ(Do("lrange nosuch 0 -1"), "*0\r\n");
  EXPECT_EQ(Do("lrange l 0 x"), kNotIntegerReply);
  EXPECT_EQ(Do("lrange l -9223372036854775808 9223372036854775807"),
            Array({"a", "b", "c", "d"}));
  EXPECT_EQ(Do("ltrim l 1 -2"), kOkReply);
  EXPECT_EQ(Elements("l"), "b c");
  EXPECT_EQ(EffectsOf("ltrim l 0 -1"), "") << "nothing went";
  EXPECT_EQ(Do("ltrim l 5 9"), kOkReply);
  EXPECT_EQ(Do("exists l"), Int(0));
}

TEST_F(ListTest, SetInsertRemove) {
  Do("rpush l a b a c a");
  EXPECT_EQ(Do("lset l -1 z"), kOkReply);
  EXPECT_EQ(Do("lset l 5 z"), "-ERR index out of range\r\n");
  EXPECT_EQ(Do("lset nosuch 0 z"), kNoKeyReply);
  EXPECT_EQ(Do("linsert l before b x"), Int(6));
  EXPECT_EQ(Do("linsert l after z y"), Int(7));
  EXPECT_EQ(Do("linsert l after nosuch y"), Int(-1));
  EXPECT_EQ(Do("linsert nosuch after a y"), Int(0));
  EXPECT_EQ(Do("linsert l beside a y"), kSyntaxReply);
  EXPECT_EQ(Elements("l"), "a x b a c z y");
  EXPECT_EQ(Do("lrem l -1 a"), Int(1));
  EXPECT_EQ(Elements("l"), "a x b c z y");
  EXPECT_EQ(Do("lrem l 0 nosuch"), Int(0));
  EXPECT_EQ(Do("lrem l -9223372036854775808 x"), Int(1));
  for (const char* e : {"a", "b", "c", "z", "y"})
    Do(absl::StrCat("lrem l 0 ", e));
  EXPECT_EQ(Do("exists l"), Int(0));
}

TEST_F(ListTest, PosCountsRanksFromEitherEnd) {
  Do("rpush l a b c 1 2 3 c c");
  EXPECT_EQ(Do("lpos l c"), Int(2));
  EXPECT_EQ(Do("lpos l c rank 2"), Int(6));
  EXPECT_EQ(Do("lpos l c rank -1"), Int(7));
  EXPECT_EQ(Do("lpos l c rank 9"), kNullReply);
  EXPECT_EQ(Do("lpos l c count 2 rank -2"), "*2\r\n:6\r\n:2\r\n");
  EXPECT_EQ(Do("lpos l c count 0"), "*3\r\n:2\r\n:6\r\n:7\r\n");
  EXPECT_EQ(Do("lpos l c count 0 maxlen 3"), "*1\r\n:2\r\n");
  EXPECT_EQ(Do("lpos l c maxlen 2"), kNullReply);
  EXPECT_EQ(Do("lpos nosuch c count 1"), "*0\r\n");
  EXPECT_EQ(Do("lpos l c rank -9223372036854775808"),
            "-ERR value is out of range\r\n");
  EXPECT_EQ(Do("lpos l c count -1"), "-ERR COUNT can't be negative\r\n");
  EXPECT_EQ(Do("lpos l c count"), kSyntaxReply);
  EXPECT_EQ(Do("lpos l c nonsense 1"), kSyntaxReply);
}

TEST_F(ListTest, MovesWithinAndBetween) {
  Do("rpush l a b c");
  EXPECT_EQ(Do("lmove l l left right"), Bulk("a"));
  EXPECT_EQ(Elements("l"), "b c a");
  EXPECT_EQ(Do("rpoplpush l m"), Bulk("a"));
  EXPECT_EQ(Do("lmove l m right right"), Bulk("c"));
  EXPECT_EQ(Elements("m"), "a c");
  EXPECT_EQ(Do("lmove l m up left"), kSyntaxReply);
  EXPECT_EQ(EffectsOf("rpoplpush l m"), "RPOPLPUSH l m");
  EXPECT_EQ(Do("exists l"), Int(0));
  EXPECT_EQ(Do("lmove l m left left"), kNullReply);
  EXPECT_EQ(Do("rpoplpush m m"), Bulk("c"));
  Do("rpush single x");
  EXPECT_EQ(Do("rpoplpush single single"), Bulk("x"));
  EXPECT_EQ(Elements("single"), "x");
}

TEST_F(ListTest, MPopTakesFromTheFirstThatHas) {
  Do("rpush l a b c");
  EXPECT_EQ(Do("lmpop 2 nosuch l right count 2"),
            absl::StrCat("*2\r\n", Bulk("l"), Array({"c", "b"})));
  EXPECT_EQ(EffectsOf("lmpop 1 l left count 10"), "LPOP l 1");
  EXPECT_EQ(Do("lmpop 1 l left"), kNullArrayReply);
  EXPECT_EQ(Do("lmpop 0 l left"), "-ERR numkeys should be greater than 0\r\n");
  EXPECT_EQ(Do("lmpop 2 l left"), kSyntaxReply);
  EXPECT_EQ(Do("lmpop 9223372036854775807 l left"), kSyntaxReply);
  EXPECT_EQ(Do("lmpop 1 l left count 0"),
            "-ERR count should be greater than 0\r\n");
  EXPECT_EQ(Do("lmpop 1 l left count 1 count 2"), kSyntaxReply);
}

// --- Waiting. The other client waits; its reply is looked at when it is
// served.

class BlockedListTest : public ListTest {
 protected:
  // Registers it. Empty: it waits.
  std::string Block(absl::string_view line) { return DoAsOther(line); }
  // What it was served. REQUIRES: it was (or this waits for ever).
  std::string Served() {
    std::string reply;
    std::exchange(other_session_.own.wait, nullptr)(&reply);
    return reply;
  }
};

TEST_F(BlockedListTest, ReplyAtOnceWhereThereIsSomething) {
  Do("rpush l a b");
  EXPECT_EQ(Block("blpop nosuch l 0"), Array({"l", "a"}));
  EXPECT_EQ(EffectsOf("brpop l 0"), "RPOP l");
  EXPECT_EQ(other_session_.own.wait, nullptr);
}

TEST_F(BlockedListTest, ThePusherServesAndTellsTheLogInOrder) {
  EXPECT_EQ(Block("blpop one two 0"), "");
  EXPECT_EQ(EffectsOf("rpush two x y"), "rpush two x y; LPOP two");
  EXPECT_EQ(Served(), Array({"two", "x"}));
  EXPECT_EQ(Elements("two"), "y");
  // Nobody waits any more.
  EXPECT_EQ(EffectsOf("rpush one z"), "rpush one z");
}

TEST_F(BlockedListTest, ServedIsWhatIsLeftAfterATransaction) {
  EXPECT_EQ(Block("brpop l 0"), "");
  Do("multi");
  Do("rpush l a");
  Do("del l");
  Do("exec");
  EXPECT_EQ(Do("exists l"), Int(0));
  Do("multi");
  Do("rpush l a");
  Do("lpush l b");
  Do("del nosuch");
  Do("exec");
  EXPECT_EQ(Served(), Array({"l", "a"}));
  EXPECT_EQ(Elements("l"), "b");
}

TEST_F(BlockedListTest, AMoveMakesTheNextKeyReady) {
  EXPECT_EQ(Block("blpop target 0"), "");
  Do("rpush source a");
  EXPECT_EQ(EffectsOf("lmove source target left right"),
            "LMOVE source target LEFT RIGHT; LPOP target");
  EXPECT_EQ(Served(), Array({"target", "a"}));
}

TEST_F(BlockedListTest, BlMoveIsServedWhereverItsTargetIs) {
  for (const char* target : {"{l}target", "elsewhere"}) {
    EXPECT_EQ(Block(absl::StrCat("blmove l ", target, " left right 0")), "");
    EXPECT_EQ(EffectsOf("rpush l a b"),
              absl::StrCat("rpush l a b; LMOVE l ", target, " LEFT RIGHT"));
    EXPECT_EQ(Served(), Bulk("a"));
    EXPECT_EQ(Elements(target), "a");
    Do("del l");
  }
}

TEST_F(BlockedListTest, AWrongTypeIsNotServedAndAWrongTargetIsAnError) {
  EXPECT_EQ(Block("blpop l 0"), "");
  Do("set l string");
  Do("del l");
  Do("rpush l a");
  EXPECT_EQ(Served(), Array({"l", "a"}));
  Do("set target string");
  EXPECT_EQ(Block("brpoplpush l target 0"), "");
  Do("rpush l kept");
  EXPECT_EQ(Served(), kWrongTypeReply);
  EXPECT_EQ(Elements("l"), "kept");
}

TEST_F(BlockedListTest, OtherWaysToMakeAListServeToo) {
  for (const char* line : {"rename from l", "copy from l", "swapdb 0 1"}) {
    Do("flushall");
    Do("rpush from a");
    if (absl::string_view(line) == "swapdb 0 1") {
      Do("rename from l");
      Do("move l 1");
    }
    EXPECT_EQ(Block("blmpop 0 1 l left count 5"), "") << line;
    Do(line);
    EXPECT_EQ(Served(), absl::StrCat("*2\r\n", Bulk("l"), Array({"a"})))
        << line;
  }
}

TEST_F(BlockedListTest, InATransactionNobodyWaits) {
  Do("multi");
  Do("blpop l 0");
  Do("blmove l m left left 0");
  Do("blmpop 0 1 l left");
  EXPECT_EQ(Do("exec"), "*3\r\n*-1\r\n$-1\r\n*-1\r\n");
}

TEST_F(BlockedListTest, RefusesTimeoutsThatAreNone) {
  const char kNotFloat[] = "-ERR timeout is not a float or out of range\r\n";
  EXPECT_EQ(Do("blpop l -1"), "-ERR timeout is negative\r\n");
  EXPECT_EQ(Do("blpop l x"), kNotFloat);
  EXPECT_EQ(Do("blpop l nan"), kNotFloat);
  EXPECT_EQ(Do("blpop l 1e300"), "-ERR timeout is out of range\r\n");
  EXPECT_EQ(Do("blmove l m left left x"), kNotFloat);
  EXPECT_EQ(Do("blmpop x 1 l left"), kNotFloat);
}

// A connection that ends before it waits leaves nothing behind.
TEST_F(BlockedListTest, WhoNeverComesToWaitIsNotServed) {
  EXPECT_EQ(Block("blpop l 0"), "");
  other_session_.own.wait = nullptr;
  EXPECT_EQ(EffectsOf("rpush l a"), "rpush l a");
  EXPECT_EQ(Elements("l"), "a");
}

TEST_F(BlockedListTest, ItsTimeEnds) {
  EXPECT_EQ(Block("blpop l 0.5"), "");
  Advance(absl::Milliseconds(500));
  EXPECT_EQ(Served(), kNullArrayReply);
  EXPECT_EQ(Block("blmove l m left left 0.001"), "");
  Advance(absl::Milliseconds(1));
  EXPECT_EQ(Served(), kNullArrayReply);
  EXPECT_EQ(EffectsOf("rpush l a"), "rpush l a");
}

}  // namespace
}  // namespace holdfast::server
