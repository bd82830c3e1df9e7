#include "server/persist/load/load_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "glog/logging.h"
#include "net/resp/reply_writer.h"
#include "net/socket/socket.h"
#include "server/command/typed.h"
#include "server/config/config.h"
#include "server/keyspace/slot_table.h"
#include "server/persist/rdb/byte_source.h"
#include "server/write_stream/command_log.h"

namespace holdfast::server {
namespace {

constexpr size_t kBufferBytes = 256 * 1024;

class FileSource final : public BufferedSource {
 public:
  FileSource(int fd, LoadProgress* progress)
      : BufferedSource("", kBufferBytes), fd_(fd), progress_(*progress) {}

 protected:
  absl::StatusOr<size_t> ReadSome(char* buffer, size_t size) override {
    for (;;) {
      const ssize_t n = read(fd_, buffer, size);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return absl::ErrnoToStatus(errno, "reading");
      progress_.loaded_bytes.fetch_add(n, std::memory_order_relaxed);
      return static_cast<size_t>(n);
    }
  }

 private:
  const int fd_;
  LoadProgress& progress_;
};

absl::Status ErrnoOf(int error, absl::string_view what,
                     const std::string& path) {
  return absl::ErrnoToStatus(error, absl::StrCat(what, " ", path));
}

struct ExpiredKey {
  int db;
  std::string name;
};

// Puts the databases in place, and the log where the file was. Replicas that go
// on from there are told of the keys that were left out.
void Install(Engine* engine, LoadedDataset* dataset, bool to_be_replica,
             const std::vector<ExpiredKey>& expired) {
  std::vector<std::shared_ptr<Database>> databases = dataset->TakeDatabases();
  Keyspace& keyspace = engine->keyspace();
  SlotSetLock locks(&keyspace.slots(), &keyspace.gate());
  locks.LockAll();
  for (int i = 0; i < keyspace.database_count(); ++i)
    databases[i] = keyspace.Replace(i, std::move(databases[i]));
  const auto position = dataset->position();
  if (!position.has_value()) return;
  CommandLog& log = engine->log();
  if (to_be_replica) {
    log.AdoptHistory({position->id, std::string(kNoReplicationId), -1},
                     position->offset);
  } else {
    // second_offset counts from one: the first byte that is not shared.
    log.AdoptHistory(
        {RandomReplicationId(), position->id, position->offset + 1},
        position->offset);
  }
  if (!log.active()) log.Activate();
  if (to_be_replica) log.NoteSelectedDb(position->selected_db);
  for (const ExpiredKey& key : expired) {
    const std::string del = net::EncodeCommand({"DEL", key.name});
    const Effect effect = {key.db, del};
    log.AppendUnit({&effect, 1});
  }
}

}  // namespace

RdbReadOptions RdbReadOptionsOf(Engine* engine) {
  RdbReadOptions options;
  options.verify_checksum = engine->config().Bool(ConfigId::kRdbChecksum) &&
                            !engine->skip_checksums();
  options.limits = RdbObjectLimitsOf(engine->config());
  options.sanitize = [&stats = engine->stats()](uint8_t type, absl::string_view,
                                                absl::string_view) {
    if (type != kRdbTypeString)
      stats.dump_payload_sanitizations.fetch_add(1, std::memory_order_relaxed);
    return absl::OkStatus();
  };
  return options;
}

absl::Status LoadRdbFile(Engine* engine, const std::string& path,
                         LoadedDataset* dataset) {
  const net::Socket file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return ErrnoOf(errno, "opening", path);
  struct stat facts = {};
  if (fstat(file.fd(), &facts) != 0) return ErrnoOf(errno, "looking at", path);
  if (S_ISDIR(facts.st_mode)) return ErrnoOf(EISDIR, "reading", path);
  posix_fadvise(file.fd(), 0, 0, POSIX_FADV_SEQUENTIAL);
  engine->load_progress().Begin(engine->WallMs() / 1000, facts.st_size);
  FileSource source(file.fd(), &engine->load_progress());
  RdbReader reader(&source, dataset, RdbReadOptionsOf(engine));
  const absl::Status read = reader.Read();
  if (!read.ok()) {
    return absl::Status(read.code() == absl::StatusCode::kNotFound
                            ? absl::StatusCode::kDataLoss
                            : read.code(),
                        absl::StrCat(path, ", at offset ", reader.offset(),
                                     ": ", read.message()));
  }
  LOG(INFO) << "Done loading RDB, keys loaded: " << dataset->keys()
            << ", keys expired: " << dataset->expired()
            << (reader.empty_keys() == 0
                    ? ""
                    : absl::StrCat(", empty keys skipped: ",
                                   reader.empty_keys()))
            << ".";
  return absl::OkStatus();
}

absl::Status LoadAtStart(Engine* engine,
                         const std::function<bool()>& cancelled) {
  const net::MonoTime began = engine->clock()->Now();
  const Config& config = engine->config();
  const bool to_be_replica = config.ReplicaOf().has_value();
  const std::string path =
      config.ResolvePath(config.String(ConfigId::kDbFilename));
  LoadedDataset::Options options;
  options.cancelled = cancelled;
  std::vector<ExpiredKey> expired;
  std::optional<LoadedDataset> dataset;
  if (!to_be_replica) {
    options.now_ms = engine->WallMs();
    options.on_expired = [&](uint64_t db, absl::string_view key) {
      // (Aux fields stand before the keys.)
      if (dataset->position().has_value())
        expired.push_back({static_cast<int>(db), std::string(key)});
    };
  }
  dataset.emplace(engine, std::move(options));
  const absl::Status loaded = LoadRdbFile(engine, path, &*dataset);
  if (absl::IsNotFound(loaded)) return absl::OkStatus();
  if (absl::IsCancelled(loaded)) return loaded;
  if (!loaded.ok()) {
    const absl::string_view what =
        absl::IsDataLoss(loaded) ? ": integrity check failed" : "";
    LOG(ERROR) << "RDB" << what << ": " << loaded.message();
    LOG(ERROR) << "Terminating server after rdb file reading failure.";
    return absl::Status(loaded.code(),
                        absl::StrCat("Fatal error loading the DB", what, ": ",
                                     loaded.message(), ". Exiting."));
  }
  Install(engine, &*dataset, to_be_replica, expired);
  LOG(INFO) << absl::StrFormat(
      "DB loaded from disk: %.3f seconds",
      absl::ToDoubleSeconds(engine->clock()->Now() - began));
  return absl::OkStatus();
}

}  // namespace holdfast::server
