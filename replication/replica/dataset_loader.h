#ifndef HOLDFAST_REPLICATION_REPLICA_DATASET_LOADER_H_
#define HOLDFAST_REPLICATION_REPLICA_DATASET_LOADER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/engine/engine.h"
#include "server/keyspace/database.h"
#include "server/persist/rdb/visitor.h"
#include "server/write_stream/command_log.h"

namespace holdfast::replication {

// A primary's snapshot on its way in: databases that nobody sees yet, filled
// record by record, and put in the place of the old ones in one step when all
// of it was read and is right. Until then, and when it comes to nothing, the
// old data stays; what was loaded is freed in the background.
//
// From the moment the header is known to be good the role says that data is
// being loaded: clients are served the old data meanwhile, or -LOADING if there
// is none.
//
// Failures: kOutOfRange for a database that this server does not have,
// kUnimplemented for what it cannot hold, kCancelled when `cancelled` said so.
// One thread's.
class DatasetLoader : public server::RdbVisitor {
 public:
  // `cancelled` is asked for every key; `*keys` is set to how many were read,
  // for whoever watches. Both outlive this object.
  DatasetLoader(server::Engine* engine, std::function<bool()> cancelled,
                std::atomic<int64_t>* keys);
  ~DatasetLoader() override;
  DatasetLoader(const DatasetLoader&) = delete;
  DatasetLoader& operator=(const DatasetLoader&) = delete;

  absl::Status OnHeader(int version) override;
  absl::Status OnAux(absl::string_view name, absl::string_view value) override;
  absl::Status OnSelectDb(uint64_t db) override;
  absl::Status OnResizeDb(uint64_t, uint64_t) override {
    return absl::OkStatus();
  }
  absl::Status OnFunction(absl::string_view code) override;
  absl::Status OnModuleAux(const server::RdbModuleAux& aux) override;
  absl::Status OnString(absl::string_view key, absl::string_view value,
                        const server::RecordMeta& meta) override;
  absl::Status OnObject(absl::string_view key, server::Object value,
                        const server::RecordMeta& meta) override;
  absl::Status OnEnd(bool checksummed) override;

  int64_t keys() const { return keys_; }
  // Whether the whole snapshot holds no key. REQUIRES: OnEnd() was called.
  bool empty() const;

  // Makes it the dataset, with this position in the primary's stream. Takes the
  // whole keyspace for about a millisecond. REQUIRES: OnEnd() was called; once.
  void Install(const server::ReplicationId& history, int64_t offset);

 private:
  absl::Status Select(uint64_t db);
  absl::Status BeginKey(const server::KeyRef& ref);
  void EndKey(const server::Entry& entry, const server::RecordMeta& meta);
  void EndLoading();

  server::Engine& engine_;
  const std::function<bool()> cancelled_;
  std::vector<std::shared_ptr<server::Database>>
      databases_;                        // Null where no key was.
  server::Database* current_ = nullptr;  // Of the next key.
  uint64_t current_db_ = 0;
  int stream_db_ = 0;
  bool loading_ = false;  // We have set the role's flags.
  bool ended_ = false;
  int64_t keys_ = 0;
  std::atomic<int64_t>* const published_keys_;
};

}  // namespace holdfast::replication

#endif  // HOLDFAST_REPLICATION_REPLICA_DATASET_LOADER_H_
