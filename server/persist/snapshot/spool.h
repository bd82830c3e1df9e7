#ifndef HOLDFAST_SERVER_PERSIST_SNAPSHOT_SPOOL_H_
#define HOLDFAST_SERVER_PERSIST_SNAPSHOT_SPOOL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "net/socket/socket.h"
#include "server/persist/rdb/byte_sink.h"

namespace holdfast::server {

// A temporary file without a name: one thread appends, any number read what was
// appended before (they learn how much from elsewhere). The kernel frees it
// when this object goes, whatever becomes of the process.
class Spool final : public ByteSink {
 public:
  // In `directory`; if that cannot be written to, in memory (memfd_create).
  static absl::StatusOr<std::unique_ptr<Spool>> Create(
      const std::string& directory);

  absl::Status Append(absl::string_view bytes) override;
  absl::StatusOr<size_t> ReadAt(int64_t position, char* buffer,
                                size_t size) const;
  int64_t size() const { return size_; }  // The appending thread's.

 private:
  explicit Spool(net::Socket file) : file_(std::move(file)) {}

  const net::Socket file_;  // Owns the descriptor.
  int64_t size_ = 0;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_SNAPSHOT_SPOOL_H_
