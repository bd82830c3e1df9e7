#ifndef HOLDFAST_SERVER_PERSIST_RDB_STREAM_WRITER_H_
#define HOLDFAST_SERVER_PERSIST_RDB_STREAM_WRITER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/persist/rdb/byte_sink.h"
#include "server/persist/rdb/encoding.h"
#include "server/persist/rdb/format.h"
#include "server/persist/rdb/records.h"

namespace holdfast::server {

// What the header's aux fields say about the file, under Redis's names.
struct RdbInfo {
  std::string redis_ver;      // The Redis version that we are compatible with.
  int64_t ctime_seconds = 0;  // Unix time of the snapshot.
  uint64_t used_mem_bytes = 0;
  bool aof_base = false;  // It is the base file of an AOF.

  // Position of the snapshot in the replication stream; in RDBs for a replica,
  // and in files from which a restarted server can continue partially.
  bool has_replication = false;
  int64_t repl_stream_db = 0;  // Database that the stream has selected, or -1.
  std::string repl_id;         // 40 hex digits.
  int64_t repl_offset = 0;
};

// Writes one RDB stream of version 10 to a sink: Header(), then any of the
// others, then Finish(). It tracks the selected database and the checksum, so
// that the records may come from anywhere, in chunks.
//
// Not thread-safe; one thread owns it. Calls block where the sink blocks. The
// first failure of the sink stays: every later call returns it and writes
// nothing. Calls out of order are CHECK failures. It holds no record: a chunk
// goes to the sink as it is.
class RdbStreamWriter {
 public:
  // `sink` outlives this object.
  RdbStreamWriter(ByteSink* sink, const RdbOptions& options);

  absl::Status Header(const RdbInfo& info);
  absl::Status Aux(absl::string_view name, absl::string_view value);
  absl::Status Function(absl::string_view code);

  // Selects `db` and gives the numbers of its keys: for writers that go
  // database by database and know them.
  absl::Status ResizeDb(uint64_t db, uint64_t keys, uint64_t keys_with_expiry);

  // Key records that all belong to `db`, with no SELECTDB among them.
  absl::Status Records(uint64_t db, absl::string_view records);
  absl::Status Chunk(const RecordChunk& chunk);

  // End of file and checksum. Nothing may follow.
  absl::Status Finish();

  // Handed to the sink so far, header and checksum included.
  uint64_t bytes_written() const { return bytes_written_; }

 private:
  enum class Phase { kStart, kBody, kFinished };

  absl::Status Emit(absl::string_view bytes);
  // Emits a SELECTDB if `db` is not the one the stream is in.
  absl::Status SelectDb(uint64_t db);

  ByteSink* const sink_;
  const RdbOptions options_;
  Phase phase_ = Phase::kStart;
  uint64_t current_db_ = RecordChunk::kNoDb;
  uint64_t crc_ = 0;
  uint64_t bytes_written_ = 0;
  absl::Status status_;  // The first failure.
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_RDB_STREAM_WRITER_H_
