#include "server/persist/rdb/reader.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "server/persist/rdb/byte_sink.h"
#include "server/persist/rdb/byte_source.h"
#include "server/persist/rdb/crc64.h"
#include "server/persist/rdb/object_testing.h"
#include "server/persist/rdb/rdb_testing.h"
#include "server/persist/rdb/records.h"
#include "server/persist/rdb/stream_writer.h"
#include "server/persist/rdb/value_loaders.h"

namespace holdfast::server {
namespace {

RecordMeta Expires(int64_t ms) {
  RecordMeta meta;
  meta.expire_ms = ms;
  return meta;
}

// A file with every kind of record that the writer knows.
std::string Sample(RdbOptions options = {}) {
  StringSink sink;
  RdbStreamWriter writer(&sink, options);
  RdbInfo info;
  info.redis_ver = "7.0.15";
  info.ctime_seconds = 1783736000;
  info.used_mem_bytes = 1 << 20;
  info.has_replication = true;
  info.repl_stream_db = -1;
  info.repl_id = std::string(40, 'f');
  info.repl_offset = 12345678901;
  EXPECT_TRUE(writer.Header(info).ok());
  EXPECT_TRUE(writer.Aux("holdfast-note", "hello").ok());
  EXPECT_TRUE(writer.Function("#!lua name=l\nreturn 1").ok());
  EXPECT_TRUE(writer.ResizeDb(0, 3, 1).ok());
  RecordChunk chunk;
  chunk.SelectDb(0);
  AppendStringRecord("a", "1", {}, options, chunk.records());
  AppendStringRecord("b", std::string(3000, 'b'), Expires(1783736000123),
                     options, chunk.records());
  chunk.SelectDb(7);
  RecordMeta lfu;
  lfu.lfu_freq = 255;
  AppendIntegerRecord("c", -5, lfu, options, chunk.records());
  EXPECT_TRUE(writer.Chunk(chunk).ok());
  std::string records;
  RecordMeta lru = Expires(-7);
  lru.lru_idle_seconds = 100000;
  AppendStringRecord(std::string("d\0\xff", 3), "", lru, options, &records);
  EXPECT_TRUE(writer.Records(7, records).ok());
  EXPECT_TRUE(writer.Finish().ok());
  EXPECT_EQ(writer.bytes_written(), sink.contents().size());
  return sink.contents();
}

absl::Status Read(absl::string_view file, RecordingVisitor* visitor,
                  RdbReadOptions options = {}) {
  StringSource source(file);
  return RdbReader(&source, visitor, options).Read();
}

// A file of version `version` around `body`, with its checksum.
std::string File(int version, absl::string_view body) {
  std::string file = absl::StrCat(absl::StrFormat("REDIS%04d", version), body);
  if (version >= 5) {
    file.push_back('\xff');
    uint64_t crc = Crc64(0, file);
    for (int i = 0; i < 8; ++i, crc >>= 8) {
      file.push_back(static_cast<char>(crc & 0xff));
    }
  } else {
    file.push_back('\xff');
  }
  return file;
}

absl::Status ReadBody(absl::string_view hex, RecordingVisitor* visitor,
                      int version = 10) {
  return Read(File(version, absl::HexStringToBytes(hex)), visitor);
}

TEST(RdbReaderTest, RoundTripHoweverItArrives) {
  const std::string file = Sample();
  for (size_t step : {1u, 2u, 5u, 100u, 100000u}) {
    const std::string wire = file + "*1\r\n";
    TricklingSource source(wire, step);
    RecordingVisitor seen;
    RdbReader reader(&source, &seen);
    ASSERT_TRUE(reader.Read().ok());
    EXPECT_EQ(reader.offset(), file.size());
    EXPECT_EQ(*source.Peek(4), "*1\r\n") << "takes no byte of what follows";
    EXPECT_TRUE(seen.ended);
    EXPECT_TRUE(seen.checksummed);
    EXPECT_EQ(seen.header_version, 10);
    EXPECT_EQ(seen.aux["redis-ver"], "7.0.15");
    EXPECT_EQ(seen.aux["redis-bits"], "64");
    EXPECT_EQ(seen.aux["repl-stream-db"], "-1");
    EXPECT_EQ(seen.aux["repl-id"], std::string(40, 'f'));
    EXPECT_EQ(seen.aux["repl-offset"], "12345678901");
    EXPECT_EQ(seen.aux["aof-base"], "0");
    EXPECT_EQ(seen.aux["holdfast-note"], "hello");
    ASSERT_EQ(seen.functions.size(), 1u);
    ASSERT_EQ(seen.keys.size(), 4u);
    const auto at = [&seen](uint64_t db, std::string key) {
      return seen.keys.at({db, key});
    };
    EXPECT_EQ(at(0, "a").value, "1");
    EXPECT_EQ(at(0, "a").meta.expire_ms, RecordMeta::kNoExpire);
    EXPECT_EQ(at(0, "a").meta.lfu_freq, -1);
    EXPECT_EQ(at(0, "a").meta.lru_idle_seconds, -1);
    EXPECT_EQ(at(0, "b").value, std::string(3000, 'b'));
    EXPECT_EQ(at(0, "b").meta.expire_ms, 1783736000123);
    EXPECT_EQ(at(7, "c").value, "-5");
    EXPECT_EQ(at(7, "c").meta.lfu_freq, 255);
    EXPECT_EQ(at(7, "c").meta.expire_ms, RecordMeta::kNoExpire);
    EXPECT_EQ(at(7, std::string("d\0\xff", 3)).value, "");
    EXPECT_EQ(at(7, std::string("d\0\xff", 3)).meta.expire_ms, -7);
    EXPECT_EQ(at(7, std::string("d\0\xff", 3)).meta.lru_idle_seconds, 100000);
  }
}

TEST(RdbReaderTest, TruncatedAtEveryByte) {
  for (const bool compress : {true, false}) {
    RdbOptions options;
    options.compress = compress;
    const std::string file = Sample(options);
    for (size_t cut = 0; cut < file.size(); ++cut) {
      RecordingVisitor seen;
      const absl::Status status =
          Read(absl::string_view(file).substr(0, cut), &seen);
      ASSERT_EQ(status.code(), absl::StatusCode::kDataLoss) << cut;
      ASSERT_TRUE(absl::StrContains(status.message(), "Unexpected EOF"));
      ASSERT_FALSE(seen.ended);
    }
  }
}

TEST(RdbReaderTest, EveryFlippedBitIsNoticed) {
  const std::string file = Sample();
  for (size_t byte = 0; byte < file.size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = file;
      bad[byte] = static_cast<char>(bad[byte] ^ 1 << bit);
      RecordingVisitor seen;
      ASSERT_FALSE(Read(bad, &seen).ok()) << byte << "." << bit;
      ASSERT_FALSE(seen.ended);
    }
  }
}

TEST(RdbReaderTest, WrongChecksumSaysSo) {
  std::string file = Sample();
  file.back() = static_cast<char>(file.back() ^ 1);
  RecordingVisitor seen;
  const absl::Status status = Read(file, &seen);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(absl::StrContains(status.message(), "Wrong RDB checksum"));
  RdbReadOptions unchecked;
  unchecked.verify_checksum = false;
  RecordingVisitor again;
  EXPECT_TRUE(Read(file, &again, unchecked).ok());
  EXPECT_FALSE(again.checksummed);
}

TEST(RdbReaderTest, ZeroChecksumIsNotChecked) {
  RdbOptions options;
  options.checksum = false;
  const std::string file = Sample(options);
  EXPECT_EQ(file.substr(file.size() - 8), std::string(8, '\0'));
  RecordingVisitor seen;
  EXPECT_TRUE(Read(file, &seen).ok());
  EXPECT_TRUE(seen.ended);
  EXPECT_FALSE(seen.checksummed);
}

TEST(RdbReaderTest, RefusesSignaturesAndVersions) {
  RecordingVisitor seen;
  for (const char* text :
       {"REDIX0010\xff", "redis0010\xff", "*3\r\n$3\r\nSET"}) {
    const absl::Status status = Read(text, &seen);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), "Wrong signature trying to load DB from file");
  }
  const auto version_error = [&seen](absl::string_view header) {
    const absl::Status status = Read(header, &seen);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_EQ(version_error("REDIS0000"), "Can't handle RDB format version 0");
  EXPECT_EQ(version_error("REDIS0013"), "Can't handle RDB format version 13");
  EXPECT_EQ(version_error("REDIS9999"), "Can't handle RDB format version 9999");
  EXPECT_EQ(version_error("REDIS-001"), "Can't handle RDB format version 0");
  EXPECT_EQ(version_error("REDIS00 1"), "Can't handle RDB format version 0");
  EXPECT_TRUE(seen.events.empty());
}

