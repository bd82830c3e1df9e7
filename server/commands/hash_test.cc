#include "server/commands/hash.h"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "server/commands/keys_testing.h"

namespace holdfast::server {
namespace {

constexpr char kWrongTypeReply[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
constexpr char kNotFloatReply[] = "-ERR value is not a valid float\r\n";
constexpr char kEmptyScan[] = "*2\r\n$1\r\n0\r\n*0\r\n";

class HashTest : public KeysTest {
 protected:
  static std::string Arity(absl::string_view command) {
    return absl::StrCat("-ERR wrong number of arguments for '", command,
                        "' command\r\n");
  }
  void UseResp3() { session_.protocol.store(3); }
  // A hash of `count` fields f0, f1, ... with values v0, v1, ...
  void Fill(absl::string_view key, int count) {
    for (int i = 0; i < count; ++i)
      Do(absl::StrCat("hset ", key, " f", i, " v", i));
  }
  // What this line adds to rdb_changes_since_last_save.
  int64_t ChangesOf(absl::string_view line) {
    const int64_t before = engine_.stats().changes_since_save.load();
    Do(line);
    return engine_.stats().changes_since_save.load() - before;
  }
};

// --- One field ---

TEST_F(HashTest, HsetCountsNewFieldsAndOverwritesOthers) {
  EXPECT_EQ(Do("hset h a 1 b 2"), Int(2));
  EXPECT_EQ(Do("hset h a 3 c 4 c 5"), Int(1));
  EXPECT_EQ(Do("hget h a"), Bulk("3"));
  EXPECT_EQ(Do("hget h c"), Bulk("5"));
  EXPECT_EQ(Do("hlen h"), Int(3));
  EXPECT_EQ(Do("hget h nosuch"), kNullReply);
  EXPECT_EQ(Do("hget nosuch a"), kNullReply);
}

TEST_F(HashTest, HsetRefusesAFieldWithoutValue) {
  EXPECT_EQ(Do("hset h"), Arity("hset"));
  EXPECT_EQ(Do("hset h a"), Arity("hset"));
  EXPECT_EQ(Do("hset h a 1 b"), Arity("hset"));
  EXPECT_EQ(Do("HMSET h a 1 b"), Arity("hmset"));
  EXPECT_EQ(Do("exists h"), Int(0));
  EXPECT_EQ(EffectsOf("hset h a 1 b"), "");
}

TEST_F(HashTest, HmsetAnswersOk) {
  EXPECT_EQ(Do("HmSeT h a 1 b 2"), kOkReply);
  EXPECT_EQ(EffectsOf("hmset h a 1 b 3"), "hmset h a 1 b 3");
}

TEST_F(HashTest, FieldsAndValuesAreAnyBytes) {
  const std::string bytes("\0\r\n\xff", 4);
  EXPECT_EQ(Do({"hset", "h", bytes, "", "", bytes}), Int(2));
  EXPECT_EQ(Do({"hget", "h", bytes}), Bulk(""));
  EXPECT_EQ(Do({"hget", "h", ""}), Bulk(bytes));
  EXPECT_EQ(Do({"hstrlen", "h", ""}), Int(4));
}

TEST_F(HashTest, HsetnxLeavesWhatIsThere) {
  EXPECT_EQ(Do("hsetnx h a 1"), Int(1));
  EXPECT_EQ(Do("hsetnx h a 2"), Int(0));
  EXPECT_EQ(Do("hget h a"), Bulk("1"));
  EXPECT_EQ(EffectsOf("hsetnx h a 2"), "");
  EXPECT_EQ(EffectsOf("hsetnx h b 2"), "hsetnx h b 2");
}

TEST_F(HashTest, ChangesAreCountedAsRedisCountsThem) {
  EXPECT_EQ(ChangesOf("hset h a 1 b 2 a 1"), 3);
  EXPECT_EQ(ChangesOf("hset h a 1"), 1);
  EXPECT_EQ(ChangesOf("hsetnx h a 1"), 0);
  EXPECT_EQ(ChangesOf("hdel h nosuch"), 0);
  EXPECT_EQ(ChangesOf("hdel h a b nosuch"), 2);
  EXPECT_EQ(ChangesOf("hincrby h n 1"), 1);
  EXPECT_EQ(ChangesOf("hincrbyfloat h n 1"), 1);
}

TEST_F(HashTest, HdelOfTheLastFieldDeletesTheKey) {
  Fill("h", 3);
  EXPECT_EQ(Do("hdel h f0 f0 nosuch"), Int(1));
  EXPECT_EQ(EffectsOf("hdel h f1 f2 f3 f1"), "hdel h f1 f2 f3 f1");
  EXPECT_EQ(Do("exists h"), Int(0));
  EXPECT_EQ(Do("hdel h f1"), Int(0));
  EXPECT_EQ(EffectsOf("hdel h f1"), "");
}

TEST_F(HashTest, HmgetAnswersForEachFieldEvenWithoutKey) {
  Do("hset h a 1 b 2");
  EXPECT_EQ(Do("hmget h a x b"), "*3\r\n$1\r\n1\r\n$-1\r\n$1\r\n2\r\n");
  EXPECT_EQ(Do("hmget nosuch a b"), "*2\r\n$-1\r\n$-1\r\n");
  UseResp3();
  EXPECT_EQ(Do("hmget nosuch a"), "*1\r\n_\r\n");
}

TEST_F(HashTest, HexistsHstrlenHlen) {
  Do("hset h a 12345 n -9223372036854775808");
  EXPECT_EQ(Do("hexists h a"), Int(1));
  EXPECT_EQ(Do("hexists h b"), Int(0));
  EXPECT_EQ(Do("hexists nosuch b"), Int(0));
  EXPECT_EQ(Do("hstrlen h a"), Int(5));
  EXPECT_EQ(Do("hstrlen h n"), Int(20));
  EXPECT_EQ(Do("hstrlen h b"), Int(0));
  EXPECT_EQ(Do("hstrlen nosuch b"), Int(0));
  EXPECT_EQ(Do("hlen nosuch"), Int(0));
}

TEST_F(HashTest, AnExpiredHashIsGone) {
  Do("hset h a 1");
  Do("pexpire h 10");
  Advance(absl::Milliseconds(11));
  EXPECT_EQ(Do("hget h a"), kNullReply);
  EXPECT_EQ(EffectsOf("hset h b 1"), "hset h b 1");
  EXPECT_EQ(Do("ttl h"), Int(-1));
  EXPECT_EQ(Do("hlen h"), Int(1));
}

TEST_F(HashTest, EveryCommandRefusesAnotherType) {
  Do("set s text");
  for (const char* line :
       {"hset s a 1", "hmset s a 1", "hsetnx s a 1", "hget s a", "hmget s a",
        "hdel s a", "hlen s", "hstrlen s a", "hexists s a", "hgetall s",
        "hkeys s", "hvals s", "hincrby s a 1", "hincrbyfloat s a 1",
        "hrandfield s", "hrandfield s 0", "hrandfield s -5 withvalues",
        "hscan s 0"}) {
    EXPECT_EQ(Do(line), kWrongTypeReply) << line;
    EXPECT_EQ(EffectsOf(line), "") << line;
  }
  EXPECT_EQ(Do("get s"), Bulk("text"));
}

TEST_F(HashTest, EncodingFollowsTheLimits) {
  Do("hset h a 1");
  EXPECT_EQ(Do("object encoding h"), Bulk("listpack"));
  const std::string long_value(65, 'x');
  Do({"hset", "h", "b", long_value});
  EXPECT_EQ(Do("object encoding h"), Bulk("hashtable"));
  Fill("many", 512);
  EXPECT_EQ(Do("object encoding many"), Bulk("listpack"));
  Do("hset many one more");
  EXPECT_EQ(Do("object encoding many"), Bulk("hashtable"));
  Do({"hincrby", "n", long_value, "1"});
  EXPECT_EQ(Do("object encoding n"), Bulk("hashtable"));
}

TEST_F(HashTest, WatchSeesAChangeAndNothingElse) {
  Do("hset h a 1");
  Do("watch h");
  DoAsOther("hsetnx h a 2");
  DoAsOther("hdel h nosuch");
  Do("multi");
  Do("hget h a");
  EXPECT_EQ(Do("exec"), "*1\r\n$1\r\n1\r\n");
  Do("watch h");
  DoAsOther("hincrby h a 1");
  Do("multi");
  Do("hget h a");
  EXPECT_EQ(Do("exec"), "*-1\r\n");
}

// --- Numbers ---

TEST_F(HashTest, HincrbyCountsFromZeroAndKeepsItsBounds) {
  EXPECT_EQ(Do("hincrby h n 5"), Int(5));
  EXPECT_EQ(Do("hincrby h n -15"), Int(-10));
  EXPECT_EQ(EffectsOf("hincrby h n 1"), "hincrby h n 1");
  Do("hset h max 9223372036854775807 min -9223372036854775808");
  EXPECT_EQ(Do("hincrby h max 1"),
            "-ERR increment or decrement would overflow\r\n");
  EXPECT_EQ(Do("hincrby h min -1"),
            "-ERR increment or decrement would overflow\r\n");
  EXPECT_EQ(Do("hget h max"), Bulk("9223372036854775807"));
  EXPECT_EQ(Do("hincrby h max -9223372036854775808"), Int(-1));
}

TEST_F(HashTest, HincrbyRefusesWhatIsNoNumber) {
  for (const char* bad : {"x", "''", "1.5", "+1", "01", "9223372036854775808"})
    EXPECT_EQ(Do(absl::StrCat("hincrby h n ", bad)), kNotIntegerReply) << bad;
  EXPECT_EQ(Do("exists h"), Int(0));
  for (const char* bad :
       {"x", "''", "1.5", "+1", "01", "9223372036854775808"}) {
    Do(absl::StrCat("hset h n ", bad));
    EXPECT_EQ(Do("hincrby h n 1"), "-ERR hash value is not an integer\r\n")
        << bad;
  }
  Do({"hset", "h", "n", " 11"});
  EXPECT_EQ(Do("hincrby h n 1"), "-ERR hash value is not an integer\r\n");
  // The argument is looked at before the key.
  Do("set s text");
  EXPECT_EQ(Do("hincrby s n x"), kNotIntegerReply);
}

TEST_F(HashTest, HincrbyfloatReplicatesItsResult) {
  EXPECT_EQ(Do("hincrbyfloat h n 1.5"), Bulk("1.5"));
  EXPECT_EQ(EffectsOf("hincrbyfloat h n 0.1"), "HSET h n 1.6");
  EXPECT_EQ(Do("hincrbyfloat h n -1.6"), Bulk("0"));
  EXPECT_EQ(Do("hincrbyfloat h n 5.0e3"), Bulk("5000"));
  EXPECT_EQ(Do("hincrby h n 1"), Int(5001));
}

TEST_F(HashTest, HincrbyfloatRefusesWhatIsNoNumber) {
  EXPECT_EQ(Do("hincrbyfloat h n x"), kNotFloatReply);
  EXPECT_EQ(Do("hincrbyfloat h n ''"), kNotFloatReply);
  EXPECT_EQ(Do("hincrbyfloat h n nan"), kNotFloatReply);
  EXPECT_EQ(Do("hincrbyfloat h n inf"), "-ERR value is NaN or Infinity\r\n");
  EXPECT_EQ(Do("hincrbyfloat h n -inf"), "-ERR value is NaN or Infinity\r\n");
  EXPECT_EQ(Do("exists h"), Int(0));
  Do("hset h n text");
  EXPECT_EQ(Do("hincrbyfloat h n 1"), "-ERR hash value is not a float\r\n");
  Do("hset h n inf");
  EXPECT_EQ(Do("hincrbyfloat h n 1"),
            "-ERR increment would produce NaN or Infinity\r\n");
  EXPECT_EQ(EffectsOf("hincrbyfloat h n 1"), "");
}

// --- Whole hashes ---

TEST_F(HashTest, HgetallIsAMapOnlyInResp3) {
  Do("hset h a 1");
  EXPECT_EQ(Do("hgetall h"), "*2\r\n$1\r\na\r\n$1\r\n1\r\n");
  EXPECT_EQ(Do("hgetall nosuch"), "*0\r\n");
  UseResp3();
  EXPECT_EQ(Do("hgetall h"), "%1\r\n$1\r\na\r\n$1\r\n1\r\n");
  EXPECT_EQ(Do("hgetall nosuch"), "%0\r\n");
  EXPECT_EQ(Do("hkeys h"), "*1\r\n$1\r\na\r\n");
  EXPECT_EQ(Do("hvals nosuch"), "*0\r\n");
}

TEST_F(HashTest, HkeysAndHvalsListBothForms) {
  for (const int size : {3, 700}) {
    Fill("h", size);
    EXPECT_EQ(Sorted(Do("hkeys h")).size(), size);
    const std::vector<std::string> values = Sorted(Do("hvals h"));
    EXPECT_EQ(std::set<std::string>(values.begin(), values.end()).size(), size);
    EXPECT_EQ(values[0], "v0");
  }
}

TEST_F(HashTest, HscanOfASmallHashShowsAllAtOnce) {
  Do("hset h a 1 b 2");
  EXPECT_EQ(Do("hscan h 0"),
            "*2\r\n$1\r\n0\r\n*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2"
            "\r\n");
  EXPECT_EQ(Do("hscan h 77 count 1 match b*"),
            "*2\r\n$1\r\n0\r\n*2\r\n$1\r\nb\r\n$1\r\n2\r\n");
  EXPECT_EQ(Do("hscan h 0 match 1"), kEmptyScan);
  EXPECT_EQ(Do("hscan h 0 NoValues match a"),
            "*2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n");
}

TEST_F(HashTest, HscanRefusesBadOptions) {
  Do("hset h a 1");
  for (const char* bad : {"x", "1x", "18446744073709551616", "1.5"})
    EXPECT_EQ(Do(absl::StrCat("hscan h ", bad)), "-ERR invalid cursor\r\n")
        << bad;
  EXPECT_EQ(Do({"hscan", "h", " 0"}), "-ERR invalid cursor\r\n");
  for (const char* bad : {"match", "count", "count 0", "count -1", "type hash",
                          "novalues count", "match a novalues novalue", "0"})
    EXPECT_EQ(Do(absl::StrCat("hscan h 0 ", bad)), kSyntaxReply) << bad;
  EXPECT_EQ(Do("hscan h 0 count x"), kNotIntegerReply);
  // As Redis has it: without a key, the options do not matter; the cursor does.
  EXPECT_EQ(Do("hscan nosuch 0 nonsense"), kEmptyScan);
  EXPECT_EQ(Do("hscan nosuch x"), "-ERR invalid cursor\r\n");
}

TEST_F(HashTest, HscanSeesEveryFieldOfALargeHash) {
  Fill("h", 1000);
  std::map<std::string, int> seen;
  uint64_t cursor = 0;
  int calls = 0;
  do {
    ASSERT_LT(++calls, 1000);
    const std::string reply =
        Do(absl::StrCat("hscan h ", cursor, " count 20 novalues"));
    const size_t at = reply.find("\r\n", 4) + 2;
    const size_t end = reply.find("\r\n", at);
    ASSERT_TRUE(absl::SimpleAtoi(reply.substr(at, end - at), &cursor)) << reply;
    for (const std::string& field :
         Sorted(absl::string_view(reply).substr(end + 2)))
      ++seen[field];
  } while (cursor != 0);
  EXPECT_EQ(seen.size(), 1000);
  EXPECT_GT(calls, 10);
  // Any cursor and any count will do.
  EXPECT_EQ(Do("hscan h 18446744073709551615 count 9223372036854775807"),
            kEmptyScan);
  EXPECT_EQ(
      Sorted(Do("hscan h -0 count 9223372036854775807").substr(11)).size(),
      2000);
}

// --- HRANDFIELD ---

TEST_F(HashTest, HrandfieldWithoutCountIsOneField) {
  EXPECT_EQ(Do("hrandfield nosuch"), kNullReply);
  Do("hset h only 1");
  EXPECT_EQ(Do("hrandfield h"), Bulk("only"));
  UseResp3();
  EXPECT_EQ(Do("hrandfield nosuch"), "_\r\n");
}

TEST_F(HashTest, HrandfieldRefusesBadCounts) {
  Do("hset h a 1");
  EXPECT_EQ(Do("hrandfield h x"), kNotIntegerReply);
  EXPECT_EQ(Do("hrandfield h 1 values"), kSyntaxReply);
  EXPECT_EQ(Do("hrandfield h 1 withvalues more"), kSyntaxReply);
  EXPECT_EQ(Do("hrandfield h -9223372036854775808"),
            "-ERR value is out of range, value must between "
            "-9223372036854775807 and 9223372036854775807\r\n");
  EXPECT_EQ(Do("hrandfield h -9223372036854770000 withvalues"),
            "-ERR value is out of range\r\n");
  EXPECT_EQ(Do("hrandfield h 9223372036854770000 withvalues"),
            "-ERR value is out of range\r\n");
  // Redis would try.
  EXPECT_EQ(Do("hrandfield h -9223372036854775807"),
            "-ERR value is out of range, the reply would be longer than 512 "
            "MiB\r\n");
  EXPECT_EQ(Do("hrandfield h 9223372036854775807"), "*1\r\n$1\r\na\r\n");
}

TEST_F(HashTest, HrandfieldForms) {
  Do("hset h a 1");
  EXPECT_EQ(Do("hrandfield nosuch 5"), "*0\r\n");
  EXPECT_EQ(Do("hrandfield h 0"), "*0\r\n");
  EXPECT_EQ(Do("hrandfield h 5 WITHVALUES"), "*2\r\n$1\r\na\r\n$1\r\n1\r\n");
  EXPECT_EQ(Do("hrandfield h -2"), "*2\r\n$1\r\na\r\n$1\r\na\r\n");
  EXPECT_EQ(Do("hrandfield h -1 withvalues"), "*2\r\n$1\r\na\r\n$1\r\n1\r\n");
  UseResp3();
  EXPECT_EQ(Do("hrandfield h 5 withvalues"),
            "*1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n");
  EXPECT_EQ(Do("hrandfield h -2 withvalues"),
            "*2\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n");
  EXPECT_EQ(Do("hrandfield h 1"), "*1\r\n$1\r\na\r\n");
}

TEST_F(HashTest, HrandfieldGivesDistinctFieldsAndInTimeAll) {
  for (const int size : {10, 100, 700}) {
    Fill("h", size);
    for (const int count : {1, 3, size / 4, size / 2, size - 1, size}) {
      std::set<std::string> ever;
      for (int i = 0; i < 2000 && (i == 0 || ever.size() < size_t(size)); ++i) {
        const std::vector<std::string> fields =
            Sorted(Do(absl::StrCat("hrandfield h ", count)));
        const std::set<std::string> once(fields.begin(), fields.end());
        ASSERT_EQ(fields.size(), count);
        ASSERT_EQ(once.size(), count);
        ever.insert(once.begin(), once.end());
        if (size == 700 && count < 100) break;
      }
      if (size < 700 || count >= 100) {
        EXPECT_EQ(ever.size(), size) << count;
      }
    }
    EXPECT_EQ(Sorted(Do(absl::StrCat("hrandfield h -", 3 * size))).size(),
              3 * size);
    EXPECT_EQ(Sorted(Do("hrandfield h -7 withvalues")).size(), 14);
  }
}

TEST_F(HashTest, HrandfieldPairsFieldsWithTheirValues) {
  for (const int size : {20, 700}) {
    Fill("h", size);
    for (const char* count : {"5", "15", "-40", "200"}) {
      UseResp3();
      const std::string reply =
          Do(absl::StrCat("hrandfield h ", count, " withvalues"));
      for (size_t at = reply.find("*2\r\n"); at != std::string::npos;
           at = reply.find("*2\r\n", at + 1)) {
        const size_t field = reply.find('f', at);
        const size_t field_end = reply.find("\r\n", field);
        const std::string number =
            reply.substr(field + 1, field_end - field - 1);
        const size_t value = reply.find('v', field);
        EXPECT_EQ(reply.substr(value + 1, number.size() + 2), number + "\r\n");
      }
    }
  }
}

TEST_F(HashTest, APrimarysCommandsAreApplied) {
  EXPECT_TRUE(Apply("HSET h n 1.6").ok());
  EXPECT_EQ(Do("hget h n"), Bulk("1.6"));
  EXPECT_FALSE(Apply("HSET h n").ok());
}

}  // namespace
}  // namespace holdfast::server
