// Holds the package against the real redis-server 7.0: it reads what we write,
// we read what it writes, byte for byte where no compressor is involved.

#include <unistd.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "server/persist/rdb/byte_sink.h"
#include "server/persist/rdb/byte_source.h"
#include "server/persist/rdb/crc64.h"
#include "server/persist/rdb/encoding.h"
#include "server/persist/rdb/rdb_testing.h"
#include "server/persist/rdb/reader.h"
#include "server/persist/rdb/records.h"
#include "server/persist/rdb/redis_server_testing.h"
#include "server/persist/rdb/stream_writer.h"
#include "server/persist/rdb/transfer.h"
#include "server/persist/rdb/value_loaders.h"

namespace holdfast::server {
namespace {

constexpr char kLibrary[] =
    "#!lua name=lib\nredis.register_function('f', function() return 7 end)";
constexpr int64_t kFarFuture = 32503680000000;  // The year 3000.

struct Entry {
  uint64_t db;
  std::string key;
  std::string value;
  int64_t expire_ms;
};

std::vector<Entry> Dataset() {
  constexpr uint64_t kSeed = 4711;
  std::mt19937_64 random(kSeed);
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  std::string noise(70000, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  std::vector<std::string> values = {
      "",
      "0",
      "-0",
      "00",
      "+1",
      " 1",
      "-1",
      "127",
      "128",
      "-128",
      "-129",
      "32767",
      "32768",
      "-32768",
      "-32769",
      "65535",
      "2147483647",
      "2147483648",
      "-2147483648",
      "-2147483649",
      "99999999999",
      "9223372036854775807",
      "-9223372036854775808",
      "9223372036854775808",
      "3.14",
      std::string(20, 'a'),
      std::string(21, 'a'),
      std::string(63, 'b'),
      std::string(64, 'c'),
      std::string(16384, 'd'),
      std::string(1000000, 'e'),
      all,
      all + all + all,
      noise,
      noise.substr(0, 5000) + noise.substr(0, 5000),
      std::string(8192, 'x') + "needle" + std::string(9000, 'y') + "needle"};
  std::string text;
  for (int i = 0; i < 3000; ++i) {
    absl::StrAppend(&text, "line ", i, " of ", random() % 50, " words; ");
  }
  values.push_back(text);
  std::vector<Entry> entries;
  const uint64_t dbs[] = {0, 1, 9, 15};
  for (size_t i = 0; i < values.size(); ++i) {
    entries.push_back({dbs[i % 4], absl::StrCat("value:", i), values[i],
                       i % 3 == 0 ? kFarFuture + static_cast<int64_t>(i) : -1});
    // And as a key, where that is not too long.
    if (values[i].size() < 20000)
      entries.push_back({dbs[i % 3], values[i], "v", -1});
  }
  return entries;
}

std::string Write(const std::vector<Entry>& entries,
                  const RdbOptions& options) {
  StringSink sink;
  RdbStreamWriter writer(&sink, options);
  RdbInfo info;
  info.redis_ver = "7.0.15";
  info.ctime_seconds = 1700000000;
  info.used_mem_bytes = 1000000;
  info.has_replication = true;
  info.repl_stream_db = 0;
  info.repl_id = std::string(40, '1');
  info.repl_offset = 100;
  EXPECT_TRUE(writer.Header(info).ok());
  EXPECT_TRUE(writer.Function(kLibrary).ok());
  RecordChunk chunk;
  for (const Entry& entry : entries) {
    RecordMeta meta;
    meta.expire_ms = entry.expire_ms;
    chunk.SelectDb(entry.db);
    AppendStringRecord(entry.key, entry.value, meta, options, chunk.records());
    if (chunk.size() > 1000) {  // Many chunks, as from many threads.
      EXPECT_TRUE(writer.Chunk(chunk).ok());
      chunk.Clear();
    }
  }
  EXPECT_TRUE(writer.Chunk(chunk).ok());
  EXPECT_TRUE(writer.Finish().ok());
  return sink.contents();
}

void SetAll(UnixConnection* redis, const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) {
    ASSERT_EQ(redis->Command({"SELECT", absl::StrCat(entry.db)}), "OK");
    ASSERT_EQ(redis->Command({"SET", entry.key, entry.value}), "OK");
    if (entry.expire_ms >= 0) {
      ASSERT_EQ(redis->Command(
                    {"PEXPIREAT", entry.key, absl::StrCat(entry.expire_ms)}),
                "1");
    }
  }
}

void ExpectAll(const RecordingVisitor& seen,
               const std::vector<Entry>& entries) {
  EXPECT_EQ(seen.keys.size(), entries.size());
  for (const Entry& entry : entries) {
    const auto found = seen.keys.find({entry.db, entry.key});
    ASSERT_NE(found, seen.keys.end()) << PrintableRdbKey(entry.key);
    EXPECT_TRUE(found->second.value == entry.value)
        << PrintableRdbKey(entry.key);
    EXPECT_EQ(found->second.meta.expire_ms, entry.expire_ms);
  }
}

class RedisCompatTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (access(kRedisServer, X_OK) != 0) {
      GTEST_SKIP() << kRedisServer << " is not installed";
    }
  }

