#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "server/command/db.h"
#include "server/command/typed.h"
#include "server/command/unit.h"
#include "server/commands/keys_testing.h"
#include "server/types/set.h"

namespace holdfast::server {
namespace {

constexpr char kNotFloatReply[] = "-ERR value is not a valid float\r\n";
constexpr char kWrongTypeReply[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
constexpr char kScoreRangeReply[] = "-ERR min or max is not a float\r\n";
constexpr char kLexRangeReply[] =
    "-ERR min or max not valid string range item\r\n";
constexpr char kEmptyArray[] = "*0\r\n";
constexpr char kNullArrayReply[] = "*-1\r\n";

class ZsetTest : public KeysTest {
 protected:
  void UseResp3() { session_.protocol.store(3); }

  // A reply that is short to read: "[a 1 b 2]"; errors and nulls as they are.
  std::string Show(absl::string_view line) {
    const std::string reply = Do(line);
    size_t at = 0;
    return ShowAt(reply, &at);
  }

  // Adds n members "m0", "m1" ... with scores 0, 1 ...: beyond 128 the large
  // form.
  void Fill(absl::string_view key, int n) {
    for (int i = 0; i < n; ++i)
      ASSERT_EQ(Do(absl::StrCat("ZADD ", key, " ", i, " m", i)), Int(1));
  }
  std::string Encoding(absl::string_view key) {
    return Show(absl::StrCat("OBJECT ENCODING ", key));
  }

  // A set, whose commands are another family's.
  void MakeSet(absl::string_view key, const std::vector<std::string>& members) {
    Set set;
    const SetLimits limits = SetLimitsOf(engine_.config());
    for (const std::string& m : members) set.Add(m, limits);
    ExecutionUnit unit(&engine_);
    unit.Begin(NowMs(), /*from_primary=*/false);
    unit.locks().LockOne(SlotOfKey(key), /*exclusive=*/true, /*write=*/true);
    Db(&unit, 0).SetObject(key, Object(std::move(set)));
    unit.End();
  }

 private:
  static std::string ShowAt(absl::string_view reply, size_t* at) {
    const size_t end = reply.find("\r\n", *at);
    const char type = reply[*at];
    const absl::string_view text = reply.substr(*at + 1, end - *at - 1);
    *at = end + 2;
    int64_t n = 0;
    if (type == '$' || type == '*') {
      EXPECT_TRUE(absl::SimpleAtoi(text, &n)) << reply;
      if (n < 0) return "null";
    }
    if (type == '$') {
      const absl::string_view bulk = reply.substr(*at, n);
      *at += n + 2;
      return std::string(bulk);
    }
    if (type != '*') return type == '_' ? "null" : std::string(text);
    std::vector<std::string> parts;
    for (; n > 0; --n) parts.push_back(ShowAt(reply, at));
    return absl::StrCat("[", absl::StrJoin(parts, " "), "]");
  }
};

// --- ZADD, ZINCRBY ---

TEST_F(ZsetTest, AddRefusesBeforeItTouchesAnything) {
  EXPECT_EQ(Do("ZADD z"),
            "-ERR wrong number of arguments for 'zadd' command\r\n");
  EXPECT_EQ(Do("ZADD z 1 a 2"), kSyntaxReply);
  EXPECT_EQ(Do("ZADD z NX 1 a b"), kSyntaxReply);
  EXPECT_EQ(Do("ZADD z NX CH GT"), kSyntaxReply);
  EXPECT_EQ(Do("ZADD z NX XX 1 a"),
            "-ERR XX and NX options at the same time are not compatible\r\n");
  for (const char* pair : {"GT NX", "NX LT", "GT LT"}) {
    EXPECT_EQ(Do(absl::StrCat("ZADD z ", pair, " 1 a")),
              "-ERR GT, LT, and/or NX options at the same time are not "
              "compatible\r\n");
  }
  EXPECT_EQ(Do("ZADD z INCR 1 a 2 b"),
            "-ERR INCR option supports a single increment-element pair\r\n");
  for (const char* bad : {"nan", "x", "''", "1x", "1e400", "(1"})
    EXPECT_EQ(Do(absl::StrCat("ZADD z 1 a ", bad, " b")), kNotFloatReply);
  EXPECT_EQ(Do("ZINCRBY z x a"), kNotFloatReply);
  EXPECT_EQ(Do("ZINCRBY z NX a"), kSyntaxReply);
  EXPECT_EQ(Do("EXISTS z"), Int(0));
  Do("SET s v");
  EXPECT_EQ(Do("ZADD s 1 a"), kWrongTypeReply);
  EXPECT_EQ(Do("ZADD s XX 1 a"), kWrongTypeReply);
  EXPECT_EQ(Do("ZINCRBY s 1 a"), kWrongTypeReply);
}

TEST_F(ZsetTest, AddCountsWhatItAddsOrChanges) {
  EXPECT_EQ(Do("ZADD z 1 a 2 b"), Int(2));
  EXPECT_EQ(Do("ZADD z 1 a 3 b 4 c"), Int(1));
  EXPECT_EQ(Do("ZADD z CH 1 a 5 b 6 d"), Int(2));
  EXPECT_EQ(Do("ZADD z NX CH 9 a 7 e"), Int(1));
  EXPECT_EQ(Do("ZADD z XX CH 8 a 7 nosuch"), Int(1));
  EXPECT_EQ(Do("ZADD z GT CH 1 a 9 b 1 new"), Int(2));
  EXPECT_EQ(Do("ZADD z LT XX CH 1 a 9 b 1 newer"), Int(1));
  EXPECT_EQ(Show("ZRANGE z 0 -1 WITHSCORES"), "[a 1 new 1 c 4 d 6 e 7 b 9]");
  EXPECT_EQ(Do("ZADD none XX 1 a"), Int(0));
  EXPECT_EQ(Do("ZADD none XX INCR 1 a"), kNullReply);
  EXPECT_EQ(Do("EXISTS none"), Int(0));
}

TEST_F(ZsetTest, IncrementRepliesWithTheScoreOrNull) {
  EXPECT_EQ(Do("ZADD z INCR 1.5 a"), Bulk("1.5"));
  EXPECT_EQ(Do("ZINCRBY z 1 a"), Bulk("2.5"));
  EXPECT_EQ(Do("ZADD z NX INCR 1 a"), kNullReply);
  EXPECT_EQ(Do("ZADD z GT INCR -1 a"), kNullReply);
  EXPECT_EQ(Do("ZADD z GT INCR 0 a"), kNullReply);
  EXPECT_EQ(Do("ZINCRBY z 0 a"), Bulk("2.5"));
  EXPECT_EQ(Do("ZINCRBY z inf a"), Bulk("inf"));
  EXPECT_EQ(Do("ZINCRBY z -inf a"),
            "-ERR resulting score is not a number (NaN)\r\n");
  EXPECT_EQ(Do("ZSCORE z a"), Bulk("inf"));
  UseResp3();
  EXPECT_EQ(Do("ZINCRBY z 1 b"), ",1\r\n");
  EXPECT_EQ(Do("ZADD z XX INCR 1 c"), "_\r\n");
  EXPECT_EQ(Do("ZSCORE z a"), ",inf\r\n");
}

TEST_F(ZsetTest, OnlyWhatChangesIsAnEffect) {
  EXPECT_EQ(EffectsOf("ZADD z 1 a 2 b"), "ZADD z 1 a 2 b");
  EXPECT_EQ(EffectsOf("ZADD z 1 a"), "");
  EXPECT_EQ(EffectsOf("ZADD z NX 2 a"), "");
  EXPECT_EQ(EffectsOf("ZADD none XX 2 a"), "");
  EXPECT_EQ(EffectsOf("ZINCRBY z 0 a"), "");
  EXPECT_EQ(EffectsOf("ZINCRBY z 2 a"), "ZINCRBY z 2 a");
  EXPECT_EQ(EffectsOf("ZREM z x y"), "");
  EXPECT_EQ(EffectsOf("ZREM z a x"), "ZREM z a x");
  EXPECT_EQ(EffectsOf("ZREMRANGEBYSCORE z 5 9"), "");
  EXPECT_EQ(EffectsOf("ZREMRANGEBYRANK z 5 9"), "");
  EXPECT_EQ(EffectsOf("ZREMRANGEBYLEX z [x [y"), "");
  EXPECT_EQ(EffectsOf("ZPOPMIN z 0"), "");
  EXPECT_EQ(EffectsOf("ZPOPMIN none"), "");
  EXPECT_EQ(EffectsOf("ZMPOP 1 none MIN"), "");
  EXPECT_EQ(EffectsOf("ZUNIONSTORE none 1 none"), "");
  EXPECT_EQ(EffectsOf("ZRANGESTORE none none 0 -1"), "");
  EXPECT_EQ(EffectsOf("ZRANGESTORE z none 0 -1"), "ZRANGESTORE z none 0 -1");
}

TEST_F(ZsetTest, WatchersSeeChangesAndOnlyThose) {
  Do("ZADD z 1 a");
  Do("WATCH z");
  DoAsOther("ZADD z 1 a");
  DoAsOther("ZREM z x");
  Do("MULTI");
  EXPECT_EQ(Do("EXEC"), kEmptyArray);
  Do("WATCH z");
  DoAsOther("ZPOPMIN z");
  Do("MULTI");
  EXPECT_EQ(Do("EXEC"), kNullArrayReply);
}

// --- Single members ---

TEST_F(ZsetTest, ReadsOfAMissingKey) {
  EXPECT_EQ(Do("ZCARD none"), Int(0));
  EXPECT_EQ(Do("ZSCORE none a"), kNullReply);
  EXPECT_EQ(Show("ZMSCORE none a b"), "[null null]");
  EXPECT_EQ(Do("ZRANK none a"), kNullReply);
  EXPECT_EQ(Do("ZREVRANK none a WITHSCORE"), kNullArrayReply);
  EXPECT_EQ(Do("ZREM none a"), Int(0));
  EXPECT_EQ(Do("ZCOUNT none 0 1"), Int(0));
  EXPECT_EQ(Do("ZLEXCOUNT none - +"), Int(0));
  EXPECT_EQ(Do("ZRANGE none 0 -1"), kEmptyArray);
  EXPECT_EQ(Do("ZRANDMEMBER none"), kNullReply);
  EXPECT_EQ(Do("ZRANDMEMBER none 3"), kEmptyArray);
  EXPECT_EQ(Do("ZPOPMAX none"), kEmptyArray);
  EXPECT_EQ(Do("ZMPOP 2 none none2 MAX"), kNullArrayReply);
  EXPECT_EQ(Show("ZSCAN none 5 BAD"), "[0 []]");
}

TEST_F(ZsetTest, EveryCommandRefusesAnotherType) {
  Do("SET s v");
  for (const char* line : {"ZCARD s",
                           "ZSCORE s a",
                           "ZMSCORE s a",
                           "ZRANK s a",
                           "ZREVRANK s a",
                           "ZREM s a",
                           "ZCOUNT s 0 1",
                           "ZLEXCOUNT s - +",
                           "ZRANGE s 0 -1",
                           "ZRANGE s 0 1 BYSCORE",
                           "ZRANGE s - + BYLEX",
                           "ZREVRANGE s 0 1",
                           "ZRANGEBYSCORE s 0 1",
                           "ZREVRANGEBYSCORE s 1 0",
                           "ZRANGEBYLEX s - +",
                           "ZREVRANGEBYLEX s + -",
                           "ZRANGESTORE d s 0 -1",
                           "ZREMRANGEBYRANK s 0 1",
                           "ZREMRANGEBYSCORE s 0 1",
                           "ZREMRANGEBYLEX s - +",
                           "ZPOPMIN s",
                           "ZPOPMAX s 0",
                           "ZMPOP 2 none s MIN",
                           "ZRANDMEMBER s",
                           "ZRANDMEMBER s 1",
                           "ZSCAN s 0",
                           "ZUNION 1 s",
                           "ZINTER 2 none s",
                           "ZDIFF 1 s BAD",
                           "ZINTERCARD 1 s",
                           "ZUNIONSTORE d 1 s",
                           "ZINTERSTORE d 1 s",
                           "ZDIFFSTORE d 2 none s"})
    EXPECT_EQ(Do(line), kWrongTypeReply) << line;
  EXPECT_EQ(Do("GET s"), Bulk("v"));
  EXPECT_EQ(Do("EXISTS d"), Int(0));
}

TEST_F(ZsetTest, RankWithScoreAsRedis72HasIt) {
  Do("ZADD z 1.5 a 2 b 3 c");
  EXPECT_EQ(Do("ZRANK z b"), Int(1));
  EXPECT_EQ(Do("ZREVRANK z a"), Int(2));
  EXPECT_EQ(Do("ZRANK z x"), kNullReply);
  EXPECT_EQ(Do("ZRANK z a withscore"), "*2\r\n:0\r\n$3\r\n1.5\r\n");
  EXPECT_EQ(Do("ZREVRANK z a WITHSCORE"), "*2\r\n:2\r\n$3\r\n1.5\r\n");
  EXPECT_EQ(Do("ZRANK z x WITHSCORE"), kNullArrayReply);
  EXPECT_EQ(Do("ZRANK z a WITHSCORES"), kSyntaxReply);
  EXPECT_EQ(Do("ZRANK z a WITHSCORE x"), kSyntaxReply);
  UseResp3();
  EXPECT_EQ(Do("ZREVRANK z c WITHSCORE"), "*2\r\n:0\r\n,3\r\n");
  EXPECT_EQ(Do("ZRANK z x WITHSCORE"), "_\r\n");
}

TEST_F(ZsetTest, RemoveTakesTheKeyWithTheLastMember) {
  Do("ZADD z 1 a 2 b");
  EXPECT_EQ(Do("ZREM z a a x"), Int(1));
  EXPECT_EQ(Do("ZREM z b a b"), Int(1));
  EXPECT_EQ(Do("EXISTS z"), Int(0));
}

// --- Ranges ---

TEST_F(ZsetTest, RangeRefusesOptionsThatDoNotGoTogether) {
  Do("ZADD z 1 a");
  const std::string limit =
      "-ERR syntax error, LIMIT is only supported in combination with either "
      "BYSCORE or BYLEX\r\n";
  EXPECT_EQ(Do("ZRANGE z 0 -1 LIMIT 0 1"), limit);
  EXPECT_EQ(Do("ZREVRANGE z 0 -1 LIMIT 0 1"), limit);
  EXPECT_EQ(Show("ZRANGE z 0 -1 LIMIT 5 -1"), "[a]");  // As if not there.
  const std::string scores =
      "-ERR syntax error, WITHSCORES not supported in combination with "
      "BYLEX\r\n";
  EXPECT_EQ(Do("ZRANGE z - + BYLEX WITHSCORES"), scores);
  EXPECT_EQ(Do("ZRANGEBYLEX z - + WITHSCORES"), scores);
  for (const char* line :
       {"ZRANGE z 0 1 BYLEX BYSCORE", "ZREVRANGE z 0 1 REV",
        "ZRANGEBYSCORE z 0 1 REV", "ZRANGEBYSCORE z 0 1 BYSCORE",
        "ZRANGE z 0 1 REV REV", "ZRANGE z 0 1 BYSCORE LIMIT 0",
        "ZRANGE z 0 1 x", "ZRANGESTORE d z 0 1 WITHSCORES"})
    EXPECT_EQ(Do(line), kSyntaxReply) << line;
  EXPECT_EQ(Do("ZRANGE z x 1"), kNotIntegerReply);
  EXPECT_EQ(Do("ZRANGE z 0 9223372036854775808"), kNotIntegerReply);
  EXPECT_EQ(Do("ZRANGE z 0 1 BYSCORE LIMIT x 1"), kNotIntegerReply);
  for (const char* bad : {"nan", "(nan", "x", "[1"}) {
    EXPECT_EQ(Do(absl::StrCat("ZRANGEBYSCORE z ", bad, " 1")),
              kScoreRangeReply);
    EXPECT_EQ(Do(absl::StrCat("ZCOUNT z 0 ", bad)), kScoreRangeReply);
    EXPECT_EQ(Do(absl::StrCat("ZREMRANGEBYSCORE none 0 ", bad)),
              kScoreRangeReply);
  }
  for (const char* bad : {"''", "a", "-a", "+a"}) {
    EXPECT_EQ(Do(absl::StrCat("ZRANGE z ", bad, " + BYLEX")), kLexRangeReply);
    EXPECT_EQ(Do(absl::StrCat("ZLEXCOUNT none - ", bad)), kLexRangeReply);
    EXPECT_EQ(Do(absl::StrCat("ZREMRANGEBYLEX z - ", bad)), kLexRangeReply);
  }
}

// The same questions of the small and of the large form.
TEST_F(ZsetTest, RangesOfEitherForm) {
  for (const int n : {10, 300}) {
    SCOPED_TRACE(n);
    Do("DEL z");
    Fill("z", n);
    EXPECT_EQ(Encoding("z"), n > 128 ? "skiplist" : "listpack");
    const std::string last = absl::StrCat("m", n - 1);
    EXPECT_EQ(Show("ZRANGE z 0 1"), "[m0 m1]");
    EXPECT_EQ(Show("ZRANGE z -1 -1"), absl::StrCat("[", last, "]"));
    EXPECT_EQ(Show("ZRANGE z 0 0 REV WITHSCORES"),
              absl::StrCat("[", last, " ", n - 1, "]"));
    EXPECT_EQ(Show("ZREVRANGE z -1 -1"), "[m0]");
    EXPECT_EQ(Show("ZRANGE z -9223372036854775808 0"), "[m0]");
    EXPECT_EQ(Show(absl::StrCat("ZRANGE z ", n, " -1")), "[]");
    EXPECT_EQ(Show("ZRANGE z 3 2"), "[]");
    EXPECT_EQ(Show("ZRANGE z 0 -9223372036854775808"), "[]");
    EXPECT_EQ(Show("ZRANGEBYSCORE z (1 3"), "[m2 m3]");
    EXPECT_EQ(Show("ZREVRANGEBYSCORE z (3 1"), "[m2 m1]");
    EXPECT_EQ(Show("ZRANGE z (3 1 BYSCORE REV"), "[m2 m1]");
    EXPECT_EQ(Show("ZRANGE z 3 1 BYSCORE"), "[]");
    EXPECT_EQ(Show("ZRANGE z (2 (2 BYSCORE"), "[]");
    EXPECT_EQ(Show("ZRANGEBYSCORE z -inf +inf LIMIT 2 2"), "[m2 m3]");
    EXPECT_EQ(Show("ZREVRANGEBYSCORE z 5 -inf LIMIT 1 2"), "[m4 m3]");
    EXPECT_EQ(Show("ZRANGEBYSCORE z 0 3 LIMIT 2 -1"), "[m2 m3]");
    EXPECT_EQ(Show("ZRANGEBYSCORE z 0 3 LIMIT 4 9223372036854775807"), "[]");
    EXPECT_EQ(Show("ZRANGEBYSCORE z 0 3 LIMIT -1 2"), "[]");
    EXPECT_EQ(Show("ZRANGEBYSCORE z 0 3 LIMIT 0 0"), "[]");
    EXPECT_EQ(Show("ZRANGEBYSCORE z 0 3 LIMIT 9223372036854775807 1"), "[]");
    EXPECT_EQ(Do("ZCOUNT z (0 5"), Int(5));
    EXPECT_EQ(Do("ZCOUNT z 5 0"), Int(0));
    EXPECT_EQ(Do("ZREMRANGEBYRANK z 1 2"), Int(2));
    EXPECT_EQ(Do("ZREMRANGEBYSCORE z (3 5"), Int(2));
    EXPECT_EQ(Show("ZRANGE z 0 2"), "[m0 m3 m6]");
    EXPECT_EQ(Do("ZREMRANGEBYRANK z 0 -1"), Int(n - 4));
    EXPECT_EQ(Do("EXISTS z"), Int(0));
  }
}

TEST_F(ZsetTest, RangesOfMembers) {
  Do("ZADD z 0 a 0 b 0 c 0 d 0 e");
  EXPECT_EQ(Show("ZRANGEBYLEX z [b (d"), "[b c]");
  EXPECT_EQ(Show("ZREVRANGEBYLEX z (d [b"), "[c b]");
  EXPECT_EQ(Show("ZRANGE z + - BYLEX REV LIMIT 1 2"), "[d c]");
  EXPECT_EQ(Show("ZRANGEBYLEX z - + LIMIT 3 -1"), "[d e]");
  EXPECT_EQ(Show("ZRANGEBYLEX z + -"), "[]");
  EXPECT_EQ(Show("ZRANGEBYLEX z (c (c"), "[]");
  EXPECT_EQ(Do("ZLEXCOUNT z (a +"), Int(4));
  EXPECT_EQ(Do("ZREMRANGEBYLEX z - (c"), Int(2));
  EXPECT_EQ(Show("ZRANGE z 0 -1"), "[c d e]");
}

TEST_F(ZsetTest, Resp3HasPairsAndDoubles) {
  Do("ZADD z 1 a 2.5 b");
  UseResp3();
  EXPECT_EQ(Do("ZRANGE z 0 -1 WITHSCORES"),
            "*2\r\n*2\r\n$1\r\na\r\n,1\r\n*2\r\n$1\r\nb\r\n,2.5\r\n");
  EXPECT_EQ(Do("ZUNION 1 z WITHSCORES"),
            "*2\r\n*2\r\n$1\r\na\r\n,1\r\n*2\r\n$1\r\nb\r\n,2.5\r\n");
  EXPECT_EQ(Do("ZRANDMEMBER z -1 WITHSCORES").substr(0, 8), "*1\r\n*2\r\n");
  EXPECT_EQ(Do("ZSCAN z 0"),
            "*2\r\n$1\r\n0\r\n*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$3\r\n2.5"
            "\r\n");
  EXPECT_EQ(Do("ZPOPMIN z"), "*2\r\n$1\r\na\r\n,1\r\n");
  EXPECT_EQ(Do("ZPOPMIN z 1"), "*1\r\n*2\r\n$1\r\nb\r\n,2.5\r\n");
}

TEST_F(ZsetTest, RangeStoreReplacesItsDestination) {
  Do("ZADD z 1 a 2 b 3 c");
  Do("SET d v");
  EXPECT_EQ(Do("ZRANGESTORE d z (1 +inf BYSCORE LIMIT 0 1"), Int(1));
  EXPECT_EQ(Show("ZRANGE d 0 -1 WITHSCORES"), "[b 2]");
  EXPECT_EQ(Do("ZRANGESTORE d z 0 0 REV"), Int(1));
  EXPECT_EQ(Show("ZRANGE d 0 -1"), "[c]");
  EXPECT_EQ(Do("ZRANGESTORE z z 1 -1"), Int(2));  // Onto itself.
  EXPECT_EQ(Show("ZRANGE z 0 -1"), "[b c]");
  EXPECT_EQ(Do("ZRANGESTORE z z 5 6"), Int(0));
  EXPECT_EQ(Do("EXISTS z"), Int(0));
  EXPECT_EQ(Do("ZRANGESTORE d z x 1"), kNotIntegerReply);
  EXPECT_EQ(Show("ZRANGE d 0 -1"), "[c]");
  Fill("big", 200);
  EXPECT_EQ(Do("ZRANGESTORE d big 0 9"), Int(10));
  EXPECT_EQ(Encoding("d"), "listpack");
  EXPECT_EQ(Do("ZRANGESTORE d big 0 128"), Int(129));
  EXPECT_EQ(Encoding("d"), "skiplist");
}

// --- Pops ---

TEST_F(ZsetTest, PopsTakeFromTheEnds) {
  for (const int n : {6, 200}) {
    Do("DEL z");
    Fill("z", n);
    EXPECT_EQ(Show("ZPOPMIN z"), "[m0 0]");
    EXPECT_EQ(Show("ZPOPMIN z 2"), "[m1 1 m2 2]");
    EXPECT_EQ(Show("ZPOPMAX z 2"), absl::StrCat("[m", n - 1, " ", n - 1, " m",
                                                n - 2, " ", n - 2, "]"));
    EXPECT_EQ(Show("ZPOPMIN z 0"), "[]");
    EXPECT_EQ(Do("ZPOPMIN z 1 1"), kSyntaxReply);
    for (const char* bad : {"-1", "x", "''"})
      EXPECT_EQ(Do(absl::StrCat("ZPOPMAX z ", bad)),
                "-ERR value is out of range, must be positive\r\n");
    EXPECT_EQ(Do("ZCARD z"), Int(n - 5));
    Do("ZPOPMAX z 9223372036854775807");
    EXPECT_EQ(Do("EXISTS z"), Int(0));
  }
}

TEST_F(ZsetTest, PopOfSeveralKeysTellsWhichAndReplicatesThat) {
  Do("ZADD b 1 x 2 y 3 z");
  EXPECT_EQ(Show("ZMPOP 2 a b MAX"), "[b [[z 3]]]");
  EXPECT_EQ(EffectsOf("ZMPOP 2 a b MIN COUNT 1"), "ZPOPMIN b 1");
  EXPECT_EQ(EffectsOf("ZMPOP 2 a b MAX COUNT 10"), "ZPOPMAX b 1");
  EXPECT_EQ(Do("EXISTS b"), Int(0));
}

TEST_F(ZsetTest, PopOfSeveralKeysRefuses) {
  Do("ZADD z 1 a");
  for (const char* bad : {"0", "-1", "x", "''"})
    EXPECT_EQ(Do(absl::StrCat("ZMPOP ", bad, " z MIN")),
              "-ERR numkeys should be greater than 0\r\n");
  for (const char* line :
       {"ZMPOP 1 z MID", "ZMPOP 2 z MIN", "ZMPOP 3 z z MIN", "ZMPOP 1 z z MIN",
        "ZMPOP 9223372036854775807 z MIN", "ZMPOP 1 z MIN COUNT",
        "ZMPOP 1 z MIN 1", "ZMPOP 1 z MIN COUNT 1 COUNT 1",
        "ZMPOP 1 z MIN COUNT 1 x"})
    EXPECT_EQ(Do(line), kSyntaxReply) << line;
  for (const char* bad : {"0", "-1", "x"})
    EXPECT_EQ(Do(absl::StrCat("ZMPOP 1 z MIN COUNT ", bad)),
              "-ERR count should be greater than 0\r\n");
  EXPECT_EQ(Do("ZCARD z"), Int(1));
}

// --- Samples ---

TEST_F(ZsetTest, RandomMemberRefuses) {
  Do("ZADD z 1 a");
  EXPECT_EQ(Do("ZRANDMEMBER z x"), kNotIntegerReply);
  EXPECT_EQ(Do("ZRANDMEMBER z 1 WITHSCORE"), kSyntaxReply);
  EXPECT_EQ(Do("ZRANDMEMBER z 1 WITHSCORES x"), kSyntaxReply);
  EXPECT_EQ(Do("ZRANDMEMBER z -9223372036854775808"),
            "-ERR value is out of range, value must between "
            "-9223372036854775807 and 9223372036854775807\r\n");
  EXPECT_EQ(Do("ZRANDMEMBER z 9223372036854775807 WITHSCORES"),
            "-ERR value is out of range\r\n");
  EXPECT_EQ(Do("ZRANDMEMBER z -9223372036854775800"),
            "-ERR value is out of range\r\n");
  EXPECT_EQ(Do("ZRANDMEMBER z 9223372036854775807"), "*1\r\n$1\r\na\r\n");
}

TEST_F(ZsetTest, RandomMembersAreDifferentUnlessToldOtherwise) {
  for (const int n : {20, 300}) {
    Do("DEL z");
    Fill("z", n);
    for (const int count : {1, 2, n / 4, n / 2, n - 1, n, n + 5}) {
      const std::vector<std::string> members =
          Sorted(Do(absl::StrCat("ZRANDMEMBER z ", count)));
      EXPECT_EQ(members.size(), static_cast<size_t>(std::min(count, n)));
      const std::set<std::string> different(members.begin(), members.end());
      EXPECT_EQ(different.size(), members.size());
    }
    EXPECT_EQ(Sorted(Do(absl::StrCat("ZRANDMEMBER z -", 3 * n))).size(),
              static_cast<size_t>(3 * n));
    EXPECT_EQ(Do("ZRANDMEMBER z 0"), kEmptyArray);
  }
}

// Each of 20 has its share of 8000, within ten standard deviations.
TEST_F(ZsetTest, RandomMembersAreFair) {
  constexpr int kMembers = 20;
  constexpr int kDraws = 8000;
  const auto check = [&](const std::map<std::string, int>& seen) {
    EXPECT_EQ(seen.size(), static_cast<size_t>(kMembers));
    for (const auto& [member, count] : seen) {
      EXPECT_GT(count, 200) << member;
      EXPECT_LT(count, 600) << member;
    }
  };
  for (const bool large : {false, true}) {
    Do("DEL z");
    Fill("z", kMembers);
    if (large) {  // The large form does not come back.
      const std::string longer(65, 'x');
      Do(absl::StrCat("ZADD z 1 ", longer));
      Do(absl::StrCat("ZREM z ", longer));
      ASSERT_EQ(Encoding("z"), "skiplist");
    }
    for (const int count : {-500, 5, 15}) {
      std::map<std::string, int> seen;
      for (int i = 0; i < kDraws / std::abs(count); ++i) {
        for (const std::string& m :
             Sorted(Do(absl::StrCat("ZRANDMEMBER z ", count))))
          ++seen[m];
      }
      check(seen);
    }
  }
}

TEST_F(ZsetTest, ScanSeesAllOnce) {
  for (const int n : {5, 1000}) {
    Do("DEL z");
    Fill("z", n);
    std::set<std::string> seen;
    std::string cursor = "0";
    int calls = 0;
    do {
      const std::string shown =
          Show(absl::StrCat("ZSCAN z ", cursor, " COUNT 50"));
      const size_t space = shown.find(' ');
      cursor = shown.substr(1, space - 1);
      const std::vector<std::string> words = absl::StrSplit(
          shown.substr(space + 2, shown.size() - space - 4), ' ');
      for (size_t i = 0; i + 1 < words.size(); i += 2) {
        EXPECT_EQ(words[i], absl::StrCat("m", words[i + 1]));
        EXPECT_TRUE(seen.insert(words[i]).second) << words[i];
      }
      ASSERT_LT(++calls, 100);
    } while (cursor != "0");
    EXPECT_EQ(seen.size(), static_cast<size_t>(n));
    EXPECT_GE(calls, n / 100);
  }
}

TEST_F(ZsetTest, ScanShowsScoresAsTheyAreKept) {
  Do("ZADD z 1e18 a -0 b inf c");
  EXPECT_EQ(Show("ZSCAN z 0"), "[0 [b 0 a 1000000000000000000 c inf]]");
  const std::string longer(65, 'x');
  Do(absl::StrCat("ZADD z 1 ", longer));
  EXPECT_EQ(Show("ZSCAN z 0 MATCH a"), "[0 [a 1e+18]]");
}

TEST_F(ZsetTest, ScanRefuses) {
  Do("ZADD z 1 a");
  for (const char* bad : {"x", "1x", "18446744073709551616"})
    EXPECT_EQ(Do(absl::StrCat("ZSCAN z ", bad)), "-ERR invalid cursor\r\n");
  EXPECT_EQ(Do("ZSCAN z 0 COUNT x"), kNotIntegerReply);
  for (const char* bad : {"COUNT 0", "COUNT", "MATCH", "TYPE zset", "x y"})
    EXPECT_EQ(Do(absl::StrCat("ZSCAN z 0 ", bad)), kSyntaxReply) << bad;
  EXPECT_EQ(Show("ZSCAN z 18446744073709551615"), "[0 [a 1]]");
}

// --- Several sets ---

TEST_F(ZsetTest, CombinationsRefuse) {
  Do("ZADD z 1 a");
  EXPECT_EQ(Do("ZUNION x z"), kNotIntegerReply);
  EXPECT_EQ(Do("ZUNION 0 z"),
            "-ERR at least 1 input key is needed for 'zunion' command\r\n");
  EXPECT_EQ(Do("ZDIFFSTORE d -1 z"),
            "-ERR at least 1 input key is needed for 'zdiffstore' command\r\n");
  for (const char* line :
       {"ZUNION 2 z", "ZINTERSTORE d 9223372036854775807 z",
        "ZUNION 1 z WEIGHTS", "ZUNION 2 z z WEIGHTS 1", "ZUNION 1 z AGGREGATE",
        "ZUNION 1 z AGGREGATE AVG", "ZUNION 1 z LIMIT 1", "ZDIFF 1 z WEIGHTS 1",
        "ZDIFF 1 z AGGREGATE SUM", "ZUNIONSTORE d 1 z WITHSCORES",
        "ZINTERCARD 1 z WITHSCORES", "ZINTERCARD 1 z WEIGHTS 1",
        "ZINTERCARD 1 z LIMIT", "ZUNION 1 z x"})
    EXPECT_EQ(Do(line), kSyntaxReply) << line;
  EXPECT_EQ(Do("ZUNION 1 z WEIGHTS x"), "-ERR weight value is not a float\r\n");
  EXPECT_EQ(Do("ZUNION 1 z WEIGHTS nan"),
            "-ERR weight value is not a float\r\n");
  for (const char* bad : {"-1", "x"})
    EXPECT_EQ(Do(absl::StrCat("ZINTERCARD 1 z LIMIT ", bad)),
              "-ERR LIMIT can't be negative\r\n");
  EXPECT_EQ(Do("EXISTS d"), Int(0));
}

TEST_F(ZsetTest, UnionIntersectionDifference) {
  Do("ZADD a 1 x 2 y 3 z");
  Do("ZADD b 10 y 20 z 30 w");
  EXPECT_EQ(Show("ZUNION 2 a b WITHSCORES"), "[x 1 y 12 z 23 w 30]");
  EXPECT_EQ(Show("ZUNION 3 a none b AGGREGATE MIN WITHSCORES"),
            "[x 1 y 2 z 3 w 30]");
  EXPECT_EQ(Show("ZINTER 2 a b WEIGHTS 2 0.5 WITHSCORES"), "[y 9 z 16]");
  EXPECT_EQ(Show("ZINTER 2 a b AGGREGATE max WITHSCORES"), "[y 10 z 20]");
  EXPECT_EQ(Show("ZINTER 2 a none"), "[]");
  EXPECT_EQ(Show("ZINTER 2 a a WITHSCORES"), "[x 2 y 4 z 6]");
  EXPECT_EQ(Show("ZDIFF 2 a b WITHSCORES"), "[x 1]");
  EXPECT_EQ(Show("ZDIFF 2 a a"), "[]");
  EXPECT_EQ(Show("ZDIFF 3 b none a"), "[w]");
  EXPECT_EQ(Do("ZINTERCARD 2 a b"), Int(2));
  EXPECT_EQ(Do("ZINTERCARD 2 a b LIMIT 1"), Int(1));
  EXPECT_EQ(Do("ZINTERCARD 2 a b LIMIT 0"), Int(2));
  EXPECT_EQ(Do("ZUNIONSTORE a 2 a b"), Int(4));  // Onto a source.
  EXPECT_EQ(Show("ZRANGE a 0 -1 WITHSCORES"), "[x 1 y 12 z 23 w 30]");
  EXPECT_EQ(Do("ZDIFFSTORE a 2 b a"), Int(0));
  EXPECT_EQ(Do("EXISTS a"), Int(0));
}

TEST_F(ZsetTest, DifferenceIsTheSameEitherWay) {
  Fill("big", 200);
  Fill("small", 20);
  // Many sets and a large first one: by removal. Otherwise: by lookup.
  EXPECT_EQ(Do("ZDIFFSTORE d 5 big small small small small"), Int(180));
  EXPECT_EQ(Do("ZDIFFSTORE e 2 big small"), Int(180));
  EXPECT_EQ(Do("ZINTERCARD 2 d e"), Int(180));
  EXPECT_EQ(Do("ZDIFFSTORE d 2 small big"), Int(0));
}

TEST_F(ZsetTest, NoScoreBecomesNan) {
  Do("ZADD a inf x");
  Do("ZADD b -inf x");
  EXPECT_EQ(Show("ZUNION 2 a b WITHSCORES"), "[x 0]");
  EXPECT_EQ(Show("ZINTER 2 a b WITHSCORES"), "[x 0]");
  EXPECT_EQ(Show("ZUNION 1 a WEIGHTS 0 WITHSCORES"), "[x 0]");
  EXPECT_EQ(Show("ZINTER 2 a a WEIGHTS 0 1 AGGREGATE MIN WITHSCORES"), "[x 0]");
  EXPECT_EQ(Show("ZINTER 2 a b WEIGHTS 1 0 AGGREGATE MAX WITHSCORES"),
            "[x inf]");
}

TEST_F(ZsetTest, SetsCountAsScoresOfOne) {
  MakeSet("ints", {"1", "2", "3"});
  MakeSet("words", {"x", "y"});
  std::vector<std::string> many;
  for (int i = 0; i < 2000; ++i) many.push_back(absl::StrCat("m", i));
  MakeSet("many", many);
  Do("ZADD z 5 x 7 2 9 m77");
  EXPECT_EQ(Show("ZUNION 3 z ints words WITHSCORES"),
            "[1 1 3 1 y 1 x 6 2 8 m77 9]");
  EXPECT_EQ(Show("ZINTER 2 z ints WEIGHTS 1 10 WITHSCORES"), "[2 17]");
  EXPECT_EQ(Show("ZDIFF 3 z words many"), "[2]");
  EXPECT_EQ(Show("ZDIFF 2 ints z WITHSCORES"), "[1 1 3 1]");
  EXPECT_EQ(Do("ZUNIONSTORE d 2 many z"), Int(2002));
  EXPECT_EQ(Show("ZPOPMAX d"), "[m77 10]");
  EXPECT_EQ(Do("ZINTERCARD 1 many LIMIT 3"), Int(3));
  EXPECT_EQ(Do("ZRANGE ints 0 -1"), kWrongTypeReply);
  EXPECT_EQ(Do("ZUNIONSTORE ints 1 ints"), Int(3));  // A sorted set now.
  EXPECT_EQ(Show("ZRANGE ints 0 -1 WITHSCORES"), "[1 1 2 1 3 1]");
}

TEST_F(ZsetTest, ResultsHaveTheSmallFormIfTheyFit) {
  Fill("big", 200);
  Do("ZADD z 1 m1 1 m2");
  EXPECT_EQ(Do("ZINTERSTORE d 2 big z"), Int(2));
  EXPECT_EQ(Encoding("d"), "listpack");
  EXPECT_EQ(Do("ZUNIONSTORE d 2 big z"), Int(200));
  EXPECT_EQ(Encoding("d"), "skiplist");
}

// A source that has expired is not seen, nor may a replica see it that has not
// been told yet.
TEST_F(ZsetTest, AnExpiredSourceGoesBeforeTheCommandThatMetIt) {
  for (const char* store :
       {"ZUNIONSTORE d 2 a b", "ZRANGESTORE d a 0 -1", "ZDIFFSTORE d 2 a b"}) {
    Do("ZADD a 1 x");
    Do("ZADD b 1 y");
    Do("ZADD d 1 old");
    Do("PEXPIRE a 10");
    Advance(absl::Milliseconds(11));
    EXPECT_EQ(EffectsOf(store),
              absl::StrCat("MULTI; DEL a; ", store, "; EXEC"));
    EXPECT_EQ(Do("EXISTS a"), Int(0));
    EXPECT_EQ(Do("ZSCORE d x"), kNullReply);
  }
}

TEST_F(ZsetTest, AStoredResultKeepsMinusZeroWhereTheLargeFormHasIt) {
  const std::string big(65, 'm');
  Do(absl::StrCat("ZADD a 5 ", big, " -0 zero"));
  EXPECT_EQ(Do("ZSCORE a zero"), Bulk("-0"));
  Do("ZUNIONSTORE d 1 a");
  EXPECT_EQ(Do("ZSCORE d zero"), Bulk("-0"));
}

TEST_F(ZsetTest, AStoredResultHasNoExpiry) {
  Do("ZADD z 1 a");
  Do("SET d v EX 100");
  Do("ZUNIONSTORE d 1 z");
  EXPECT_EQ(Do("TTL d"), Int(-1));
  Do("EXPIRE z 100");
  Do("ZADD z 2 b");
  EXPECT_EQ(Do("TTL z"), Int(100));
}

TEST_F(ZsetTest, ChangesAreCountedAsRedisCountsThem) {
  const auto changes = [&](absl::string_view line) {
    const int64_t before = engine_.stats().changes_since_save.load();
    Do(line);
    return engine_.stats().changes_since_save.load() - before;
  };
  EXPECT_EQ(changes("ZADD z 1 a 2 b 3 c 4 d"), 4);
  EXPECT_EQ(changes("ZADD z 1 a 5 b 6 e"), 2);
  EXPECT_EQ(changes("ZREM z a b x"), 2);
  EXPECT_EQ(changes("ZPOPMIN z 2"), 2);
  EXPECT_EQ(changes("ZREMRANGEBYRANK z 0 -1"), 1);
  Do("ZADD z 1 a 2 b");
  EXPECT_EQ(changes("ZUNIONSTORE d 1 z"), 1);
  EXPECT_EQ(changes("ZUNIONSTORE d 1 none"), 1);
  EXPECT_EQ(changes("ZUNIONSTORE d 1 none"), 0);
}

}  // namespace
}  // namespace holdfast::server
