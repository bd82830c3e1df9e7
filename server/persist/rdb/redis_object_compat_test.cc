// Values of all types against the real redis-server 7.0: it reads what we
// write, we read what it writes, byte for byte where no hash table gives the
// order.

#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "server/persist/rdb/byte_sink.h"
#include "server/persist/rdb/byte_source.h"
#include "server/persist/rdb/encoding.h"
#include "server/persist/rdb/format.h"
#include "server/persist/rdb/object_testing.h"
#include "server/persist/rdb/rdb_testing.h"
#include "server/persist/rdb/reader.h"
#include "server/persist/rdb/records.h"
#include "server/persist/rdb/redis_server_testing.h"
#include "server/persist/rdb/stream_writer.h"
#include "server/persist/rdb/value_context.h"
#include "server/types/object.h"

namespace holdfast::server {
namespace {

using Command = std::vector<std::string>;

std::string Name(int i) { return absl::StrCat(i % 3 == 0 ? "" : "m", i * 7); }

// Keys of every type and form, large and small, as commands.
std::vector<Command> Dataset() {
  std::vector<Command> commands;
  const std::string big(5000, 'B');
  const std::vector<std::string> odd = {"",
                                        "0",
                                        "-1",
                                        "007",
                                        "65536",
                                        "8388608",
                                        "2147483648",
                                        "-9223372036854775808",
                                        "9223372036854775808",
                                        "3.0",
                                        std::string("\0\xff\r\n", 4),
                                        std::string(63, 'a'),
                                        std::string(64, 'b'),
                                        std::string(65, 'c'),
                                        std::string(300, 'd')};
  commands.push_back({"RPUSH", "list:odd"});
  commands.push_back({"SADD", "set:odd"});
  for (const std::string& one : odd) {
    commands[0].push_back(one);
    commands[1].push_back(one);
    commands.push_back({"HSET", "hash:odd", one, absl::StrCat(one, "!")});
    commands.push_back({"HSET", "hash:ints", absl::StrCat(one.size()), "12"});
    commands.push_back({"ZADD", "zset:odd", "1", one});
  }
  int n = 0;
  for (const char* score :
       {"-inf", "inf", "0", "-0", "1.5", "3", "-70000", "1e300", "0.1",
        "4611686018427387904", "1e20", "123456789012.25", "5e-324"}) {
    commands.push_back({"ZADD", "zset:scores", score, absl::StrCat("m", n++)});
    commands.push_back({"ZADD", "zset:same", "7", absl::StrCat("m", 100 - n)});
  }
  for (const int count : {1, 2, 100, 130, 600}) {
    for (int i = 0; i < count; ++i) {
      const std::string name = Name(i);
      const std::string size = absl::StrCat(count);
      commands.push_back({"RPUSH", "list:" + size, name});
      commands.push_back({"SADD", "set:" + size, name});
      commands.push_back({"SADD", "ints:" + size, absl::StrCat(i * i * i)});
      commands.push_back({"ZADD", "zset:" + size, absl::StrCat(i % 10), name});
      commands.push_back({"HSET", "hash:" + size, name, absl::StrCat(i)});
      if (i % 10 == 0) commands.push_back({"RPUSH", "blocks:" + size, big});
    }
  }
  commands.push_back({"SADD", "ints:wide", "1", "70000", "-5000000000"});
  commands.push_back({"ZADD", "zset:big", "1", big, "2", "small"});
  commands.push_back({"HSET", "hash:big", "f", big});

  for (int i = 1; i <= 250; ++i) {
    const std::string id = absl::StrCat(i / 3, "-", i);
    commands.push_back(
        {"XADD", "stream:plain", id, "f", absl::StrCat(i), "g", "x"});
    commands.push_back({"XADD", "stream:groups", id, i % 7 == 0 ? "other" : "f",
                        absl::StrCat("v", i)});
  }
  commands.push_back({"XADD", "stream:none", "5-5", "f", "v"});
  commands.push_back({"XDEL", "stream:none", "5-5"});
  commands.push_back({"XDEL", "stream:groups", "1-3", "1-4", "0-1"});
  commands.push_back({"XTRIM", "stream:plain", "MAXLEN", "120"});
  commands.push_back({"XGROUP", "CREATE", "stream:groups", "g1", "0"});
  commands.push_back({"XGROUP", "CREATE", "stream:groups", "g2", "40-120"});
  commands.push_back({"XGROUP", "CREATE", "stream:none", "g", "$"});
  commands.push_back({"XGROUP", "CREATECONSUMER", "stream:none", "g", "idle"});
  commands.push_back({"XREADGROUP", "GROUP", "g1", "alice", "COUNT", "20",
                      "STREAMS", "stream:groups", ">"});
  commands.push_back({"XREADGROUP", "GROUP", "g1", "42", "COUNT", "5",
                      "STREAMS", "stream:groups", ">"});
  commands.push_back({"XREADGROUP", "GROUP", "g1", "alice", "COUNT", "7",
                      "STREAMS", "stream:groups", "0"});
  commands.push_back({"XACK", "stream:groups", "g1", "2-6", "3-9"});
  commands.push_back({"XDEL", "stream:groups", "4-12"});
  return commands;
}

class RedisObjectCompatTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (access(kRedisServer, X_OK) != 0) {
      GTEST_SKIP() << kRedisServer << " is not installed";
    }
  }

