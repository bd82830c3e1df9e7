#include "server/persist/aof/load_aof.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "glog/logging.h"
#include "net/socket/socket.h"
#include "server/persist/aof/command_file.h"
#include "server/persist/aof/file_source.h"
#include "server/persist/load/load_file.h"
#include "server/persist/load/loaded_dataset.h"
#include "server/persist/rdb/reader.h"
#include "server/persist/save/file_replacer.h"

namespace holdfast::server {
namespace {

constexpr int64_t kMaxManifestBytes = 64 << 20;
constexpr absl::string_view kRdbMagic = "REDIS";

bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

bool IsDirectory(const std::string& path) {
  struct stat facts = {};
  return stat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode);
}

absl::StatusOr<int64_t> SizeOf(const AofPaths& paths, const std::string& name) {
  struct stat facts = {};
  if (stat(paths.PathOf(name).c_str(), &facts) != 0) {
    return absl::DataLossError(
        absl::StrCat("Unable to obtain the AOF file ", name,
                     " length. stat: ", strerror(errno)));
  }
  return static_cast<int64_t>(facts.st_size);
}

// A file of Redis before 7.0 becomes the base, in the directory. Crashes in
// between are gone on from: the manifest is written first.
absl::Status Upgrade(SaveFiles* files, const AofPaths& paths,
                     AofManifest* manifest) {
  absl::Status status = files->MakeDirectory(paths.directory);
  if (!status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat("Can't open or create append-only dir ",
                                     paths.directory, ": ", status.message()));
  }
  AofManifest upgraded = *manifest;
  upgraded.base = AofManifest::File{paths.stem, 1};
  upgraded.base_seq = 1;
  bool replaced = false;
  status = WriteAofManifest(files, paths, upgraded, &replaced);
  if (status.ok())
    status = files->Rename(paths.old_single, paths.PathOf(paths.stem));
  if (status.ok()) status = files->SyncDirectoryOf(paths.PathOf(paths.stem));
  if (!status.ok()) {
    return absl::Status(
        status.code(),
        absl::StrCat("Error trying to move the old AOF file ", paths.old_single,
                     " into dir ", paths.directory, ": ", status.message()));
  }
  *manifest = std::move(upgraded);
  LOG(INFO) << "Successfully migrated an old-style AOF file ("
            << paths.old_single << ") into the AOF directory ("
            << paths.directory << ").";
  return absl::OkStatus();
}

bool IsToBeUpgraded(const AofPaths& paths, const AofManifest& manifest) {
  if (!Exists(paths.old_single)) return false;
  if (!IsDirectory(paths.directory) || manifest.nothing_to_load()) return true;
  return manifest.base.has_value() && manifest.increments.empty() &&
         manifest.base->name == paths.stem && !Exists(paths.PathOf(paths.stem));
}

// Puts the databases into the place of the server's, which are empty.
void Install(Engine* engine, LoadedDataset* dataset) {
  std::vector<std::shared_ptr<Database>> databases = dataset->TakeDatabases();
  Keyspace& keyspace = engine->keyspace();
  {
    SlotSetLock locks(&keyspace.slots(), &keyspace.gate());
    locks.LockAll();
    for (int i = 0; i < keyspace.database_count(); ++i)
      databases[i] = keyspace.Replace(i, std::move(databases[i]));
  }
  for (auto& database : databases) engine->FreeLater(std::move(database));
}

class Loader {
 public:
  Loader(Engine* engine, const AofPaths& paths,
         const std::function<bool()>& cancelled)
      : engine_(*engine), paths_(paths), cancelled_(cancelled) {}

