#ifndef HOLDFAST_SERVER_PERSIST_RDB_READER_H_
#define HOLDFAST_SERVER_PERSIST_RDB_READER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "server/persist/rdb/byte_source.h"
#include "server/persist/rdb/format.h"
#include "server/persist/rdb/input.h"
#include "server/persist/rdb/value_context.h"
#include "server/persist/rdb/visitor.h"

namespace holdfast::server {

struct RdbReadOptions {
  bool verify_checksum = true;  // rdbchecksum
  uint64_t max_string_bytes = RdbInput::kMaxStringBytes;
  RdbSanitizer sanitize;
  RdbObjectLimits limits;
};

// Reads one RDB of version 1 to 12 from a source and tells a visitor what it
// holds. It stops at its last byte and takes none of what follows (commands of
// an AOF or of a replication stream).
//
// Not thread-safe; one thread calls Read(), once, which blocks where the source
// blocks. Memory: one key and one value at a time, growing with what arrives.
//
// Failures, each with the offset:
//   kInvalidArgument  not an RDB, or of a version we do not know
//   kDataLoss         cut short, malformed, or a wrong checksum
//   kUnimplemented    a type of value that Holdfast does not have; names the
//   key other             what the source or the visitor returned
// After any failure the visitor has seen part of a dataset, to be thrown away.
class RdbReader {
 public:
  // `source` and `visitor` outlive this object.
  RdbReader(ByteSource* source, RdbVisitor* visitor,
            RdbReadOptions options = {});

  absl::Status Read();

  // Bytes of the RDB read so far; for progress reports from the visitor.
  uint64_t offset() const { return input_.offset(); }

  // Collections without any element, which the visitor is not told of (some
  // versions of Redis wrote them by mistake). The first few are logged.
  uint64_t empty_keys() const { return empty_keys_; }

 private:
  absl::Status ReadHeader();
  absl::Status ReadBody();
  absl::Status ReadChecksum();

  // One record's body, after its opcode. meta_ collects what belongs to the
  // next key.
  absl::Status ReadRecord(uint8_t opcode);
  absl::Status ReadExpire(uint8_t opcode);
  absl::Status ReadIdle();
  absl::Status ReadFreq();
  absl::Status ReadSelectDb();
  absl::Status ReadResizeDb();
  absl::Status ReadSlotInfo();
  absl::Status ReadAux();
  absl::Status ReadFunction();
  absl::Status ReadFunctionPreGa();
  absl::Status ReadModuleAux();
  absl::Status ReadKey(uint8_t type);

  RdbInput input_;
  RdbVisitor* const visitor_;
  const RdbReadOptions options_;
  int version_ = 0;
  uint64_t db_ = 0;
  bool used_ = false;
  uint64_t empty_keys_ = 0;
  RecordMeta meta_;
  std::string key_;
  std::string value_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_RDB_READER_H_
