#include "server/persist/rdb/stream_writer.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "server/persist/rdb/byte_sink.h"
#include "server/persist/rdb/byte_source.h"
#include "server/persist/rdb/rdb_testing.h"
#include "server/persist/rdb/reader.h"
#include "server/persist/rdb/records.h"

namespace holdfast::server {
namespace {

RecordChunk ChunkOf(std::vector<std::pair<uint64_t, std::string>> keys) {
  RecordChunk chunk;
  for (const auto& [db, key] : keys) {
    chunk.SelectDb(db);
    AppendStringRecord(key, "v", {}, {}, chunk.records());
  }
  return chunk;
}

TEST(RdbStreamWriterTest, ChunksInAnyOrderKeepTheirDatabases) {
  const RecordChunk chunks[] = {ChunkOf({{0, "a"}, {1, "b"}}),
                                ChunkOf({{1, "c"}}),
                                ChunkOf({{1, "d"}, {5, "e"}, {1, "f"}}),
                                ChunkOf({{0, "g"}}), RecordChunk()};
  std::vector<int> order = {0, 1, 2, 3, 4};
  do {
    StringSink sink;
    RdbStreamWriter writer(&sink, {});
    ASSERT_TRUE(writer.Header({}).ok());
    for (int i : order) ASSERT_TRUE(writer.Chunk(chunks[i]).ok());
    ASSERT_TRUE(writer.Finish().ok());
    StringSource source(sink.contents());
    RecordingVisitor seen;
    ASSERT_TRUE(RdbReader(&source, &seen).Read().ok());
    ASSERT_EQ(seen.keys.size(), 7u);
    for (const auto& [db, key] :
         std::vector<std::pair<uint64_t, std::string>>{{0, "a"},
                                                       {1, "b"},
                                                       {1, "c"},
                                                       {1, "d"},
                                                       {5, "e"},
                                                       {1, "f"},
                                                       {0, "g"}}) {
      EXPECT_EQ(seen.keys.count({db, key}), 1u) << db << key;
    }
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(RdbStreamWriterTest, SelectsADatabaseOnlyWhenItChanges) {
  StringSink sink;
  RdbStreamWriter writer(&sink, {});
  ASSERT_TRUE(writer.Header({}).ok());
  ASSERT_TRUE(writer.ResizeDb(2, 3, 0).ok());
  ASSERT_TRUE(writer.Chunk(ChunkOf({{2, "a"}})).ok());
  ASSERT_TRUE(writer.Chunk(ChunkOf({{2, "b"}})).ok());
  ASSERT_TRUE(
      writer.Records(2, ChunkOf({{2, "c"}}).bytes_without_first_select()).ok());
  ASSERT_TRUE(writer.Finish().ok());
  StringSource source(sink.contents());
  RecordingVisitor seen;
  ASSERT_TRUE(RdbReader(&source, &seen).Read().ok());
  EXPECT_EQ(std::count(seen.events.begin(), seen.events.end(), "db 2"), 1);
  EXPECT_EQ(seen.keys.size(), 3u);
}

TEST(RdbStreamWriterTest, TheFirstFailureStaysAndNothingIsWrittenAfterIt) {
  class FullSink : public ByteSink {
   public:
    absl::Status Append(absl::string_view) override {
      ++calls;
      return calls < 3 ? absl::OkStatus()
                       : absl::ResourceExhaustedError("disk full");
    }
    int calls = 0;
  } sink;
  RdbStreamWriter writer(&sink, {});
  EXPECT_TRUE(writer.Header({}).ok());
  EXPECT_TRUE(writer.Chunk(ChunkOf({{0, "a"}})).ok());
  EXPECT_FALSE(writer.Chunk(ChunkOf({{0, "b"}})).ok());
  EXPECT_EQ(writer.Chunk(ChunkOf({{1, "b"}})).message(), "disk full");
  EXPECT_EQ(writer.Finish().message(), "disk full");
  EXPECT_EQ(sink.calls, 3);
}

TEST(RecordChunkTest, SelectingWithoutRecordsLeavesItEmpty) {
  RecordChunk chunk;
  chunk.SelectDb(1);
  chunk.SelectDb(2);
  EXPECT_TRUE(chunk.empty());
  EXPECT_EQ(chunk.first_db(), 2u);
  AppendStringRecord("k", "v", {}, {}, chunk.records());
  EXPECT_FALSE(chunk.empty());
  chunk.SelectDb(2);
  EXPECT_EQ(chunk.bytes().size(),
            2 + chunk.bytes_without_first_select().size());
  chunk.Clear();
  EXPECT_TRUE(chunk.empty());
  EXPECT_EQ(chunk.last_db(), RecordChunk::kNoDb);
}

using RdbStreamWriterDeathTest = ::testing::Test;

TEST(RdbStreamWriterDeathTest, RecordsBeforeTheHeader) {
  StringSink sink;
  RdbStreamWriter writer(&sink, {});
  EXPECT_DEATH({ (void)writer.Records(0, "x"); }, "kBody");
}

}  // namespace
}  // namespace holdfast::server
