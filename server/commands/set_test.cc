#include "server/commands/set.h"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "server/commands/keys_testing.h"

namespace holdfast::server {
namespace {

using Words = std::vector<std::string>;

constexpr char kWrongTypeReply[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
constexpr char kEmptyScan[] = "*2\r\n$1\r\n0\r\n*0\r\n";

class SetTest : public KeysTest {
 protected:
  void UseResp3() { session_.protocol.store(3); }
  // Members prefix0, prefix1, ...
  void Fill(absl::string_view key, int count, absl::string_view prefix = "m") {
    for (int i = 0; i < count; ++i)
      Do(absl::StrCat("sadd ", key, " ", prefix, i));
  }
  Words Members(absl::string_view key) {
    return Sorted(Do(absl::StrCat("smembers ", key)));
  }
  int64_t ChangesOf(absl::string_view line) {
    const int64_t before = engine_.stats().changes_since_save.load();
    Do(line);
    return engine_.stats().changes_since_save.load() - before;
  }
  Words Effects(absl::string_view line) {
    return absl::StrSplit(EffectsOf(line), "; ");
  }
};

// --- Members ---

TEST_F(SetTest, SaddCountsWhatIsNew) {
  EXPECT_EQ(Do("sadd s a b a"), Int(2));
  EXPECT_EQ(Do("sadd s a"), Int(0));
  EXPECT_EQ(EffectsOf("sadd s a"), "");
  EXPECT_EQ(EffectsOf("sadd s a c"), "sadd s a c");
  EXPECT_EQ(Members("s"), (Words{"a", "b", "c"}));
  EXPECT_EQ(Do("sadd s"),
            "-ERR wrong number of arguments for 'sadd' command\r\n");
}

TEST_F(SetTest, SremOfTheLastMemberDeletesTheKey) {
  Do("sadd s a b c");
  EXPECT_EQ(Do("srem s a a x"), Int(1));
  EXPECT_EQ(EffectsOf("srem s x"), "");
  EXPECT_EQ(EffectsOf("srem s b c d b"), "srem s b c d b");
  EXPECT_EQ(Do("exists s"), Int(0));
  EXPECT_EQ(Do("srem s a"), Int(0));
}

TEST_F(SetTest, ChangesAreCountedAsRedisCountsThem) {
  EXPECT_EQ(ChangesOf("sadd s a b c d e a"), 5);
  EXPECT_EQ(ChangesOf("sadd s a"), 0);
  EXPECT_EQ(ChangesOf("srem s a b x"), 2);
  EXPECT_EQ(ChangesOf("smove s t c"), 2);
  EXPECT_EQ(ChangesOf("sadd s c"), 1);
  EXPECT_EQ(ChangesOf("smove s t c"), 1);
  EXPECT_EQ(ChangesOf("smove s t nosuch"), 0);
  EXPECT_EQ(ChangesOf("spop s"), 1);
  EXPECT_EQ(ChangesOf("sadd p 1 2 3 4 5 6 7 8 9"), 9);
  EXPECT_EQ(ChangesOf("spop p 0"), 0);
  EXPECT_EQ(ChangesOf("spop p 2"), 2);
  EXPECT_EQ(ChangesOf("spop p 6"), 6);
  EXPECT_EQ(ChangesOf("sadd p 1 2 3 4 5 6 7 8 9"), 9 - 1);
  EXPECT_EQ(ChangesOf("spop p 100"), 9);
  EXPECT_EQ(ChangesOf("sunionstore u s t"), 1);
  EXPECT_EQ(ChangesOf("sinterstore u nosuch"), 1);
  EXPECT_EQ(ChangesOf("sinterstore u nosuch"), 0);
}

TEST_F(SetTest, MembersAreAnyBytesAndIntegersOnlyInTheirOneForm) {
  const std::string bytes("\0\r\n\xff", 4);
  EXPECT_EQ(Do({"sadd", "s", bytes, ""}), Int(2));
  EXPECT_EQ(Do({"sismember", "s", bytes}), Int(1));
  EXPECT_EQ(Do({"sismember", "s", ""}), Int(1));
  EXPECT_EQ(Do("sadd n 1 01 +1 -0 0"), Int(5));
  EXPECT_EQ(Do("sismember n 1"), Int(1));
  EXPECT_EQ(Do("sadd i 1 2"), Int(2));
  EXPECT_EQ(Do("sismember i 01"), Int(0));
  EXPECT_EQ(Do({"sismember", "i", " 1"}), Int(0));
}

TEST_F(SetTest, EncodingFollowsTheLimits) {
  Do("sadd s 1 2 3");
  EXPECT_EQ(Do("object encoding s"), Bulk("intset"));
  Do("sadd s x");
  EXPECT_EQ(Do("object encoding s"), Bulk("hashtable"));
  for (int i = 0; i < 512; ++i) Do(absl::StrCat("sadd i ", i));
  EXPECT_EQ(Do("object encoding i"), Bulk("intset"));
  Do("sadd i 512");
  EXPECT_EQ(Do("object encoding i"), Bulk("hashtable"));
}

TEST_F(SetTest, SmismemberAnswersForEachEvenWithoutKey) {
  Do("sadd s a 1");
  EXPECT_EQ(Do("smismember s a b 1"), "*3\r\n:1\r\n:0\r\n:1\r\n");
  EXPECT_EQ(Do("smismember nosuch a b"), "*2\r\n:0\r\n:0\r\n");
  EXPECT_EQ(Do("smismember s"),
            "-ERR wrong number of arguments for 'smismember' command\r\n");
}

TEST_F(SetTest, SmembersIsASetOnlyInResp3) {
  Do("sadd s a");
  EXPECT_EQ(Do("smembers s"), "*1\r\n$1\r\na\r\n");
  EXPECT_EQ(Do("smembers nosuch"), "*0\r\n");
  EXPECT_EQ(Do("scard s"), Int(1));
  EXPECT_EQ(Do("scard nosuch"), Int(0));
  UseResp3();
  EXPECT_EQ(Do("smembers s"), "~1\r\n$1\r\na\r\n");
  EXPECT_EQ(Do("smembers nosuch"), "~0\r\n");
}

TEST_F(SetTest, SmoveMoves) {
  Do("sadd a 1 x");
  Do("sadd b 2 x");
  EXPECT_EQ(Do("smove a b 1"), Int(1));
  EXPECT_EQ(Do("smove a b 1"), Int(0));
  EXPECT_EQ(EffectsOf("smove a b x"), "smove a b x");  // Was in both.
  EXPECT_EQ(Do("exists a"), Int(0));
  EXPECT_EQ(Members("b"), (Words{"1", "2", "x"}));
  EXPECT_EQ(Do("smove b new 2"), Int(1));
  EXPECT_EQ(Members("new"), (Words{"2"}));
}

TEST_F(SetTest, SmoveOntoItselfChangesNothing) {
  Do("sadd a 1");
  EXPECT_EQ(Do("smove a a 1"), Int(1));
  EXPECT_EQ(Do("smove a a 2"), Int(0));
  EXPECT_EQ(EffectsOf("smove a a 1"), "");
  EXPECT_EQ(Members("a"), (Words{"1"}));
}

TEST_F(SetTest, SmoveLooksAtTheSourceFirst) {
  Do("set text x");
  Do("sadd a 1");
  EXPECT_EQ(Do("smove nosuch text 1"), Int(0));
  EXPECT_EQ(Do("smove text a 1"), kWrongTypeReply);
  EXPECT_EQ(Do("smove a text 1"), kWrongTypeReply);
  EXPECT_EQ(Do("smove a text nosuch"), kWrongTypeReply);
  EXPECT_EQ(Members("a"), (Words{"1"}));
}

TEST_F(SetTest, EveryCommandRefusesAnotherType) {
  Do("set s text");
  Do("sadd good a");
  for (const char* line : {"sadd s a",
                           "srem s a",
                           "smove s good a",
                           "smove good s a",
                           "sismember s a",
                           "smismember s a",
                           "scard s",
                           "smembers s",
                           "spop s",
                           "spop s 0",
                           "spop s 3",
                           "srandmember s",
                           "srandmember s 0",
                           "srandmember s -1",
                           "sscan s 0",
                           "sinter s",
                           "sinter good s",
                           "sinter nosuch s",
                           "sintercard 2 nosuch s",
                           "sinterstore d good s",
                           "sinterstore d nosuch s",
                           "sunion good s",
                           "sunionstore d s good",
                           "sdiff nosuch s",
                           "sdiffstore d good s"}) {
    EXPECT_EQ(Do(line), kWrongTypeReply) << line;
    EXPECT_EQ(EffectsOf(line), "") << line;
  }
  EXPECT_EQ(Do("exists d"), Int(0));
  EXPECT_EQ(Do("get s"), Bulk("text"));
}

TEST_F(SetTest, SscanRefusesBadOptions) {
  Do("sadd s a b");
  EXPECT_EQ(Do("sscan s 0 match a"), "*2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n");
  EXPECT_EQ(Do("sscan s x"), "-ERR invalid cursor\r\n");
  EXPECT_EQ(Do("sscan nosuch x"), "-ERR invalid cursor\r\n");
  for (const char* bad : {"match", "count 0", "novalues", "type set"})
    EXPECT_EQ(Do(absl::StrCat("sscan s 0 ", bad)), kSyntaxReply) << bad;
  EXPECT_EQ(Do("sscan s 0 count x"), kNotIntegerReply);
  EXPECT_EQ(Do("sscan nosuch 0 nonsense"), kEmptyScan);
}

TEST_F(SetTest, SscanSeesEveryMemberOfALargeSet) {
  Fill("s", 1000);
  std::set<std::string> seen;
  uint64_t cursor = 0;
  int calls = 0;
  do {
    ASSERT_LT(++calls, 1000);
    const std::string reply = Do(absl::StrCat("sscan s ", cursor));
    const size_t at = reply.find("\r\n", 4) + 2;
    const size_t end = reply.find("\r\n", at);
    ASSERT_TRUE(absl::SimpleAtoi(reply.substr(at, end - at), &cursor)) << reply;
    for (const std::string& member :
         Sorted(absl::string_view(reply).substr(end + 2)))
      seen.insert(member);
  } while (cursor != 0);
  EXPECT_EQ(seen.size(), 1000);
  EXPECT_GT(calls, 20);
}

// --- Chance ---

TEST_F(SetTest, SpopReplicatesWhatItTook) {
  Do("sadd s a b");
  const std::string effect = EffectsOf("spop s");
  EXPECT_TRUE(effect == "SREM s a" || effect == "SREM s b") << effect;
  const std::string last = effect == "SREM s a" ? "b" : "a";
  EXPECT_EQ(EffectsOf("spop s"), absl::StrCat("SREM s ", last));
  EXPECT_EQ(Do("exists s"), Int(0));
  EXPECT_EQ(Do("spop s"), kNullReply);
  EXPECT_EQ(EffectsOf("spop s"), "");
}

TEST_F(SetTest, SpopOfAllReplicatesAsDel) {
  Do("sadd s a b");
  EXPECT_EQ(EffectsOf("spop s 2"), "DEL s");
  Do("sadd s a");
  UseResp3();
  EXPECT_EQ(Do("spop s 5"), "~1\r\n$1\r\na\r\n");
  EXPECT_EQ(Do("spop s 5"), "~0\r\n");
  EXPECT_EQ(Do("spop s"), "_\r\n");
}

TEST_F(SetTest, SpopOfSomeTakesThemAndReplicatesEach) {
  for (const char* prefix : {"", "m"}) {  // Integers, and strings.
    for (const int size : {10, 100, 1000}) {
      for (const int count : {1, size / 2, size - 1}) {
        Do("del s");
        Fill("s", size, prefix);
        Do("expire s 100");
        const Words before = Members("s");
        const Words effects = Effects(absl::StrCat("spop s ", count));
        std::set<std::string> gone;
        for (const std::string& effect : effects) {
          if (absl::StartsWith(effect, "SREM s "))
            gone.insert(effect.substr(7));
        }
        EXPECT_EQ(gone.size(), count);
        const Words left = Members("s");
        EXPECT_EQ(left.size(), size - count);
        for (const std::string& member : before) {
          EXPECT_NE(gone.count(member) != 0,
                    Do(absl::StrCat("sismember s ", member)) == Int(1));
        }
        EXPECT_EQ(Do("ttl s"), Int(100));
      }
    }
  }
}

TEST_F(SetTest, SpopWithCountAnswersWithWhatItTook) {
  Fill("s", 300);
  const Words taken = Sorted(Do("spop s 290"));
  EXPECT_EQ(std::set<std::string>(taken.begin(), taken.end()).size(), 290);
  for (const std::string& member : taken)
    EXPECT_EQ(Do(absl::StrCat("sismember s ", member)), Int(0));
  EXPECT_EQ(Do("scard s"), Int(10));
}

TEST_F(SetTest, SpopRefusesBadCounts) {
  Do("sadd s a");
  for (const char* bad : {"-1", "x", "''", "9223372036854775808"})
    EXPECT_EQ(Do(absl::StrCat("spop s ", bad)),
              "-ERR value is out of range, must be positive\r\n")
        << bad;
  EXPECT_EQ(Do("spop s 1 2"), kSyntaxReply);
  EXPECT_EQ(Do("spop nosuch x"),
            "-ERR value is out of range, must be positive\r\n");
  EXPECT_EQ(Do("spop s 0"), "*0\r\n");
  EXPECT_EQ(Do("spop nosuch 3"), "*0\r\n");
  EXPECT_EQ(Members("s"), (Words{"a"}));
}

TEST_F(SetTest, SrandmemberForms) {
  EXPECT_EQ(Do("srandmember nosuch"), kNullReply);
  EXPECT_EQ(Do("srandmember nosuch 3"), "*0\r\n");
  Do("sadd s a");
  EXPECT_EQ(Do("srandmember s"), Bulk("a"));
  EXPECT_EQ(Do("srandmember s 0"), "*0\r\n");
  EXPECT_EQ(Do("srandmember s 9223372036854775807"), "*1\r\n$1\r\na\r\n");
  UseResp3();  // An array here, too, as it may repeat itself.
  EXPECT_EQ(Do("srandmember s -2"), "*2\r\n$1\r\na\r\n$1\r\na\r\n");
  EXPECT_EQ(Do("srandmember s 2"), "*1\r\n$1\r\na\r\n");
  EXPECT_EQ(Do("srandmember nosuch"), "_\r\n");
}

TEST_F(SetTest, SrandmemberRefusesBadCounts) {
  Do("sadd s a");
  EXPECT_EQ(Do("srandmember s x"), kNotIntegerReply);
  EXPECT_EQ(Do("srandmember s 1 2"), kSyntaxReply);
  EXPECT_EQ(Do("srandmember s -9223372036854775808"),
            "-ERR value is out of range, value must between "
            "-9223372036854775807 and 9223372036854775807\r\n");
  EXPECT_EQ(Do("srandmember s -9223372036854775807"),
            "-ERR value is out of range, the reply would be longer than 512 "
            "MiB\r\n");
}

TEST_F(SetTest, WhoIsKilledGetsNoSample) {
  Do("sadd s a");
  session_.Kill();
  EXPECT_EQ(Do("srandmember s -50000000"), "");
}

TEST_F(SetTest, SrandmemberGivesDistinctMembersAndInTimeAll) {
  for (const char* prefix : {"", "m"}) {
    for (const int size : {10, 100, 400}) {
      Do("del s");
      Fill("s", size, prefix);
      for (const int count : {1, 3, size / 4, size / 2, size - 1, size}) {
        std::set<std::string> ever;
        const int rounds = count < size / 4 ? 1 : 200;
        for (int i = 0; i < rounds && ever.size() < size_t(size); ++i) {
          const Words members =
              Sorted(Do(absl::StrCat("srandmember s ", count)));
          const std::set<std::string> once(members.begin(), members.end());
          ASSERT_EQ(members.size(), count);
          ASSERT_EQ(once.size(), count);
          ever.insert(once.begin(), once.end());
        }
        if (rounds > 1) {
          EXPECT_EQ(ever.size(), size) << count;
        }
      }
      EXPECT_EQ(Sorted(Do(absl::StrCat("srandmember s -", 2 * size))).size(),
                2 * size);
      EXPECT_EQ(Do("scard s"), Int(size));
    }
  }
}

// --- Several sets ---

TEST_F(SetTest, SinterUnionDiff) {
  Do("sadd a 1 2 3 4");
  Do("sadd b 2 3 x");
  Do("sadd c 3 x y");
  EXPECT_EQ(Sorted(Do("sinter a b")), (Words{"2", "3"}));
  EXPECT_EQ(Sorted(Do("sinter a b c")), (Words{"3"}));
  EXPECT_EQ(Sorted(Do("sinter a a")), (Words{"1", "2", "3", "4"}));
  EXPECT_EQ(Sorted(Do("sinter b b")), (Words{"2", "3", "x"}));
  EXPECT_EQ(Do("sinter a nosuch"), "*0\r\n");
  EXPECT_EQ(Sorted(Do("sunion a b c nosuch")),
            (Words{"1", "2", "3", "4", "x", "y"}));
  EXPECT_EQ(Do("sunion nosuch nosuch"), "*0\r\n");
  EXPECT_EQ(Sorted(Do("sdiff a b")), (Words{"1", "4"}));
  EXPECT_EQ(Sorted(Do("sdiff a nosuch")), (Words{"1", "2", "3", "4"}));
  EXPECT_EQ(Do("sdiff nosuch a"), "*0\r\n");
  EXPECT_EQ(Do("sdiff a b a"), "*0\r\n");
  EXPECT_EQ(Sorted(Do("sdiff c")), (Words{"3", "x", "y"}));
  UseResp3();
  EXPECT_EQ(Do("sinter a b c"), "~1\r\n$1\r\n3\r\n");
  EXPECT_EQ(Do("sunion nosuch"), "~0\r\n");
  EXPECT_EQ(Do("sdiff a a"), "~0\r\n");
  EXPECT_EQ(Do("sinter nosuch"), "~0\r\n");
}

TEST_F(SetTest, SetsOfAllFormsAndSizesMeet) {
  // Against std::set, with every mixture of forms, and both ways to subtract.
  const std::vector<std::pair<int, int>> ranges = {
      {0, 520}, {0, 20}, {10, 30}, {100, 200}, {5, 150}, {515, 525}};
  std::vector<std::set<std::string>> model;
  for (size_t i = 0; i < ranges.size(); ++i) {
    model.emplace_back();
    for (int n = ranges[i].first; n < ranges[i].second; ++n) {
      // Some have strings among their integers.
      const std::string member =
          i % 2 == 1 && n % 10 == 0 ? absl::StrCat("s", n) : absl::StrCat(n);
      model[i].insert(member);
      Do(absl::StrCat("sadd k", i, " ", member));
    }
  }
  for (size_t a = 0; a < model.size(); ++a) {
    for (size_t b = 0; b < model.size(); ++b) {
      for (size_t c = a % 2; c < model.size(); c += 3) {
        const std::string keys = absl::StrCat("k", a, " k", b, " k", c);
        Words inter;
        Words diff;
        std::set<std::string> all(model[a]);
        all.insert(model[b].begin(), model[b].end());
        all.insert(model[c].begin(), model[c].end());
        for (const std::string& member : model[a]) {
          const bool in_b = model[b].count(member) != 0;
          const bool in_c = model[c].count(member) != 0;
          if (in_b && in_c) inter.push_back(member);
          if (!in_b && !in_c) diff.push_back(member);
        }
        ASSERT_EQ(Sorted(Do("sinter " + keys)), inter) << keys;
        ASSERT_EQ(Do("sintercard 3 " + keys), Int(inter.size())) << keys;
        ASSERT_EQ(Sorted(Do("sdiff " + keys)), diff) << keys;
        ASSERT_EQ(Sorted(Do("sunion " + keys)), Words(all.begin(), all.end()))
            << keys;
      }
    }
  }
}

TEST_F(SetTest, SintercardStopsAtItsLimit) {
  Fill("a", 200);
  Fill("b", 300);
  EXPECT_EQ(Do("sintercard 2 a b"), Int(200));
  EXPECT_EQ(Do("sintercard 2 a b limit 0"), Int(200));
  EXPECT_EQ(Do("sintercard 2 a b LIMIT 10"), Int(10));
  EXPECT_EQ(Do("sintercard 2 a b limit 500"), Int(200));
  EXPECT_EQ(Do("sintercard 2 a b limit 5 limit 7"), Int(7));
  EXPECT_EQ(Do("sintercard 2 a nosuch"), Int(0));
}

TEST_F(SetTest, SintercardRefusesBadArguments) {
  Do("sadd a 1");
  const std::string numkeys = "-ERR numkeys should be greater than 0\r\n";
  const std::string too_many =
      "-ERR Number of keys can't be greater than number of args\r\n";
  EXPECT_EQ(Do("sintercard 0 a"), numkeys);
  EXPECT_EQ(Do("sintercard -1 a"), numkeys);
  EXPECT_EQ(Do("sintercard x a"), numkeys);
  EXPECT_EQ(Do("sintercard 9223372036854775808 a"), numkeys);
  EXPECT_EQ(Do("sintercard 2 a"), too_many);
  EXPECT_EQ(Do("sintercard 9223372036854775807 a"), too_many);
  EXPECT_EQ(Do("sintercard 1 a b"), kSyntaxReply);
  EXPECT_EQ(Do("sintercard 1 a limit"), kSyntaxReply);
  EXPECT_EQ(Do("sintercard 1 a limit 1 b"), kSyntaxReply);
  EXPECT_EQ(Do("sintercard 1 a limit -1"), "-ERR LIMIT can't be negative\r\n");
  EXPECT_EQ(Do("sintercard 1 a limit x"), "-ERR LIMIT can't be negative\r\n");
  EXPECT_EQ(Do("sintercard 1"),
            "-ERR wrong number of arguments for 'sintercard' command\r\n");
}

TEST_F(SetTest, StoresReplaceWhateverIsThere) {
  Do("sadd a 1 2");
  Do("sadd b 2 3");
  Do("set d text ex 100");
  EXPECT_EQ(Do("sunionstore d a b"), Int(3));
  EXPECT_EQ(Do("ttl d"), Int(-1));
  EXPECT_EQ(Members("d"), (Words{"1", "2", "3"}));
  EXPECT_EQ(Do("object encoding d"), Bulk("intset"));
  EXPECT_EQ(EffectsOf("sinterstore d a b"), "sinterstore d a b");
  EXPECT_EQ(Members("d"), (Words{"2"}));
  EXPECT_EQ(Do("sdiffstore d a b"), Int(1));
  EXPECT_EQ(Members("d"), (Words{"1"}));
}

TEST_F(SetTest, AnEmptyResultDeletesTheDestination) {
  Do("sadd a 1");
  for (const char* line :
       {"sinterstore d a nosuch", "sdiffstore d a a", "sunionstore d nosuch"}) {
    Do("set d text");
    EXPECT_EQ(EffectsOf(line), line);
    EXPECT_EQ(Do("exists d"), Int(0)) << line;
    EXPECT_EQ(Do(line), Int(0));
    EXPECT_EQ(EffectsOf(line), "") << line;
  }
}

TEST_F(SetTest, TheDestinationMayBeASource) {
  Do("sadd a 1 2");
  Do("sadd b 2 3");
  EXPECT_EQ(Do("sunionstore a a b"), Int(3));
  EXPECT_EQ(Members("a"), (Words{"1", "2", "3"}));
  EXPECT_EQ(Do("sinterstore a b a"), Int(2));
  EXPECT_EQ(Do("sdiffstore a a b"), Int(0));
  EXPECT_EQ(Do("exists a"), Int(0));
}

TEST_F(SetTest, AnExpiredSetIsAnEmptyOne) {
  Do("sadd a 1 2");
  Do("sadd b 2 3");
  Do("pexpire b 10");
  Advance(absl::Milliseconds(11));
  EXPECT_EQ(Sorted(Do("sdiff a b")), (Words{"1", "2"}));
  EXPECT_EQ(Do("smove b a 3"), Int(0));
  EXPECT_EQ(Do("sinter a b"), "*0\r\n");
}

TEST_F(SetTest, WatchSeesAChangeAndNothingElse) {
  Do("sadd s a");
  Do("watch s t");
  DoAsOther("sadd s a");
  DoAsOther("srem s nosuch");
  DoAsOther("sunionstore u s");
  Do("multi");
  Do("scard s");
  EXPECT_EQ(Do("exec"), "*1\r\n:1\r\n");
  Do("watch t");
  DoAsOther("smove s t a");
  Do("multi");
  Do("scard s");
  EXPECT_EQ(Do("exec"), "*-1\r\n");
}

}  // namespace
}  // namespace holdfast::server
