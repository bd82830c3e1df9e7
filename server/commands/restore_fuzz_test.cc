// RESTORE is fed damaged payloads of every type of value. What it takes must be
// a value like any other: whatever is asked of it or done to it, nothing
// crashes, and DUMP gives back what RESTORE takes again. $HOLDFAST_SEED and
// $HOLDFAST_RUNS say with which choices and how long.

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "glog/logging.h"
#include "gtest/gtest.h"
#include "server/commands/keys_testing.h"
#include "server/persist/rdb/object_testing.h"
#include "testing/support/dice.h"
#include "testing/support/environment.h"

namespace holdfast::server {
namespace {

// Lines of words; those in capitals stand for a choice: K the key, D another, F
// a field or member, V a value, I an integer, N a small one, X a double, S a
// bound of a range of scores, L one of members, M an id of a stream, G a group,
// C a consumer.
const char* const kOnAny[] = {"TYPE K",
                              "OBJECT ENCODING K",
                              "MEMORY USAGE K",
                              "COPY K D",
                              "RENAME K K",
                              "EXPIRE K 100",
                              "PERSIST K",
                              "DEBUG OBJECT K",
                              "SORT K BY nosort LIMIT I N",
                              "SORT K ALPHA",
                              "DUMP K",
                              "SORT K ALPHA STORE D",
                              "OBJECT FREQ K",
                              "TOUCH K",
                              "DEBUG DIGEST-VALUE K",
                              "DEBUG LISTPACK K"};
const char* const kOnString[] = {"GET K",
                                 "STRLEN K",
                                 "GETRANGE K I I",
                                 "APPEND K V",
                                 "SETRANGE K N V",
                                 "INCRBY K I",
                                 "INCRBYFLOAT K X",
                                 "BITCOUNT K I I",
                                 "BITPOS K 1 I I",
                                 "GETBIT K N",
                                 "SETBIT K N 1",
                                 "BITOP NOT D K",
                                 "BITFIELD K GET u8 N INCRBY i5 N I",
                                 "LCS K D",
                                 "PFCOUNT K",
                                 "PFADD K V V",
                                 "PFMERGE D K",
                                 "PFDEBUG GETREG K",
                                 "GETEX K EX 10",
                                 "GETSET K V",
                                 "SET K V KEEPTTL GET"};
const char* const kOnHash[] = {"HGETALL K",
                               "HGET K F",
                               "HSET K F V",
                               "HDEL K F",
                               "HDEL K F F F",
                               "HLEN K",
                               "HSTRLEN K F",
                               "HKEYS K",
                               "HVALS K",
                               "HINCRBY K F I",
                               "HINCRBYFLOAT K F X",
                               "HMGET K F F",
                               "HRANDFIELD K N WITHVALUES",
                               "HRANDFIELD K -20",
                               "HSCAN K 0 COUNT N",
                               "HSETNX K F V",
                               "HEXISTS K F"};
const char* const kOnList[] = {"LRANGE K I I",
                               "LRANGE K 0 -1",
                               "LINDEX K I",
                               "LLEN K",
                               "LPUSH K V",
                               "RPUSH K V V",
                               "LPOP K",
                               "RPOP K N",
                               "LSET K I V",
                               "LINSERT K BEFORE V V",
                               "LREM K I V",
                               "LTRIM K I I",
                               "LPOS K V RANK I COUNT N",
                               "LMOVE K K LEFT RIGHT",
                               "RPOPLPUSH K D",
                               "LMPOP 1 K LEFT COUNT N"};
const char* const kOnSet[] = {
    "SMEMBERS K",        "SISMEMBER K F",   "SADD K F V",
    "SREM K F F",        "SCARD K",         "SPOP K",
    "SPOP K N",          "SRANDMEMBER K I", "SRANDMEMBER K -9",
    "SSCAN K 0 COUNT N", "SMOVE K D F",     "SINTER K D",
    "SUNIONSTORE D K",   "SDIFF K D",       "SINTERCARD 2 K D",
    "SMISMEMBER K F F"};
const char* const kOnZset[] = {
    "ZRANGE K I I WITHSCORES",
    "ZRANGE K S S BYSCORE LIMIT I N",
    "ZREVRANGEBYSCORE K S S",
    "ZRANGEBYLEX K L L",
    "ZADD K X F",
    "ZADD K GT CH X F X F",
    "ZINCRBY K X F",
    "ZREM K F F",
    "ZCARD K",
    "ZSCORE K F",
    "ZRANK K F",
    "ZREVRANK K F",
    "ZCOUNT K S S",
    "ZLEXCOUNT K L L",
    "ZPOPMIN K N",
    "ZPOPMAX K",
    "ZRANDMEMBER K I",
    "ZSCAN K 0 COUNT N",
    "ZREMRANGEBYRANK K I I",
    "ZREMRANGEBYSCORE K S S",
    "ZREMRANGEBYLEX K L L",
    "ZUNIONSTORE D 2 K D",
    "ZDIFF 2 K D WITHSCORES",
    "GEOPOS K F",
    "GEOHASH K F",
    "GEODIST K F F",
    "GEOSEARCH K FROMLONLAT 1 1 BYRADIUS 30000 km WITHDIST WITHHASH",
    "ZRANGESTORE D K I I",
    "ZINTERCARD 2 K K"};
const char* const kOnStream[] = {"XRANGE K - +",
                                 "XREVRANGE K + -",
                                 "XRANGE K M M COUNT N",
                                 "XLEN K",
                                 "XREVRANGE K M M",
                                 "XADD K * F V",
                                 "XADD K M F V F V",
                                 "XDEL K M M",
                                 "XDEL K M",
                                 "XTRIM K MAXLEN N",
                                 "XTRIM K MAXLEN ~ N",
                                 "XTRIM K MINID M",
                                 "XREAD COUNT N STREAMS K M",
                                 "XINFO STREAM K",
                                 "XINFO STREAM K FULL COUNT 0",
                                 "XINFO GROUPS K",
                                 "XINFO CONSUMERS K G",
                                 "XGROUP CREATE K G M",
                                 "XGROUP SETID K G M ENTRIESREAD N",
                                 "XGROUP DESTROY K G",
                                 "XGROUP CREATECONSUMER K G C",
                                 "XGROUP DELCONSUMER K G C",
                                 "XREADGROUP GROUP G C STREAMS K >",
                                 "XREADGROUP GROUP G C COUNT N STREAMS K M",
                                 "XACK K G M M",
                                 "XPENDING K G",
                                 "XPENDING K G - + 10",
                                 "XPENDING K G M M N C",
                                 "XCLAIM K G C 0 M M FORCE",
                                 "XAUTOCLAIM K G C 0 M COUNT N",
                                 "XSETID K M",
                                 "XSETID K M ENTRIESADDED I MAXDELETEDID M",
                                 "XGROUP SETID K G M ENTRIESREAD I",
                                 "XCLAIM K G C 0 M TIME I RETRYCOUNT I FORCE",
                                 "XCLAIM K G C I M IDLE I JUSTID",
                                 "XADD K M-* F V",
                                 "XAUTOCLAIM K G C 0 0"};

// What led to a crash, for the handler of its signal.
const std::vector<std::string>* crash_history = nullptr;

// Not safe in a signal handler, strictly; the process ends anyway.
void PrintHistory(int signal_number) {
  if (crash_history != nullptr) {
    fprintf(stderr, "signal %d after:\n%s\n", signal_number,
            absl::StrJoin(*crash_history, "\n").c_str());
  }
  std::signal(signal_number, SIG_DFL);
  raise(signal_number);
}

class RestoreFuzzTest : public KeysTest {
 protected:
  RestoreFuzzTest() : seed_(test::Seed()), dice_(seed_) {
    crash_history = &history_;
    for (const int signal_number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE}) {
      std::signal(signal_number, PrintHistory);
    }
  }
  ~RestoreFuzzTest() override { crash_history = nullptr; }

