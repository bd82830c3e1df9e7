#include "server/commands/string.h"

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "gtest/gtest.h"
#include "net/time/manual_clock.h"
#include "server/command/errors.h"
#include "server/dispatch/dispatcher.h"
#include "server/engine/engine.h"
#include "server/keyspace/write_gate.h"
#include "server/session/session.h"

namespace holdfast::server {
namespace {

constexpr char kOk[] = "+OK\r\n";
constexpr char kNull[] = "$-1\r\n";
constexpr char kSyntax[] = "-ERR syntax error\r\n";
constexpr char kNotInteger[] =
    "-ERR value is not an integer or out of range\r\n";
constexpr char kNotFloat[] = "-ERR value is not a valid float\r\n";
constexpr char kOverflow[] = "-ERR increment or decrement would overflow\r\n";
constexpr char kTooLong[] =
    "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";
std::string Bulk(absl::string_view s) {
  return absl::StrCat("$", s.size(), "\r\n", s, "\r\n");
}
std::string Int(int64_t i) { return absl::StrCat(":", i, "\r\n"); }
std::string BadExpiry(absl::string_view command) {
  return absl::StrCat("-ERR invalid expire time in '", command,
                      "' command\r\n");
}

// An engine with this family alone, a session, a clock that stands still and a
// log that is on. Words are split at spaces; "''" is an empty one.
class StringTest : public testing::Test {
 protected:
  StringTest()
      : engine_(std::make_unique<Config>(), &clock_),
        session_(1, nullptr, "test:1", "test:0", 0),
        dispatcher_((Prepare(), &engine_), &session_) {}

  std::string Do(absl::Span<const absl::string_view> args) {
    std::string out;
    dispatcher_.BeginBatch();
    dispatcher_.Execute(args, &out);
    return out;
  }
  std::string Do(absl::string_view line) {
    std::vector<absl::string_view> args = absl::StrSplit(line, ' ');
    for (absl::string_view& arg : args) {
      if (arg == "''") arg = "";
    }
    return Do(args);
  }

  // What the log has got since the last call: commands as words, joined by ";
  // ".
  std::string Effects() {
    std::string stream;
    while (read_ < engine_.log().end_offset()) {
      auto chunk = engine_.log().Read(read_);
      CHECK(chunk.ok()) << chunk.status();
      stream.append(chunk->bytes().data(), chunk->bytes().size());
      read_ += static_cast<int64_t>(chunk->bytes().size());
    }
    std::vector<std::string> commands;
    for (size_t at = 0; at < stream.size();) {
      const int words = NumberAt(stream, &at);
      std::vector<std::string> command;
      for (int i = 0; i < words; ++i) {
        const int length = NumberAt(stream, &at);
        command.push_back(stream.substr(at, length));
        at += length + 2;
      }
      if (command[0] != "SELECT")
        commands.push_back(absl::StrJoin(command, " "));
    }
    return absl::StrJoin(commands, "; ");
  }
  std::string EffectsOf(absl::string_view line) {
    Effects();
    Do(line);
    return Effects();
  }

  int64_t NowMs() const { return absl::ToUnixMillis(clock_.WallNow()); }
  // The key's expiry, or kNoExpiry.
  int64_t ExpiryOf(absl::string_view key) {
    const Entry* entry = engine_.keyspace().db(0).Find(KeyRef(key));
    return entry == nullptr ? kNoExpiry : entry->expire_ms();
  }
  Encoding EncodingOf(absl::string_view key) {
    return engine_.keyspace().db(0).Find(KeyRef(key))->encoding();
  }
  void LimitStringsTo(int64_t bytes) {
    const Config::NameValue pair("proto-max-bulk-len", absl::StrCat(bytes));
    CHECK(engine_.config().Set({&pair, 1}, {}).ok());
  }

  net::ManualClock clock_;
  Engine engine_;
  Session session_;
  Dispatcher dispatcher_;

