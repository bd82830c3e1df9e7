#ifndef HOLDFAST_SERVER_PERSIST_RDB_REDIS_SERVER_TESTING_H_
#define HOLDFAST_SERVER_PERSIST_RDB_REDIS_SERVER_TESTING_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/persist/rdb/byte_source.h"

namespace holdfast::server {

constexpr char kRedisServer[] = "/usr/bin/redis-server";
constexpr char kRedisCheckRdb[] = "/usr/bin/redis-check-rdb";

// A fresh directory under /tmp (short, for a socket's path), gone at the end.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ~ScratchDirectory();

  const std::string& path() const { return path_; }
  std::string File(absl::string_view name) const;
  void Write(absl::string_view name, absl::string_view contents) const;
  std::string Read(absl::string_view name) const;

 private:
  std::string path_;
};

// A connection to a unix socket, also as a source of bytes. Every read waits at
// most ten seconds.
class UnixConnection : public BufferedSource {
 public:
  explicit UnixConnection(const std::string& path);
  ~UnixConnection() override;

  // Sends one command.
  void Send(const std::vector<std::string>& args);
  // Reads one reply: a status, error ("-...") or bulk as it is, an integer as
  // its digits, an array as its elements with a space between, null as "(nil)".
  std::string Reply();
  std::string Command(const std::vector<std::string>& args);
  // Reads a line, without its end.
  std::string Line();

 protected:
  absl::StatusOr<size_t> ReadSome(char* buffer, size_t size) override;

 private:
  int fd_;
};

// The real thing, as a child of this process on a unix socket in `directory`,
// with the dataset of dump.rdb there if there is one. It ends with this object.
class RedisServer {
 public:
  RedisServer(const ScratchDirectory& directory,
              const std::vector<std::string>& extra_args);
  ~RedisServer();

  // False if it ended before it was ready: log() says why.
  bool ready() const { return ready_; }
  const std::string& log() const { return log_; }
  std::unique_ptr<UnixConnection> Connect() const;

 private:
  std::string socket_path_;
  pid_t pid_ = -1;
  int log_fd_ = -1;
  bool ready_ = false;
  std::string log_;
};

// Runs a program to its end; returns its exit code (-1 if it has none) and adds
// what it prints to *output.
int RunProgram(const std::vector<std::string>& args, std::string* output);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_RDB_REDIS_SERVER_TESTING_H_
