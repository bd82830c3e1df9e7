#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "server/commands/keys_testing.h"
#include "server/commands/sort_order.h"

namespace holdfast::server {
namespace {

constexpr char kWrongTypeReply[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
constexpr char kNoNumberReply[] =
    "-ERR One or more scores can't be converted into double\r\n";
constexpr char kEmptyArray[] = "*0\r\n";

class SortTest : public KeysTest {
 protected:
  SortTest() { Do("RPUSH l 3 1 2 10"); }

  // "1 2 nil 10"; anything but an array of bulk strings as it is.
  std::string Show(absl::string_view line) {
    const std::string reply = Do(line);
    if (reply[0] != '*') return reply;
    std::vector<std::string> words;
    size_t at = reply.find("\r\n") + 2;
    while (at < reply.size()) {
      const size_t end = reply.find("\r\n", at);
      int64_t n = -1;
      if (reply[at] == '$') {
        EXPECT_TRUE(absl::SimpleAtoi(reply.substr(at + 1, end - at - 1), &n));
      }
      at = end + 2;
      words.push_back(n < 0 ? "nil" : reply.substr(at, n));
      if (n >= 0) at += n + 2;
    }
    return absl::StrJoin(words, " ");
  }
  int64_t Changes(absl::string_view line) {
    const int64_t before = engine_.stats().changes_since_save.load();
    Do(line);
    return engine_.stats().changes_since_save.load() - before;
  }
};

TEST_F(SortTest, SortsNumbersOfEveryType) {
  EXPECT_EQ(Show("SORT l"), "1 2 3 10");
  EXPECT_EQ(Show("SORT l DESC"), "10 3 2 1");
  EXPECT_EQ(Show("sort l desc asc"), "1 2 3 10");
  EXPECT_EQ(Show("SORT l ALPHA"), "1 10 2 3");
  EXPECT_EQ(Show("SORT_RO l ALPHA DESC"), "3 2 10 1");
  Do("SADD s 5 -1 1e3 0x10 2.5 x");
  EXPECT_EQ(Do("SORT s"), kNoNumberReply);
  Do("SREM s x");
  EXPECT_EQ(Show("SORT s"), "-1 2.5 5 0x10 1e3");
  Do("ZADD z 3 1 2 2 1 3");
  EXPECT_EQ(Show("SORT z"), "1 2 3");
  EXPECT_EQ(Show("SORT z BY nosort"), "3 2 1");
  EXPECT_EQ(Do("SORT nosuch"), kEmptyArray);
  EXPECT_EQ(Do("SORT nosuch BY w_* GET # GET x"), kEmptyArray);
}

TEST_F(SortTest, EqualNumbersComeInTheOrderOfTheirBytes) {
  Do("RPUSH e 1.0 1 01 +1 1e0");
  EXPECT_EQ(Show("SORT e"), "+1 01 1 1.0 1e0");
  EXPECT_EQ(Show("SORT e DESC"), "1e0 1.0 1 01 +1");
  EXPECT_EQ(Show("SORT e BY w_*"), "+1 01 1 1.0 1e0");
}

TEST_F(SortTest, Refusals) {
  Do("SET string v");
  Do("HSET hash f v");
  EXPECT_EQ(Do("SORT string"), kWrongTypeReply);
  EXPECT_EQ(Do("SORT hash BY nosort"), kWrongTypeReply);
  EXPECT_EQ(Do("SORT"),
            "-ERR wrong number of arguments for 'sort' command\r\n");
  for (const char* line :
       {"SORT l BY", "SORT l GET", "SORT l STORE", "SORT l LIMIT 1",
        "SORT l LIMIT", "SORT l x", "SORT l ''", "SORT_RO l STORE d",
        "SORT string y", "SORT l ASC LIMIT 0"}) {
    EXPECT_EQ(Do(line), kSyntaxReply) << line;
  }
  for (const char* bad : {"x", "''", "1.5", "9223372036854775808"}) {
    EXPECT_EQ(Do(absl::StrCat("SORT l LIMIT ", bad, " 1")), kNotIntegerReply);
    EXPECT_EQ(Do(absl::StrCat("SORT l LIMIT 1 ", bad)), kNotIntegerReply);
  }
  Do("RPUSH words a b");
  EXPECT_EQ(Do("SORT words"), kNoNumberReply);
  EXPECT_EQ(Do("SORT words LIMIT 0 0"), kNoNumberReply);
  EXPECT_EQ(Do("SORT words STORE l"), kNoNumberReply);
  EXPECT_EQ(Show("LRANGE l 0 -1"), "3 1 2 10");
}

TEST_F(SortTest, LimitIsCutToWhatThereIs) {
  EXPECT_EQ(Show("SORT l LIMIT 1 2"), "2 3");
  EXPECT_EQ(Show("SORT l LIMIT -5 2"), "1 2");
  EXPECT_EQ(Show("SORT l LIMIT 2 -1"), "3 10");
  EXPECT_EQ(Show("SORT l LIMIT 2 100"), "3 10");
  EXPECT_EQ(Show("SORT l LIMIT 2 0"), "");
  EXPECT_EQ(Show("SORT l LIMIT 4 1"), "");
  EXPECT_EQ(Show("SORT l LIMIT 9223372036854775807 9223372036854775807"), "");
  EXPECT_EQ(Show("SORT l LIMIT -9223372036854775808 -9223372036854775808 DESC"),
            "10 3 2 1");
  EXPECT_EQ(Show("SORT l LIMIT 0 1 LIMIT 1 1"), "2");
}

TEST_F(SortTest, WithoutAStarInByNothingIsSorted) {
  EXPECT_EQ(Show("SORT l BY nosort"), "3 1 2 10");
  EXPECT_EQ(Show("SORT l BY nosort DESC"), "10 2 1 3");
  EXPECT_EQ(Show("SORT l BY nosort DESC LIMIT 1 2"), "2 1");
  EXPECT_EQ(Show("SORT l BY nosort LIMIT 1 2"), "1 2");
  EXPECT_EQ(Show("SORT l BY # GET # GET x"), "3 nil 1 nil 2 nil 10 nil");
  Do("MSET w_1 3 w_2 2 w_3 1 w_10 0");
  // One that has none is enough.
  EXPECT_EQ(Show("SORT l BY x BY w_*"), "3 1 2 10");
  EXPECT_EQ(Show("SORT l BY w_* BY x"), "3 1 2 10");
  Do("ZADD z 1 a 2 b 3 c 4 d");
  EXPECT_EQ(Show("SORT z BY x"), "a b c d");
  EXPECT_EQ(Show("SORT z BY x DESC"), "d c b a");
  EXPECT_EQ(Show("SORT z BY x LIMIT 1 2"), "b c");
  EXPECT_EQ(Show("SORT z BY x DESC LIMIT 1 2"), "c b");
  Do("SADD ints 3 1 2");
  EXPECT_EQ(Show("SORT ints BY x DESC"), "1 2 3");
  // What is stored of a set is in an order.
  Do("SADD words c b a");
  EXPECT_EQ(Do("SORT words BY x STORE d DESC"), Int(3));
  EXPECT_EQ(Show("LRANGE d 0 -1"), "c b a");
}

TEST_F(SortTest, ByOtherKeys) {
  Do("MSET w_1 30 w_2 20 w_3 10");
  EXPECT_EQ(Show("SORT l BY w_*"), "10 3 2 1");  // w_10 is missing: 0.
  EXPECT_EQ(Show("SORT l BY w_* DESC LIMIT 0 2"), "1 2");
  Do("HSET h_1 f 1 g b");
  Do("HSET h_2 f 3 g a");
  Do("HSET h_3 f -1");
  EXPECT_EQ(Show("SORT l BY h_*->f"), "3 10 1 2");
  EXPECT_EQ(Show("SORT l BY h_*->g ALPHA"), "3 10 2 1");
  EXPECT_EQ(Show("SORT l BY h_*->nosuch"), "1 10 2 3");
  Do("SET w_2 x");
  EXPECT_EQ(Do("SORT l BY w_*"), kNoNumberReply);
  EXPECT_EQ(Show("SORT l BY w_* ALPHA"), "10 3 1 2");
  Do("SET w_2 ''");
  Do("DEL w_1");
  Do("RPUSH w_1 1");  // Of another type: as if it were not there.
  EXPECT_EQ(Show("SORT l BY w_*"), "1 10 2 3");
}

TEST_F(SortTest, GetsOtherKeys) {
  Do("DEL l");
  Do("RPUSH l 2 1");
  Do("MSET a_1 x a_2 y 1 one");
  Do("HSET h_1 name n1 age 7");
  EXPECT_EQ(Show("SORT l GET a_*"), "x y");
  EXPECT_EQ(Show("SORT l GET # GET a_* GET h_*->name GET h_*->age"),
            "1 x n1 7 2 y nil nil");
  EXPECT_EQ(Show("SORT_RO l GET * GET h_1 GET a_*->f"),
            "one nil nil nil nil nil");
  EXPECT_EQ(Show("SORT l LIMIT 1 1 GET # GET #"), "2 2");
  // The first star only; an arrow without a field is part of the key.
  Do("MSET b_1* star h_1-> arrow");
  EXPECT_EQ(Show("SORT l GET b_** GET h_*->"), "star arrow nil nil");
  Do("HSET a->1 f in");
  Do("HSET h_1 x->y two");
  EXPECT_EQ(Show("SORT l GET a->*->f GET h_*->x->y LIMIT 0 1"), "in two");
  session_.protocol.store(3);
  EXPECT_EQ(Do("SORT l GET a_* GET nil"),
            "*4\r\n$1\r\nx\r\n_\r\n$1\r\ny\r\n_\r\n");
}

TEST_F(SortTest, ZeroBytesEndWhatIsLookedFor) {
  const std::string hidden("x\0*", 3);
  Do("MSET w_1 3 w_2 2 w_3 1 w_10 0");
  EXPECT_EQ(Do({"SORT", "l", "BY", hidden}), Do("LRANGE l 0 -1"));
  const std::string element("#\0x", 3);
  EXPECT_EQ(Do({"SORT", "l", "GET", element}), Do("SORT l"));
  Do({"SET", absl::string_view("k_1\0t", 5), "v"});
  EXPECT_EQ(Do({"SORT", "l", "GET", absl::string_view("k_*\0t", 5), "LIMIT",
                "0", "1"}),
            "*1\r\n$1\r\nv\r\n");
  // Text is compared up to it in answers, as a whole in what is stored.
  Do({"RPUSH", "z", absl::string_view("a\0b", 3),
      absl::string_view("a\0a", 3)});
  EXPECT_EQ(Do("SORT z ALPHA"), Do("LRANGE z 0 -1"));
  Do("SORT z ALPHA STORE d");
  EXPECT_EQ(Do("LINDEX d 0"), Bulk(absl::string_view("a\0a", 3)));
}

TEST_F(SortTest, StoresAList) {
  Do("SET d v EX 100");
  EXPECT_EQ(Do("SORT l STORE d"), Int(4));
  EXPECT_EQ(Show("LRANGE d 0 -1"), "1 2 3 10");
  EXPECT_EQ(Do("TTL d"), Int(-1));
  EXPECT_EQ(Do("SORT l STORE l DESC"), Int(4));
  EXPECT_EQ(Show("LRANGE l 0 -1"), "10 3 2 1");
  Do("SET a_1 x");
  EXPECT_EQ(Do("SORT l GET a_* GET # STORE nosuch STORE d LIMIT 0 2"), Int(4));
  EXPECT_EQ(Show("LRANGE d 0 -1"), "x 1  2");
  EXPECT_EQ(Do("EXISTS nosuch"), Int(0));
  EXPECT_EQ(Do("SORT l LIMIT 10 1 STORE d"), Int(0));
  EXPECT_EQ(Do("EXISTS d"), Int(0));
  EXPECT_EQ(Do("SORT nosuch STORE l"), Int(0));
  EXPECT_EQ(Do("EXISTS l"), Int(0));
}

TEST_F(SortTest, OnlyStoringIsAnEffect) {
  EXPECT_EQ(EffectsOf("SORT l"), "");
  EXPECT_EQ(EffectsOf("SORT l STORE d DESC"), "SORT l STORE d DESC");
  EXPECT_EQ(Changes("SORT l GET # GET # STORE d"), 8);
  EXPECT_EQ(Changes("SORT nosuch STORE d"), 1);
  EXPECT_EQ(EffectsOf("SORT nosuch STORE d"), "");
  BecomeReplica(true);
  EXPECT_EQ(Do("SORT l").substr(0, 9), "-READONLY");
  EXPECT_EQ(Show("SORT_RO l"), "1 2 3 10");
}

// Keys that no argument names are looked up under their locks, and deleted if
// they have expired, before the effect of the whole.
TEST_F(SortTest, ExpiredWeightsAreGone) {
  Do("MSET w_1 30 w_2 20 w_3 10 w_10 40");
  Do("PEXPIRE w_10 5");
  Advance(absl::Milliseconds(6));
  EXPECT_EQ(EffectsOf("SORT l BY w_* STORE d"),
            "MULTI; DEL w_10; SORT l BY w_* STORE d; EXEC");
  EXPECT_EQ(Show("LRANGE d 0 -1"), "10 3 2 1");
  Do("SET w_10 40 PX 5");
  Advance(absl::Milliseconds(6));
  EXPECT_EQ(Show("SORT_RO l BY w_*"), "10 3 2 1");
  EXPECT_EQ(Do("DBSIZE"), Int(5));
}

TEST_F(SortTest, WorksInTransactionsAndOnReplicas) {
  Do("MSET w_1 3 w_2 2 w_3 1 w_10 0");
  Do("MULTI");
  Do("SORT l BY w_* GET w_*");
  Do("SORT_RO l GET w_*");
  Do("SORT l BY w_* STORE d");
  EXPECT_EQ(Do("EXEC"),
            "*3\r\n*4\r\n$1\r\n0\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n"
            "*4\r\n$1\r\n3\r\n$1\r\n2\r\n$1\r\n1\r\n$1\r\n0\r\n:4\r\n");
  ASSERT_TRUE(Apply("SORT l BY w_* STORE e").ok());
  EXPECT_EQ(Do("LRANGE e 0 -1"), Do("LRANGE d 0 -1"));
}

// The members of a set are in no order: replicas, whose tables are others, are
// to store the same.
TEST_F(SortTest, WhatIsEqualInASetIsStoredInTheOrderOfItsBytes) {
  std::string line = "SADD s";
  std::vector<std::string> expected;
  for (int i = 100; i < 400; ++i) {
    absl::StrAppend(&line, " m", i);
    expected.push_back(absl::StrCat("m", i));
  }
  Do(line);
  EXPECT_EQ(Do("SORT s BY w_* ALPHA STORE d"), Int(300));
  EXPECT_EQ(Show("LRANGE d 0 -1"), absl::StrJoin(expected, " "));
}

// GET is for any number of keys, but a short request makes no endless reply.
TEST_F(SortTest, AnAnswerOfManyGetsIsBounded) {
  const std::string large(1 << 20, 'x');
  Do({"SET", "v_1", large});
  Do("DEL l");
  for (int i = 0; i < 64; ++i) Do("RPUSH l 1");
  std::vector<absl::string_view> args = {"SORT", "l", "BY", "nosort"};
  for (int i = 0; i < 16; ++i) args.insert(args.end(), {"GET", "v_*"});
  EXPECT_EQ(Do(args).substr(0, 5), "-ERR ");
}

TEST(SortScoreTest, ReadsWhatStrtodReads) {
  const struct {
    absl::string_view text;
    double score;
  } kGood[] = {{"", 0},      {"1", 1},     {" 1", 1},    {"\t-2.5", -2.5},
               {"0x10", 16}, {"1e3", 1e3}, {"+7", 7},    {"007", 7},
               {"0e999", 0}, {".5", 0.5},  {"-.5e1", -5}};
  double score = 99;
  for (const auto& c : kGood) {
    EXPECT_TRUE(ParseSortScore(c.text, &score)) << c.text;
    EXPECT_EQ(score, c.score) << c.text;
  }
  EXPECT_TRUE(ParseSortScore(absl::string_view("1\0x", 3), &score));
  EXPECT_EQ(score, 1);
  EXPECT_TRUE(ParseSortScore("inf", &score));
  for (const char* bad : {" ", "x", "1x", "1 ", "nan", "-nan", "1e400",
                          "-1e400", "1e-400", "1.1e-320", "0x", "--1", "1,5"}) {
    EXPECT_FALSE(ParseSortScore(bad, &score)) << bad;
  }
}

}  // namespace
}  // namespace holdfast::server
