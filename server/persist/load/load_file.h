#ifndef HOLDFAST_SERVER_PERSIST_LOAD_LOAD_FILE_H_
#define HOLDFAST_SERVER_PERSIST_LOAD_LOAD_FILE_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "server/engine/engine.h"
#include "server/persist/load/loaded_dataset.h"
#include "server/persist/rdb/reader.h"

namespace holdfast::server {

// How this server reads any RDB: limits of packed values as configured, and
// every packed value checked (and counted: dump_payload_sanitizations).
RdbReadOptions RdbReadOptionsOf(Engine* engine);

// Reads the file into the dataset, keeping Engine::load_progress(). kNotFound
// if there is no such file; other errors name the file, and what is wrong with
// it with the offset. Blocks as the disk does.
absl::Status LoadRdbFile(Engine* engine, const std::string& path,
                         LoadedDataset* dataset);

// The dataset of dir/dbfilename, if there is one, becomes the server's: at its
// start, before anybody can write. Expired keys are left out unless the server
// is to be a replica. With the file's position in the replication stream, the
// log begins there: under its own name for a replica, which can go on with its
// primary; for a primary as the past of a new history, so that its replicas can
// go on with it.
//
// `cancelled` is asked for every key: kCancelled. Any other error says that the
// server must not start: it would overwrite data that it could not read.
absl::Status LoadAtStart(Engine* engine,
                         const std::function<bool()>& cancelled);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_LOAD_LOAD_FILE_H_