TEST(RdbReaderTest, EveryVersionFrom1To12) {
  for (int version = 1; version <= 12; ++version) {
    RecordingVisitor seen;
    // EXPIRETIME 1000000000 s, string "k" = "v".
    ASSERT_TRUE(ReadBody("fd00ca9a3b00016b0176", &seen, version).ok());
    EXPECT_EQ(seen.header_version, version);
    EXPECT_EQ(seen.checksummed, version >= 5);
    const auto& value = seen.keys.at({0, "k"});
    EXPECT_EQ(value.value, "v");
    EXPECT_EQ(value.meta.expire_ms, 1000000000000);
  }
}

TEST(RdbReaderTest, OpcodesOfLaterVersions) {
  RecordingVisitor seen;
  // SLOT_INFO 1000 3 1, then a key.
  ASSERT_TRUE(ReadBody("f443e8030100016b0176", &seen, 12).ok());
  EXPECT_EQ(seen.events[1], "slot 1000 3 1");
}

TEST(RdbReaderTest, FunctionsOfReleaseCandidates) {
  RecordingVisitor seen;
  // Name "lib", engine "LUA", no description, "code"; again with one.
  ASSERT_TRUE(ReadBody("f6036c6962034c55410004636f6465"
                       "f6036c6962034c554101026869"
                       "04636f6465",
                       &seen)
                  .ok());
  ASSERT_EQ(seen.functions.size(), 2u);
  EXPECT_EQ(seen.functions[0], "#!LUA name=lib\ncode");
  EXPECT_EQ(seen.functions[1], "#!LUA name=lib\ncode");
}

