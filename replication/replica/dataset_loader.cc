#include "replication/replica/dataset_loader.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "glog/logging.h"
#include "server/command/unit.h"

namespace holdfast::replication {

using server::Database;

DatasetLoader::DatasetLoader(server::Engine* engine,
                             std::function<bool()> cancelled,
                             std::atomic<int64_t>* keys)
    : LoadedDataset(
          engine, {.source = "the primary", .cancelled = std::move(cancelled)}),
      published_keys_(keys) {
  published_keys_->store(0, std::memory_order_relaxed);
}

DatasetLoader::~DatasetLoader() { EndLoading(); }

absl::Status DatasetLoader::OnHeader(int) {
  size_t old_keys = 0;
  for (int i = 0; i < engine().keyspace().database_count(); ++i)
    old_keys += engine().keyspace().SizeOf(i);
  server::Role& role = engine().role();
  engine().load_progress().Begin(engine().WallMs() / 1000, 0);
  role.async_loading.store(old_keys > 0, std::memory_order_relaxed);
  role.loading.store(true, std::memory_order_release);
  loading_ = true;
  return absl::OkStatus();
}

void DatasetLoader::EndLoading() {
  if (!std::exchange(loading_, false)) return;
  engine().role().loading.store(false, std::memory_order_release);
  engine().role().async_loading.store(false, std::memory_order_relaxed);
}

absl::Status DatasetLoader::OnAux(absl::string_view name,
                                  absl::string_view value) {
  if (name != "repl-stream-db") return LoadedDataset::OnAux(name, value);
  int db;
  // -1: the stream selects one before its next write.
  if (!absl::SimpleAtoi(value, &db) || db < -1) {
    return absl::DataLossError(
        "The snapshot's repl-stream-db is no database number");
  }
  if (db >= engine().keyspace().database_count())
    return Select(static_cast<uint64_t>(db));
  stream_db_ = db;
  return absl::OkStatus();
}

absl::Status DatasetLoader::OnString(absl::string_view key,
                                     absl::string_view value,
                                     const server::RecordMeta& meta) {
  const absl::Status status = LoadedDataset::OnString(key, value, meta);
  published_keys_->store(keys(), std::memory_order_relaxed);
  return status;
}

absl::Status DatasetLoader::OnObject(absl::string_view key,
                                     server::Object value,
                                     const server::RecordMeta& meta) {
  const absl::Status status =
      LoadedDataset::OnObject(key, std::move(value), meta);
  published_keys_->store(keys(), std::memory_order_relaxed);
  return status;
}

bool DatasetLoader::empty() const {
  CHECK(ended());
  return keys() == 0;
}

void DatasetLoader::Install(const server::ReplicationId& history,
                            int64_t offset) {
  std::vector<std::shared_ptr<Database>> databases = TakeDatabases();
  server::Keyspace& keyspace = engine().keyspace();
  server::ExecutionUnit unit(&engine());
  unit.Begin(engine().WallMs(), /*from_primary=*/true);
  unit.locks().LockAll();
  int64_t changed = 0;
  for (int i = 0; i < keyspace.database_count(); ++i) {
    const Database& before = keyspace.db(i);
    const Database& after = *databases[i];
    if (before.Size() + after.Size() > 0)
      keyspace.TouchAllWatched(i, before, after, unit.now_ms());
    changed += static_cast<int64_t>(before.Size() + after.Size());
    databases[i] = keyspace.Replace(i, std::move(databases[i]));
    for (const std::string& key : keyspace.waiters().KeysOf(i))
      unit.NoteReady(i, key);
  }
  // The file on disk has none of it: save points are to see that.
  engine().stats().changes_since_save.fetch_add(changed,
                                                std::memory_order_relaxed);
  server::CommandLog& log = engine().log();
  // An AOF follows the log: it has to know before the offsets are others.
  if (engine().aof_service != nullptr)
    engine().aof_service->BeforeHistoryChange();
  log.AdoptHistory(history, offset);
  if (!log.active()) log.Activate();
  log.NoteSelectedDb(stream_db_);
  EndLoading();
  unit.End();
  for (auto& database : databases) engine().FreeLater(std::move(database));
}

}  // namespace holdfast::replication