  absl::Status Load(const std::string& name, bool is_last,
                    absl::string_view kind) {
    const net::MonoTime began = engine_.clock()->Now();
    const std::string path = paths_.PathOf(name);
    const net::Socket file(open(path.c_str(), O_RDWR | O_CLOEXEC));
    const net::Socket readable(
        file.valid() ? -1 : open(path.c_str(), O_RDONLY | O_CLOEXEC));
    const int fd = file.valid() ? file.fd() : readable.fd();
    if (fd < 0) {
      return absl::DataLossError(
          absl::StrCat("Fatal error: can't open the append log file ", name,
                       " for reading: ", strerror(errno)));
    }
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    FileSource source(fd, &engine_.load_progress().loaded_bytes);
    absl::StatusOr<absl::string_view> magic = source.Peek(kRdbMagic.size());
    if (!magic.ok()) return Unreadable(name, magic.status());
    int64_t start = 0;
    if (absl::StartsWith(*magic, kRdbMagic)) {
      const absl::StatusOr<int64_t> size = LoadRdb(name, &source);
      if (!size.ok()) return size.status();
      start = *size;
    }
    CommandFile commands(&engine_, &source, start, cancelled_);
    const absl::Status status = commands.Run();
    if (absl::IsCancelled(status)) return status;
    if (absl::IsOutOfRange(status)) {  // It ends too early.
      const absl::Status cut =
          CutOff(name, path, fd, commands.good_bytes(), is_last);
      if (!cut.ok()) return cut;
    } else if (absl::IsInvalidArgument(status)) {
      return absl::DataLossError(absl::StrCat(
          "Bad file format reading the append only file ", name,
          ": make a backup of your AOF file, then use ./redis-check-aof --fix "
          "<filename.manifest>"));
    } else if (absl::IsUnimplemented(status)) {
      return absl::DataLossError(absl::StrCat(
          status.message(), " reading the append only file ", name));
    } else if (!status.ok()) {
      return Unreadable(name, status);
    }
    LOG(INFO) << absl::StrFormat(
        "DB loaded from %s file %s: %.3f seconds", kind, name,
        absl::ToDoubleSeconds(engine_.clock()->Now() - began));
    return absl::OkStatus();
  }

 private:
  static absl::Status Unreadable(const std::string& name,
                                 const absl::Status& status) {
    return absl::DataLossError(
        absl::StrCat("Unrecoverable error reading the append only file ", name,
                     ": ", status.message()));
  }

  // Returns how many bytes the RDB has.
  absl::StatusOr<int64_t> LoadRdb(const std::string& name, FileSource* source) {
    const bool old_style = name == paths_.stem;
    LOG(INFO) << (old_style ? "Reading RDB preamble from AOF file..."
                            : "Reading RDB base file on AOF loading...");
    LoadedDataset::Options options;
    options.source = name;
    options.cancelled = cancelled_;
    LoadedDataset dataset(&engine_, std::move(options));
    RdbReader reader(source, &dataset, RdbReadOptionsOf(&engine_));
    const absl::Status read = reader.Read();
    if (absl::IsCancelled(read)) return read;
    if (!read.ok()) {
      return absl::DataLossError(
          absl::StrCat("Error reading the RDB ",
                       old_style ? "preamble of the AOF file " : "base file ",
                       name, ", AOF loading aborted: at offset ",
                       reader.offset(), ": ", read.message()));
    }
    Install(&engine_, &dataset);
    return static_cast<int64_t>(reader.offset());
  }

  absl::Status CutOff(const std::string& name, const std::string& path, int fd,
                      int64_t good_bytes, bool is_last) {
    if (!engine_.config().Bool(ConfigId::kAofLoadTruncated)) {
      return absl::DataLossError(absl::StrCat(
          "Unexpected end of file reading the append only file ", name,
          ". You can: 1) Make a backup of your AOF file, then use "
          "./redis-check-aof --fix <filename.manifest>. 2) Alternatively you "
          "can set the 'aof-load-truncated' configuration option to yes and "
          "restart the server."));
    }
    if (!is_last) {
      return absl::DataLossError(absl::StrCat(
          "Fatal error: the truncated file is not the last file: ", name));
    }
    LOG(WARNING) << "!!! Warning: short read while loading the AOF file "
                 << name << "!!!";
    LOG(WARNING) << "!!! Truncating the AOF " << name << " at offset "
                 << good_bytes << " !!!";
    if (ftruncate(fd, good_bytes) != 0 || fsync(fd) != 0) {
      return absl::DataLossError(absl::StrCat("Error truncating the AOF file ",
                                              path, ": ", strerror(errno)));
    }
    LOG(WARNING) << "AOF " << name
                 << " loaded anyway because aof-load-truncated is enabled";
    return absl::OkStatus();
  }