TEST(RdbReaderTest, UnknownModuleAuxIsSkipped) {
  RecordingVisitor seen;
  // Id of "AAAAAAAAB" version 2; when 1; one part of each kind; then a key.
  const std::string id = "810000000000000402";
  ASSERT_TRUE(
      ReadBody(absl::StrCat("f7", id, "0201", "01410a", "0205", "0300000000",
                            "040000000000000000", "05026162",
                            "05c305150061e00b00", "00", "00016b0176"),
               &seen)
          .ok());
  EXPECT_EQ(seen.events[1], "module AAAAAAAAB 1");
  EXPECT_EQ(seen.keys.size(), 1u);
  // Without the mark of when; with an unknown part.
  RecordingVisitor bad;
  EXPECT_EQ(ReadBody(absl::StrCat("f7", id, "0101", "00"), &bad).code(),
            absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReadBody(absl::StrCat("f7", id, "0201", "0600"), &bad).code(),
            absl::StatusCode::kDataLoss);
  RecordingVisitor refuses;
  refuses.RefuseAt("module AAAAAAAAB 1");
  EXPECT_EQ(ReadBody(absl::StrCat("f7", id, "0201", "00"), &refuses).code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(RdbReaderTest, TypesThatHoldfastDoesNotHaveAreNamed) {
  for (const int type : {6, 7, 22, 23, 24, 25}) {
    RecordingVisitor seen;
    // A key "k\n" of the type, in db 3, with bytes that do not matter.
    const absl::Status status = ReadBody(
        absl::StrCat("fe03", absl::StrFormat("%02x", type), "026b0a00"), &seen);
    ASSERT_EQ(status.code(), absl::StatusCode::kUnimplemented) << type;
    EXPECT_TRUE(absl::StrContains(status.message(), "'k\\n'")) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), "db 3")) << status;
    if (type != 6 && type != 7) {
      EXPECT_TRUE(absl::StrContains(status.message(),
                                    absl::StrCat("RDB type ", type, " (")))
          << status;
    }
  }
}

