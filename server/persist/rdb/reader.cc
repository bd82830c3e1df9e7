#include "server/persist/rdb/reader.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "server/persist/rdb/format.h"
#include "server/persist/rdb/input.h"
#include "server/persist/rdb/value_loaders.h"
#include "server/persist/rdb/visitor.h"

namespace holdfast::server {
namespace {

// Memory of the two reused strings is given back after something larger.
constexpr size_t kMaxKeptBytes = 1024 * 1024;

// As Redis does.
constexpr uint64_t kMaxLoggedEmptyKeys = 10;

void Shrink(std::string* s) {
  if (s->capacity() > kMaxKeptBytes) std::string().swap(*s);
}

}  // namespace

RdbReader::RdbReader(ByteSource* source, RdbVisitor* visitor,
                     RdbReadOptions options)
    : input_(source, options.max_string_bytes),
      visitor_(visitor),
      options_(std::move(options)) {
  CHECK(visitor != nullptr);
}

absl::Status RdbReader::Read() {
  CHECK(!used_) << "a reader reads once";
  used_ = true;
  absl::Status status = ReadHeader();
  if (status.ok()) status = ReadBody();
  if (status.ok()) status = ReadChecksum();
  input_.Sync();
  return status;
}

absl::Status RdbReader::ReadHeader() {
  char header[kRdbHeaderBytes];
  const absl::Status read =
      input_.ReadBytes(header, sizeof(header), "the RDB header");
  if (!read.ok()) return read;
  const absl::string_view text(header, sizeof(header));
  if (text.substr(0, kRdbMagic.size()) != kRdbMagic) {
    return absl::InvalidArgumentError(
        "Wrong signature trying to load DB from file");
  }
  // Anything but four digits is version 0, which does not exist.
  for (char c : text.substr(kRdbMagic.size())) {
    if (c < '0' || c > '9') {
      version_ = 0;
      break;
    }
    version_ = version_ * 10 + (c - '0');
  }
  if (version_ < kRdbVersionOldest || version_ > kRdbVersionNewest) {
    return absl::InvalidArgumentError(
        absl::StrCat("Can't handle RDB format version ", version_));
  }
  return visitor_->OnHeader(version_);
}

absl::Status RdbReader::ReadBody() {
  // Every turn reads at least a byte, so the input bounds the loop.
  while (true) {
    const uint64_t start = input_.offset();
    const absl::StatusOr<uint8_t> opcode =
        input_.ReadByte("the next record's type");
    if (!opcode.ok()) return opcode.status();
    if (*opcode == kRdbOpEof) return absl::OkStatus();
    const absl::Status status = ReadRecord(*opcode);
    if (!status.ok()) {
      return absl::Status(
          status.code(),
          absl::StrCat(status.message(), " (in the record of type ", *opcode,
                       " at offset ", start, ", db ", db_, ")"));
    }
  }
}

absl::Status RdbReader::ReadRecord(uint8_t opcode) {
  switch (opcode) {
    case kRdbOpExpireMs:
    case kRdbOpExpireSeconds:
      return ReadExpire(opcode);
    case kRdbOpIdle:
      return ReadIdle();
    case kRdbOpFreq:
      return ReadFreq();
    case kRdbOpSelectDb:
      return ReadSelectDb();
    case kRdbOpResizeDb:
      return ReadResizeDb();
    case kRdbOpSlotInfo:
      return ReadSlotInfo();
    case kRdbOpAux:
      return ReadAux();
    case kRdbOpFunction2:
      return ReadFunction();
    case kRdbOpFunctionPreGa:
      return ReadFunctionPreGa();
    case kRdbOpModuleAux:
      return ReadModuleAux();
    default:
      return ReadKey(opcode);
  }
}

absl::Status RdbReader::ReadExpire(uint8_t opcode) {
  const bool millis = opcode == kRdbOpExpireMs;
  const absl::StatusOr<int64_t> time =
      millis ? input_.ReadMillis("an expiry") : input_.ReadSeconds("an expiry");
  if (!time.ok()) return time.status();
  meta_.expire_ms = millis ? *time : *time * 1000;
  return absl::OkStatus();
}

absl::Status RdbReader::ReadIdle() {
  const absl::StatusOr<uint64_t> idle = input_.ReadLength("an idle time");
  if (!idle.ok()) return idle.status();
  meta_.lru_idle_seconds = static_cast<int64_t>(
      std::min<uint64_t>(*idle, std::numeric_limits<int64_t>::max()));
  return absl::OkStatus();
}

absl::Status RdbReader::ReadFreq() {
  const absl::StatusOr<uint8_t> freq = input_.ReadByte("an access frequency");
  if (!freq.ok()) return freq.status();
  meta_.lfu_freq = *freq;
  return absl::OkStatus();
}

absl::Status RdbReader::ReadSelectDb() {
  const absl::StatusOr<uint64_t> db = input_.ReadLength("a database number");
  if (!db.ok()) return db.status();
  db_ = *db;
  return visitor_->OnSelectDb(*db);
}

absl::Status RdbReader::ReadResizeDb() {
  const absl::StatusOr<uint64_t> keys = input_.ReadLength("a number of keys");
  if (!keys.ok()) return keys.status();
  const absl::StatusOr<uint64_t> expires =
      input_.ReadLength("a number of keys with expiry");
  if (!expires.ok()) return expires.status();
  return visitor_->OnResizeDb(*keys, *expires);
}

absl::Status RdbReader::ReadSlotInfo() {
  const absl::StatusOr<uint64_t> slot = input_.ReadLength("a slot number");
  if (!slot.ok()) return slot.status();
  const absl::StatusOr<uint64_t> keys = input_.ReadLength("a number of keys");
  if (!keys.ok()) return keys.status();
  const absl::StatusOr<uint64_t> expires =
      input_.ReadLength("a number of keys with expiry");
  if (!expires.ok()) return expires.status();
  return visitor_->OnSlotInfo(*slot, *keys, *expires);
}

absl::Status RdbReader::ReadAux() {
  const absl::StatusOr<absl::string_view> name =
      input_.ReadString(&value_, "an aux field's name");
  if (!name.ok()) return name.status();
  key_.assign(name->data(), name->size());
  const absl::StatusOr<absl::string_view> value =
      input_.ReadString(&value_, "an aux field's value");
  if (!value.ok()) return value.status();
  const absl::Status status = visitor_->OnAux(key_, *value);
  Shrink(&key_);
  Shrink(&value_);
  return status;
}

absl::Status RdbReader::ReadFunction() {
  const absl::StatusOr<absl::string_view> code =
      input_.ReadString(&value_, "a function library");
  if (!code.ok()) return code.status();
  return visitor_->OnFunction(*code);
}

absl::Status RdbReader::ReadFunctionPreGa() {
  // 7.0 rc1 and rc2 kept outside of the code what its first line says today.
  const absl::StatusOr<absl::string_view> name =
      input_.ReadString(&value_, "a function library's name");
  if (!name.ok()) return name.status();
  std::string suffix = absl::StrCat(" name=", *name, "\n");
  const absl::StatusOr<absl::string_view> engine =
      input_.ReadString(&value_, "a function library's engine");
  if (!engine.ok()) return engine.status();
  std::string code = absl::StrCat("#!", *engine, suffix);
  const absl::StatusOr<uint64_t> described =
      input_.ReadLength("a function library's description mark");
  if (!described.ok()) return described.status();
  if (*described != 0) {
    const absl::Status skipped =
        input_.SkipString("a function library's description");
    if (!skipped.ok()) return skipped;
  }
  const absl::StatusOr<absl::string_view> body =
      input_.ReadString(&value_, "a function library");
  if (!body.ok()) return body.status();
  absl::StrAppend(&code, *body);
  return visitor_->OnFunction(code);
}

absl::Status RdbReader::ReadModuleAux() {
  const absl::StatusOr<uint64_t> id = input_.ReadLength("a module id");
  if (!id.ok()) return id.status();
  const absl::StatusOr<uint64_t> mark = input_.ReadLength("module aux data");
  if (!mark.ok()) return mark.status();
  if (*mark != kRdbModuleUnsigned) {
    return input_.Corrupt("Module aux data does not say when it was saved");
  }
  const absl::StatusOr<uint64_t> when = input_.ReadLength("module aux data");
  if (!when.ok()) return when.status();
  const absl::Status accepted =
      visitor_->OnModuleAux({*id, RdbModuleName(*id), *when});
  if (!accepted.ok()) return accepted;
  return SkipRdbModuleData(&input_);
}

absl::Status RdbReader::ReadKey(uint8_t type) {
  if (RdbTypeName(type).empty()) {
    return input_.Corrupt(absl::StrCat("Unknown RDB encoding type ", type));
  }
  const absl::StatusOr<absl::string_view> key =
      input_.ReadString(&value_, "a key");
  if (!key.ok()) return key.status();
  key_.assign(key->data(), key->size());
  // What was collected is this key's, whatever comes of it.
  const RecordMeta meta = std::exchange(meta_, RecordMeta());
  bool was_empty = false;
  const absl::Status status =
      LoadRdbValue(type, {&input_, visitor_, key_, meta, &options_.sanitize,
                          &options_.limits, &value_, &was_empty});
  if (was_empty && ++empty_keys_ <= kMaxLoggedEmptyKeys) {
    LOG(WARNING) << "RDB: skipping empty key: " << PrintableRdbKey(key_)
                 << ", in db " << db_;
  }
  absl::Status result = status;
  if (status.code() == absl::StatusCode::kDataLoss) {
    result = absl::DataLossError(absl::StrCat(status.message(), ", of key '",
                                              PrintableRdbKey(key_), "'"));
  }
  Shrink(&key_);
  Shrink(&value_);
  return result;
}

absl::Status RdbReader::ReadChecksum() {
  if (version_ < kRdbVersionChecksum) return visitor_->OnEnd(false);
  const uint64_t computed = input_.crc();
  char raw[kRdbChecksumBytes];
  const absl::Status read = input_.ReadBytes(raw, sizeof(raw), "the checksum");
  if (!read.ok()) return read;
  uint64_t stored = 0;
  for (size_t i = sizeof(raw); i > 0; --i) {
    stored = stored << 8 | static_cast<uint8_t>(raw[i - 1]);
  }
  if (stored == 0 || !options_.verify_checksum) return visitor_->OnEnd(false);
  if (stored != computed) {
    return absl::DataLossError(absl::StrFormat(
        "Wrong RDB checksum expected: (%x) but got (%x), RDB CRC error",
        computed, stored));
  }
  return visitor_->OnEnd(true);
}

}  // namespace holdfast::server
