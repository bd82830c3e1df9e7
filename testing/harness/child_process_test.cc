#include "testing/harness/child_process.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"
#include "testing/support/temp_dir.h"
#include "testing/support/wait_for.h"

namespace holdfast::test {
namespace {

using net::Deadline;

Deadline In(absl::Duration d) { return Deadline::After(net::Clock::Real(), d); }

std::unique_ptr<ChildProcess> Shell(const std::string& script,
                                    const TempDir& dir) {
  auto child = ChildProcess::Start({.argv = {"/bin/sh", "-c", script},
                                    .directory = dir.path(),
                                    .log_file = dir.File("log")});
  EXPECT_TRUE(child.ok()) << child.status();
  return child.ok() ? *std::move(child) : nullptr;
}

std::string Read(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(ChildProcessTest, TellsExitCodesFromSignals) {
  TempDir dir;
  EXPECT_EQ(*Shell("exit 0", dir)->WaitForExit(In(absl::Seconds(10))),
            ExitStatus{});
  EXPECT_EQ(Shell("exit 7", dir)->WaitForExit(In(absl::Seconds(10)))->code, 7);
  auto child = Shell("kill -SEGV $$", dir);
  EXPECT_EQ(child->WaitForExit(In(absl::Seconds(10)))->signal, SIGSEGV);
  EXPECT_EQ(child->WaitForExit(In(absl::Seconds(10)))->signal, SIGSEGV);
  EXPECT_FALSE(child->Running());
  EXPECT_EQ(child->Signal(SIGTERM).code(), absl::StatusCode::kNotFound);
}

TEST(ChildProcessTest, LogsBothOutputsAndRunsInItsDirectory) {
  TempDir dir;
  auto child = Shell("pwd; echo oops >&2", dir);
  ASSERT_TRUE(child->WaitForExit(In(absl::Seconds(10))).ok());
  EXPECT_EQ(Read(dir.File("log")), dir.path() + "\noops\n");
}

TEST(ChildProcessTest, SaysWhatCannotBeStarted) {
  auto child = ChildProcess::Start({.argv = {"/no/such/binary"}});
  EXPECT_FALSE(child.ok());
  EXPECT_NE(child.status().message().find("/no/such/binary"),
            std::string::npos);
  child = ChildProcess::Start(
      {.argv = {"/bin/true"}, .directory = "/no/such/directory"});
  EXPECT_FALSE(child.ok());
}

TEST(ChildProcessTest, WaitsNoLongerThanAsked) {
  TempDir dir;
  auto child = Shell("exec sleep 600", dir);
  EXPECT_EQ(child->WaitForExit(In(absl::Milliseconds(10))).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(child->Running());
  EXPECT_TRUE(child->Signal(SIGTERM).ok());
  EXPECT_EQ(child->WaitForExit(In(absl::Seconds(10)))->signal, SIGTERM);
}

TEST(ChildProcessTest, DestructionKillsAndReapsEvenAStoppedChild) {
  TempDir dir;
  auto child = Shell("exec sleep 600", dir);
  const pid_t pid = child->pid();
  EXPECT_TRUE(child->Signal(SIGSTOP).ok());
  child.reset();
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST(ChildProcessTest, OutlivesTheThreadThatStartedIt) {
  TempDir dir;
  std::unique_ptr<ChildProcess> child;
  std::thread([&] { child = Shell("exec sleep 600", dir); }).join();
  EXPECT_EQ(child->WaitForExit(In(absl::Milliseconds(20))).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

// A test process that dies hard leaves no orphan. In a forked process of its
// own, "fast" death tests would have no spawner thread: it is made there anew.
TEST(ChildProcessDeathTest, DiesWithItsParent) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const char* const where = getenv("TEST_TMPDIR");
  const std::string file =
      absl::StrCat(where != nullptr ? where : "/tmp", "/orphan-pid");
  unlink(file.c_str());
  EXPECT_EXIT(
      {
        auto child = ChildProcess::Start({.argv = {"/bin/sleep", "600"}});
        std::ofstream(file) << (*child)->pid();
        raise(SIGKILL);
      },
      ::testing::KilledBySignal(SIGKILL), "");
  int pid = 0;
  ASSERT_TRUE(absl::SimpleAtoi(Read(file), &pid));
  // Gone, or a zombie that init has yet to reap.
  EXPECT_TRUE(WaitFor([&](std::string* seen) {
    *seen = Read(absl::StrCat("/proc/", pid, "/stat"));
    return seen->empty() || seen->find(") Z ") != std::string::npos;
  }));
}

}  // namespace
}  // namespace holdfast::test
