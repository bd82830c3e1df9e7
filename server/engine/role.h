#ifndef HOLDFAST_SERVER_ENGINE_ROLE_H_
#define HOLDFAST_SERVER_ENGINE_ROLE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "net/resp/reply_writer.h"

namespace holdfast::server {

// What dispatch has to know of the server's part in replication. Set by the
// replication package, which the server does not know; is_replica changes only
// while the WriteGate is held exclusively. Any thread may read.
struct Role {
  std::atomic<bool> is_replica{false};
  std::atomic<bool> link_up{
      false};  // A replica whose link to its primary streams.
  std::atomic<bool> loading{false};  // The dataset in memory is not whole.
  std::atomic<bool> async_loading{false};  // Serves the old one meanwhile.
};

// What the rest of the server asks of replication; each may be called by any
// thread, takes no keyspace lock and does not block. Without replication
// (tests) the defaults stand.
struct ReplicationHooks {
  // Replicas whose last acknowledgement is at most `lag_seconds` old.
  std::function<int(int64_t lag_seconds)> good_replicas = [](int64_t) {
    return 0;
  };
  std::function<int()> connected_replicas = [] { return 0; };
  // The lines of INFO replication, "name:value\r\n" each.
  std::function<void(std::string*)> info = [](std::string*) {};
};

// The replication package's own object, for its commands to find; the server
// knows nothing of it.
class ReplicationService {
 public:
  virtual ~ReplicationService() = default;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_ENGINE_ROLE_H_