  Engine& engine_;
  const AofPaths& paths_;
  const std::function<bool()>& cancelled_;
};

}  // namespace

AofPaths AofPaths::Of(const Config& config) {
  AofPaths paths;
  paths.stem = config.String(ConfigId::kAppendFilename);
  paths.directory = config.ResolvePath(config.String(ConfigId::kAppendDirname));
  paths.old_single = config.ResolvePath(paths.stem);
  return paths;
}

std::string AofPaths::PathOf(absl::string_view name) const {
  return absl::StrCat(directory, "/", name);
}

absl::StatusOr<AofManifest> ReadAofManifest(const AofPaths& paths) {
  const std::string path = paths.manifest();
  const net::Socket file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) {
    if (errno == ENOENT || errno == ENOTDIR) return AofManifest();
    return absl::ErrnoToStatus(
        errno, absl::StrCat("Fatal error: can't open the AOF manifest file ",
                            path, " for reading"));
  }
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t n = read(file.fd(), buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return absl::ErrnoToStatus(errno, "Read AOF manifest failed");
    if (n == 0) break;
    text.append(buffer, static_cast<size_t>(n));
    if (static_cast<int64_t>(text.size()) > kMaxManifestBytes)
      return absl::DataLossError("Read AOF manifest failed: it is too long");
  }
  return AofManifest::Parse(text);
}

absl::Status WriteAofManifest(SaveFiles* files, const AofPaths& paths,
                              const AofManifest& manifest, bool* replaced) {
  *replaced = false;
  absl::StatusOr<std::unique_ptr<FileReplacer>> file = FileReplacer::Create(
      files, paths.PathOf(absl::StrCat("temp-", paths.stem, ".manifest")),
      paths.manifest(), false);
  if (!file.ok()) return file.status();
  absl::Status status = (*file)->Append(manifest.Format());
  if (status.ok()) status = (*file)->Commit();
  *replaced = (*file)->replaced();
  return status;
}

absl::StatusOr<AofLoad> LoadAof(Engine* engine, SaveFiles* files,
                                const AofPaths& paths, AofManifest* manifest,
                                const std::function<bool()>& cancelled) {
  AofLoad load;
  if (IsToBeUpgraded(paths, *manifest)) {
    const absl::Status upgraded = Upgrade(files, paths, manifest);
    if (!upgraded.ok()) return upgraded;
  }
  if (manifest->nothing_to_load()) return load;
  load.found = true;
  std::vector<std::pair<std::string, bool>> parts;  // Name; whether the base.
  if (manifest->base.has_value()) parts.push_back({manifest->base->name, true});
  for (const AofManifest::File& file : manifest->increments)
    parts.push_back({file.name, false});
  for (const auto& [name, is_base] : parts) {
    const absl::StatusOr<int64_t> size = SizeOf(paths, name);
    if (!size.ok()) return size.status();
    load.total_bytes += *size;
    if (is_base) load.base_bytes = *size;
  }
  engine->load_progress().Begin(engine->WallMs() / 1000, load.total_bytes);
  // What is loaded is no change to what is on disk.
  std::atomic<int64_t>& changes = engine->stats().changes_since_save;
  const int64_t changes_before = changes.load(std::memory_order_relaxed);
  Loader loader(engine, paths, cancelled);
  absl::Status status;
  for (size_t i = 0; i < parts.size() && status.ok(); ++i) {
    status = loader.Load(parts[i].first, i + 1 == parts.size(),
                         parts[i].second ? "base" : "incr");
  }
  changes.store(changes_before, std::memory_order_relaxed);
  if (!status.ok()) return status;
  // A file that was cut off is shorter now.
  load.total_bytes = 0;
  for (const auto& part : parts) {
    const absl::StatusOr<int64_t> size = SizeOf(paths, part.first);
    if (!size.ok()) return size.status();
    load.total_bytes += *size;
  }
  return load;
}

}  // namespace holdfast::server
