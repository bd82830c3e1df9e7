#ifndef HOLDFAST_SERVER_PERSIST_SNAPSHOT_ENTRY_RECORD_H_
#define HOLDFAST_SERVER_PERSIST_SNAPSHOT_ENTRY_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "server/engine/engine.h"
#include "server/keyspace/entry.h"
#include "server/persist/rdb/encoding.h"
#include "server/persist/rdb/stream_writer.h"

// What every way of writing the dataset as an RDB has in common.
namespace holdfast::server {

// The record of one key. REQUIRES: the entry's slot is locked.
void AppendEntryRecord(const Entry& entry, const RdbOptions& options,
                       std::string* out);

// Version, time and memory for the header's aux fields; not the position.
RdbInfo RdbInfoNow(const Engine& engine);

// The position in the stream as a file is to have it: none while the log is not
// fed, for then it says nothing; and never "no database selected", which Redis
// takes for a file without a position. REQUIRES: the gate held exclusively.
void AddPosition(const CommandLog& log, RdbInfo* info);

// rdb-key-save-delay and key-load-delay: sleeps for `keys` keys, `delay_us`
// microseconds each (negative: one in so many keys), until `give_up`. For tests
// alone; not to be called with a lock held.
void DelayForKeys(int64_t delay_us, size_t keys,
                  absl::FunctionRef<bool()> give_up);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_SNAPSHOT_ENTRY_RECORD_H_
