#include "replication/replica/dataset_loader.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "server/command/unit.h"

namespace holdfast::replication {

using server::Database;

DatasetLoader::DatasetLoader(server::Engine* engine,
                             std::function<bool()> cancelled,
                             std::atomic<int64_t>* keys)
    : engine_(*engine),
      cancelled_(std::move(cancelled)),
      databases_(engine->keyspace().database_count()),
      published_keys_(keys) {
  published_keys_->store(0, std::memory_order_relaxed);
}

DatasetLoader::~DatasetLoader() {
  EndLoading();
  for (auto& database : databases_) {
    if (database != nullptr) engine_.FreeLater(std::move(database));
  }
}

absl::Status DatasetLoader::OnHeader(int) {
  size_t old_keys = 0;
  for (int i = 0; i < engine_.keyspace().database_count(); ++i)
    old_keys += engine_.keyspace().SizeOf(i);
  server::Role& role = engine_.role();
  role.async_loading.store(old_keys > 0, std::memory_order_relaxed);
  role.loading.store(true, std::memory_order_release);
  loading_ = true;
  return absl::OkStatus();
}

void DatasetLoader::EndLoading() {
  if (!std::exchange(loading_, false)) return;
  engine_.role().loading.store(false, std::memory_order_release);
  engine_.role().async_loading.store(false, std::memory_order_relaxed);
}

absl::Status DatasetLoader::OnAux(absl::string_view name,
                                  absl::string_view value) {
  if (name != "repl-stream-db") return absl::OkStatus();
  int db;
  // -1: the stream selects one before its next write.
  if (!absl::SimpleAtoi(value, &db) || db < -1) {
    return absl::DataLossError(
        "The snapshot's repl-stream-db is no database number");
  }
  if (db >= engine_.keyspace().database_count())
    return Select(static_cast<uint64_t>(db));
  stream_db_ = db;
  return absl::OkStatus();
}

absl::Status DatasetLoader::OnSelectDb(uint64_t db) {
  current_ = nullptr;
  current_db_ = db;
  return db < databases_.size() ? absl::OkStatus() : Select(db);
}

absl::Status DatasetLoader::Select(uint64_t db) {
  if (db >= databases_.size()) {
    return absl::OutOfRangeError(absl::StrCat(
        "the primary has a database ", db,
        " and this server is set to `databases ", databases_.size(), "`"));
  }
  if (databases_[db] == nullptr)
    databases_[db] = engine_.keyspace().NewDatabase();
  current_ = databases_[db].get();
  return absl::OkStatus();
}

absl::Status DatasetLoader::OnFunction(absl::string_view) {
  return absl::UnimplementedError(
      "the primary holds function libraries, which this version does not have");
}

absl::Status DatasetLoader::OnModuleAux(const server::RdbModuleAux& aux) {
  return absl::UnimplementedError(
      absl::StrCat("the primary holds data of the module '", aux.name,
                   "', which this server does not have"));
}

absl::Status DatasetLoader::BeginKey(const server::KeyRef& ref) {
  if (cancelled_()) return absl::CancelledError("loading was cancelled");
  if (current_ == nullptr) {
    if (absl::Status status = Select(current_db_); !status.ok()) return status;
  }
  if (current_->Find(ref) != nullptr) {
    return absl::DataLossError(
        absl::StrCat("the snapshot has a key twice in database ", current_db_));
  }
  return absl::OkStatus();
}

void DatasetLoader::EndKey(const server::Entry& entry,
                           const server::RecordMeta& meta) {
  const auto idle = static_cast<uint32_t>(
      std::clamp<int64_t>(meta.lru_idle_seconds, 0, engine_.lru_clock()));
  entry.set_access(engine_.lru_clock() - idle);
  published_keys_->store(++keys_, std::memory_order_relaxed);
}

// What has expired meanwhile comes in, too: its DEL is in the stream.
absl::Status DatasetLoader::OnString(absl::string_view key,
                                     absl::string_view value,
                                     const server::RecordMeta& meta) {
  const server::KeyRef ref(key);
  if (absl::Status status = BeginKey(ref); !status.ok()) return status;
  EndKey(*current_->SetString(ref, value, {.when_ms = meta.expire_ms}), meta);
  return absl::OkStatus();
}

absl::Status DatasetLoader::OnObject(absl::string_view key,
                                     server::Object value,
                                     const server::RecordMeta& meta) {
  const server::KeyRef ref(key);
  if (absl::Status status = BeginKey(ref); !status.ok()) return status;
  EndKey(
      *current_->SetObject(ref, std::move(value), {.when_ms = meta.expire_ms}),
      meta);
  return absl::OkStatus();
}

absl::Status DatasetLoader::OnEnd(bool) {
  ended_ = true;
  return absl::OkStatus();
}

bool DatasetLoader::empty() const {
  CHECK(ended_);
  return keys() == 0;
}

void DatasetLoader::Install(const server::ReplicationId& history,
                            int64_t offset) {
  CHECK(ended_);
  server::Keyspace& keyspace = engine_.keyspace();
  for (auto& database : databases_) {
    if (database == nullptr) database = keyspace.NewDatabase();
  }
  server::ExecutionUnit unit(&engine_);
  unit.Begin(engine_.WallMs(), /*from_primary=*/true);
  unit.locks().LockAll();
  for (int i = 0; i < keyspace.database_count(); ++i) {
    const Database& before = keyspace.db(i);
    const Database& after = *databases_[i];
    if (before.Size() + after.Size() > 0)
      keyspace.TouchAllWatched(i, before, after);
    databases_[i] = keyspace.Replace(i, std::move(databases_[i]));
    for (const std::string& key : keyspace.waiters().KeysOf(i))
      unit.NoteReady(i, key);
  }
  server::CommandLog& log = engine_.log();
  log.AdoptHistory(history, offset);
  if (!log.active()) log.Activate();
  log.NoteSelectedDb(stream_db_);
  EndLoading();
  unit.End();
  for (auto& database : databases_) engine_.FreeLater(std::move(database));
  databases_.assign(databases_.size(), nullptr);
}

}  // namespace holdfast::replication