  void Start(const std::vector<std::string>& args) {
    server_ = nullptr;
    server_ = std::make_unique<RedisServer>(directory_, args);
    ASSERT_TRUE(server_->ready()) << server_->log();
    redis_ = server_->Connect();
  }
  std::string Call(const Command& command) { return redis_->Command(command); }
  // As our answers to OBJECT ENCODING stand in Describe().
  std::string EncodingOf(const std::string& key) {
    return absl::StrCat(Call({"TYPE", key}), " ",
                        Call({"OBJECT", "ENCODING", key}), ":");
  }
  void Fill() {
    for (const Command& command : Dataset()) {
      const std::string reply = Call(command);
      ASSERT_FALSE(absl::StartsWith(reply, "-")) << reply;
    }
    keys_ = absl::StrSplit(Call({"KEYS", "*"}), ' ');
    ASSERT_GT(keys_.size(), 30u);
  }

  ScratchDirectory directory_;
  std::unique_ptr<RedisServer> server_;
  std::unique_ptr<UnixConnection> redis_;
  std::vector<std::string> keys_;
};

struct Setting {
  std::vector<std::string> args;
  RdbObjectLimits limits;
};

// The same limits on both sides.
std::vector<Setting> Settings() {
  Setting standard;
  Setting small;
  small.args = {
      "--hash-max-listpack-entries", "3", "--zset-max-listpack-entries", "0",
      "--set-max-intset-entries",    "2", "--list-max-listpack-size",    "3",
      "--stream-node-max-entries",   "7"};
  small.limits.hash.max_entries = 3;
  small.limits.zset.max_entries = 0;
  small.limits.set.max_intset_entries = 2;
  small.limits.list.fill = 3;
  Setting large;
  large.args = {"--hash-max-listpack-entries", "5000",
                "--hash-max-listpack-value",   "100000",
                "--zset-max-listpack-entries", "5000",
                "--zset-max-listpack-value",   "100000",
                "--set-max-intset-entries",    "5000",
                "--list-max-listpack-size",    "-5",
                "--stream-node-max-entries",   "0"};
  large.limits.hash = {5000, 100000};
  large.limits.zset = {5000, 100000};
  large.limits.set.max_intset_entries = 5000;
  large.limits.list.fill = -5;
  std::vector<Setting> all = {standard, small, large};
  for (Setting& one : all) {
    one.args.insert(one.args.end(), {"--rdbcompression", "no"});
  }
  return all;
}

