#ifndef HOLDFAST_SERVER_PERSIST_LOAD_LOADED_DATASET_H_
#define HOLDFAST_SERVER_PERSIST_LOAD_LOADED_DATASET_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/engine/engine.h"
#include "server/keyspace/database.h"
#include "server/persist/rdb/visitor.h"

namespace holdfast::server {

// A dataset on its way in from an RDB: databases that nobody sees yet, filled
// record by record without any lock. Whoever reads it puts them in the place of
// the old ones when all of it is there and right; until then, and when it comes
// to nothing, the old data stays, and what was loaded is freed in the
// background. Engine::load_progress() is kept.
//
// Failures: kOutOfRange for a database that this server does not have,
// kUnimplemented for what it cannot hold, kDataLoss for a key that comes twice,
// kCancelled when `cancelled` said so. One thread's.
class LoadedDataset : public RdbVisitor {
 public:
  struct Options {
    std::string source = "the file";  // In errors.
    // Asked for every key.
    std::function<bool()> cancelled = [] { return false; };
    // Keys that had expired then are left out; kNoExpiry: none is.
    int64_t now_ms = kNoExpiry;
    // Is told of those.
    std::function<void(uint64_t db, absl::string_view key)> on_expired =
        nullptr;
  };

  LoadedDataset(Engine* engine, Options options);
  ~LoadedDataset() override;
  LoadedDataset(const LoadedDataset&) = delete;
  LoadedDataset& operator=(const LoadedDataset&) = delete;

  absl::Status OnHeader(int version) override;
  absl::Status OnAux(absl::string_view name, absl::string_view value) override;
  absl::Status OnSelectDb(uint64_t db) override;
  absl::Status OnResizeDb(uint64_t, uint64_t) override {
    return absl::OkStatus();
  }
  absl::Status OnFunction(absl::string_view code) override;
  absl::Status OnModuleAux(const RdbModuleAux& aux) override;
  absl::Status OnString(absl::string_view key, absl::string_view value,
                        const RecordMeta& meta) override;
  absl::Status OnObject(absl::string_view key, Object value,
                        const RecordMeta& meta) override;
  absl::Status OnEnd(bool checksummed) override;

  int64_t keys() const { return keys_; }
  int64_t expired() const { return expired_; }

  // The position in a replication stream that the RDB has, if it has one
  // wholly: id, offset and database.
  struct Position {
    std::string id;
    int64_t offset;
    int selected_db;
  };
  std::optional<Position> position() const;

  // What was loaded, one for each database of the server, in order. REQUIRES:
  // OnEnd() was called; once.
  std::vector<std::shared_ptr<Database>> TakeDatabases();

 protected:
  Engine& engine() { return engine_; }
  bool ended() const { return ended_; }
  // kOutOfRange if there is no such database.
  absl::Status Select(uint64_t db);

 private:
  // Whether the key is to be stored.
  absl::StatusOr<bool> BeginKey(const KeyRef& ref, const RecordMeta& meta);
  void EndKey(const Entry& entry, const RecordMeta& meta);

  Engine& engine_;
  const Options options_;
  std::vector<std::shared_ptr<Database>> databases_;  // Null where no key was.
  Database* current_ = nullptr;                       // Of the next key.
  uint64_t current_db_ = 0;
  bool ended_ = false;
  int64_t keys_ = 0;
  int64_t expired_ = 0;
  std::string repl_id_;
  int64_t repl_offset_ = -1;
  int64_t repl_stream_db_ = -1;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_LOAD_LOADED_DATASET_H_
