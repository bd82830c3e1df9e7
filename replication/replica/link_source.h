#ifndef HOLDFAST_REPLICATION_REPLICA_LINK_SOURCE_H_
#define HOLDFAST_REPLICATION_REPLICA_LINK_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "net/client/resp_client.h"
#include "net/time/deadline.h"
#include "server/persist/rdb/byte_source.h"

namespace holdfast::replication {

// A link's bytes as the RDB reader wants them: straight out of the link's one
// input buffer, so that not a byte is lost or copied where handshake, snapshot
// and stream meet. Blocks in Peek() as long as some byte comes before each
// deadline. Used by the link's reader alone.
class LinkSource : public server::ByteSource {
 public:
  // `deadline` gives the deadline of the next byte; `on_bytes` is told how many
  // arrived. Both outlive this object, as does the connection.
  LinkSource(net::RespClient* connection,
             std::function<net::Deadline()> deadline,
             std::function<void(size_t)> on_bytes)
      : connection_(*connection),
        deadline_(std::move(deadline)),
        on_bytes_(std::move(on_bytes)) {}

  absl::StatusOr<absl::string_view> Peek(size_t min) override {
    while (connection_.buffer().size() < min) {
      const absl::StatusOr<size_t> n = connection_.Fill(deadline_());
      if (!n.ok()) return failure_ = n.status();
      if (*n == 0) {
        failure_ = absl::UnavailableError("closed by peer");
        break;
      }
      on_bytes_(*n);
    }
    return connection_.buffer().readable();
  }

  void Consume(size_t n) override {
    connection_.buffer().Consume(n);
    consumed_ += static_cast<int64_t>(n);
  }

  int64_t consumed() const { return consumed_; }

  // How the connection ended (kUnavailable at an orderly end); OK while it has
  // not. What the RDB reader says then is only a consequence.
  const absl::Status& failure() const { return failure_; }

 private:
  net::RespClient& connection_;
  const std::function<net::Deadline()> deadline_;
  const std::function<void(size_t)> on_bytes_;
  absl::Status failure_;
  int64_t consumed_ = 0;
};

}  // namespace holdfast::replication

#endif  // HOLDFAST_REPLICATION_REPLICA_LINK_SOURCE_H_
