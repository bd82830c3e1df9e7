// A few thousand runs of the fuzz target on damaged files, the same every time
// unless told otherwise.

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "server/persist/rdb/byte_sink.h"
#include "server/persist/rdb/object_testing.h"
#include "server/persist/rdb/records.h"
#include "server/persist/rdb/stream_writer.h"
#include "server/persist/rdb/transfer.h"
#include "testing/support/environment.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace holdfast::server {
namespace {

// $HOLDFAST_SEED and $HOLDFAST_RUNS: other ones, and for longer.
uint64_t Seed() { return test::Seed(0x5eed2026); }
int64_t Runs() { return test::Setting("HOLDFAST_RUNS", 8000); }

void Feed(uint8_t mode, absl::string_view file) {
  const std::string input = absl::StrCat(std::string(1, mode), file);
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()),
                         input.size());
}

std::string ValidFile(const RdbOptions& options) {
  StringSink sink;
  RdbStreamWriter writer(&sink, options);
  RdbInfo info;
  info.redis_ver = "7.0.15";
  info.has_replication = true;
  info.repl_id = std::string(40, 'a');
  EXPECT_TRUE(writer.Header(info).ok());
  EXPECT_TRUE(writer.Function("#!lua name=f\nredis.register_function").ok());
  RecordChunk chunk;
  chunk.SelectDb(0);
  RecordMeta meta;
  AppendStringRecord("plain", "value", meta, options, chunk.records());
  AppendIntegerRecord("number", 70000, meta, options, chunk.records());
  meta.expire_ms = 1783736000000;
  AppendStringRecord("packed", std::string(400, 'p'), meta, options,
                     chunk.records());
  chunk.SelectDb(300);
  meta.lfu_freq = 9;
  AppendStringRecord("mixed", "abcabcabcabcabcabc0123456789abcabcabcabcabc",
                     meta, options, chunk.records());
  EXPECT_TRUE(writer.ResizeDb(0, 3, 1).ok());
  EXPECT_TRUE(writer.Chunk(chunk).ok());
  std::string module_aux("\xf7\x81\0\0\0\0\0\0\x04\x02\x02\x01\x05\x02zz\0",
                         17);
  EXPECT_TRUE(writer.Records(300, module_aux).ok());
  EXPECT_TRUE(writer.Finish().ok());
  return sink.contents();
}

// All types of value, each twice, in a file without compression and checksum,
// which would keep most damage from the loaders.
std::string ObjectsFile() {
  StringSink sink;
  RdbOptions options;
  options.compress = false;
  options.checksum = false;
  RdbStreamWriter writer(&sink, options);
  EXPECT_TRUE(writer.Header({}).ok());
  int n = 0;
  for (int round = 0; round < 2; ++round) {
    for (const SamplePayload& sample : SamplePayloads()) {
      std::string record;
      AppendKey(sample.type, absl::StrCat("k", n++), {}, options, &record);
      EXPECT_TRUE(writer.Records(round, record + sample.payload).ok());
    }
  }
  EXPECT_TRUE(writer.Finish().ok());
  return sink.contents();
}

// One small damage: to a byte, a stretch, a length, or the whole.
void Damage(std::mt19937_64* rng, std::string* file) {
  std::mt19937_64& random = *rng;
  if (file->empty()) return;
  const size_t at = random() % file->size();
  static constexpr uint8_t kNasty[] = {
      0x00, 0x3f, 0x40, 0x7f, 0x80, 0x81, 0x82, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4,
      0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff};
  switch (random() % 6) {
    case 0:
      (*file)[at] = static_cast<char>((*file)[at] ^ 1 << random() % 8);
      break;
    case 1:
      (*file)[at] = static_cast<char>(kNasty[random() % sizeof(kNasty)]);
      break;
    case 2:
      file->erase(at, 1 + random() % 8);
      break;
    case 3:
      file->insert(at, file->substr(random() % file->size(), random() % 40));
      break;
    case 4: {
      std::string length(1, '\x81');
      const uint64_t value = random() >> random() % 64;
      for (int shift = 56; shift >= 0; shift -= 8) {
        length.push_back(static_cast<char>(value >> shift & 0xff));
      }
      file->replace(at, 1, length);
      break;
    }
    default:
      if (random() % 4 == 0) file->resize(at);
      break;
  }
}

TEST(RdbFuzzTest, DamagedFilesNeverCrash) {
  std::mt19937_64 random(Seed());
  RdbOptions plain;
  plain.compress = false;
  plain.checksum = false;
  const std::string mark = MakeEofMark(std::string(20, '\x07'));
  std::vector<std::string> rdbs = {ValidFile({}), ValidFile(plain)};
  std::vector<std::string> transfers;
  for (const std::string& rdb : rdbs) {
    transfers.push_back(
        absl::StrCat("\n", LengthTransferHeader(rdb.size()), rdb, "*1\r\n"));
    transfers.push_back(
        absl::StrCat(EofTransferHeader(mark), rdb, mark, "*1\r\n"));
  }
  for (int64_t run = 0, runs = Runs(); run < runs; ++run) {
    const uint8_t mode = static_cast<uint8_t>(random());
    const std::vector<std::string>& valid = mode & 0x40 ? transfers : rdbs;
    std::string file = valid[random() % valid.size()];
    // Run 0 to 99 are whole: the checks of the fuzz target hold for those too.
    for (int n = run < 100 ? 0 : 1 + random() % 4; n > 0; --n) {
      Damage(&random, &file);
    }
    Feed(mode, file);
  }
}

// One value of each type by turns, so that the damage is in it.
TEST(RdbFuzzTest, DamagedValuesNeverCrash) {
  std::mt19937_64 random(Seed());
  const std::vector<SamplePayload> samples = SamplePayloads();
  Feed(0x3f, ObjectsFile());
  for (int64_t run = 0, runs = Runs(); run < runs; ++run) {
    const SamplePayload& sample = samples[run % samples.size()];
    std::string payload = sample.payload;
    for (int n = 1 + random() % 3; n > 0; --n) Damage(&random, &payload);
    std::string file = "REDIS0010";
    AppendKey(sample.type, "k", {}, {}, &file);
    absl::StrAppend(&file, payload, "\xff", std::string(8, '\0'));
    Feed(static_cast<uint8_t>(random() & 0x3f), file);
  }
}

TEST(RdbFuzzTest, NoiseNeverCrashes) {
  std::mt19937_64 random(Seed());
  for (int64_t run = 0, runs = Runs(); run < runs; ++run) {
    std::string noise = random() % 2 ? "REDIS0010" : "";
    for (size_t n = random() % 60; n > 0; --n) {
      noise.push_back(static_cast<char>(random()));
    }
    Feed(static_cast<uint8_t>(random()), noise);
  }
}

}  // namespace
}  // namespace holdfast::server
