#include "testing/harness/child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "glog/logging.h"
#include "net/socket/errors.h"
#include "net/socket/poll.h"
#include "net/socket/socket.h"
#include "net/time/deadline.h"

namespace holdfast::test {
namespace {

// A thread that never ends and runs what it is given, one after the other.
class Spawner {
 public:
  static Spawner* Get() {
    static Spawner* const spawner = new Spawner;
    return spawner;
  }

  void Run(const std::function<void()>& work) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock turn(&turn_mu_);
    absl::MutexLock lock(&mu_);
    work_ = &work;
    mu_.Await(absl::Condition(
        +[](const std::function<void()>** w) { return *w == nullptr; },
        &work_));
  }

 private:
  Spawner() {
    std::thread([this] {
      for (;;) {
        absl::MutexLock lock(&mu_);
        mu_.Await(absl::Condition(
            +[](const std::function<void()>** w) { return *w != nullptr; },
            &work_));
        (*work_)();
        work_ = nullptr;
      }
    }).detach();
  }

  absl::Mutex turn_mu_ ABSL_ACQUIRED_BEFORE(mu_);
  absl::Mutex mu_;
  const std::function<void()>* work_ ABSL_GUARDED_BY(mu_) = nullptr;
};

// Between fork and execv: only what is async-signal-safe. Returns only on
// failure, with errno set.
void BecomeChild(pid_t parent, char* const* argv, const char* directory,
                 const char* log_file) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return;
  if (getppid() != parent) _exit(127);  // It died before prctl(2).
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  if (*directory != '\0' && chdir(directory) < 0) return;
  const int in = open("/dev/null", O_RDONLY);
  const int out = open(log_file, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (in < 0 || out < 0) return;
  if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0) return;
  // At worst the child has descriptors that we forgot to mark.
  syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC);
  execv(argv[0], argv);
}

}  // namespace

std::ostream& operator<<(std::ostream& os, const ExitStatus& status) {
  if (status.signal == 0) return os << "exit code " << status.code;
  return os << "signal " << status.signal << " (" << strsignal(status.signal)
            << ")";
}

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(
    const ChildProcessOptions& options) {
  CHECK(!options.argv.empty());
  std::vector<char*> argv;
  for (const std::string& arg : options.argv) {
    argv.push_back(const_cast<char*>(arg.c_str()));
  }
  argv.push_back(nullptr);
  const std::string log_file =
      options.log_file.empty() ? "/dev/null" : options.log_file;

  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return net::ErrnoStatus(errno, "pipe2");
  net::Socket receive(ends[0]);
  net::Socket send(ends[1]);
  const pid_t parent = getpid();
  pid_t pid = -1;
  int fork_errno = 0;
  Spawner::Get()->Run([&] {
    pid = fork();
    if (pid < 0) fork_errno = errno;
    if (pid != 0) return;
    BecomeChild(parent, argv.data(), options.directory.c_str(),
                log_file.c_str());
    const int err = errno;
    const ssize_t ignored = write(send.fd(), &err, sizeof err);
    (void)ignored;
    _exit(127);
  });
  if (pid < 0) return net::ErrnoStatus(fork_errno, "fork");
  net::Socket pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  PCHECK(pidfd.valid()) << "pidfd_open";
  std::unique_ptr<ChildProcess> child(new ChildProcess(pid, std::move(pidfd)));
  send.Close();
  // Ends when execv(2) closes the child's end, or with its errno.
  int err = 0;
  ssize_t n;
  do {
    n = read(receive.fd(), &err, sizeof err);
  } while (n < 0 && errno == EINTR);
  if (n == sizeof err) return net::ErrnoStatus(err, options.argv[0]);
  return child;
}

ChildProcess::~ChildProcess() {
  (void)Signal(SIGKILL);  // It may have ended.
  const absl::StatusOr<ExitStatus> status =
      WaitForExit(net::Deadline::Never());  // SIGKILL is not refused.
  LOG_IF(ERROR, !status.ok()) << status.status();
}

absl::Status ChildProcess::Signal(int number) {
  if (syscall(SYS_pidfd_send_signal, pidfd_.fd(), number, nullptr, 0) == 0) {
    if (number != SIGSTOP) return absl::OkStatus();
    // Its threads run on for a moment.
    siginfo_t info;
    int rc;
    do {
      rc = waitid(P_PID, static_cast<id_t>(pid_), &info,
                  WSTOPPED | WEXITED | WNOWAIT);
    } while (rc < 0 && errno == EINTR);
    return rc == 0 ? absl::OkStatus() : net::ErrnoStatus(errno, "waitid");
  }
  if (errno == ESRCH) {
    return absl::NotFoundError(absl::StrCat("process ", pid_, " has ended"));
  }
  return net::ErrnoStatus(errno, "pidfd_send_signal");
}

absl::StatusOr<ExitStatus> ChildProcess::WaitForExit(net::Deadline deadline) {
  pollfd entry{pidfd_.fd(), POLLIN, 0};
  const absl::StatusOr<int> ready =
      net::PollUntil(absl::MakeSpan(&entry, 1), deadline);
  if (!ready.ok()) return ready.status();
  if (*ready == 0) {
    return absl::DeadlineExceededError(
        absl::StrCat("process ", pid_, " goes on"));
  }
  absl::MutexLock lock(&mu_);
  if (!reaped_) {
    siginfo_t info{};
    int rc;
    do {
      rc = waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED);
    } while (rc < 0 && errno == EINTR);
    if (rc < 0) return net::ErrnoStatus(errno, "waitid");
    if (info.si_code == CLD_EXITED) {
      status_.code = info.si_status;
    } else {
      status_.signal = info.si_status;
    }
    reaped_ = true;
  }
  return status_;
}

bool ChildProcess::Running() {
  pollfd entry{pidfd_.fd(), POLLIN, 0};
  const int n = poll(&entry, 1, 0);
  return n == 0;
}

}  // namespace holdfast::test
