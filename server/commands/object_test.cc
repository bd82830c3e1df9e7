#include "server/commands/object.h"

#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "server/commands/keys_testing.h"

namespace holdfast::server {
namespace {

class ObjectTest : public KeysTest {
 protected:
  int64_t IntReply(absl::string_view line) {
    const std::string reply = Do(line);
    int64_t value = -1;
    EXPECT_TRUE(reply[0] == ':' &&
                absl::SimpleAtoi(reply.substr(1, reply.size() - 3), &value))
        << reply;
    return value;
  }
  void Configure(const std::string& name, const std::string& value) {
    const Config::NameValue pair(name, value);
    ASSERT_TRUE(engine_.config().Set({&pair, 1}, {}).ok());
  }
};

TEST_F(ObjectTest, Encodings) {
  Do("set i 123");
  Do("set s abc");
  Do({"set", "l", std::string(45, 'x')});
  EXPECT_EQ(Do("object encoding i"), Bulk("int"));
  EXPECT_EQ(Do("object encoding s"), Bulk("embstr"));
  EXPECT_EQ(Do("object encoding l"), Bulk("raw"));
}

TEST_F(ObjectTest, WhatIsMissingIsNull) {
  for (const char* sub : {"encoding", "refcount", "idletime", "freq"}) {
    EXPECT_EQ(Do(absl::StrCat("object ", sub, " nosuch")), kNullReply) << sub;
  }
  EXPECT_EQ(Do("memory usage nosuch"), kNullReply);
}

TEST_F(ObjectTest, Refusals) {
  EXPECT_EQ(Do("object"),
            "-ERR wrong number of arguments for 'object' command\r\n");
  EXPECT_EQ(Do("object nonsense a"),
            "-ERR unknown subcommand 'nonsense'. Try OBJECT HELP.\r\n");
  EXPECT_EQ(Do("object encoding"),
            "-ERR wrong number of arguments for 'object|encoding' command\r\n");
  Do("set a 1");
  for (const char* bad :
       {"samples", "samples -1", "nonsense 1", "samples 1 samples"}) {
    EXPECT_EQ(Do(absl::StrCat("memory usage a ", bad)), kSyntaxReply) << bad;
  }
  EXPECT_EQ(Do("memory usage a samples x"), kNotIntegerReply);
}

TEST_F(ObjectTest, SmallIntegersCountAsShared) {
  for (const auto& [value, count] :
       {std::pair<const char*, int64_t>("0", INT32_MAX),
        {"9999", INT32_MAX},
        {"10000", 1},
        {"-1", 1},
        {"abc", 1},
        {"01", 1}}) {
    Do(absl::StrCat("set a ", value));
    EXPECT_EQ(IntReply("object refcount a"), count) << value;
  }
  Do("set a 5");
  Configure("maxmemory", "1gb");
  EXPECT_EQ(IntReply("object refcount a"), INT32_MAX)
      << "only a policy that looks at use makes them differ";
}

TEST_F(ObjectTest, IdleTimeGrowsUntilTheKeyIsUsed) {
  Do("set a 1");
  Advance(absl::Seconds(100));
  EXPECT_EQ(IntReply("object idletime a"), 100);
  EXPECT_EQ(IntReply("object idletime a"), 100) << "asking is no use";
  Do("get a");
  EXPECT_EQ(IntReply("object idletime a"), 0);
  clock_.SetWall(clock_.WallNow() - absl::Seconds(5));
  engine_.TickLruClock();
  EXPECT_EQ(IntReply("object idletime a"), 0) << "never negative";
}

TEST_F(ObjectTest, FrequencyNeedsAPolicyThatCountsIt) {
  Do("set a 1");
  EXPECT_TRUE(absl::StartsWith(
      Do("object freq a"), "-ERR An LFU maxmemory policy is not selected, "));
}

TEST_F(ObjectTest, MemoryUsageGrowsWithKeyAndValue) {
  Do("set a 1");
  const int64_t small = IntReply("memory usage a");
  EXPECT_GT(small, 0);
  Do({"set", "a", std::string(10000, 'x')});
  const int64_t large = IntReply("memory usage a samples 0");
  EXPECT_GT(large, 10000);
  EXPECT_LT(large, 20000);
  Do({"set", std::string(1000, 'k'), "1"});
  EXPECT_GT(IntReply(absl::StrCat("memory usage ", std::string(1000, 'k'))),
            small + 900);
}

TEST_F(ObjectTest, MemoryUsageOfWhatHasExpiredButIsThere) {
  Do("set a 1 px 10");
  Advance(absl::Milliseconds(11));
  EXPECT_GT(IntReply("memory usage a"), 0);
}

TEST_F(ObjectTest, Help) {
  EXPECT_TRUE(absl::StrContains(
      Do("object help"),
      "+OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
  EXPECT_TRUE(absl::StrContains(Do("memory help"), "+MEMORY <subcommand>"));
}

}  // namespace
}  // namespace holdfast::server