  absl::Status ReadDump(RecordingVisitor* visitor) {
    const std::string file = directory_.Read("dump.rdb");
    StringSource source(file);
    const absl::Status status = RdbReader(&source, visitor).Read();
    if (status.ok()) {
      EXPECT_EQ(source.rest(), "");
    }
    return status;
  }

  ScratchDirectory directory_;
};

TEST_F(RedisCompatTest, RedisLoadsWhatWeWriteAndWeReadWhatItSaves) {
  const std::vector<Entry> entries = Dataset();
  for (const auto& [compress, checksum] :
       {std::tuple(true, true), std::tuple(false, false)}) {
    RdbOptions options;
    options.compress = compress;
    options.checksum = checksum;
    directory_.Write("dump.rdb", Write(entries, options));

    std::string checked;
    EXPECT_EQ(
        RunProgram({kRedisCheckRdb, directory_.File("dump.rdb")}, &checked), 0);
    EXPECT_TRUE(absl::StrContains(checked, "RDB looks OK")) << checked;

    RedisServer server(directory_, {});
    ASSERT_TRUE(server.ready()) << server.log();
    const auto redis = server.Connect();
    const std::string ours = redis->Command({"DEBUG", "DIGEST"});
    ASSERT_EQ(redis->Command({"FCALL", "f", "0"}), "7");
    for (const Entry& entry : entries) {
      ASSERT_EQ(redis->Command({"SELECT", absl::StrCat(entry.db)}), "OK");
      ASSERT_EQ(redis->Command({"PEXPIRETIME", entry.key}),
                absl::StrCat(entry.expire_ms));
    }
    ASSERT_EQ(redis->Command({"FLUSHALL"}), "OK");
    EXPECT_NE(redis->Command({"DEBUG", "DIGEST"}), ours);
    SetAll(redis.get(), entries);
    EXPECT_EQ(redis->Command({"DEBUG", "DIGEST"}), ours);

    ASSERT_EQ(redis->Command(
                  {"CONFIG", "SET", "rdbcompression", compress ? "yes" : "no"}),
              "OK");
    ASSERT_EQ(redis->Command({"SAVE"}), "OK");
    RecordingVisitor seen;
    const absl::Status status = ReadDump(&seen);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_TRUE(seen.checksummed);
    EXPECT_EQ(seen.header_version, 10);
    EXPECT_EQ(seen.aux["redis-ver"], "7.0.15");
    EXPECT_EQ(seen.functions, std::vector<std::string>{kLibrary});
    ExpectAll(seen, entries);
  }
}

// DUMP is a type, a value, two bytes of version and the checksum of it all.
TEST_F(RedisCompatTest, ValuesAreEncodedByteForByteLikeRedis) {
  RedisServer server(directory_, {"--rdbcompression", "no"});
  ASSERT_TRUE(server.ready()) << server.log();
  const auto redis = server.Connect();
  RdbOptions options;
  options.compress = false;
  for (const Entry& entry : Dataset()) {
    ASSERT_EQ(redis->Command({"SET", "k", entry.value}), "OK");
    const std::string dump = redis->Command({"DUMP", "k"});
    std::string expected;
    AppendStringValue(entry.value, options, &expected);
    int64_t integer = 0;
    if (absl::SimpleAtoi(entry.value, &integer) &&
        absl::StrCat(integer) == entry.value) {
      std::string as_integer;
      AppendIntegerValue(integer, &as_integer);
      ASSERT_TRUE(as_integer == expected) << integer;
    }
    expected.append("\x0a\0", 2);
    uint64_t crc = Crc64(0, expected);
    for (int i = 0; i < 8; ++i, crc >>= 8) {
      expected.push_back(static_cast<char>(crc & 0xff));
    }
    ASSERT_TRUE(dump == expected) << PrintableRdbKey(entry.key);
  }
}

