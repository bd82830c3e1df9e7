// Everything of this package that reads hostile bytes, for libFuzzer (clang
// -fsanitize=fuzzer) and for the smoke test in rdb_fuzz_test.cc.
//
// The first byte chooses how the rest arrives and what it is taken for.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "server/persist/rdb/byte_sink.h"
#include "server/persist/rdb/byte_source.h"
#include "server/persist/rdb/object_exercise.h"
#include "server/persist/rdb/object_testing.h"
#include "server/persist/rdb/rdb_testing.h"
#include "server/persist/rdb/reader.h"
#include "server/persist/rdb/records.h"
#include "server/persist/rdb/stream_writer.h"
#include "server/persist/rdb/transfer.h"
#include "server/types/object.h"

namespace holdfast::server {
namespace {

absl::Status Read(ByteSource* source, bool verify, RecordingVisitor* visitor) {
  RdbReadOptions options;
  // Small, so that small inputs come to the large forms as well.
  options.limits.hash = {4, 16};
  options.limits.zset = {4, 16};
  options.limits.set = {4, {4, 16}};
  options.limits.list = {4};
  options.verify_checksum = verify;
  options.max_string_bytes = 1 << 20;
  RdbReader reader(source, visitor, options);
  return reader.Read();
}

// What was read can be used and written, and reads back the same.
void CheckRoundTrip(RecordingVisitor& seen, uint64_t seed) {
  StringSink sink;
  RdbStreamWriter writer(&sink, {});
  CHECK(writer.Header({}).ok());
  for (const std::string& code : seen.functions) {
    CHECK(writer.Function(code).ok());
  }
  RecordChunk chunk;
  for (const auto& [where, value] : seen.keys) {
    // The one number that a chunk keeps for itself; no server has as many.
    if (where.first == RecordChunk::kNoDb) return;
    chunk.SelectDb(where.first);
    AppendStringRecord(where.second, value.value, value.meta, {},
                       chunk.records());
  }
  std::map<std::pair<uint64_t, std::string>, std::string> described;
  for (auto& [where, object] : seen.objects) {
    if (where.first == RecordChunk::kNoDb) return;
    chunk.SelectDb(where.first);
    described[where] = Describe(&object.value);
    const ValueType type = object.value.type();
    ObjectBits bits = object.value.Release();
    ExerciseCopyOf(type, bits, seed);
    AppendObjectRecord(where.second, type, bits, object.meta, {},
                       chunk.records());
    FreeObject(type, &bits);
  }
  CHECK(writer.Chunk(chunk).ok());
  CHECK(writer.Finish().ok());
  StringSource source(sink.contents());
  RecordingVisitor again;
  const absl::Status status = Read(&source, true, &again);
  CHECK(status.ok()) << status;
  CHECK(again.functions == seen.functions);
  CHECK_EQ(again.keys.size(), seen.keys.size());
  for (const auto& [where, value] : seen.keys) {
    const auto found = again.keys.find(where);
    CHECK(found != again.keys.end());
    CHECK(found->second.value == value.value);
    CHECK_EQ(found->second.meta.expire_ms, value.meta.expire_ms);
    CHECK_EQ(found->second.meta.lfu_freq, value.meta.lfu_freq);
    CHECK_EQ(found->second.meta.lru_idle_seconds, value.meta.lru_idle_seconds);
  }
  CHECK_EQ(again.objects.size(), described.size());
  for (auto& [where, object] : again.objects) {
    CHECK_EQ(Describe(&object.value), described[where]);
  }
}

void FuzzTransfer(ByteSource* wire) {
  constexpr int kMaxKeepalives = 16;
  for (int i = 0; i < kMaxKeepalives; ++i) {
    const absl::StatusOr<TransferHeader> header = ReadTransferHeader(wire);
    if (!header.ok()) return;
    std::unique_ptr<TransferSource> payload;
    switch (header->kind) {
      case TransferHeader::Kind::kKeepalive:
        continue;
      case TransferHeader::Kind::kLength:
        payload = std::make_unique<LengthSource>(wire, header->length);
        break;
      case TransferHeader::Kind::kEofMark:
        payload = std::make_unique<EofMarkedSource>(wire, header->eof_mark);
        break;
    }
    RecordingVisitor visitor;
    if (Read(payload.get(), true, &visitor).ok())
      payload->Finish().IgnoreError();
    return;
  }
}

}  // namespace
}  // namespace holdfast::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace holdfast::server;  // NOLINT: an extern "C" function.
  if (size == 0) return 0;
  const absl::string_view rest(reinterpret_cast<const char*>(data) + 1,
                               size - 1);
  const size_t step = (data[0] & 0x3f) * (data[0] & 0x3f) + 1;
  TricklingSource source(rest, step);
  if ((data[0] & 0x40) != 0) {
    FuzzTransfer(&source);
    return 0;
  }
  RecordingVisitor visitor;
  if (Read(&source, (data[0] & 0x80) != 0, &visitor).ok()) {
    // The same choices for the same input.
    uint64_t seed = 0;
    for (size_t i = 0; i < size; ++i) seed = seed * 31 + data[i];
    CheckRoundTrip(visitor, seed);
  }
  return 0;
}