TEST(RdbReaderTest, UnknownTypesAndOpcodesAreCorruption) {
  std::vector<int> unknown = {8};
  for (int type = 26; type < 244; ++type) unknown.push_back(type);
  for (int type : unknown) {
    RecordingVisitor seen;
    const absl::Status status =
        ReadBody(absl::StrFormat("%02x016b0176", type), &seen);
    ASSERT_EQ(status.code(), absl::StatusCode::kDataLoss) << type;
    EXPECT_TRUE(absl::StrContains(
        status.message(), absl::StrCat("Unknown RDB encoding type ", type)))
        << status;
    EXPECT_TRUE(absl::StrContains(status.message(), "offset 9")) << status;
  }
}

TEST(RdbReaderTest, MalformedRecords) {
  for (const char* hex : {
           "fec0",                    // Database number in an encoding.
           "fe82",                    // Unknown length form.
           "fbc000",                  // Sizes.
           "f8c3",                    // Idle time.
           "00c4",                    // Key in an unknown encoding.
           "00016bc4",                // Value in one.
           "00016bc305140061e00b00",  // Value of another length than it says.
           "fac401",                  // Aux.
           "f5c4",                    // Function.
       }) {
    RecordingVisitor seen;
    const absl::Status status = ReadBody(hex, &seen);
    ASSERT_EQ(status.code(), absl::StatusCode::kDataLoss) << hex;
    EXPECT_TRUE(absl::StrContains(status.message(), "at offset")) << status;
  }
  RecordingVisitor seen;
  const absl::Status status = ReadBody("00016bc4", &seen);
  EXPECT_TRUE(absl::StrContains(status.message(), "of key 'k'")) << status;
}

