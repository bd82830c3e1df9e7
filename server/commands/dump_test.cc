#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "server/commands/keys_testing.h"

namespace holdfast::server {
namespace {

constexpr char kBadFooter[] =
    "-ERR DUMP payload version or checksum are wrong\r\n";

class DumpTest : public KeysTest {
 protected:
  std::string Payload(absl::string_view key) {
    const std::string reply = Do({"dump", key});
    const size_t begin = reply.find('\n') + 1;
    return reply.substr(begin, reply.size() - begin - 2);
  }
};

TEST_F(DumpTest, WhatIsDumpedCanBeRestored) {
  Do("set string value");
  Do("set int 12345");
  Do("set empty ''");
  Do({"set", "long", std::string(5000, 'x')});
  Do("rpush list a b 1 2 ''");
  for (const char* key : {"string", "int", "empty", "long", "list"}) {
    const std::string payload = Payload(key);
    EXPECT_EQ(Do({"restore", "copy", "0", payload, "REPLACE"}), kOkReply);
    EXPECT_EQ(Payload("copy"), payload) << key;
    EXPECT_EQ(Do("object encoding copy"),
              Do(absl::StrCat("object encoding ", key)));
  }
  EXPECT_EQ(Do("lrange copy 0 -1"), Do("lrange list 0 -1"));
  EXPECT_EQ(Do("dump nosuch"), kNullReply);
}

TEST_F(DumpTest, IsWhatRedisDumps) {
  Do("set k hello");
  EXPECT_EQ(Payload("k"), std::string("\x00\x05hello\x0a\x00", 9) +
                              "cr\xdf"
                              "ve4 \n");
}

TEST_F(DumpTest, AnyDamageIsRefused) {
  Do("rpush list a b c");
  const std::string payload = Payload("list");
  for (size_t i = 0; i < payload.size(); ++i) {
    std::string damaged = payload;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_EQ(Do({"restore", "copy", "0", damaged}), kBadFooter) << i;
    EXPECT_EQ(Do({"restore", "copy", "0", payload.substr(0, i)}), kBadFooter);
  }
  EXPECT_EQ(Do("exists copy"), Int(0));
}

TEST_F(DumpTest, RefusesOptionsAndTakenNames) {
  Do("set k v");
  const std::string payload = Payload("k");
  EXPECT_EQ(Do({"restore", "k", "0", payload}),
            "-BUSYKEY Target key name already exists.\r\n");
  EXPECT_EQ(Do({"restore", "n", "-1", payload}),
            "-ERR Invalid TTL value, must be >= 0\r\n");
  EXPECT_EQ(Do({"restore", "n", "9223372036854775807", payload}),
            "-ERR Invalid TTL value, must be >= 0\r\n");
  EXPECT_EQ(Do({"restore", "n", "x", payload}), kNotIntegerReply);
  EXPECT_EQ(Do({"restore", "n", "0", payload, "IDLETIME", "-1"}),
            "-ERR Invalid IDLETIME value, must be >= 0\r\n");
  EXPECT_EQ(Do({"restore", "n", "0", payload, "FREQ", "256"}),
            "-ERR Invalid FREQ value, must be >= 0 and <= 255\r\n");
  EXPECT_EQ(Do({"restore", "n", "0", payload, "FREQ", "1", "IDLETIME", "1"}),
            kSyntaxReply);
  EXPECT_EQ(Do({"restore", "n", "0", payload, "IDLETIME"}), kSyntaxReply);
  EXPECT_EQ(Do({"restore", "n", "0", payload, "nonsense"}), kSyntaxReply);
  EXPECT_EQ(Do("exists n"), Int(0));
}

// A client may set these counts; what is saved must be loaded again.
TEST_F(DumpTest, StreamsWithTheHighestCountsCanBeRestored) {
  Do("xadd s 1-1 f v");
  Do("xgroup create s g 0 ENTRIESREAD 9223372036854775807");
  Do("xreadgroup group g c streams s >");
  Do("xsetid s 1-1 ENTRIESADDED 9223372036854775807");
  Do("xadd s 2-1 f v");
  EXPECT_EQ(Do({"restore", "copy", "0", Payload("s")}), kOkReply);
  EXPECT_EQ(Payload("copy"), Payload("s"));
  EXPECT_EQ(Do("xinfo groups copy"), Do("xinfo groups s"));
}

TEST_F(DumpTest, TimesAreMadeAbsoluteForReplicas) {
  Do("set k v");
  const std::string payload = Payload("k");
  EXPECT_EQ(Do({"restore", "a", "5000", payload}), kOkReply);
  EXPECT_EQ(Do("pttl a"), Int(5000));
  EXPECT_EQ(Do({"restore", "b", absl::StrCat(NowMs() + 7000), payload, "ABSTTL",
                "IDLETIME", "1000"}),
            kOkReply);
  EXPECT_EQ(Do("pttl b"), Int(7000));
  EXPECT_EQ(Do("object idletime b"), Int(1000));
  // In the past: nothing is made, and what is there goes.
  EXPECT_EQ(Do({"restore", "c", "1", payload, "ABSTTL"}), kOkReply);
  EXPECT_EQ(Do("exists c"), Int(0));
  EXPECT_EQ(Do({"restore", "a", "1", payload, "ABSTTL", "REPLACE"}), kOkReply);
  EXPECT_EQ(Do("exists a"), Int(0));
}

}  // namespace
}  // namespace holdfast::server
