#ifndef HOLDFAST_SERVER_TYPES_REAL_REDIS_TESTING_H_
#define HOLDFAST_SERVER_TYPES_REAL_REDIS_TESTING_H_

#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "glog/logging.h"
#include "server/persist/rdb/redis_server_testing.h"

namespace holdfast::server {

// The installed redis-server, for tests that compare values, and a connection
// to it. It does not compress what it dumps. One thread.
class RealRedis {
 public:
  static bool Available() { return access(kRedisServer, X_OK) == 0; }
  RealRedis() : server_(directory_, {"--rdbcompression", "no"}) {
    CHECK(server_.ready()) << server_.log();
    connection_ = server_.Connect();
  }
  // As UnixConnection::Reply(), errors as their text.
  std::string Call(const std::vector<std::string>& args) {
    const std::string reply = connection_->Command(args);
    return absl::StartsWith(reply, "-ERR") ? reply.substr(1) : reply;
  }

 private:
  ScratchDirectory directory_;
  RedisServer server_;
  std::unique_ptr<UnixConnection> connection_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TYPES_REAL_REDIS_TESTING_H_
