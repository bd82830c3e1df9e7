#ifndef HOLDFAST_SERVER_CONFIG_REAL_REDIS_H_
#define HOLDFAST_SERVER_CONFIG_REAL_REDIS_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "server/config/test_dir.h"

namespace holdfast::server::config {

// The installed redis-server, on a Unix socket in a directory of its own, for
// tests that compare. One thread.
class RealRedis {
 public:
  // Whether /usr/bin/redis-server is there and is version 7.0.x.
  static bool Available();

  // Runs it with `args` until it exits, in `dir`; returns what it printed. For
  // configurations that it refuses; killed after some seconds if it does not.
  static std::string RunRefused(const std::string& dir,
                                const std::vector<std::string>& args);

  // `args` come before the options that put it on its socket.
  explicit RealRedis(const std::vector<std::string>& args = {});
  ~RealRedis();
  RealRedis(const RealRedis&) = delete;
  RealRedis& operator=(const RealRedis&) = delete;

  // Sends a command. The reply flattened: bulk strings and simple strings as
  // they are, null as an empty one, an error as its text.
  std::vector<std::string> Call(absl::Span<const std::string> command);

 private:
  char ReadByte();
  std::string ReadLine();
  void ReadReply(std::vector<std::string>* out);

  TestDir dir_;
  pid_t pid_ = -1;
  int fd_ = -1;
};

}  // namespace holdfast::server::config

#endif  // HOLDFAST_SERVER_CONFIG_REAL_REDIS_H_
