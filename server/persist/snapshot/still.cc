#include "server/persist/snapshot/still.h"

#include <cstddef>
#include <cstdint>

#include "server/keyspace/database.h"
#include "server/keyspace/keyspace.h"
#include "server/persist/rdb/records.h"
#include "server/persist/rdb/stream_writer.h"
#include "server/persist/snapshot/entry_record.h"

namespace holdfast::server {
namespace {

constexpr size_t kKeysPerLock = 64;
constexpr size_t kBucketsPerLock = 256;

}  // namespace

absl::Status WriteStill(Engine* engine, const SlotSetLock& locks,
                        const RdbOptions& options, ByteSink* sink,
                        const std::function<bool()>& give_up) {
  Keyspace& keyspace = engine->keyspace();
  RdbStreamWriter writer(sink, options);
  RdbInfo info = RdbInfoNow(*engine);
  AddPosition(engine->log(), &info);
  absl::Status status = writer.Header(info);
  // The gate keeps the databases in their places.
  for (int i = 0; i < keyspace.database_count() && status.ok(); ++i) {
    const Database& database = keyspace.db(i);
    if (database.Size() == 0) continue;
    status = writer.ResizeDb(static_cast<uint64_t>(i), database.Size(),
                             database.ExpiringSize());
    RecordChunk chunk;
    for (int slot = 0; slot < kSlots && status.ok(); ++slot) {
      for (uint64_t position = 0; position < Database::kScanEnd;) {
        if (give_up()) return absl::CancelledError("the save was given up");
        const int64_t delay = engine->config().Int(ConfigId::kRdbKeySaveDelay);
        size_t keys = 0;
        {
          const SlotGuard guard(locks, static_cast<Slot>(slot), false);
          position = database.ScanSlot(
              static_cast<Slot>(slot), position, delay > 0 ? 1 : kKeysPerLock,
              kBucketsPerLock, [&](Entry* entry) {
                ++keys;
                chunk.SelectDb(static_cast<uint64_t>(i));
                AppendEntryRecord(*entry, options, chunk.records());
              });
        }
        if (!chunk.empty()) {
          status = writer.Chunk(chunk);
          if (!status.ok()) break;
          chunk.Clear();
        }
        if (delay != 0) DelayForKeys(delay, keys, give_up);
      }
    }
  }
  return status.ok() ? writer.Finish() : status;
}

}  // namespace holdfast::server
