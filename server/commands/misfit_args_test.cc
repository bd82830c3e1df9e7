// Calls in whose arguments no keys can be found (ZUNION 9 x) are executed with
// no slot locked: every command has to refuse them before it looks at a key.

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "server/command/spec.h"
#include "server/command/table.h"
#include "server/command/unit.h"
#include "server/commands/keys_testing.h"
#include "server/keyspace/slot.h"

namespace holdfast::server {
namespace {

using MisfitArgsTest = KeysTest;

TEST_F(MisfitArgsTest, AreRefused) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  constexpr absl::string_view kWords[] = {
      "0",          "1",          "2",
      "3",          "9",          "-1",
      "x",          "",           "z",
      "1.5",        "LEFT",       "RIGHT",
      "MIN",        "MAX",        "s",
      "COUNT",      "KEYS",       "WITHSCORES",
      "LIMIT",      "STREAMS",    "STORE",
      "$",          "GROUP",      "0-0",
      "2147483648", "4294967297", "9223372036854775808"};
  Do("ZADD z 1 a");
  Do("SADD s a");
  std::map<std::string, int> refused;
  for (int round = 0; round < 200; ++round) {
    for (const CommandSpec* spec : engine_.commands().commands()) {
      if (spec->handler == nullptr || spec->keys.empty()) continue;
      std::vector<absl::string_view> args = {spec->name};
      const size_t size =
          static_cast<size_t>(std::abs(spec->arity)) + random() % 4;
      while (args.size() < size)
        args.push_back(kWords[random() % std::size(kWords)]);
      std::vector<KeyUse> keys;
      if (!ArityFits(*spec, args.size()) || ExtractKeys(*spec, args, &keys))
        continue;
      const std::string reply = Do(args);
      ASSERT_EQ(reply.substr(0, 1), "-") << absl::StrJoin(args, "' '");
      ++refused[std::string(spec->name)];
    }
  }
  for (const char* name : {"zunion", "zinterstore", "lmpop", "sintercard"})
    EXPECT_GT(refused[name], 20) << name;
}

TEST_F(MisfitArgsTest, WaitForNobody) {
  ExecutionUnit other(&engine_);
  other.Begin(NowMs(), /*from_primary=*/false);
  other.locks().LockOne(SlotOfKey("x"), /*exclusive=*/true, /*write=*/false);
  EXPECT_EQ(Do("ZUNION 9 x"), kSyntaxReply);
  EXPECT_EQ(Do("LMPOP 9 x LEFT"), kSyntaxReply);
  EXPECT_EQ(Do("ZUNIONSTORE x 9 x"), kSyntaxReply);
  Do("MULTI");
  Do("ZUNION 9 x");
  EXPECT_EQ(Do("EXEC"), "*1\r\n-ERR syntax error\r\n");
  other.End();
}

}  // namespace
}  // namespace holdfast::server
