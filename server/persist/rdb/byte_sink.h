#ifndef HOLDFAST_SERVER_PERSIST_RDB_BYTE_SINK_H_
#define HOLDFAST_SERVER_PERSIST_RDB_BYTE_SINK_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace holdfast::server {

// Where serialised bytes go: a file, a socket, a string. Used by one thread at
// a time; Append() may block as long as the implementation's own deadline
// allows.
class ByteSink {
 public:
  virtual ~ByteSink() = default;

  // Takes all of `bytes` or fails. After a failure nobody knows how much went
  // out, so the sink must not be appended to again.
  virtual absl::Status Append(absl::string_view bytes) = 0;
};

// Collects everything in memory, without a bound of its own.
class StringSink : public ByteSink {
 public:
  absl::Status Append(absl::string_view bytes) override {
    contents_.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }

  const std::string& contents() const { return contents_; }

 private:
  std::string contents_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_RDB_BYTE_SINK_H_
