#include "server/persist/rdb/stream_writer.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "server/persist/rdb/byte_sink.h"
#include "server/persist/rdb/crc64.h"
#include "server/persist/rdb/encoding.h"
#include "server/persist/rdb/format.h"
#include "server/persist/rdb/records.h"

namespace holdfast::server {

RdbStreamWriter::RdbStreamWriter(ByteSink* sink, const RdbOptions& options)
    : sink_(sink), options_(options) {
  CHECK(sink != nullptr);
}

absl::Status RdbStreamWriter::Emit(absl::string_view bytes) {
  if (!status_.ok() || bytes.empty()) return status_;
  if (options_.checksum) crc_ = Crc64(crc_, bytes);
  status_ = sink_->Append(bytes);
  if (status_.ok()) bytes_written_ += bytes.size();
  return status_;
}

absl::Status RdbStreamWriter::Header(const RdbInfo& info) {
  CHECK(phase_ == Phase::kStart);
  phase_ = Phase::kBody;
  std::string out = absl::StrFormat("%s%04d", kRdbMagic, kRdbVersionWritten);
  const auto aux = [&](absl::string_view name, const absl::AlphaNum& value) {
    AppendAux(name, value.Piece(), options_, &out);
  };
  aux("redis-ver", info.redis_ver);
  aux("redis-bits", 8 * sizeof(void*));
  aux("ctime", info.ctime_seconds);
  aux("used-mem", info.used_mem_bytes);
  if (info.has_replication) {
    aux("repl-stream-db", info.repl_stream_db);
    aux("repl-id", info.repl_id);
    aux("repl-offset", info.repl_offset);
  }
  aux("aof-base", info.aof_base ? 1 : 0);
  return Emit(out);
}

absl::Status RdbStreamWriter::Aux(absl::string_view name,
                                  absl::string_view value) {
  CHECK(phase_ == Phase::kBody);
  std::string out;
  AppendAux(name, value, options_, &out);
  return Emit(out);
}

absl::Status RdbStreamWriter::Function(absl::string_view code) {
  CHECK(phase_ == Phase::kBody);
  std::string out;
  AppendFunction(code, options_, &out);
  return Emit(out);
}

absl::Status RdbStreamWriter::SelectDb(uint64_t db) {
  CHECK(phase_ == Phase::kBody);
  if (db == current_db_) return status_;
  current_db_ = db;
  std::string out;
  AppendSelectDb(db, &out);
  return Emit(out);
}

absl::Status RdbStreamWriter::ResizeDb(uint64_t db, uint64_t keys,
                                       uint64_t keys_with_expiry) {
  const absl::Status selected = SelectDb(db);
  if (!selected.ok()) return selected;
  std::string out;
  AppendResizeDb(keys, keys_with_expiry, &out);
  return Emit(out);
}

absl::Status RdbStreamWriter::Records(uint64_t db, absl::string_view records) {
  const absl::Status selected = SelectDb(db);
  if (!selected.ok()) return selected;
  return Emit(records);
}

absl::Status RdbStreamWriter::Chunk(const RecordChunk& chunk) {
  CHECK(phase_ == Phase::kBody);
  if (chunk.empty()) return status_;
  CHECK_NE(chunk.first_db(), RecordChunk::kNoDb) << "records of no database";
  const bool in_place = chunk.first_db() == current_db_;
  current_db_ = chunk.last_db();
  return Emit(in_place ? chunk.bytes_without_first_select() : chunk.bytes());
}

absl::Status RdbStreamWriter::Finish() {
  CHECK(phase_ == Phase::kBody);
  phase_ = Phase::kFinished;
  const char eof = static_cast<char>(kRdbOpEof);
  const absl::Status ended = Emit(absl::string_view(&eof, 1));
  if (!ended.ok()) return ended;
  char checksum[kRdbChecksumBytes];
  const uint64_t crc = options_.checksum ? crc_ : 0;
  for (size_t i = 0; i < kRdbChecksumBytes; ++i) {
    checksum[i] = static_cast<char>(crc >> (8 * i) & 0xff);
  }
  return Emit(absl::string_view(checksum, kRdbChecksumBytes));
}

}  // namespace holdfast::server