TEST_F(RedisObjectCompatTest, WhatRedisDumpsIsReadAndWrittenTheSame) {
  for (const Setting& setting : Settings()) {
    Start(setting.args);
    Fill();
    int same_bytes = 0;
    for (const std::string& key : keys_) {
      SCOPED_TRACE(key);
      const std::string dump = Call({"DUMP", key});
      const absl::string_view value = UndumpOf(dump);
      const uint8_t type = static_cast<uint8_t>(value[0]);
      const Loaded loaded = LoadPayload(type, value.substr(1), setting.limits);
      ASSERT_TRUE(loaded.status.ok()) << loaded.status;
      EXPECT_TRUE(absl::StartsWith(loaded.seen, EncodingOf(key)))
          << EncodingOf(key) << " is not " << loaded.seen.substr(0, 40);
      EXPECT_EQ(loaded.rewritten.size(), value.size());
      EXPECT_EQ(loaded.rewritten[0], value[0]);
      if (loaded.rewritten == value) {
        ++same_bytes;
      } else {
        // Only where the order is that of a hash table.
        EXPECT_TRUE(absl::EndsWith(EncodingOf(key), "hashtable:"));
      }
      // It takes what we write, and knows it again.
      EXPECT_EQ(
          Call({"RESTORE", "copy", "0", DumpOf(loaded.rewritten), "REPLACE"}),
          "OK");
      const std::string digests = Call({"DEBUG", "DIGEST-VALUE", key, "copy"});
      const std::vector<std::string> both = absl::StrSplit(digests, ' ');
      ASSERT_EQ(both.size(), 2u);
      EXPECT_EQ(both[0], both[1]);
      EXPECT_EQ(EncodingOf("copy"), EncodingOf(key));
    }
    EXPECT_GT(same_bytes, 15);
  }
}

// From whole files, and back.
TEST_F(RedisObjectCompatTest, FilesGoBothWays) {
  Start({});
  Fill();
  const std::string digest = Call({"DEBUG", "DIGEST"});
  ASSERT_EQ(Call({"SAVE"}), "OK");
  const std::string theirs = directory_.Read("dump.rdb");
  for (const bool compress : {true, false}) {
    StringSource source(theirs);
    RecordingVisitor seen;
    const absl::Status status = RdbReader(&source, &seen).Read();
    ASSERT_TRUE(status.ok()) << status;
    ASSERT_EQ(seen.objects.size(), keys_.size());

    RdbOptions options;
    options.compress = compress;
    options.checksum = compress;
    RecordChunk chunk;
    chunk.SelectDb(0);
    for (auto& [where, object] : seen.objects) {
      const ValueType type = object.value.type();
      ObjectBits bits = object.value.Release();
      AppendObjectRecord(where.second, type, bits, object.meta, options,
                         chunk.records());
      FreeObject(type, &bits);
    }
    StringSink sink;
    RdbStreamWriter writer(&sink, options);
    ASSERT_TRUE(writer.Header({}).ok());
    ASSERT_TRUE(writer.Chunk(chunk).ok());
    ASSERT_TRUE(writer.Finish().ok());
    directory_.Write("dump.rdb", sink.contents());
    std::string checked;
    EXPECT_EQ(
        RunProgram({kRedisCheckRdb, directory_.File("dump.rdb")}, &checked), 0);
    EXPECT_TRUE(absl::StrContains(checked, "RDB looks OK")) << checked;
    Start({});
    EXPECT_EQ(Call({"DEBUG", "DIGEST"}), digest);
  }
}

