#ifndef HOLDFAST_SERVER_PERSIST_SNAPSHOT_STILL_H_
#define HOLDFAST_SERVER_PERSIST_SNAPSHOT_STILL_H_

#include <functional>

#include "absl/status/status.h"
#include "server/engine/engine.h"
#include "server/keyspace/slot_table.h"
#include "server/persist/rdb/byte_sink.h"
#include "server/persist/rdb/encoding.h"

namespace holdfast::server {

// Writes the dataset as an RDB while nobody can change it: no epoch, no copies,
// in the calling thread. For the last save before the end, and for what holds
// the whole keyspace anyhow (DEBUG RELOAD). Readers go on, slot by slot, unless
// `locks` holds all slots.
//
// Blocks as the sink does. kCancelled if `give_up`, asked between keys, says
// so. REQUIRES: the gate held exclusively by the caller; `locks` holds
// everything or nothing.
absl::Status WriteStill(Engine* engine, const SlotSetLock& locks,
                        const RdbOptions& options, ByteSink* sink,
                        const std::function<bool()>& give_up);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_SNAPSHOT_STILL_H_
