#ifndef HOLDFAST_SERVER_PERSIST_SAVE_SAVE_FILES_H_
#define HOLDFAST_SERVER_PERSIST_SAVE_SAVE_FILES_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace holdfast::server {

// One file being written from its beginning. One thread's at a time. Closed, if
// it was not, by the destructor. Errors carry errno's text.
class SaveFile {
 public:
  virtual ~SaveFile() = default;

  // All of it, or an error.
  virtual absl::Status Write(absl::string_view bytes) = 0;
  // Sends what stands there on its way to the disk and waits for what was sent
  // before, so that the last Sync() has little left. Only an optimisation.
  virtual absl::Status PushOut(int64_t from, int64_t to) = 0;
  virtual absl::Status Sync() = 0;
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
  virtual absl::Status Rename(const std::string& from,
                              const std::string& to) = 0;
  // Makes renames in the directory of this file last.
  virtual absl::Status SyncDirectoryOf(const std::string& path) = 0;
  virtual void Remove(const std::string& path) = 0;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_SAVE_SAVE_FILES_H_