 private:
  void Prepare() {
    engine_.commands().Add(StringCommands());
    engine_.FinishSetup();
    session_.own.authenticated = true;
    ExclusiveGate gate(&engine_.keyspace().gate());
    engine_.log().Activate();
  }
  // The number of "*3\r\n" or "$3\r\n"; `at` moves behind it.
  static int NumberAt(const std::string& stream, size_t* at) {
    const size_t end = stream.find("\r\n", *at);
    const int number = std::stoi(stream.substr(*at + 1, end - *at - 1));
    *at = end + 2;
    return number;
  }

  int64_t read_ = 0;
};

// --- SET --------------------------------------------------------------------

TEST_F(StringTest, SetRefusesOptionsThatExcludeEachOther) {
  for (const char* options : {"NX XX",
                              "XX NX",
                              "EX 1 PX 1",
                              "PX 1 EX 1",
                              "EX 1 EXAT 1",
                              "EX 1 PXAT 1",
                              "PXAT 9 PX 9",
                              "EXAT 9 PXAT 9",
                              "EX 1 KEEPTTL",
                              "KEEPTTL EX 1",
                              "KEEPTTL PXAT 1",
                              "PXAT 1 KEEPTTL",
                              "PERSIST",
                              "EX",
                              "PX",
                              "EXAT",
                              "PXAT",
                              "NX EX",
                              "bogus",
                              "''",
                              "GET bogus",
                              "EX 1 2",
                              "NXX"}) {
    EXPECT_EQ(Do(absl::StrCat("SET k v ", options)), kSyntax) << options;
  }
  EXPECT_EQ(Do("GET k"), kNull);
  EXPECT_EQ(Effects(), "");
}

TEST_F(StringTest, SetRefusesTimesThatAreNone) {
  for (const char* option : {"EX", "PX", "EXAT", "PXAT"}) {
    for (const char* number :
         {"''", "abc", "1.5", "1e3", "9223372036854775808", "+1", "01"}) {
      EXPECT_EQ(Do(absl::StrCat("SET k v ", option, " ", number)), kNotInteger)
          << option << number;
    }
    for (const char* number : {"0", "-1", "-9223372036854775808"}) {
      EXPECT_EQ(Do(absl::StrCat("SET k v ", option, " ", number)),
                BadExpiry("set"))
          << option << number;
    }
  }
  for (const char* option : {"EX", "EXAT"}) {
    EXPECT_EQ(Do(absl::StrCat("SET k v ", option, " 9223372036854776")),
              BadExpiry("set"));
  }
  EXPECT_EQ(Do("SET k v EX 9223372036854775"),
            BadExpiry("set"));  // Overflows with the present added.
  EXPECT_EQ(Do("SET k v PX 9223372036854775807"), BadExpiry("set"));
  EXPECT_EQ(Do("SET k v EXAT 9223372036854775"), kOk);
  EXPECT_EQ(Do("SET k v PXAT 9223372036854775807"), kOk);
  EXPECT_EQ(Do("SETEX k 0 v"), BadExpiry("setex"));
  EXPECT_EQ(Do("PSETEX k -1 v"), BadExpiry("psetex"));
  EXPECT_EQ(Do("SETEX k v v"), kNotInteger);
}

TEST_F(StringTest, SetChecksTheSyntaxBeforeNumbersAndNumbersBeforeTheOldValue) {
  EXPECT_EQ(Do("SET k v EX abc bogus"), kSyntax);
  EXPECT_EQ(Do("SET k v EX abc GET"), kNotInteger);
}

TEST_F(StringTest, SetTakesTheLastOfRepeatedOptions) {
  EXPECT_EQ(Do("SET k v EX 5 ex 10 NX nx"), kOk);
  EXPECT_EQ(ExpiryOf("k"), NowMs() + 10000);
  EXPECT_EQ(Do("SET k v KEEPTTL keepttl"), kOk);
  EXPECT_EQ(ExpiryOf("k"), NowMs() + 10000);
}

TEST_F(StringTest, SetConditions) {
  EXPECT_EQ(Do("SET k v XX"), kNull);
  EXPECT_EQ(Do("SET k v XX GET"), kNull);
  EXPECT_EQ(Do("GET k"), kNull);
  EXPECT_EQ(Do("SET k v1 NX"), kOk);
  EXPECT_EQ(Do("SET k v2 NX"), kNull);
  EXPECT_EQ(Do("SET k v2 NX GET"), Bulk("v1"));
  EXPECT_EQ(Do("GET k"), Bulk("v1"));
  EXPECT_EQ(Do("SET k v3 XX GET"), Bulk("v1"));
  EXPECT_EQ(Do("SET new v NX GET"), kNull);
  EXPECT_EQ(Do("GET new"), Bulk("v"));
  EXPECT_EQ(Do("SETNX k v4"), Int(0));
  EXPECT_EQ(Do("SETNX k2 v4"), Int(1));
  EXPECT_EQ(Do("GET k"), Bulk("v3"));
}

TEST_F(StringTest, ARefusedConditionIsNoEffect) {
  Do("SET k v");
  for (const char* line : {"SET k v NX", "SET none v XX", "SETNX k v",
                           "MSETNX a 1 k 2", "SET k v NX GET"}) {
    EXPECT_EQ(EffectsOf(line), "") << line;
  }
}

TEST_F(StringTest, SetDropsTheExpiryUnlessToldToKeepIt) {
  for (const char* dropping :
       {"SET k v", "GETSET k v", "MSET k v", "SET k v GET", "SET k v XX"}) {
    Do("SET k v EX 100");
    Do(dropping);
    EXPECT_EQ(ExpiryOf("k"), kNoExpiry) << dropping;
  }
  Do("SET k 1 EX 100");
  const int64_t when = NowMs() + 100000;
  for (const char* keeping :
       {"SET k 2 KEEPTTL", "INCR k", "DECRBY k 3", "INCRBYFLOAT k 1",
        "APPEND k 5", "SETRANGE k 40 x", "SET k v NX"}) {
    Do(keeping);
    EXPECT_EQ(ExpiryOf("k"), when) << keeping;
  }
}

TEST_F(StringTest, EffectsOfExpiriesAreAbsolute) {
  const std::string in_ten = absl::StrCat(NowMs() + 10000);
  EXPECT_EQ(EffectsOf("set k v ex 10"), "SET k v PXAT " + in_ten);
  EXPECT_EQ(EffectsOf("SET k v PX 10000 XX GET"), "SET k v PXAT " + in_ten);
  EXPECT_EQ(EffectsOf("SETEX k 10 v"), "SET k v PXAT " + in_ten);
  EXPECT_EQ(EffectsOf("PSETEX k 10000 v"), "SET k v PXAT " + in_ten);
  EXPECT_EQ(EffectsOf("SET k v EXAT 4102444800"), "SET k v PXAT 4102444800000");
  EXPECT_EQ(EffectsOf("GETEX k EX 10"), "PEXPIREAT k " + in_ten);
  EXPECT_EQ(EffectsOf("GETEX k PX 10000"), "PEXPIREAT k " + in_ten);
  EXPECT_EQ(EffectsOf("GETEX k PXAT 4102444800000"),
            "PEXPIREAT k 4102444800000");
}

TEST_F(StringTest, EffectsOfSetWithGetHaveNoGet) {
  EXPECT_EQ(EffectsOf("SET k get GET"), "SET k get");
  EXPECT_EQ(EffectsOf("SET k v xx get keepttl Get"), "SET k v xx keepttl");
  EXPECT_EQ(EffectsOf("GETSET k v2"), "SET k v2");
  EXPECT_EQ(EffectsOf("SET k v XX"), "SET k v XX");
}

TEST_F(StringTest, SetInThePastLeavesAKeyThatIsGone) {
  EXPECT_EQ(EffectsOf("SET k v PXAT 1"), "SET k v PXAT 1");
  EXPECT_EQ(EffectsOf("GET k"), "DEL k");
  EXPECT_EQ(Do("GET k"), kNull);
}

TEST_F(StringTest, AnExpiredKeyIsGoneForEveryCommand) {
  struct Case {
    const char* line;
    std::string reply;
    const char* effects;
  };
  const Case cases[] = {
      {"SET k v KEEPTTL", kOk, "MULTI; DEL k; SET k v KEEPTTL; EXEC"},
      {"SET k v XX", kNull, "DEL k"},
      {"SET k v NX", kOk, "MULTI; DEL k; SET k v NX; EXEC"},
      {"SET k v GET", kNull, "MULTI; DEL k; SET k v; EXEC"},
      {"SET k v", kOk, "MULTI; DEL k; SET k v; EXEC"},
      {"SETNX k v", Int(1), "MULTI; DEL k; SETNX k v; EXEC"},
      {"MSETNX k v", Int(1), "MULTI; DEL k; MSETNX k v; EXEC"},
      {"MSET k v", kOk, "MULTI; DEL k; MSET k v; EXEC"},
      {"GETSET k v", kNull, "MULTI; DEL k; SET k v; EXEC"},
      {"GETDEL k", kNull, "DEL k"},
      {"GETEX k PERSIST", kNull, "DEL k"},
      {"GETEX k EX 100", kNull, "DEL k"},
      {"APPEND k v", Int(1), "MULTI; DEL k; APPEND k v; EXEC"},
      {"SETRANGE k 1 v", Int(2), "MULTI; DEL k; SETRANGE k 1 v; EXEC"},
      {"INCR k", Int(1), "MULTI; DEL k; INCR k; EXEC"},
      {"INCRBYFLOAT k 1", Bulk("1"), "MULTI; DEL k; SET k 1 KEEPTTL; EXEC"},
      {"GET k", kNull, "DEL k"},
      {"STRLEN k", Int(0), "DEL k"},
      {"GETRANGE k 0 -1", Bulk(""), "DEL k"},
      {"MGET k k", absl::StrCat("*2\r\n", kNull, kNull), "DEL k"},
      {"LCS k k LEN", Int(0), "DEL k"},
  };
  for (const Case& c : cases) {
    Do("SET k 41 PX 10");
    clock_.Advance(absl::Milliseconds(10));
    Effects();
    EXPECT_EQ(Do(c.line), c.reply) << c.line;
    EXPECT_EQ(Effects(), c.effects) << c.line;
    EXPECT_EQ(ExpiryOf("k"), kNoExpiry) << c.line;
  }
}

// --- GET and its kin --------------------------------------------------------

TEST_F(StringTest, GetExRefusesWhatIsNotItsOwn) {
  Do("SET k v");
  for (const char* options :
       {"NX", "XX", "GET", "KEEPTTL", "EX", "EX 1 PERSIST", "PERSIST EX 1",
        "EX 1 PX 1", "x"}) {
    EXPECT_EQ(Do(absl::StrCat("GETEX k ", options)), kSyntax) << options;
  }
  EXPECT_EQ(Do("GETEX k EX 0"), BadExpiry("getex"));
  EXPECT_EQ(Do("GETEX k EX x"), kNotInteger);
  EXPECT_EQ(Do("GETEX none EX x"), kNull);  // Looks at the key first.
  EXPECT_EQ(Do("GETEX none EX"), kSyntax);
  EXPECT_EQ(ExpiryOf("k"), kNoExpiry);
}

TEST_F(StringTest, GetExChangesOnlyTheExpiry) {
  Do("SET k v");
  EXPECT_EQ(EffectsOf("GETEX k"), "");
  EXPECT_EQ(EffectsOf("GETEX k PERSIST"), "");
  EXPECT_EQ(Do("GETEX k EX 10"), Bulk("v"));
  EXPECT_EQ(ExpiryOf("k"), NowMs() + 10000);
  EXPECT_EQ(EffectsOf("GETEX k PERSIST PERSIST"), "PERSIST k");
  EXPECT_EQ(ExpiryOf("k"), kNoExpiry);
  EXPECT_EQ(EffectsOf("GETEX k PXAT 1"), "DEL k");
  EXPECT_EQ(Do("GET k"), kNull);
  Do("SET k v");
  EXPECT_EQ(Do(absl::StrCat("GETEX k PXAT ", NowMs())),
            Bulk("v"));  // Now is past.
  EXPECT_EQ(Do("GET k"), kNull);
}

TEST_F(StringTest, GetDelDeletesOnce) {
  Do("SET k v");
  EXPECT_EQ(Do("GETDEL k"), Bulk("v"));
  EXPECT_EQ(Do("GETDEL k"), kNull);
  Do("SET k v");
  EXPECT_EQ(EffectsOf("GETDEL k"), "DEL k");
  EXPECT_EQ(EffectsOf("GETDEL k"), "");
}

TEST_F(StringTest, NullsAndMapsFollowTheProtocol) {
  session_.protocol.store(3);
  EXPECT_EQ(Do("GET k"), "_\r\n");
  EXPECT_EQ(Do("SET k v XX"), "_\r\n");
  EXPECT_EQ(Do("MGET k"), "*1\r\n_\r\n");
  EXPECT_EQ(Do("LCS k k IDX"),
            "%2\r\n$7\r\nmatches\r\n*0\r\n$3\r\nlen\r\n:0\r\n");
}

TEST_F(StringTest, MSetWantsPairs) {
  EXPECT_EQ(Do("MSET a 1 b"),
            "-ERR wrong number of arguments for 'mset' command\r\n");
  EXPECT_EQ(Do("MSETNX a 1 b"),
            "-ERR wrong number of arguments for 'msetnx' command\r\n");
  EXPECT_EQ(Do("MGET a b"), absl::StrCat("*2\r\n", kNull, kNull));
  EXPECT_EQ(Do("MSET a 1 b 2 a 3"), kOk);
  EXPECT_EQ(Do("MGET a none b"),
            absl::StrCat("*3\r\n", Bulk("3"), kNull, Bulk("2")));
}

TEST_F(StringTest, MSetNxIsAllOrNothing) {
  Do("SET c 1");
  EXPECT_EQ(Do("MSETNX a 1 b 2 c 3"), Int(0));
  EXPECT_EQ(Do("MGET a b"), absl::StrCat("*2\r\n", kNull, kNull));
  EXPECT_EQ(Do("MSETNX a 1 a 2"), Int(1));
  EXPECT_EQ(Do("GET a"), Bulk("2"));
}

TEST_F(StringTest, ValuesAreBytes) {
  const std::string value("\0\r\n\xff\0", 5);
  const std::string key("k\0y", 3);
  EXPECT_EQ(Do({"SET", key, value}), kOk);
  EXPECT_EQ(Do({"GET", key}), Bulk(value));
  EXPECT_EQ(Do({"GET", "k"}), kNull);
  EXPECT_EQ(Do({"SET", "", ""}), kOk);
  EXPECT_EQ(Do({"GET", ""}), Bulk(""));
}

// --- Parts ------------------------------------------------------------------

TEST_F(StringTest, AppendCreatesAndGrows) {
  EXPECT_EQ(Do("APPEND k 12"), Int(2));
  EXPECT_EQ(EncodingOf("k"), Encoding::kInt);
  EXPECT_EQ(Do("APPEND k 34"), Int(4));
  EXPECT_EQ(EncodingOf("k"), Encoding::kRaw);
  EXPECT_EQ(Do("GET k"), Bulk("1234"));
  EXPECT_EQ(Do("INCR k"), Int(1235));
  EXPECT_EQ(Do("APPEND none ''"), Int(0));
  EXPECT_EQ(Do("GET none"), Bulk(""));
}

TEST_F(StringTest, StringsEndAtTheLimit) {
  LimitStringsTo(1 << 20);
  const std::string half(1 << 19, 'x');
  EXPECT_EQ(Do({"APPEND", "k", half}), Int(1 << 19));
  EXPECT_EQ(Do({"APPEND", "k", half}), Int(1 << 20));
  EXPECT_EQ(Do("APPEND k y"), kTooLong);
  EXPECT_EQ(Do("APPEND k ''"), Int(1 << 20));
  EXPECT_EQ(Do("SETRANGE k 1048576 y"), kTooLong);
  EXPECT_EQ(Do("SETRANGE k 1048575 y"), Int(1 << 20));
  EXPECT_EQ(Do("SETRANGE k 9223372036854775807 y"), kTooLong);
  EXPECT_EQ(Do("SETRANGE k 9223372036854775807 ''"), Int(1 << 20));
  EXPECT_EQ(Do("SETRANGE none 4294967296 y"), kTooLong);
  EXPECT_EQ(Do("GET none"), kNull);
}

TEST_F(StringTest, SetRangeRefusesOffsets) {
  Do("SET k hello");
  for (const char* offset : {"-1", "-9223372036854775808"}) {
    EXPECT_EQ(Do(absl::StrCat("SETRANGE k ", offset, " x")),
              "-ERR offset is out of range\r\n");
    EXPECT_EQ(Do(absl::StrCat("SETRANGE none ", offset, " ''")),
              "-ERR offset is out of range\r\n");
  }
  EXPECT_EQ(Do("SETRANGE k x x"), kNotInteger);
  EXPECT_EQ(Do("GET k"), Bulk("hello"));
}

TEST_F(StringTest, SetRangePadsWithZeroBytes) {
  EXPECT_EQ(EffectsOf("SETRANGE none 5 ''"), "");
  EXPECT_EQ(Do("GET none"), kNull);
  EXPECT_EQ(Do("SETRANGE k 2 ab"), Int(4));
  EXPECT_EQ(Do("GET k"), Bulk(absl::string_view("\0\0ab", 4)));
  Do("SET n 1234");
  EXPECT_EQ(Do("SETRANGE n 1 9"), Int(4));
  EXPECT_EQ(Do("SETRANGE n 6 7"), Int(7));
  EXPECT_EQ(Do("GET n"), Bulk(absl::string_view("1934\0\0"
                                                "7",
                                                7)));
}

TEST_F(StringTest, GetRangeClampsItsEnds) {
  Do("SET k hello");
  Do("SET n 12345");
  const struct {
    const char* ends;
    const char* part;
  } cases[] = {{"0 -1", "hello"},
               {"1 3", "ell"},
               {"-3 -1", "llo"},
               {"-100 1", "he"},
               {"3 100", "lo"},
               {"5 10", ""},
               {"4 4", "o"},
               {"3 1", ""},
               {"-1 -3", ""},
               {"-100 -99", "h"},
               {"-99 -100", ""},
               {"0 -100", "h"},
               {"1 -100", ""},
               {"-1 -1", "o"},
               {"-9223372036854775808 9223372036854775807", "hello"},
               {"9223372036854775807 -9223372036854775808", ""}};
  for (const auto& c : cases) {
    EXPECT_EQ(Do(absl::StrCat("GETRANGE k ", c.ends)), Bulk(c.part)) << c.ends;
    EXPECT_EQ(Do(absl::StrCat("SUBSTR k ", c.ends)), Bulk(c.part)) << c.ends;
    EXPECT_EQ(Do(absl::StrCat("GETRANGE none ", c.ends)), Bulk("")) << c.ends;
  }
  EXPECT_EQ(Do("GETRANGE n 1 2"), Bulk("23"));
  EXPECT_EQ(Do("GETRANGE none x 1"), kNotInteger);
  EXPECT_EQ(Do("GETRANGE none 1 ''"), kNotInteger);
}

// --- Numbers ----------------------------------------------------------------

TEST_F(StringTest, CountersStopAtTheEndsOfTheirRange) {
  Do("SET k 9223372036854775807");
  for (const char* line : {"INCR k", "INCRBY k 1",
                           "INCRBY k 9223372036854775807", "DECRBY k -1"}) {
    EXPECT_EQ(Do(line), kOverflow) << line;
  }
  EXPECT_EQ(Effects(), "SET k 9223372036854775807");
  Do("SET k -9223372036854775808");
  for (const char* line : {"DECR k", "DECRBY k 1", "INCRBY k -1",
                           "INCRBY k -9223372036854775808"}) {
    EXPECT_EQ(Do(line), kOverflow) << line;
  }
  EXPECT_EQ(Do("DECRBY k -9223372036854775808"),
            "-ERR decrement would overflow\r\n");
  EXPECT_EQ(Do("INCRBY k 9223372036854775807"), Int(-1));
  EXPECT_EQ(Do("DECRBY k 9223372036854775807"),
            Int(std::numeric_limits<int64_t>::min()));
}

TEST_F(StringTest, CountersRefuseWhatIsNoInteger) {
  for (const char* value : {"''", "abc", "1.0", "9223372036854775808", "+1",
                            "01", "-0", "1e2", "0x1"}) {
    EXPECT_EQ(Do(absl::StrCat("INCRBY fresh ", value)), kNotInteger) << value;
    EXPECT_EQ(Do(absl::StrCat("DECRBY fresh ", value)), kNotInteger) << value;
    Do(absl::StrCat("SET k ", value));
    EXPECT_EQ(Do("INCR k"), kNotInteger) << value;
    EXPECT_EQ(Do("DECR k"), kNotInteger) << value;
  }
  for (const char* spaced : {" 1", "1 ", "1\n"}) {
    Do({"SET", "k", spaced});
    EXPECT_EQ(Do("INCR k"), kNotInteger);
  }
  EXPECT_EQ(Do("GET fresh"), kNull);
}

TEST_F(StringTest, IncrByFloatRefusesWhatIsNoFloat) {
  const std::string long_number(5120, '1');
  for (const std::string& value :
       {std::string("''"), std::string("abc"), std::string("nan"),
        std::string("1e5000"), std::string("1e-5000"), std::string("5e"),
        std::string("1,5"), long_number}) {
    EXPECT_EQ(Do(absl::StrCat("INCRBYFLOAT fresh ", value)), kNotFloat)
        << value;
    Do(absl::StrCat("SET k ", value));
    EXPECT_EQ(Do("INCRBYFLOAT k 1"), kNotFloat) << value;
  }
  EXPECT_EQ(Do({"INCRBYFLOAT", "fresh", " 1"}), kNotFloat);
  EXPECT_EQ(Do({"INCRBYFLOAT", "fresh", "1 "}), kNotFloat);
  EXPECT_EQ(Do({"INCRBYFLOAT", "fresh",
                absl::string_view("1\0"
                                  "2",
                                  3)}),
            kNotFloat);
  for (const char* infinite : {"inf", "-inf", "+Infinity"}) {
    EXPECT_EQ(Do(absl::StrCat("INCRBYFLOAT fresh ", infinite)),
              "-ERR increment would produce NaN or Infinity\r\n");
  }
  EXPECT_EQ(Do("GET fresh"), kNull);
}

TEST_F(StringTest, IncrByFloatWritesPlainDecimals) {
  const struct {
    const char* from;
    const char* by;
    const char* result;
  } cases[] = {{"0", "3.0", "3"},
               {"1.5", "0.1", "1.6"},
               {"3.0e3", "200", "3200"},
               {"1", "-1.0", "0"},
               {"-0", "-0.0", "0"},
               {"0", "0x10", "16"},
               {"0", "1e-18", "0"},
               {"0", "1e-17", "0.00000000000000001"},
               {"0", "-1e-18", "0"},
               {"5", "1e17", "100000000000000005"},
               {"17179869184", "1.5", "17179869185.5"}};
  for (const auto& c : cases) {
    Do(absl::StrCat("SET k ", c.from));
    EXPECT_EQ(Do(absl::StrCat("INCRBYFLOAT k ", c.by)), Bulk(c.result))
        << c.from << " + " << c.by;
    EXPECT_EQ(Do("GET k"), Bulk(c.result));
  }
}

TEST_F(StringTest, IncrByFloatLeavesTextAlsoOfAnInteger) {
  Do("SET k 10");
  EXPECT_EQ(EncodingOf("k"), Encoding::kInt);
  EXPECT_EQ(Do("INCRBYFLOAT k 1"), "$2\r\n11\r\n");
  EXPECT_EQ(EncodingOf("k"), Encoding::kEmbstr);
  EXPECT_EQ(Do("INCR k"), ":12\r\n");
  EXPECT_EQ(EncodingOf("k"), Encoding::kInt);
}

TEST_F(StringTest, EffectOfIncrByFloatIsItsResult) {
  Do("SET k 1.5 EX 100");
  EXPECT_EQ(EffectsOf("INCRBYFLOAT k 0.1"), "SET k 1.6 KEEPTTL");
  EXPECT_EQ(EffectsOf("INCR n"), "INCR n");
}

// --- LCS --------------------------------------------------------------------

TEST_F(StringTest, LcsRefusals) {
  Do("MSET a ohmytext b mynewtext");
  EXPECT_EQ(
      Do("LCS a b LEN IDX"),
      "-ERR If you want both the length and indexes, please just use IDX.\r\n");
  EXPECT_EQ(Do("LCS a b MINMATCHLEN"), kSyntax);
  EXPECT_EQ(Do("LCS a b bogus"), kSyntax);
  EXPECT_EQ(Do("LCS a b MINMATCHLEN x"), kNotInteger);
  LimitStringsTo(1 << 20);
  Do({"SET", "a", std::string(600, 'x')});
  Do({"SET", "b", std::string(600, 'x')});
  EXPECT_EQ(Do("LCS a b"),
            "-ERR Insufficient memory, transient memory for LCS exceeds "
            "proto-max-bulk-len\r\n");
  EXPECT_EQ(Do("LCS a none LEN"), Int(0));
}

TEST_F(StringTest, LcsFindsTheLongestAndItsPlaces) {
  Do("MSET a ohmytext b mynewtext");
  EXPECT_EQ(Do("LCS a b"), Bulk("mytext"));
  EXPECT_EQ(Do("LCS a b LEN"), Int(6));
  EXPECT_EQ(Do("LCS a none"), Bulk(""));
  const std::string text = "*2\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n";
  const std::string my = "*2\r\n*2\r\n:2\r\n:3\r\n*2\r\n:0\r\n:1\r\n";
  const auto reply = [](int n, const std::string& matches) {
    return absl::StrCat("*4\r\n$7\r\nmatches\r\n*", n, "\r\n", matches,
                        "$3\r\nlen\r\n:6\r\n");
  };
  EXPECT_EQ(Do("LCS a b IDX"), reply(2, text + my));
  EXPECT_EQ(Do("LCS a b IDX MINMATCHLEN 4"), reply(1, text));
  EXPECT_EQ(Do("LCS a b IDX MINMATCHLEN 5"), reply(0, ""));
  EXPECT_EQ(Do("LCS a b IDX MINMATCHLEN -5 MINMATCHLEN 3 WITHMATCHLEN"),
            reply(1, "*3\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n:4\r\n"));
  Do("MSET x 123 y 2");
  EXPECT_EQ(Do("LCS x y"), Bulk("2"));
}

}  // namespace
}  // namespace holdfast::server