// The old forms, made by hand, are what Redis takes them for.
TEST_F(RedisObjectCompatTest, OldFormsAreTheSameValuesToBoth) {
  Start({"--sanitize-dump-payload", "yes", "--rdbcompression", "no"});
  for (const SamplePayload& sample : SamplePayloads()) {
    if (sample.type == 20 || sample.type == 21) continue;  // It is too old.
    SCOPED_TRACE(absl::StrCat("type ", sample.type));
    const std::string value = absl::StrCat(
        std::string(1, static_cast<char>(sample.type)), sample.payload);
    ASSERT_EQ(Call({"RESTORE", "theirs", "0", DumpOf(value), "REPLACE"}), "OK");
    const Loaded loaded = LoadPayload(sample.type, sample.payload);
    ASSERT_TRUE(loaded.status.ok()) << loaded.status;
    ASSERT_EQ(
        Call({"RESTORE", "ours", "0", DumpOf(loaded.rewritten), "REPLACE"}),
        "OK");
    const std::vector<std::string> both =
        absl::StrSplit(Call({"DEBUG", "DIGEST-VALUE", "theirs", "ours"}), ' ');
    ASSERT_EQ(both.size(), 2u);
    EXPECT_EQ(both[0], both[1]);
    EXPECT_EQ(EncodingOf("theirs"), EncodingOf("ours"));
    EXPECT_TRUE(absl::StartsWith(loaded.seen, EncodingOf("theirs")));
    const std::string again = Call({"DUMP", "theirs"});
    // Two small nodes of a list are one node of ours.
    if (sample.type != kRdbTypeListQuicklist &&
        !absl::EndsWith(EncodingOf("theirs"), "hashtable:")) {
      EXPECT_EQ(absl::BytesToHexString(UndumpOf(again)),
                absl::BytesToHexString(loaded.rewritten));
    }
  }
}

// An empty stream of Redis 5 says in 7.0 that its first id is the last of all.
TEST_F(RedisObjectCompatTest, AnEmptyStreamThatCameFromAnOldVersion) {
  Start({});
  const std::string old =
      absl::StrCat("\x0f", RdbLength(0), RdbLength(0), RdbLength(7),
                   RdbLength(8), RdbLength(0));
  ASSERT_EQ(Call({"RESTORE", "k", "0", DumpOf(old)}), "OK");
  const std::string dump = Call({"DUMP", "k"});
  const Loaded loaded = LoadPayload(19, UndumpOf(dump).substr(1));
  EXPECT_TRUE(loaded.status.ok()) << loaded.status;
  EXPECT_EQ(loaded.seen, "stream stream: meta 0 7-8 0-0 0-0 0");
}

// Where Redis refuses, or passes over, so do we.
TEST_F(RedisObjectCompatTest, RedisRefusesTheSame) {
  Start({"--sanitize-dump-payload", "yes"});
  const std::string nothing = RdbLength(0);
  const std::string pair = RdbLength(2) + RdbString("a") + RdbString("1") +
                           RdbString("a") + RdbString("2");
  const std::vector<SamplePayload> bad = {
      {1, nothing},
      {2, nothing},
      {4, nothing},
      {5, nothing},
      {14, nothing},
      {18, nothing},
      {10, RdbString(MakeZiplist({}))},
      {11, RdbString(absl::string_view("\2\0\0\0\0\0\0\0", 8))},
      {13, RdbString(MakeZiplist({}))},
      {17, RdbString(MakeListpack({}))},
      {4, pair},
      {2, RdbLength(2) + RdbString("a") + RdbString("a")},
      {9, RdbString(MakeZipmap({{"a", "1"}, {"a", "2"}}))},
      {9, RdbString(absl::string_view("\0\xff", 2))},
      {12, RdbString(MakeZiplist({"a", "1", "a", "2"}))},
      {16, RdbString(MakeListpack({"a", "1", "a"}))},
      {17, RdbString(MakeListpack({"a", "1", "a", "2"}))},
      {18, RdbLength(1) + RdbLength(3) + RdbString("x")},
      {18, RdbLength(1) + RdbLength(1) + RdbString("")},
      {22, nothing},
  };
  for (const auto& [type, payload] : bad) {
    SCOPED_TRACE(absl::StrCat("type ", static_cast<int>(type)));
    const std::string value =
        absl::StrCat(std::string(1, static_cast<char>(type)), payload);
    EXPECT_EQ(Call({"RESTORE", "k", "0", DumpOf(value)}),
              "-ERR Bad data format");
    const Loaded loaded = LoadPayload(type, payload);
    EXPECT_EQ(loaded.seen, "");
    EXPECT_TRUE(loaded.was_empty || !loaded.status.ok());
  }
}

}  // namespace
}  // namespace holdfast::server
