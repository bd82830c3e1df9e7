#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "server/commands/keys_testing.h"

namespace holdfast::server {
namespace {

using ExpireTest = KeysTest;

constexpr char kNotTogether[] =
    "-ERR NX and XX, GT or LT options at the same time are not compatible\r\n";

TEST_F(ExpireTest, TheFourFormsAgree) {
  const int64_t now = NowMs();
  Do("set a 1");
  EXPECT_EQ(Do("expire a 100"), KeysTest::Int(1));
  EXPECT_EQ(Do("pexpiretime a"), KeysTest::Int(now + 100000));
  EXPECT_EQ(Do("pexpire a 1500"), KeysTest::Int(1));
  EXPECT_EQ(Do("pexpiretime a"), KeysTest::Int(now + 1500));
  EXPECT_EQ(Do(absl::StrCat("expireat a ", now / 1000 + 7)), KeysTest::Int(1));
  EXPECT_EQ(Do("expiretime a"), KeysTest::Int(now / 1000 + 7));
  EXPECT_EQ(Do(absl::StrCat("pexpireat a ", now + 1)), KeysTest::Int(1));
  EXPECT_EQ(Do("pttl a"), KeysTest::Int(1));
}

TEST_F(ExpireTest, TtlRoundsToTheNearestSecond) {
  Do("set a 1 px 1499");
  EXPECT_EQ(Do("ttl a"), Int(1));
  Do("set a 1 px 1500");
  EXPECT_EQ(Do("ttl a"), Int(2));
  Do("set a 1 px 499");
  EXPECT_EQ(Do("ttl a"), Int(0));
  Do("pexpireat a 9223372036854775807");
  EXPECT_EQ(Do("expiretime a"), Int(9223372036854776));
}

TEST_F(ExpireTest, TtlTellsMissingFromLasting) {
  for (const char* command : {"ttl", "pttl", "expiretime", "pexpiretime"}) {
    Do("del a");
    EXPECT_EQ(Do(absl::StrCat(command, " a")), Int(-2));
    Do("set a 1");
    EXPECT_EQ(Do(absl::StrCat(command, " a")), Int(-1));
  }
}

TEST_F(ExpireTest, MissingKeysDoNotExpire) {
  EXPECT_EQ(Do("expire nosuch 10"), Int(0));
  EXPECT_EQ(Do("persist nosuch"), Int(0));
  EXPECT_EQ(EffectsOf("expire nosuch 10"), "");
  EXPECT_EQ(Do("expire nosuch x"), kNotIntegerReply)
      << "arguments are looked at first";
}

TEST_F(ExpireTest, AKeyIsGoneAtItsTimeNotBefore) {
  Do("set a 1");
  Do("pexpire a 10");
  Advance(absl::Milliseconds(9));
  EXPECT_EQ(Do("get a"), Bulk("1"));
  Advance(absl::Milliseconds(1));
  EXPECT_EQ(EffectsOf("get a"), "DEL a");
  EXPECT_EQ(Do("ttl a"), Int(-2));
}

TEST_F(ExpireTest, AnExpiryInThePastDeletes) {
  for (const char* line :
       {"expire a 0", "expire a -1", "pexpire a -9223372036854775",
        "expireat a 1", "pexpireat a -1", "pexpireat a -9223372036854775808"}) {
    Do("set a 1");
    EXPECT_EQ(EffectsOf(line), "DEL a") << line;
    EXPECT_EQ(Do("exists a"), Int(0)) << line;
  }
  Do("set a 1");
  EXPECT_EQ(Do("expire a -1"), Int(1));
}

TEST_F(ExpireTest, LazyExpiryIsToldAsUnlink) {
  const Config::NameValue pair("lazyfree-lazy-expire", "yes");
  ASSERT_TRUE(engine_.config().Set({&pair, 1}, {}).ok());
  Do("set a 1");
  EXPECT_EQ(EffectsOf("expire a -1"), "UNLINK a");
}

TEST_F(ExpireTest, OverflowIsRefused) {
  Do("set a 1");
  const auto bad = [](absl::string_view command) {
    return absl::StrCat("-ERR invalid expire time in '", command,
                        "' command\r\n");
  };
  EXPECT_EQ(Do("expire a 9223372036854775807"), bad("expire"));
  EXPECT_EQ(Do("EXPIRE a 9223372036854776"), bad("expire"));
  EXPECT_EQ(Do("expire a 9223372036854775"), bad("expire"))
      << "with the time that it is now";
  EXPECT_EQ(Do("expire a -9223372036854776"), bad("expire"));
  EXPECT_EQ(Do("expireat a 9223372036854776"), bad("expireat"));
  EXPECT_EQ(Do("pexpire a 9223372036854775807"), bad("pexpire"));
  EXPECT_EQ(Do("expire a 9223372036854775808"), kNotIntegerReply);
  EXPECT_EQ(Do("expire a 1.5"), kNotIntegerReply);
  EXPECT_EQ(Do("expire a ''"), kNotIntegerReply);
  EXPECT_EQ(Do("ttl a"), Int(-1));
  EXPECT_EQ(Do("expireat a 9223372036854775"), Int(1));
  EXPECT_EQ(Do("pexpireat a 9223372036854775807"), Int(1));
}

TEST_F(ExpireTest, ConditionsAgainstNoExpiry) {
  for (const char* refused : {"xx", "gt", "xx gt", "xx lt"}) {
    Do("set a 1");
    EXPECT_EQ(Do(absl::StrCat("expire a 100 ", refused)), Int(0)) << refused;
    EXPECT_EQ(Do("ttl a"), Int(-1));
  }
  for (const char* allowed : {"nx", "lt", "NX nx"}) {
    Do("set a 1");
    EXPECT_EQ(Do(absl::StrCat("expire a 100 ", allowed)), Int(1)) << allowed;
  }
}

TEST_F(ExpireTest, ConditionsAgainstAnExpiry) {
  struct Case {
    int seconds;
    const char* condition;
    bool allowed;
  };
  for (const Case& c : {Case{200, "nx", false},
                        {200, "xx", true},
                        {200, "gt", true},
                        {100, "gt", false},
                        {50, "gt", false},
                        {200, "lt", false},
                        {100, "lt", false},
                        {50, "lt", true},
                        {200, "xx gt", true},
                        {50, "xx lt", true}}) {
    Do("set a 1 ex 100");
    EXPECT_EQ(Do(absl::StrCat("expire a ", c.seconds, " ", c.condition)),
              Int(c.allowed))
        << c.seconds << c.condition;
    EXPECT_EQ(Do("ttl a"), Int(c.allowed ? c.seconds : 100));
  }
}

TEST_F(ExpireTest, ConditionsThatContradict) {
  Do("set a 1");
  for (const char* bad : {"nx xx", "nx gt", "NX LT", "gt nx"}) {
    EXPECT_EQ(Do(absl::StrCat("expire a 100 ", bad)), kNotTogether) << bad;
  }
  EXPECT_EQ(Do("expire a 100 gt lt"),
            "-ERR GT and LT options at the same time are not compatible\r\n");
  EXPECT_EQ(Do("expire a 100 ab"), "-ERR Unsupported option ab\r\n");
  EXPECT_EQ(Do("expire a x nx xx"), kNotTogether) << "before the number";
  EXPECT_EQ(Do("pexpire a 100 ''"), "-ERR Unsupported option \r\n");
}

TEST_F(ExpireTest, EffectsAreAbsoluteWithTheirConditions) {
  const int64_t now = NowMs();
  Do("set a 1");
  EXPECT_EQ(EffectsOf("expire a 100 nx"),
            absl::StrCat("PEXPIREAT a ", now + 100000, " nx"));
  EXPECT_EQ(EffectsOf("pexpire a 100000"),
            absl::StrCat("PEXPIREAT a ", now + 100000));
  EXPECT_EQ(EffectsOf("expireat a 99999999999 gt"),
            "PEXPIREAT a 99999999999000 gt");
  EXPECT_EQ(EffectsOf("pexpireat a 99999999999 xx"), "DEL a") << "1973";
}

TEST_F(ExpireTest, PexpireatIsItsOwnEffect) {
  Do("set a 1");
  EXPECT_EQ(EffectsOf("PexpireAt a 99999999999999 xX"), "")
      << "the condition fails";
  EXPECT_EQ(EffectsOf("PexpireAt a 99999999999999 nX"),
            "PexpireAt a 99999999999999 nX");
}

TEST_F(ExpireTest, Persist) {
  Do("set a 1 ex 100");
  EXPECT_EQ(EffectsOf("persist a"), "persist a");
  EXPECT_EQ(Do("ttl a"), Int(-1));
  EXPECT_EQ(Do("persist a"), Int(0));
  EXPECT_EQ(EffectsOf("persist a"), "");
}

TEST_F(ExpireTest, AReplicaKeepsWhatHasExpiredUntilItIsTold) {
  Do("set a 1");
  BecomeReplica(true);
  ASSERT_TRUE(Apply("pexpireat a 1").ok());
  EXPECT_EQ(Do("dbsize"), Int(1));
  EXPECT_EQ(Do("get a"), kNullReply);
  EXPECT_EQ(Do("ttl a"), Int(-2));
  ASSERT_TRUE(Apply("pexpireat a -1").ok());
  EXPECT_EQ(Do("get a"), kNullReply) << "not taken for no expiry at all";
  ASSERT_TRUE(Apply("persist a").ok());
  EXPECT_EQ(Do("get a"), Bulk("1"));
}

TEST_F(ExpireTest, WatchersOfAnExpiryAreTold) {
  Do("set a 1");
  DoAsOther("watch a");
  Do("expire a 100");
  DoAsOther("multi");
  DoAsOther("get a");
  EXPECT_EQ(DoAsOther("exec"), "*-1\r\n");
}

}  // namespace
}  // namespace holdfast::server
