#include "server/persist/snapshot/spool.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"

namespace holdfast::server {

absl::StatusOr<std::unique_ptr<Spool>> Spool::Create(
    const std::string& directory) {
  int fd = open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) {
    const int error = errno;
    fd = memfd_create("holdfast-snapshot", MFD_CLOEXEC);
    if (fd < 0)
      return absl::ErrnoToStatus(
          error, absl::StrCat("no temporary file in '", directory, "'"));
    LOG(WARNING) << "Snapshot kept in memory: no temporary file in '"
                 << directory << "': " << strerror(error);
  }
  return absl::WrapUnique(new Spool(net::Socket(fd)));
}

absl::Status Spool::Append(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(file_.fd(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return absl::ErrnoToStatus(errno,
                                 "writing the snapshot's temporary file");
    size_ += n;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

absl::StatusOr<size_t> Spool::ReadAt(int64_t position, char* buffer,
                                     size_t size) const {
  for (;;) {
    const ssize_t n = pread(file_.fd(), buffer, size, position);
    if (n >= 0) return static_cast<size_t>(n);
    if (errno != EINTR)
      return absl::ErrnoToStatus(errno,
                                 "reading the snapshot's temporary file");
  }
}

}  // namespace holdfast::server
