#include "server/persist/save/save_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "absl/strings/str_cat.h"

namespace holdfast::server {
namespace {

class RealFile final : public SaveFile {
 public:
  explicit RealFile(int fd) : fd_(fd) {}
  ~RealFile() override {
    if (fd_ >= 0) close(fd_);
  }

  absl::Status Write(absl::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return absl::ErrnoToStatus(errno, "write");
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return absl::OkStatus();
  }

  absl::Status PushOut(int64_t from, int64_t to) override {
    int failed = 0;
    if (from > pushed_from_) {
      failed =
          sync_file_range(fd_, pushed_from_, from - pushed_from_,
                          SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                              SYNC_FILE_RANGE_WAIT_AFTER);
    }
    if (failed == 0)
      failed = sync_file_range(fd_, from, to - from, SYNC_FILE_RANGE_WRITE);
    pushed_from_ = from;
    // Other errors say that this file cannot do it, which is no harm.
    return failed != 0 && (errno == EIO || errno == ENOSPC || errno == EDQUOT)
               ? absl::ErrnoToStatus(errno, "sync_file_range")
               : absl::OkStatus();
  }

  absl::Status Sync() override {
    return fsync(fd_) == 0 ? absl::OkStatus()
                           : absl::ErrnoToStatus(errno, "fsync");
  }

  absl::Status SyncData() override {
    return fdatasync(fd_) == 0 ? absl::OkStatus()
                               : absl::ErrnoToStatus(errno, "fdatasync");
  }

  absl::Status Truncate(int64_t size) override {
    return ftruncate(fd_, size) == 0 ? absl::OkStatus()
                                     : absl::ErrnoToStatus(errno, "ftruncate");
  }

  absl::Status Close() override {
    const int fd = fd_;
    fd_ = -1;
    // After EINTR the descriptor is gone all the same (Linux).
    return close(fd) == 0 || errno == EINTR
               ? absl::OkStatus()
               : absl::ErrnoToStatus(errno, "close");
  }

 private:
  int fd_;
  int64_t pushed_from_ = 0;
};

class RealFiles final : public SaveFiles {
 public:
  absl::StatusOr<std::unique_ptr<SaveFile>> Create(
      const std::string& path) override {
    return Open(path, O_TRUNC);
  }

  absl::StatusOr<std::unique_ptr<SaveFile>> OpenToAppend(
      const std::string& path) override {
    return Open(path, O_APPEND);
  }

  absl::Status MakeDirectory(const std::string& path) override {
    return mkdir(path.c_str(), 0755) == 0 || errno == EEXIST
               ? absl::OkStatus()
               : absl::ErrnoToStatus(errno,
                                     absl::StrCat("making directory ", path));
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    return rename(from.c_str(), to.c_str()) == 0
               ? absl::OkStatus()
               : absl::ErrnoToStatus(
                     errno, absl::StrCat("renaming ", from, " to ", to));
  }

  absl::Status SyncDirectoryOf(const std::string& path) override {
    const size_t slash = path.rfind('/');
    const std::string directory = slash == std::string::npos ? "."
                                  : slash == 0               ? "/"
                                               : path.substr(0, slash);
    const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
      return absl::ErrnoToStatus(errno, absl::StrCat("opening ", directory));
    const int failed = fsync(fd);
    const int error = errno;
    close(fd);
    // Some file systems have nothing to sync there (as Redis takes it).
    return failed == 0 || error == EBADF || error == EINVAL
               ? absl::OkStatus()
               : absl::ErrnoToStatus(error,
                                     absl::StrCat("fsync of ", directory));
  }

  void Remove(const std::string& path) override { unlink(path.c_str()); }

 private:
  static absl::StatusOr<std::unique_ptr<SaveFile>> Open(const std::string& path,
                                                        int flags) {
    const int fd =
        open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
    if (fd < 0)
      return absl::ErrnoToStatus(errno, absl::StrCat("opening ", path));
    return std::make_unique<RealFile>(fd);
  }
};

}  // namespace

SaveFiles* SaveFiles::Real() {
  static auto* const files = new RealFiles;
  return files;
}

}  // namespace holdfast::server
