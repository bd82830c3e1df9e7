#include "server/persist/aof/base_commands.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "net/resp/reply_writer.h"
#include "server/persist/rdb/crc64.h"
#include "server/persist/rdb/records.h"
#include "server/types/hash.h"
#include "server/types/list.h"
#include "server/types/set.h"
#include "server/types/zset.h"

namespace holdfast::server {
namespace {

constexpr size_t kDrainBytes = 64 * 1024;
constexpr int kPayloadVersion = 10;  // Redis 7.0's RDB version.

void AppendLittleEndian(uint64_t value, size_t bytes, std::string* out) {
  for (size_t i = 0; i < bytes; ++i)
    out->push_back(static_cast<char>(value >> (8 * i)));
}

}  // namespace

// Gathers the elements of one value into commands.
class BaseCommands::Batch {
 public:
  Batch(BaseCommands* base, absl::string_view command, absl::string_view key)
      : base_(*base), command_(command), key_(key) {}
  ~Batch() { Write(); }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  void Add(absl::string_view a) {
    words_.emplace_back(a);
    EndItem();
  }
  void Add(absl::string_view a, absl::string_view b) {
    words_.emplace_back(a);
    words_.emplace_back(b);
    EndItem();
  }

 private:
  void EndItem() {
    if (++items_ == kItemsPerCommand) Write();
  }
  void Write() {
    if (words_.empty()) return;
    std::vector<absl::string_view> args = {command_, key_};
    args.insert(args.end(), words_.begin(), words_.end());
    net::AppendCommand(&base_.out_, args);
    words_.clear();
    items_ = 0;
    base_.Drain();
  }

  BaseCommands& base_;
  const absl::string_view command_;
  const absl::string_view key_;
  std::vector<std::string> words_;
  int items_ = 0;
};

void BaseCommands::Drain() {
  if (out_.size() < kDrainBytes) return;
  if (status_.ok()) status_ = sink_.Append(out_);
  out_.clear();
}

absl::Status BaseCommands::Finish(absl::string_view key,
                                  const RecordMeta& meta) {
  if (meta.expire_ms != RecordMeta::kNoExpire) {
    net::AppendCommand(&out_, {"PEXPIREAT", key, absl::StrCat(meta.expire_ms)});
  }
  if (status_.ok()) status_ = sink_.Append(out_);
  out_.clear();
  return status_;
}

absl::Status BaseCommands::OnFunction(absl::string_view code) {
  out_ = net::EncodeCommand({"FUNCTION", "LOAD", code});
  return Finish({}, RecordMeta());
}

absl::Status BaseCommands::OnString(absl::string_view key,
                                    absl::string_view value,
                                    const RecordMeta& meta) {
  if (selected_ != db_)
    net::AppendCommand(&out_, {"SELECT", absl::StrCat(selected_ = db_)});
  net::AppendCommand(&out_, {"SET", key, value});
  return Finish(key, meta);
}

absl::Status BaseCommands::OnObject(absl::string_view key, Object value,
                                    const RecordMeta& meta) {
  if (selected_ != db_)
    net::AppendCommand(&out_, {"SELECT", absl::StrCat(selected_ = db_)});
  switch (value.type()) {
    case ValueType::kString:
      break;  // None of them is one.
    case ValueType::kList: {
      Batch batch(this, "RPUSH", key);
      value.As<List>()->ForEach(
          [&batch](absl::string_view element) { batch.Add(element); });
      break;
    }
    case ValueType::kSet: {
      Batch batch(this, "SADD", key);
      value.As<Set>()->ForEach(
          [&batch](absl::string_view member) { batch.Add(member); });
      break;
    }
    case ValueType::kZset: {
      Batch batch(this, "ZADD", key);
      value.As<Zset>()->ForEach(
          [&batch](absl::string_view member, double score) {
            batch.Add(net::FormatDouble(score), member);
          });
      break;
    }
    case ValueType::kHash: {
      Batch batch(this, "HMSET", key);
      value.As<Hash>()->ForEach(
          [&batch](absl::string_view field, absl::string_view bytes) {
            batch.Add(field, bytes);
          });
      break;
    }
    case ValueType::kStream:
      Restore(key, std::move(value));
      break;
  }
  return Finish(key, meta);
}

void BaseCommands::Restore(absl::string_view key, Object value) {
  const ValueType type = value.type();
  ObjectBits bits = value.Release();
  std::string payload;
  AppendObjectValue(type, bits, RdbOptions{}, &payload);
  FreeObject(type, &bits);
  AppendLittleEndian(kPayloadVersion, 2, &payload);
  AppendLittleEndian(Crc64(0, payload), 8, &payload);
  net::AppendCommand(&out_, {"RESTORE", key, "0", payload});
}

}  // namespace holdfast::server
