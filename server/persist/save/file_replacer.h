#ifndef HOLDFAST_SERVER_PERSIST_SAVE_FILE_REPLACER_H_
#define HOLDFAST_SERVER_PERSIST_SAVE_FILE_REPLACER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/persist/rdb/byte_sink.h"
#include "server/persist/save/save_files.h"

namespace holdfast::server {

// A new version of a file, put in the old one's place in one step or not at
// all: written to a temporary file, synced, renamed, and the directory synced.
// Without Commit(), or when anything fails, the old file stays as it is and the
// temporary one is removed. Memory: one buffer of kBufferBytes.
//
// One thread's at a time; blocks as the disk does.
class FileReplacer final : public ByteSink {
 public:
  static constexpr size_t kBufferBytes = 256 * 1024;
  // With `sync_as_it_grows`, so much goes to the disk at a time; as Redis's.
  static constexpr int64_t kSyncedBytes = 4 * 1024 * 1024;

  // `files` outlives it. Both paths are in the same file system.
  static absl::StatusOr<std::unique_ptr<FileReplacer>> Create(
      SaveFiles* files, std::string temporary, std::string path,
      bool sync_as_it_grows);
  ~FileReplacer() override;

  absl::Status Append(absl::string_view bytes) override;
  // REQUIRES: no Append() has failed. Once. An error of the directory's sync
  // leaves the new file in place, though a crash may bring back the old one.
  absl::Status Commit();
  // Whether the new file is in the old one's place.
  bool replaced() const { return renamed_; }

 private:
  FileReplacer(SaveFiles* files, std::unique_ptr<SaveFile> file,
               std::string temporary, std::string path, bool sync_as_it_grows);
  absl::Status WriteOut(absl::string_view bytes);

  SaveFiles& files_;
  std::unique_ptr<SaveFile> file_;
  const std::string temporary_;
  const std::string path_;
  const bool sync_as_it_grows_;
  std::string buffer_;
  int64_t written_ = 0;
  int64_t pushed_ = 0;
  bool renamed_ = false;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_SAVE_FILE_REPLACER_H_
