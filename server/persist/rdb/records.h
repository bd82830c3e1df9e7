#ifndef HOLDFAST_SERVER_PERSIST_RDB_RECORDS_H_
#define HOLDFAST_SERVER_PERSIST_RDB_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "absl/strings/string_view.h"
#include "server/persist/rdb/encoding.h"
#include "server/persist/rdb/format.h"
#include "server/types/object.h"

namespace holdfast::server {

// Whole records, appended to `out`. A file is their concatenation between
// header and end (RdbStreamWriter), so any thread may serialise any piece of
// it. Pure, thread-safe on distinct strings; they cannot fail.

void AppendSelectDb(uint64_t db, std::string* out);

// Hints for sizing tables. Redis ignores neither: never pass a guess that is
// much too high, it allocates for it.
void AppendResizeDb(uint64_t keys, uint64_t keys_with_expiry, std::string* out);

// A pair that readers who do not know `name` must skip.
void AppendAux(absl::string_view name, absl::string_view value,
               const RdbOptions& options, std::string* out);

// A function library, by its source text ("#!lua name=...").
void AppendFunction(absl::string_view code, const RdbOptions& options,
                    std::string* out);

// What precedes every value: expiry, idle time, frequency, type and key. The
// value's own bytes follow; a new value type is this and an encoder of its own.
void AppendKey(uint8_t type, absl::string_view key, const RecordMeta& meta,
               const RdbOptions& options, std::string* out);

void AppendStringRecord(absl::string_view key, absl::string_view value,
                        const RecordMeta& meta, const RdbOptions& options,
                        std::string* out);
void AppendIntegerRecord(absl::string_view key, int64_t value,
                         const RecordMeta& meta, const RdbOptions& options,
                         std::string* out);

// A value other than a string, in the type and, but for the order of members
// and fields in large sets and hashes, in the very bytes that Redis 7.0 writes.
// REQUIRES: a type other than kString; not empty, unless a stream. Whoever owns
// it must not let it change meanwhile.
void AppendObjectRecord(absl::string_view key, ValueType type,
                        const ObjectBits& value, const RecordMeta& meta,
                        const RdbOptions& options, std::string* out);

// The value alone behind its RDB type, as DUMP begins; LoadRdbValue() reads
// what stands behind the type.
void AppendStringValue(absl::string_view value, const RdbOptions& options,
                       std::string* out);
void AppendIntegerValue(int64_t value, std::string* out);
void AppendObjectValue(ValueType type, const ObjectBits& value,
                       const RdbOptions& options, std::string* out);

// Key records of any databases in the order they were added, made by one thread
// and handed to the one that writes the stream. It starts with a SELECTDB of
// its own and has one wherever the database changes, so chunks can be
// concatenated in any order; the stream writer leaves out a first one that says
// nothing new. Not thread-safe. Movable.
//
//   RecordChunk chunk;
//   chunk.SelectDb(3);
//   AppendStringRecord(key, value, meta, options, chunk.records());
class RecordChunk {
 public:
  static constexpr uint64_t kNoDb = std::numeric_limits<uint64_t>::max();

  // What is appended to records() from now on belongs to `db`.
  void SelectDb(uint64_t db);

  // Append whole records here, after the first SelectDb(): key records, and
  // nothing that selects a database.
  std::string* records() { return &bytes_; }

  void Clear();

  bool empty() const { return bytes_.size() == first_select_bytes_; }
  size_t size() const { return bytes_.size(); }
  uint64_t first_db() const {
    return first_db_;
  }  // kNoDb if none was selected.
  uint64_t last_db() const { return last_db_; }
  absl::string_view bytes() const { return bytes_; }
  absl::string_view bytes_without_first_select() const {
    return absl::string_view(bytes_).substr(first_select_bytes_);
  }

 private:
  std::string bytes_;
  size_t first_select_bytes_ = 0;
  uint64_t first_db_ = kNoDb;
  uint64_t last_db_ = kNoDb;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_RDB_RECORDS_H_
