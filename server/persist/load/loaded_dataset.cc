#include "server/persist/load/loaded_dataset.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "server/persist/snapshot/entry_record.h"

namespace holdfast::server {
namespace {

constexpr size_t kReplicationIdLength = 40;

}  // namespace

LoadedDataset::LoadedDataset(Engine* engine, Options options)
    : engine_(*engine),
      options_(std::move(options)),
      databases_(engine->keyspace().database_count()) {}

LoadedDataset::~LoadedDataset() {
  for (auto& database : databases_) {
    if (database != nullptr) engine_.FreeLater(std::move(database));
  }
}

absl::Status LoadedDataset::OnHeader(int) { return absl::OkStatus(); }

absl::Status LoadedDataset::OnAux(absl::string_view name,
                                  absl::string_view value) {
  // A number that is none is as if it were not there: aux fields are hints.
  int64_t number = 0;
  const bool is_number = absl::SimpleAtoi(value, &number) && number >= 0;
  if (name == "repl-id" && value.size() == kReplicationIdLength &&
      std::all_of(value.begin(), value.end(), absl::ascii_isxdigit)) {
    repl_id_ = std::string(value);
  } else if (name == "repl-offset" && is_number) {
    repl_offset_ = number;
  } else if (name == "repl-stream-db" && is_number) {
    repl_stream_db_ = number;
  } else if (name == "used-mem" && is_number) {
    engine_.load_progress().used_memory.store(number,
                                              std::memory_order_relaxed);
  } else if (name == "aof-base" && value == "1") {
    LOG(INFO) << "RDB: " << options_.source << " is the base of an AOF";
  }
  return absl::OkStatus();
}

absl::Status LoadedDataset::OnSelectDb(uint64_t db) {
  current_ = nullptr;
  current_db_ = db;
  return db < databases_.size() ? absl::OkStatus() : Select(db);
}

absl::Status LoadedDataset::Select(uint64_t db) {
  if (db >= databases_.size()) {
    return absl::OutOfRangeError(absl::StrCat(
        options_.source, " has a database ", db,
        " and this server is set to `databases ", databases_.size(), "`"));
  }
  if (databases_[db] == nullptr)
    databases_[db] = engine_.keyspace().NewDatabase();
  current_ = databases_[db].get();
  return absl::OkStatus();
}

absl::Status LoadedDataset::OnFunction(absl::string_view) {
  return absl::UnimplementedError(
      absl::StrCat(options_.source,
                   " holds function libraries, which this version does not "
                   "have"));
}

absl::Status LoadedDataset::OnModuleAux(const RdbModuleAux& aux) {
  return absl::UnimplementedError(
      absl::StrCat(options_.source, " holds data of the module '", aux.name,
                   "', which this server does not have"));
}

absl::StatusOr<bool> LoadedDataset::BeginKey(const KeyRef& ref,
                                             const RecordMeta& meta) {
  if (options_.cancelled())
    return absl::CancelledError("loading was cancelled");
  if (current_ == nullptr) {
    if (absl::Status status = Select(current_db_); !status.ok()) return status;
  }
  if (options_.now_ms != kNoExpiry && meta.expire_ms != RecordMeta::kNoExpire &&
      meta.expire_ms < options_.now_ms) {
    engine_.load_progress().keys_expired.store(++expired_,
                                               std::memory_order_relaxed);
    if (options_.on_expired != nullptr)
      options_.on_expired(current_db_, ref.bytes);
    return false;
  }
  if (current_->Find(ref) != nullptr) {
    return absl::DataLossError(absl::StrCat(
        options_.source, " has a key twice in database ", current_db_));
  }
  return true;
}

void LoadedDataset::EndKey(const Entry& entry, const RecordMeta& meta) {
  const auto idle = static_cast<uint32_t>(
      std::clamp<int64_t>(meta.lru_idle_seconds, 0, engine_.lru_clock()));
  entry.set_access(engine_.lru_clock() - idle);
  engine_.load_progress().keys_loaded.store(++keys_, std::memory_order_relaxed);
  const int64_t delay = engine_.config().Int(ConfigId::kKeyLoadDelay);
  if (delay != 0) DelayForKeys(delay, 1, options_.cancelled);
}

absl::Status LoadedDataset::OnString(absl::string_view key,
                                     absl::string_view value,
                                     const RecordMeta& meta) {
  const KeyRef ref(key);
  const absl::StatusOr<bool> wanted = BeginKey(ref, meta);
  if (!wanted.ok()) return wanted.status();
  if (*wanted) {
    EndKey(*current_->SetString(ref, value, {.when_ms = meta.expire_ms}), meta);
  }
  return absl::OkStatus();
}

absl::Status LoadedDataset::OnObject(absl::string_view key, Object value,
                                     const RecordMeta& meta) {
  const KeyRef ref(key);
  const absl::StatusOr<bool> wanted = BeginKey(ref, meta);
  if (!wanted.ok()) return wanted.status();
  if (*wanted) {
    EndKey(*current_->SetObject(ref, std::move(value),
                                {.when_ms = meta.expire_ms}),
           meta);
  }
  return absl::OkStatus();
}

absl::Status LoadedDataset::OnEnd(bool) {
  ended_ = true;
  return absl::OkStatus();
}

std::optional<LoadedDataset::Position> LoadedDataset::position() const {
  if (repl_id_.empty() || repl_offset_ < 0 || repl_stream_db_ < 0 ||
      repl_stream_db_ >= static_cast<int64_t>(databases_.size())) {
    return std::nullopt;
  }
  return Position{repl_id_, repl_offset_, static_cast<int>(repl_stream_db_)};
}

std::vector<std::shared_ptr<Database>> LoadedDataset::TakeDatabases() {
  CHECK(ended_);
  current_ = nullptr;
  for (auto& database : databases_) {
    if (database == nullptr) database = engine_.keyspace().NewDatabase();
  }
  std::vector<std::shared_ptr<Database>> taken(databases_.size());
  taken.swap(databases_);
  return taken;
}

}  // namespace holdfast::server
