#include "server/persist/rdb/records.h"

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "server/persist/rdb/encoding.h"
#include "server/persist/rdb/format.h"

namespace holdfast::server {
namespace {

void AppendByte(uint8_t byte, std::string* out) {
  out->push_back(static_cast<char>(byte));
}

}  // namespace

void AppendSelectDb(uint64_t db, std::string* out) {
  AppendByte(kRdbOpSelectDb, out);
  AppendRdbLength(db, out);
}

void AppendResizeDb(uint64_t keys, uint64_t keys_with_expiry,
                    std::string* out) {
  AppendByte(kRdbOpResizeDb, out);
  AppendRdbLength(keys, out);
  AppendRdbLength(keys_with_expiry, out);
}

void AppendAux(absl::string_view name, absl::string_view value,
               const RdbOptions& options, std::string* out) {
  AppendByte(kRdbOpAux, out);
  AppendRdbString(name, options, out);
  AppendRdbString(value, options, out);
}

void AppendFunction(absl::string_view code, const RdbOptions& options,
                    std::string* out) {
  AppendByte(kRdbOpFunction2, out);
  AppendRdbString(code, options, out);
}

void AppendKey(uint8_t type, absl::string_view key, const RecordMeta& meta,
               const RdbOptions& options, std::string* out) {
  if (meta.expire_ms != RecordMeta::kNoExpire) {
    AppendByte(kRdbOpExpireMs, out);
    AppendRdbMillis(meta.expire_ms, out);
  }
  if (meta.lru_idle_seconds >= 0) {
    AppendByte(kRdbOpIdle, out);
    AppendRdbLength(static_cast<uint64_t>(meta.lru_idle_seconds), out);
  }
  if (meta.lfu_freq >= 0) {
    CHECK_LE(meta.lfu_freq, 255);
    AppendByte(kRdbOpFreq, out);
    AppendByte(static_cast<uint8_t>(meta.lfu_freq), out);
  }
  AppendByte(type, out);
  AppendRdbString(key, options, out);
}

void AppendStringRecord(absl::string_view key, absl::string_view value,
                        const RecordMeta& meta, const RdbOptions& options,
                        std::string* out) {
  AppendKey(kRdbTypeString, key, meta, options, out);
  AppendRdbString(value, options, out);
}

void AppendIntegerRecord(absl::string_view key, int64_t value,
                         const RecordMeta& meta, const RdbOptions& options,
                         std::string* out) {
  AppendKey(kRdbTypeString, key, meta, options, out);
  AppendRdbInteger(value, out);
}

void AppendStringValue(absl::string_view value, const RdbOptions& options,
                       std::string* out) {
  AppendByte(kRdbTypeString, out);
  AppendRdbString(value, options, out);
}

void AppendIntegerValue(int64_t value, std::string* out) {
  AppendByte(kRdbTypeString, out);
  AppendRdbInteger(value, out);
}

void RecordChunk::SelectDb(uint64_t db) {
  if (db == last_db_) return;
  CHECK_NE(db, kNoDb);
  if (empty()) Clear();  // Nothing was added to the database selected before.
  AppendSelectDb(db, &bytes_);
  last_db_ = db;
  if (first_db_ == kNoDb) {
    first_db_ = db;
    first_select_bytes_ = bytes_.size();
  }
}

void RecordChunk::Clear() {
  bytes_.clear();
  first_select_bytes_ = 0;
  first_db_ = kNoDb;
  last_db_ = kNoDb;
}

}  // namespace holdfast::server
