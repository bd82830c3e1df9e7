#ifndef HOLDFAST_SERVER_PERSIST_SAVE_SAVE_FILES_H_
#define HOLDFAST_SERVER_PERSIST_SAVE_SAVE_FILES_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace holdfast::server {

// One file being written. One thread's at a time, but that SyncData() may run
// beside Write(). Closed, if it was not, by the destructor. Errors carry
// errno's text, behind the last ": ".
class SaveFile {
 public:
  virtual ~SaveFile() = default;

  // All of it, or an error, after which a part of it may be there.
  virtual absl::Status Write(absl::string_view bytes) = 0;
  // Sends what stands there on its way to the disk and waits for what was sent
  // before, so that the last Sync() has little left. Only an optimisation.
  virtual absl::Status PushOut(int64_t from, int64_t to) = 0;
  virtual absl::Status Sync() = 0;
  // What has been written, and all that is needed to find it again.
  virtual absl::Status SyncData() = 0;
  // Cuts the file off; only of one that was opened for appending.
  virtual absl::Status Truncate(int64_t size) = 0;
  virtual absl::Status Close() = 0;
};

// All that saving asks of a file system, so that a test can have one that
// fails. Thread-safe.
class SaveFiles {
 public:
  virtual ~SaveFiles() = default;

  // The real one; never deleted.
  static SaveFiles* Real();

  // Empties the file if it is there.
  virtual absl::StatusOr<std::unique_ptr<SaveFile>> Create(
      const std::string& path) = 0;
  // At its end; creates it if it is not there.
  virtual absl::StatusOr<std::unique_ptr<SaveFile>> OpenToAppend(
      const std::string& path) = 0;
  // It may be there already.
  virtual absl::Status MakeDirectory(const std::string& path) = 0;
  virtual absl::Status Rename(const std::string& from,
                              const std::string& to) = 0;
  // Makes renames in the directory of this file last.
  virtual absl::Status SyncDirectoryOf(const std::string& path) = 0;
  virtual void Remove(const std::string& path) = 0;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_SAVE_SAVE_FILES_H_