TEST(RdbReaderTest, HugeNumbersArePassedOnUnharmed) {
  RecordingVisitor seen;
  ASSERT_TRUE(ReadBody("fe81ffffffffffffffff"
                       "fb811000000000000000811000000000000000"
                       "f881ffffffffffffffff"
                       "00016b0176",
                       &seen)
                  .ok());
  EXPECT_EQ(seen.db, std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(seen.keys.begin()->second.meta.lru_idle_seconds,
            std::numeric_limits<int64_t>::max());
}

TEST(RdbReaderTest, TheVisitorStopsTheReading) {
  const std::string file = Sample();
  RecordingVisitor all;
  ASSERT_TRUE(Read(file, &all).ok());
  for (size_t i = 0; i < all.events.size(); ++i) {
    RecordingVisitor visitor;
    visitor.RefuseAt(all.events[i]);
    const absl::Status status = Read(file, &visitor);
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_TRUE(absl::StrContains(status.message(), "refused by the test"));
    EXPECT_LE(visitor.events.size(), i + 1);
  }
}

TEST(RdbReaderTest, TheSanitizerSeesPayloadsFirst) {
  RdbReadOptions options;
  options.sanitize = [](uint8_t type, absl::string_view key,
                        absl::string_view payload) {
    EXPECT_EQ(type, kRdbTypeString);
    return key == "b" && payload.size() == 3000
               ? absl::DataLossError("not clean")
               : absl::OkStatus();
  };
  RecordingVisitor seen;
  const absl::Status status = Read(Sample(), &seen, options);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(absl::StrContains(status.message(), "not clean, of key 'b'"));
  EXPECT_EQ(seen.keys.size(), 1u);
}

TEST(RdbReaderTest, TheSanitizerSeesPackedBlobs) {
  RdbReadOptions options;
  std::string seen_by_sanitizer;
  options.sanitize = [&](uint8_t type, absl::string_view key,
                         absl::string_view payload) {
    absl::StrAppend(&seen_by_sanitizer, static_cast<int>(type), " ", key, " ",
                    payload.size(), "\n");
    return absl::OkStatus();
  };
  RecordingVisitor seen;
  const std::string listpack = MakeListpack({"a", "1"});
  const std::string file =
      File(10, absl::StrCat("\x10\1h", RdbString(listpack), "\x11\1z",
                            RdbString(listpack)));
  ASSERT_TRUE(Read(file, &seen, options).ok());
  EXPECT_EQ(seen_by_sanitizer, absl::StrCat("16 h ", listpack.size(), "\n17 z ",
                                            listpack.size(), "\n"));
}

TEST(RdbReaderTest, ValuesOfAllTypesWithWhatPrecedesThem) {
  std::string body;
  int n = 0;
  for (const SamplePayload& sample : SamplePayloads()) {
    RecordMeta meta = Expires(1783736000000 + n);
    AppendKey(sample.type, absl::StrCat("key", n++), meta, {}, &body);
    body += sample.payload;
  }
  for (const int version : {1, 12}) {
    RecordingVisitor seen;
    const absl::Status status = Read(File(version, body), &seen);
    ASSERT_TRUE(status.ok()) << status;
    ASSERT_EQ(seen.objects.size(), static_cast<size_t>(n));
    for (int i = 0; i < n; ++i) {
      auto& [value, meta] = seen.objects.at({0, absl::StrCat("key", i)});
      EXPECT_EQ(meta.expire_ms, 1783736000000 + i);
      const SamplePayload sample = SamplePayloads()[i];
      EXPECT_EQ(Describe(&value),
                LoadPayload(sample.type, sample.payload).seen);
    }
  }
}

TEST(RdbReaderTest, EmptyCollectionsArePassedOver) {
  std::string body;
  for (const uint8_t type : {1, 2, 3, 4, 5, 14, 18}) {
    AppendKey(type, "none", Expires(1), {}, &body);
    body.push_back('\0');
  }
  AppendStringRecord("next", "v", {}, {}, &body);
  const std::string file = File(10, body);
  StringSource source(file);
  RecordingVisitor seen;
  RdbReader reader(&source, &seen);
  const absl::Status status = reader.Read();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(reader.empty_keys(), 7u);
  EXPECT_TRUE(seen.objects.empty());
  ASSERT_EQ(seen.keys.size(), 1u);
  // The expiry went with the key that is none.
  EXPECT_EQ(seen.keys.at({0, "next"}).meta.expire_ms, RecordMeta::kNoExpire);
}

TEST(RdbReaderTest, TheVisitorMayRefuseAnObject) {
  std::string body;
  AppendKey(kRdbTypeList, "l", {}, {}, &body);
  body += RdbLength(1) + RdbString("x");
  RecordingVisitor seen;
  seen.RefuseAt("list l");
  EXPECT_EQ(Read(File(10, body), &seen).code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(RdbReaderTest, LongKeysAreCutInErrors) {
  EXPECT_EQ(PrintableRdbKey(std::string(65, 'k')),
            std::string(64, 'k') + "...");
  EXPECT_EQ(PrintableRdbKey("\r\n\"\xff"), "\\r\\n\\\"\\xff");
}

}  // namespace
}  // namespace holdfast::server
