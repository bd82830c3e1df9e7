#ifndef HOLDFAST_REPLICATION_REPLICA_DATASET_LOADER_H_
#define HOLDFAST_REPLICATION_REPLICA_DATASET_LOADER_H_

#include <atomic>
#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/engine/engine.h"
#include "server/persist/load/loaded_dataset.h"
#include "server/write_stream/command_log.h"

namespace holdfast::replication {

// A primary's snapshot on its way in (LoadedDataset), put in the place of the
// old data in one step when all of it was read and is right.
//
// From the moment the header is known to be good the role says that data is
// being loaded: clients are served the old data meanwhile, or -LOADING if there
// is none. What has expired meanwhile comes in, too: its DEL is in the stream.
// One thread's.
class DatasetLoader final : public server::LoadedDataset {
 public:
  // `cancelled` is asked for every key; `*keys` is set to how many were read,
  // for whoever watches. Both outlive this object.
  DatasetLoader(server::Engine* engine, std::function<bool()> cancelled,
                std::atomic<int64_t>* keys);
  ~DatasetLoader() override;

  absl::Status OnHeader(int version) override;
  absl::Status OnAux(absl::string_view name, absl::string_view value) override;
  absl::Status OnString(absl::string_view key, absl::string_view value,
                        const server::RecordMeta& meta) override;
  absl::Status OnObject(absl::string_view key, server::Object value,
                        const server::RecordMeta& meta) override;

  // Whether the whole snapshot holds no key. REQUIRES: OnEnd() was called.
  bool empty() const;

  // Makes it the dataset, with this position in the primary's stream. Takes the
  // whole keyspace for about a millisecond. REQUIRES: OnEnd() was called; once.
  void Install(const server::ReplicationId& history, int64_t offset);

 private:
  void EndLoading();

  int stream_db_ = 0;
  bool loading_ = false;  // We have set the role's flags.
  std::atomic<int64_t>* const published_keys_;
};

}  // namespace holdfast::replication

#endif  // HOLDFAST_REPLICATION_REPLICA_DATASET_LOADER_H_
