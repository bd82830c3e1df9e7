#ifndef HOLDFAST_TESTING_HARNESS_SERVER_PROCESS_H_
#define HOLDFAST_TESTING_HARNESS_SERVER_PROCESS_H_

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"
#include "testing/harness/child_process.h"
#include "testing/support/port_reservation.h"
#include "testing/support/temp_dir.h"

namespace holdfast::test {

enum class ServerKind {
  kHoldfast,  // //server/app:holdfast
  kRedis,     // The real redis-server of this machine.
};

struct ServerOptions {
  ServerKind kind = ServerKind::kHoldfast;
  // {"repl-timeout", "5"} becomes `--repl-timeout 5`, after the harness's own
  // (port, bind 127.0.0.1, dir, save "", DEBUG allowed), so it may override
  // these, but for port and dir.
  std::vector<std::pair<std::string, std::string>> flags = {};
  // Appended as they are: {"--rename-command", "KEYS", ""}.
  std::vector<std::string> args = {};
  // How long it may take until it answers PING.
  absl::Duration start_timeout = absl::Seconds(20);
  // False: Start() returns as soon as the process runs; WaitUntilReady() later.
  bool wait_until_ready = true;
};

// Where the binary is: $HOLDFAST_BINARY / $HOLDFAST_REAL_REDIS when set, else
// the runfiles of the test (it needs data = ["//server/app:holdfast"]) and
// /usr/bin/redis-server. kNotFound.
absl::StatusOr<std::string> FindServerBinary(ServerKind kind);
// Whether tests against the real server can run; else GTEST_SKIP().
bool RealRedisAvailable();

// A server as a child process: on a port of 127.0.0.1 and in a temporary
// directory that are its own for the life of this object, also over Restart().
//
// The destructor kills and reaps it. It prints the end of the server's log when
// the running test has failed, and makes the test fail when the server had
// ended by itself in a way nobody asked for (a crash, a failed CHECK) or its
// log has a sanitizer's report.
//
// Thread-compatible; Signal() from any thread.
class ServerProcess {
 public:
  // The failure has the end of the server's log in its text.
  static absl::StatusOr<std::unique_ptr<ServerProcess>> Start(
      ServerOptions options = {});
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  int port() const { return port_.port(); }
  const std::string& dir() const { return dir_.path(); }
  std::string log_file() const { return dir_.File("server.log"); }
  ServerKind kind() const { return options_.kind; }
  pid_t pid() const { return child_->pid(); }

  // The last `lines` lines of what it printed.
  std::string LogTail(int lines = 60) const;
  bool LogContains(absl::string_view text) const;

  // Until it answers PING with PONG, or with an error that only a server that
  // is up gives (NOAUTH, MASTERDOWN; not LOADING). kDeadlineExceeded, or
  // kUnavailable when it has ended.
  absl::Status WaitUntilReady(net::Deadline deadline);

  // SIGSTOP, SIGCONT, SIGTERM, SIGKILL, ... The end that follows is no failure.
  absl::Status Signal(int number);
  // See ChildProcess. A caller that waits has asked for the end.
  absl::StatusOr<ExitStatus> WaitForExit(net::Deadline deadline);
  bool Running() { return child_->Running(); }

  // SIGTERM and wait; kDeadlineExceeded, or kInternal if it did not exit with
  // 0.
  absl::Status Stop(absl::Duration timeout = absl::Seconds(20));
  // SIGKILL and wait: a crash.
  void Kill();
  // Starts it again, after Stop(), Kill() or its own end, with the same
  // port, directory and flags.
  absl::Status Restart();

  // For the next Restart(). Replaces a flag of that name.
  void SetFlag(absl::string_view name, absl::string_view value);

 private:
  ServerProcess(ServerOptions options, std::string binary, PortReservation port)
      : options_(std::move(options)),
        binary_(std::move(binary)),
        port_(std::move(port)) {}

  absl::Status Launch();
  void JudgeTheEnd();

  ServerOptions options_;
  const std::string binary_;
  const PortReservation port_;
  TempDir dir_;
  std::unique_ptr<ChildProcess> child_;
  std::atomic<bool> end_expected_{false};  // Signal() sets it.
};

}  // namespace holdfast::test

#endif  // HOLDFAST_TESTING_HARNESS_SERVER_PROCESS_H_
