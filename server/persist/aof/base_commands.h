#ifndef HOLDFAST_SERVER_PERSIST_AOF_BASE_COMMANDS_H_
#define HOLDFAST_SERVER_PERSIST_AOF_BASE_COMMANDS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/persist/rdb/byte_sink.h"
#include "server/persist/rdb/visitor.h"

namespace holdfast::server {

// Writes the dataset that an RDB holds as commands that make it again: the base
// of an append-only file without a preamble (aof-use-rdb-preamble no). At most
// kItemsPerCommand elements a command, as Redis's own. Streams, with their
// groups and what is pending in them, come as one RESTORE each. Memory: one
// command. One thread's; failures are the sink's.
class BaseCommands final : public RdbVisitor {
 public:
  static constexpr int kItemsPerCommand = 64;

  // `sink` outlives it.
  explicit BaseCommands(ByteSink* sink) : sink_(*sink) {}

  absl::Status OnHeader(int) override { return absl::OkStatus(); }
  absl::Status OnAux(absl::string_view, absl::string_view) override {
    return absl::OkStatus();
  }
  absl::Status OnSelectDb(uint64_t db) override {
    db_ = db;
    return absl::OkStatus();
  }
  absl::Status OnResizeDb(uint64_t, uint64_t) override {
    return absl::OkStatus();
  }
  absl::Status OnFunction(absl::string_view code) override;
  absl::Status OnModuleAux(const RdbModuleAux&) override {
    return absl::UnimplementedError("module data");
  }
  absl::Status OnString(absl::string_view key, absl::string_view value,
                        const RecordMeta& meta) override;
  absl::Status OnObject(absl::string_view key, Object value,
                        const RecordMeta& meta) override;
  absl::Status OnEnd(bool) override { return absl::OkStatus(); }

 private:
  static constexpr uint64_t kNoDb = ~uint64_t{0};

  class Batch;
  void Restore(absl::string_view key, Object value);
  absl::Status Finish(absl::string_view key, const RecordMeta& meta);
  // Hands on what has been put together, if that is much.
  void Drain();

  ByteSink& sink_;
  uint64_t db_ = 0;
  uint64_t selected_ = kNoDb;
  std::string out_;
  absl::Status status_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_AOF_BASE_COMMANDS_H_