TEST_F(RedisCompatTest, IdleTimesAndFrequenciesSurvive) {
  RecordMeta meta;
  meta.lfu_freq = 77;
  meta.lru_idle_seconds = 5000;
  std::string records;
  AppendStringRecord("k", "v", meta, {}, &records);
  StringSink sink;
  RdbStreamWriter writer(&sink, {});
  ASSERT_TRUE(writer.Header({}).ok());
  ASSERT_TRUE(writer.Records(0, records).ok());
  ASSERT_TRUE(writer.Finish().ok());
  for (const bool lfu : {true, false}) {
    directory_.Write("dump.rdb", sink.contents());
    RedisServer server(directory_, {"--maxmemory-policy",
                                    lfu ? "allkeys-lfu" : "allkeys-lru"});
    ASSERT_TRUE(server.ready()) << server.log();
    const auto redis = server.Connect();
    ASSERT_EQ(redis->Command({"SAVE"}), "OK");
    RecordingVisitor seen;
    const absl::Status status = ReadDump(&seen);
    ASSERT_TRUE(status.ok()) << status;
    const RecordMeta& read = seen.keys.at({0, "k"}).meta;
    if (lfu) {
      EXPECT_EQ(read.lfu_freq, 77);
      EXPECT_EQ(read.lru_idle_seconds, -1);
    } else {
      EXPECT_EQ(read.lfu_freq, -1);
      EXPECT_GE(read.lru_idle_seconds, 5000);
      EXPECT_LE(read.lru_idle_seconds, 5060);
    }
  }
}

// A full synchronisation, as a replica sees it: with an end mark (diskless) and
// with a length (from a file), and the commands after it.
TEST_F(RedisCompatTest, FullSyncAndTheCommandsAfterIt) {
  const std::vector<Entry> entries = Dataset();
  directory_.Write("dump.rdb", Write(entries, {}));
  for (const bool diskless : {true, false}) {
    RedisServer server(directory_,
                       {"--repl-diskless-sync", diskless ? "yes" : "no",
                        "--repl-diskless-sync-delay", "0"});
    ASSERT_TRUE(server.ready()) << server.log();
    const auto link = server.Connect();
    // Without an address INFO would not show a replica on a unix socket.
    ASSERT_EQ(link->Command({"REPLCONF", "ip-address", "127.0.0.1", "capa",
                             "eof", "capa", "psync2"}),
              "OK");
    link->Send({"PSYNC", "?", "-1"});
    std::string answer = link->Line();
    ASSERT_TRUE(absl::StartsWith(answer, "+FULLRESYNC ")) << answer;

    absl::StatusOr<TransferHeader> header = ReadTransferHeader(link.get());
    while (header.ok() && header->kind == TransferHeader::Kind::kKeepalive) {
      header = ReadTransferHeader(link.get());
    }
    ASSERT_TRUE(header.ok()) << header.status();
    std::unique_ptr<TransferSource> payload;
    if (diskless) {
      ASSERT_EQ(header->kind, TransferHeader::Kind::kEofMark);
      payload = std::make_unique<EofMarkedSource>(link.get(), header->eof_mark);
    } else {
      ASSERT_EQ(header->kind, TransferHeader::Kind::kLength);
      payload = std::make_unique<LengthSource>(link.get(), header->length);
    }
    RecordingVisitor seen;
    const absl::Status status = RdbReader(payload.get(), &seen).Read();
    ASSERT_TRUE(status.ok()) << status;
    ASSERT_TRUE(payload->Finish().ok());
    ExpectAll(seen, entries);
    EXPECT_EQ(seen.aux["repl-id"].size(), 40u);

    // An ACK that comes before Redis has reaped its child is ignored.
    const auto control = server.Connect();
    for (int polls = 0; polls < 200000; ++polls) {
      if (absl::StrContains(control->Command({"INFO", "replication"}),
                            "state=online")) {
        break;
      }
    }
    link->Send({"REPLCONF", "ACK", "0"});
    ASSERT_EQ(control->Command({"SET", "after", "sync"}), "OK");
    EXPECT_EQ(link->Reply(), "SELECT 0");
    EXPECT_EQ(link->Reply(), "SET after sync");
  }
}

}  // namespace
}  // namespace holdfast::server
