#ifndef HOLDFAST_SERVER_PERSIST_AOF_FILE_SOURCE_H_
#define HOLDFAST_SERVER_PERSIST_AOF_FILE_SOURCE_H_

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/persist/rdb/byte_source.h"

namespace holdfast::server {

// An open file as a stream of bytes, from where it stands. The descriptor stays
// the caller's. One thread's.
class FileSource final : public BufferedSource {
 public:
  static constexpr size_t kBufferBytes = 256 * 1024;

  // `progress`, unless null, grows by what is read.
  FileSource(int fd, std::atomic<int64_t>* progress)
      : BufferedSource("", kBufferBytes), fd_(fd), progress_(progress) {}

 protected:
  absl::StatusOr<size_t> ReadSome(char* buffer, size_t size) override {
    for (;;) {
      const ssize_t n = read(fd_, buffer, size);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return absl::ErrnoToStatus(errno, "reading");
      if (progress_ != nullptr)
        progress_->fetch_add(n, std::memory_order_relaxed);
      return static_cast<size_t>(n);
    }
  }

 private:
  const int fd_;
  std::atomic<int64_t>* const progress_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_AOF_FILE_SOURCE_H_