  // Payloads as they are: what the loaders know, and what DUMP makes of values
  // that had a life here.
  std::vector<std::string> Payloads();
  void TryOne(const std::string& dump);
  std::string Word(absl::string_view word);
  std::string MemberOrValue();
  std::string StreamIdOrNonsense();
  void Play(absl::Span<const char* const> lines);
  // The bytes of a bulk reply.
  std::string Bytes(const std::string& reply) {
    const size_t begin = reply.find("\r\n") + 2;
    return reply.substr(begin, reply.size() - begin - 2);
  }
  std::string History() const {
    return absl::StrCat("seed ", seed_, "\n", absl::StrJoin(history_, "\n"));
  }
  std::string Remembered(const std::vector<std::string>& words);
  void ExpectDumpIsTheValue();

  const uint64_t seed_;
  test::Dice dice_;
  std::vector<std::string> history_;  // Of the payload at hand.
  std::vector<std::string> seen_;     // Members and ids of it.
  int taken_ = 0;
};

std::vector<std::string> RestoreFuzzTest::Payloads() {
  std::vector<std::string> dumps;
  for (const SamplePayload& sample : SamplePayloads()) {
    dumps.push_back(DumpOf(absl::StrCat(
        std::string(1, static_cast<char>(sample.type)), sample.payload)));
  }
  for (const int elements : {3, 10, 200}) {
    Do("flushall");
    for (int i = 0; i < elements; ++i) {
      const std::string value = absl::StrCat(i % 2 == 0 ? "" : "_", i);
      Do(absl::StrCat("hset h ", i, " ", value));
      Do(absl::StrCat("lpush l ", value));
      Do(absl::StrCat("zadd z ", i, ".5 ", value));
      Do(absl::StrCat("sadd s ", value));
      Do(absl::StrCat("sadd numbers ", i));
      Do(absl::StrCat("pfadd p ", value));
      Do(absl::StrCat("xadd x ", i + 1, "-1 item 1 value ", value));
    }
    Do("xadd x 900-1 item 1 unique 1");
    Do("xgroup create x mygroup 0");
    Do("xreadgroup group mygroup Alice count 2 streams x >");
    Do("xreadgroup group mygroup Bob count 2 streams x >");
    Do("xdel x 2-1");
    Do("xack x mygroup 1-1");
    for (const char* key : {"h", "l", "z", "s", "numbers", "p", "x"}) {
      dumps.push_back(Bytes(Do({"dump", key})));
    }
  }
  return dumps;
}

void Damage(test::Dice* dice, std::string* dump) {
  constexpr size_t kFooterBytes = 10;
  CHECK_GT(dump->size(), kFooterBytes);
  const size_t end = dump->size() - kFooterBytes;
  for (int64_t left = dice->OneIn(4) ? dice->Between(2, 4) : 1; left > 0;
       --left) {
    const auto at = static_cast<size_t>(dice->Below(static_cast<int64_t>(end)));
    char& byte = (*dump)[at];
    switch (dice->Below(4)) {
      case 0:
        byte = static_cast<char>(byte ^ 1 << dice->Below(8));
        break;
      case 1:
        byte = static_cast<char>(byte + dice->Between(-1, 1));
        break;
      case 2:
        byte = static_cast<char>(dice->Pick({0x00, 0x01, 0x7f, 0x80, 0x81, 0xc0,
                                             0xc3, 0xf0, 0xf4, 0xfe, 0xff}));
        break;
      default:
        byte = static_cast<char>(dice->Below(256));
    }
  }
}

std::string RestoreFuzzTest::MemberOrValue() {
  if (!seen_.empty() && !dice_.OneIn(3)) return dice_.Pick(seen_);
  if (dice_.OneIn(8))
    return std::string(static_cast<size_t>(dice_.Below(300)), 'l');
  return dice_.Pick({"", "0", "1", "-1", "127", "128", "4095", "32768",
                     "8388608", "2147483648", "9223372036854775807",
                     "-9223372036854775808", "_1", "_3", "item", "value", "nan",
                     "1.5", "new"});
}

std::string RestoreFuzzTest::StreamIdOrNonsense() {
  if (!seen_.empty() && !dice_.OneIn(3)) return dice_.Pick(seen_);
  return dice_.Pick({"0", "0-0", "0-1", "1-1", "2-1", "5", "(1-1", "-", "+",
                     "$", ">", "900-2",
                     "18446744073709551615-18446744073709551615",
                     "9223372036854775808-5", "901-*"});
}

std::string RestoreFuzzTest::Word(absl::string_view word) {
  if (word.size() != 1) return std::string(word);
  switch (word[0]) {
    case 'K':
      return "k";
    case 'D':
      return "d";
    case 'F':
    case 'V':
      return MemberOrValue();
    case 'I':
      return dice_.Pick({"0", "1", "-1", "2", "-3", "5", "100", "-100",
                         "9223372036854775807", "-9223372036854775807", "x"});
    case 'N':
      return absl::StrCat(dice_.Between(0, 12));
    case 'X':
      return dice_.Pick({"0", "-0", "1", "1.5", "-2", "3e300", "inf", "-inf",
                         "nan", "1e-320", "x"});
    case 'S':
      return dice_.Pick({"-inf", "+inf", "0", "(1", "5.5", "(-inf", "nan"});
    case 'L':
      return absl::StrCat(
          dice_.Pick({"[", "(", ""}),
          dice_.OneIn(3) ? dice_.Pick({"-", "+"}) : MemberOrValue());
    case 'M':
      return StreamIdOrNonsense();
    case 'G':
      return dice_.OneIn(6) ? MemberOrValue() : "mygroup";
    case 'C':
      return dice_.OneIn(4) ? MemberOrValue() : dice_.Pick({"Alice", "Bob"});
    default:
      return std::string(word);
  }
}

std::string RestoreFuzzTest::Remembered(const std::vector<std::string>& words) {
  std::vector<std::string> shown;
  for (const std::string& word : words) shown.push_back(absl::CHexEscape(word));
  history_.push_back(absl::StrJoin(shown, " "));
  const std::vector<absl::string_view> args(words.begin(), words.end());
  std::string reply = Do(args);
  constexpr size_t kMaxSeen = 100;
  // Bulk strings of the reply, without parsing it: words to use again.
  for (absl::string_view part : absl::StrSplit(reply, "\r\n")) {
    if (seen_.size() >= kMaxSeen) break;
    if (!part.empty() && part.size() < 80 && part[0] != '$' && part[0] != '*' &&
        part[0] != ':' && part[0] != '-') {
      seen_.emplace_back(part);
    }
  }
  return reply;
}

void RestoreFuzzTest::Play(absl::Span<const char* const> lines) {
  const char* const line = lines[static_cast<size_t>(
      dice_.Below(static_cast<int64_t>(lines.size())))];
  std::vector<std::string> words;
  for (absl::string_view word : absl::StrSplit(line, ' ')) {
    words.push_back(Word(word));
  }
  Remembered(words);
}

void RestoreFuzzTest::ExpectDumpIsTheValue() {
  Do("persist k");  // The digest has the expiry, too; DUMP has not.
  const std::string reply = Do({"dump", "k"});
  if (reply == kNullReply) return;
  ASSERT_EQ(Do({"restore", "again", "0", Bytes(reply), "REPLACE"}), kOkReply);
  if (Do("type k") == "+zset\r\n") {
    // -0 becomes 0 in a packed sorted set, here and in Redis, which can be one
    // from now on; the digests would differ.
    const auto members = [this](absl::string_view key) {
      return absl::StrReplaceAll(
          Do(absl::StrCat("zrange ", key, " 0 -1 withscores")),
          {{"\r\n$2\r\n-0\r\n", "\r\n$1\r\n0\r\n"}});
    };
    ASSERT_EQ(members("again"), members("k"));
    return;
  }
  ASSERT_EQ(Do("debug digest-value again"), Do("debug digest-value k"));
}

void RestoreFuzzTest::TryOne(const std::string& dump) {
  history_ = {absl::StrCat("payload ", absl::CHexEscape(dump))};
  seen_.clear();
  const std::string reply = Do({"restore", "k", "0", dump, "REPLACE"});
  if (reply == "-ERR Bad data format\r\n") return;
  ASSERT_EQ(reply, kOkReply);
  ++taken_;
  ASSERT_NO_FATAL_FAILURE(ExpectDumpIsTheValue());
  if (dice_.OneIn(2)) Do({"restore", "d", "0", dump, "REPLACE"});
  const std::string type = Do("type k");
  const absl::Span<const char* const> lines =
      type == "+string\r\n" ? absl::MakeConstSpan(kOnString)
      : type == "+hash\r\n" ? absl::MakeConstSpan(kOnHash)
      : type == "+list\r\n" ? absl::MakeConstSpan(kOnList)
      : type == "+set\r\n"  ? absl::MakeConstSpan(kOnSet)
      : type == "+zset\r\n" ? absl::MakeConstSpan(kOnZset)
                            : absl::MakeConstSpan(kOnStream);
  for (int64_t left = dice_.Between(5, 40); left > 0; --left) {
    Play(dice_.OneIn(8) ? absl::MakeConstSpan(kOnAny) : lines);
  }
  ASSERT_NO_FATAL_FAILURE(ExpectDumpIsTheValue());
  Do("del k d again");
}

TEST_F(RestoreFuzzTest, WhatIsTakenIsAValue) {
  const int64_t runs = test::Setting("HOLDFAST_RUNS", 6000);
  const bool loud = runs > 6000;
  const std::vector<std::string> valid = Payloads();
  Do("flushall");
  Do("debug set-skip-checksum-validation 1");
  for (const std::string& dump : valid) {
    TryOne(dump);
    ASSERT_FALSE(HasFatalFailure()) << History();
  }
  ASSERT_EQ(taken_, static_cast<int>(valid.size()));
  for (int64_t run = 0; run < runs; ++run) {
    std::string dump = dice_.Pick(valid);
    Damage(&dice_, &dump);
    // Small limits and large ones: the same payload as a packed value and not.
    if (run % 500 == 0) {
      const std::string most = dice_.Pick({"0", "1", "4", "128", "1000"});
      for (const char* what :
           {"hash-max-listpack-entries", "zset-max-listpack-entries",
            "set-max-intset-entries"}) {
        ASSERT_TRUE(engine_.config().Set({{what, most}}, {}).ok());
      }
    }
    TryOne(dump);
    ASSERT_FALSE(HasFatalFailure()) << History();
  }
  if (loud) LOG(INFO) << taken_ << " of " << runs << " damaged values taken";
  EXPECT_EQ(Do("dbsize"), Int(0)) << History();
}

}  // namespace
}  // namespace holdfast::server
