#include "testing/harness/server_process.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "net/client/resp_client.h"
#include "net/dial/dial.h"
#include "net/resp/value.h"
#include "net/socket/stream.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"
#include "testing/harness/child_process.h"
#include "testing/support/port_reservation.h"

namespace holdfast::test {

using net::Deadline;

namespace {

// A foreign process may sit on 0.0.0.0 with our port, which the reservation
// does not keep it from.
constexpr int kStartTries = 3;
constexpr absl::Duration kPingTimeout = absl::Seconds(1);
constexpr absl::Duration kPollPause = absl::Milliseconds(5);
constexpr size_t kMaxTailBytes = 64 * 1024;

constexpr absl::string_view kReports[] = {
    "ERROR: AddressSanitizer",
    "ERROR: LeakSanitizer",
    "WARNING: ThreadSanitizer",
    "ThreadSanitizer: reported",
    "runtime error: ",
    "Check failed: ",
    "=== REDIS BUG REPORT START",
};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// One try, bounded. OK: it is up.
absl::Status Ping(int port, Deadline deadline) {
  net::DialOptions dial;
  dial.timeout = std::min(kPingTimeout, deadline.Remaining());
  absl::StatusOr<std::unique_ptr<net::Stream>> stream =
      net::Dial("127.0.0.1", port, dial);
  if (!stream.ok()) return stream.status();
  net::RespClient client(*std::move(stream));
  const absl::StatusOr<net::Value> reply = client.Call(
      {"PING"}, Deadline::Earlier(deadline, Deadline::After(net::Clock::Real(),
                                                            kPingTimeout)));
  if (!reply.ok()) return reply.status();
  if (reply->is_error() && absl::StartsWith(reply->str(), "LOADING")) {
    return absl::UnavailableError(reply->str());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> FindServerBinary(ServerKind kind) {
  const bool redis = kind == ServerKind::kRedis;
  const char* const variable =
      redis ? "HOLDFAST_REAL_REDIS" : "HOLDFAST_BINARY";
  std::vector<std::string> places;
  if (const char* path = getenv(variable); path != nullptr) {
    places.push_back(path);
  } else if (redis) {
    places.push_back("/usr/bin/redis-server");
  } else {
    const char* const runfiles = getenv("TEST_SRCDIR");
    const char* const workspace = getenv("TEST_WORKSPACE");
    if (runfiles != nullptr) {
      places.push_back(absl::StrCat(runfiles, "/",
                                    workspace ? workspace : "holdfast",
                                    "/server/app/holdfast"));
    }
    char self[4096];
    const ssize_t n = readlink("/proc/self/exe", self, sizeof self);
    if (n > 0) {
      places.push_back(absl::StrCat(absl::string_view(self, n),
                                    ".runfiles/holdfast/server/app/holdfast"));
    }
    places.push_back("bazel-bin/server/app/holdfast");
  }
  for (const std::string& place : places) {
    if (access(place.c_str(), X_OK) != 0) continue;
    // Not resolved: redis-server is a link to a binary that goes by its name.
    return std::filesystem::absolute(place).string();
  }
  return absl::NotFoundError(absl::StrCat("no server binary at ",
                                          absl::StrJoin(places, ", "), " ($",
                                          variable, " overrides)"));
}

bool RealRedisAvailable() { return FindServerBinary(ServerKind::kRedis).ok(); }

absl::StatusOr<std::unique_ptr<ServerProcess>> ServerProcess::Start(
    ServerOptions options) {
  absl::StatusOr<std::string> binary = FindServerBinary(options.kind);
  if (!binary.ok()) return binary.status();
  absl::Status status;
  for (int i = 0; i < kStartTries; ++i) {
    absl::StatusOr<PortReservation> port = PortReservation::Make();
    if (!port.ok()) return port.status();
    std::unique_ptr<ServerProcess> server(
        new ServerProcess(options, *binary, *std::move(port)));
    status = server->Launch();
    if (status.ok()) return server;
    if (server->child_ == nullptr ||
        !server->LogContains("ddress already in use")) {
      break;
    }
  }
  return status;
}

absl::Status ServerProcess::Launch() {
  ChildProcessOptions child;
  child.directory = dir();
  child.log_file = log_file();
  child.argv = {binary_, "--port", absl::StrCat(port()), "--dir", dir()};
  const std::pair<absl::string_view, absl::string_view> defaults[] = {
      {"bind", "127.0.0.1"},
      {"save", ""},
      {"enable-debug-command", "yes"},
  };
  for (const auto& [name, value] : defaults) {
    const bool given =
        std::any_of(options_.flags.begin(), options_.flags.end(),
                    [n = name](const auto& flag) { return flag.first == n; });
    if (given) continue;
    child.argv.push_back(absl::StrCat("--", name));
    child.argv.push_back(std::string(value));
  }
  for (const auto& [name, value] : options_.flags) {
    child.argv.push_back(absl::StrCat("--", name));
    child.argv.push_back(value);
  }
  child.argv.insert(child.argv.end(), options_.args.begin(),
                    options_.args.end());
  end_expected_ = false;
  absl::StatusOr<std::unique_ptr<ChildProcess>> started =
      ChildProcess::Start(child);
  if (!started.ok()) return started.status();
  child_ = *std::move(started);
  if (!options_.wait_until_ready) return absl::OkStatus();
  return WaitUntilReady(
      Deadline::After(net::Clock::Real(), options_.start_timeout));
}

absl::Status ServerProcess::WaitUntilReady(Deadline deadline) {
  absl::Status last = absl::UnavailableError("not asked");
  do {
    if (!Running()) {
      const absl::StatusOr<ExitStatus> exit = child_->WaitForExit(deadline);
      end_expected_ = true;  // Reported here.
      std::ostringstream text;
      text << binary_ << " has ended: ";
      if (exit.ok()) text << *exit;
      text << "\n" << LogTail();
      return absl::UnavailableError(text.str());
    }
    last = Ping(port(), deadline);
    if (last.ok()) return last;
    absl::SleepFor(std::min(kPollPause, deadline.Remaining()));
  } while (!deadline.Expired());
  return absl::DeadlineExceededError(absl::StrCat(
      binary_, " does not answer PING: ", last.ToString(), "\n", LogTail()));
}

ServerProcess::~ServerProcess() {
  if (child_ != nullptr) {
    JudgeTheEnd();
    child_.reset();
  }
  const ::testing::UnitTest* const unit = ::testing::UnitTest::GetInstance();
  if (unit->current_test_info() != nullptr && ::testing::Test::HasFailure()) {
    std::cerr << "--- log of " << binary_ << ", port " << port() << ":\n"
              << LogTail() << "--- end of log\n";
  }
}

void ServerProcess::JudgeTheEnd() {
  if (!end_expected_ && !child_->Running()) {
    const absl::StatusOr<ExitStatus> exit =
        child_->WaitForExit(Deadline::Never());
    ADD_FAILURE() << binary_ << " (port " << port() << ") ended by itself: "
                  << (exit.ok() ? ::testing::PrintToString(*exit)
                                : exit.status().ToString());
  }
  for (absl::string_view report : kReports) {
    if (LogContains(report)) {
      ADD_FAILURE() << "the log of " << binary_ << " (port " << port()
                    << ") has: " << report;
      break;
    }
  }
}

std::string ServerProcess::LogTail(int lines) const {
  std::string text = ReadFile(log_file());
  size_t begin = text.size();
  const size_t least =
      text.size() > kMaxTailBytes ? text.size() - kMaxTailBytes : 0;
  for (int seen = 0; begin > least; --begin) {
    if (text[begin - 1] == '\n' && begin != text.size() && ++seen == lines) {
      break;
    }
  }
  return text.substr(begin);
}

bool ServerProcess::LogContains(absl::string_view text) const {
  return absl::StrContains(ReadFile(log_file()), text);
}

absl::Status ServerProcess::Signal(int number) {
  if (number != SIGSTOP && number != SIGCONT) end_expected_ = true;
  return child_->Signal(number);
}

absl::StatusOr<ExitStatus> ServerProcess::WaitForExit(Deadline deadline) {
  end_expected_ = true;
  return child_->WaitForExit(deadline);
}

absl::Status ServerProcess::Stop(absl::Duration timeout) {
  absl::Status status = Signal(SIGTERM);
  if (!status.ok()) return status;
  const absl::StatusOr<ExitStatus> exit =
      WaitForExit(Deadline::After(net::Clock::Real(), timeout));
  if (!exit.ok()) return exit.status();
  if (exit->ok()) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(binary_, " ended with ",
                                          ::testing::PrintToString(*exit), "\n",
                                          LogTail()));
}

void ServerProcess::Kill() {
  (void)Signal(SIGKILL);  // It may have ended.
  (void)WaitForExit(Deadline::Never());
}

absl::Status ServerProcess::Restart() {
  if (child_->Running()) {
    return absl::FailedPreconditionError("it is running");
  }
  return Launch();
}

void ServerProcess::SetFlag(absl::string_view name, absl::string_view value) {
  for (auto& flag : options_.flags) {
    if (flag.first != name) continue;
    flag.second = std::string(value);
    return;
  }
  options_.flags.emplace_back(std::string(name), std::string(value));
}

}  // namespace holdfast::test
