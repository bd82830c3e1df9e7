#ifndef HOLDFAST_TESTING_HARNESS_CHILD_PROCESS_H_
#define HOLDFAST_TESTING_HARNESS_CHILD_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "net/socket/socket.h"
#include "net/time/deadline.h"

namespace holdfast::test {

// How a process ended.
struct ExitStatus {
  int code = 0;    // Of exit(3); 0 when a signal ended it.
  int signal = 0;  // 0: none.

  bool ok() const { return code == 0 && signal == 0; }
  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};
std::ostream& operator<<(std::ostream& os, const ExitStatus& status);

struct ChildProcessOptions {
  std::vector<std::string> argv = {};  // argv[0]: the binary's path.
  std::string directory = {};          // Its working directory; empty: ours.
  std::string log_file = {};  // Both outputs, appended; empty: /dev/null.
};

// A child process that never outlives this object, nor the test: the destructor
// kills and reaps it, and the kernel kills it when we die before that
// (PR_SET_PDEATHSIG). All children are started by one thread that lives as long
// as the process, since the kernel means the death of the thread that forked.
// A pidfd stands for the child, so no signal can hit a reused process id.
// Thread-safe.
class ChildProcess {
 public:
  // Fails with the errno of whatever failed, also of execv(2) in the child.
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(
      const ChildProcessOptions& options);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }

  // kNotFound when it has ended. SIGSTOP: returns once it stands still.
  absl::Status Signal(int number);

  // Blocks until it has ended and reaps it. kDeadlineExceeded. May be called
  // again and then says the same.
  absl::StatusOr<ExitStatus> WaitForExit(net::Deadline deadline);

  // Whether it has not ended yet. Does not block.
  bool Running();

 private:
  ChildProcess(pid_t pid, net::Socket pidfd)
      : pid_(pid), pidfd_(static_cast<net::Socket&&>(pidfd)) {}

  const pid_t pid_;
  const net::Socket pidfd_;
  absl::Mutex mu_;
  bool reaped_ ABSL_GUARDED_BY(mu_) = false;
  ExitStatus status_ ABSL_GUARDED_BY(mu_);
};

}  // namespace holdfast::test

#endif  // HOLDFAST_TESTING_HARNESS_CHILD_PROCESS_H_
