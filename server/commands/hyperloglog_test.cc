#include "server/commands/hyperloglog.h"

#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "server/commands/keys_testing.h"
#include "server/types/hyperloglog.h"

namespace holdfast::server {
namespace {

constexpr char kWrongTypeReply[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
constexpr char kNoHllReply[] =
    "-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n";
constexpr char kCorruptReply[] =
    "-INVALIDOBJ Corrupted HLL object detected\r\n";

class HyperLogLogCommandsTest : public KeysTest {
 protected:
  // The bytes of a bulk reply.
  static std::string Body(absl::string_view reply) {
    const size_t begin = reply.find('\n') + 1;
    return std::string(reply.substr(begin, reply.size() - begin - 2));
  }
  void AddMany(absl::string_view key, int from, int to) {
    for (int i = from; i < to; ++i) Do({"pfadd", key, absl::StrCat("e", i)});
  }
  // A sparse one with these runs, which may be nonsense.
  void SetSparse(absl::string_view key, absl::string_view runs) {
    Do({"set", key, absl::StrCat(hll::Empty().substr(0, 16), runs)});
  }
  void SetMaxSparse(int bytes) {
    const Config::NameValue pair("hll-sparse-max-bytes", absl::StrCat(bytes));
    CHECK(engine_.config().Set({&pair, 1}, {}).ok());
  }
};

TEST_F(HyperLogLogCommandsTest, AddsAndCounts) {
  EXPECT_EQ(Do("pfadd k"), Int(1));
  EXPECT_EQ(Do("pfadd k"), Int(0));
  EXPECT_EQ(Do("pfcount k"), Int(0));
  EXPECT_EQ(Do("pfadd k a b c d e f g"), Int(1));
  EXPECT_EQ(Do("pfadd k a b c ''"), Int(1));
  EXPECT_EQ(Do("pfadd k a b c ''"), Int(0));
  EXPECT_EQ(Do("pfcount k"), Int(8));
  EXPECT_EQ(Do("pfcount nosuch"), Int(0));
  EXPECT_EQ(Do("pfcount nosuch k nosuch k"), Int(8));
  EXPECT_EQ(Do("object encoding k"), Bulk("raw"));
}

TEST_F(HyperLogLogCommandsTest, TheValueIsRedissByteForByte) {
  Do("pfadd k a b c");
  EXPECT_EQ(
      Body(Do("get k")),
      absl::StrCat(absl::string_view("HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80", 16),
                   "\x60\xf3\x80\x50\xb1\x84\x4b\xfb\x80\x42\x5a"));
  EXPECT_EQ(Do("pfdebug decode k"),
            Bulk("Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603"));
}

TEST_F(HyperLogLogCommandsTest, OtherValuesAreRefused) {
  Do("rpush list a");
  Do("set int 1234567890123456");
  Do("set short HYLL");
  Do({"set", "magic", "HYLX" + hll::Empty().substr(4)});
  std::string bytes = hll::Empty();
  bytes[4] = 2;
  Do({"set", "encoding", bytes});
  bytes[4] = 0;
  Do({"set", "dense", bytes});
  for (const char* key :
       {"list", "int", "short", "magic", "encoding", "dense"}) {
    const char* const error =
        absl::string_view(key) == "list" ? kWrongTypeReply : kNoHllReply;
    for (const char* line : {"pfadd %", "pfadd % a", "pfcount %", "pfcount x %",
                             "pfmerge %", "pfmerge d %", "pfmerge % x",
                             "pfdebug encoding %", "pfdebug nosuch %"}) {
      std::string command = line;
      command.replace(command.find('%'), 1, key);
      EXPECT_EQ(Do(command), error) << command;
    }
  }
  EXPECT_EQ(Do("exists d"), Int(0));
}

TEST_F(HyperLogLogCommandsTest, CorruptValuesAreToldAndStayAsTheyAre) {
  const std::string too_long(40000, '\x80');
  for (const absl::string_view runs :
       {absl::string_view(""), absl::string_view("\x7f"),
        absl::string_view("\x7f\xfe"), absl::string_view("\x41\x41\x41"),
        absl::string_view(too_long)}) {
    SetSparse("k", runs);
    Do("set d old");
    const std::string before = Do("get k");
    std::vector<std::string> lines = {"pfcount nosuch k", "pfmerge x k",
                                      "pfmerge k", "pfdebug getreg k",
                                      "pfdebug todense k"};
    for (const std::string& line : lines) {
      EXPECT_EQ(EffectsOf(line), "") << line;
      EXPECT_EQ(Do(line), kCorruptReply) << line;
    }
    EXPECT_EQ(Do("get k"), before);
    EXPECT_EQ(Do("exists x"), Int(0));
    // Its estimate is out of date: one has to be made.
    std::string stale = Body(before);
    hll::InvalidateEstimate(stale.data());
    Do({"set", "k", stale});
    EXPECT_EQ(Do("pfcount k"), kCorruptReply);
    EXPECT_EQ(Body(Do("get k")), stale);
  }
  // Elements before the one that finds it out are not kept either.
  SetSparse("k", "\x60\xff");
  const std::string before = Do("get k");
  std::vector<absl::string_view> args = {"pfadd", "k"};
  std::vector<std::string> elements;
  for (int i = 0; i < 30; ++i) elements.push_back(absl::StrCat("e", i));
  args.insert(args.end(), elements.begin(), elements.end());
  EXPECT_EQ(Do(args), kCorruptReply);
  EXPECT_EQ(Do("get k"), before);
  EXPECT_EQ(Do("pfadd k"), Int(0)) << "nobody looked";
}

TEST_F(HyperLogLogCommandsTest, NoRandomValueDoesHarm) {
  std::mt19937_64 random(20261122);
  for (int round = 0; round < 400; ++round) {
    std::string bytes = "HYLL";
    bytes.push_back(static_cast<char>(random() % 3));
    const size_t length = round % 4 == 0 ? 12299 : random() % 100;
    for (size_t i = 0; i < length; ++i)
      bytes.push_back(static_cast<char>(random()));
    for (const char* line :
         {"pfadd k a b c", "pfcount k", "pfcount k k x", "pfmerge d k",
          "pfmerge k d", "pfdebug decode k", "pfdebug encoding k",
          "pfdebug todense k", "pfadd k d e f", "pfdebug getreg k"}) {
      if (random() % 3 > 0) Do({"set", "k", bytes});
      const std::string reply = Do(line);
      ASSERT_FALSE(reply.empty()) << line;
      if (reply[0] == '-') {
        ASSERT_TRUE(reply == kNoHllReply || reply == kCorruptReply ||
                    reply == "-ERR HLL encoding is not sparse\r\n")
            << line << ": " << reply;
      }
    }
    Do("del d");
  }
}

TEST_F(HyperLogLogCommandsTest, PfCountKeepsItsEstimateInTheValue) {
  Do("pfadd k a b c");
  EXPECT_EQ(EffectsOf("pfcount k"), "pfcount k");
  EXPECT_EQ(Body(Do("get k")).substr(8, 8),
            absl::string_view("\x03\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(EffectsOf("pfcount k"), "") << "nothing to change any more";
  EXPECT_EQ(EffectsOf("pfcount k k"), "");
  Do({"setrange", "k", "8", absl::string_view("\x39\x05\0\0\0\0\0\0", 8)});
  EXPECT_EQ(Do("pfcount k"), Int(1337)) << "it is believed";
  EXPECT_EQ(Do("pfcount k k"), Int(3));
  Do("pfadd k a");
  EXPECT_EQ(Do("pfcount k"), Int(1337));
  Do("pfadd k d");
  EXPECT_EQ(Do("pfcount k"), Int(4));
}

TEST_F(HyperLogLogCommandsTest, PfCountTouchesWatchersWhenItChangesTheValue) {
  Do("pfadd k a");
  Do("watch k");
  DoAsOther("pfcount k");
  Do("multi");
  EXPECT_EQ(Do("exec"), "*-1\r\n");
  Do("watch k");
  DoAsOther("pfcount k");
  Do("multi");
  EXPECT_EQ(Do("exec"), "*0\r\n");
}

TEST_F(HyperLogLogCommandsTest, PfCountOnAReplicaChangesNothing) {
  Do("pfadd k a b c");
  const std::string before = Do("get k");
  BecomeReplica(true);
  EXPECT_EQ(EffectsOf("pfcount k"), "");
  EXPECT_EQ(Do("pfcount k"), Int(3));
  EXPECT_EQ(Do("get k"), before);
  EXPECT_TRUE(Apply("pfcount k").ok());
  EXPECT_NE(Do("get k"), before) << "the primary did it, too";
  BecomeReplica(false);
}

TEST_F(HyperLogLogCommandsTest, WhatChangesNothingIsNoEffect) {
  EXPECT_EQ(EffectsOf("pfadd k"), "pfadd k");
  EXPECT_EQ(EffectsOf("pfadd k"), "");
  EXPECT_EQ(EffectsOf("pfadd k a"), "pfadd k a");
  EXPECT_EQ(EffectsOf("pfadd k a"), "");
  EXPECT_EQ(EffectsOf("pfdebug encoding k"), "");
  EXPECT_EQ(EffectsOf("pfdebug todense k"), "pfdebug todense k");
  EXPECT_EQ(EffectsOf("pfdebug todense k"), "");
  EXPECT_EQ(EffectsOf("pfdebug getreg k"), "");
  EXPECT_EQ(EffectsOf("pfadd k a"), "");
  EXPECT_EQ(EffectsOf("pfmerge k"), "pfmerge k") << "always, as in Redis";
}

TEST_F(HyperLogLogCommandsTest, ALargeOneBecomesDenseAndKeepsItsExpiry) {
  SetMaxSparse(100);
  Do("pfadd k e0");
  Do("pexpire k 1000");
  AddMany("k", 0, 500);
  EXPECT_EQ(Do("pfdebug encoding k"), "+dense\r\n");
  EXPECT_EQ(Do("strlen k"), Int(12304));
  EXPECT_EQ(Do("pttl k"), Int(1000));
  EXPECT_EQ(Do("object encoding k"), Bulk("raw"));
  const std::string reply = Do("pfcount k");
  EXPECT_TRUE(reply > Int(485) && reply < Int(515)) << reply;
  EXPECT_EQ(Do("pfdebug decode k"), "-ERR HLL encoding is not sparse\r\n");
  Advance(absl::Seconds(2));
  EXPECT_EQ(Do("pfadd k e0"), Int(1)) << "it was made anew";
  EXPECT_EQ(Do("pfdebug encoding k"), "+sparse\r\n");
}

TEST_F(HyperLogLogCommandsTest, MergesWhatAllHaveSeen) {
  Do("pfadd a 1 2 3");
  Do("pfadd b 3 4 5");
  EXPECT_EQ(Do("pfmerge d a nosuch b"), kOkReply);
  EXPECT_EQ(Do("pfcount d"), Int(5));
  EXPECT_EQ(Do("pfdebug encoding d"), "+sparse\r\n");
  Do("pfadd c 6");
  Do("pfdebug todense c");
  Do("expire d 100");
  EXPECT_EQ(Do("pfmerge d c"), kOkReply);
  EXPECT_EQ(Do("pfcount d"), Int(6));
  EXPECT_EQ(Do("pfdebug encoding d"), "+dense\r\n");
  EXPECT_EQ(Do("ttl d"), Int(100));
  EXPECT_EQ(Do("pfmerge new"), kOkReply);
  EXPECT_EQ(Do("pfcount new"), Int(0));
  EXPECT_EQ(Do("pfmerge new a new"), kOkReply);
  EXPECT_EQ(Do("pfcount new a"), Int(3));
}

TEST_F(HyperLogLogCommandsTest, PfDebugShowsTheInsides) {
  Do("pfadd k a b c");
  EXPECT_EQ(Do("pfdebug encoding nosuch"),
            "-ERR The specified key does not exist\r\n");
  EXPECT_EQ(Do("pfdebug nosuch k"),
            "-ERR Unknown PFDEBUG subcommand 'nosuch'\r\n");
  EXPECT_EQ(Do("pfdebug x\r\ny k"),
            "-ERR Unknown PFDEBUG subcommand 'x  y'\r\n");
  EXPECT_EQ(Do("pfdebug Encoding k"), "+sparse\r\n");
  const std::string registers = Do("pfdebug getreg k");
  EXPECT_TRUE(absl::StartsWith(registers, "*16384\r\n:0\r\n"));
  EXPECT_EQ(registers.size(), 8u + 16384 * 4);
  EXPECT_EQ(Do("pfdebug encoding k"), "+dense\r\n") << "as Redis does it";
  EXPECT_EQ(Do("pfdebug todense k"), Int(0));
  EXPECT_EQ(Do("pfcount k"), Int(3));
}

TEST_F(HyperLogLogCommandsTest, PfSelfTestPasses) {
  EXPECT_EQ(Do("pfselftest"), kOkReply);
  SetMaxSparse(0);
  EXPECT_EQ(Do("pfselftest"), kOkReply);
}

}  // namespace
}  // namespace holdfast::server
