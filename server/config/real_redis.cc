#include "server/config/real_redis.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "glog/logging.h"

namespace holdfast::server::config {
namespace {

constexpr char kServer[] = "/usr/bin/redis-server";
constexpr absl::Duration kPatience = absl::Seconds(10);

// Starts the server in `dir`; its output goes to `output_fd`.
pid_t Spawn(const std::string& dir, const std::vector<std::string>& args,
            int output_fd) {
  std::vector<char*> argv = {const_cast<char*>(kServer)};
  for (const std::string& arg : args) {
    argv.push_back(const_cast<char*>(arg.c_str()));
  }
  argv.push_back(nullptr);
  const pid_t pid = fork();
  PCHECK(pid >= 0);
  if (pid == 0) {
    // Only async-signal-safe calls from here on.
    if (chdir(dir.c_str()) != 0) _exit(126);
    dup2(output_fd, STDOUT_FILENO);
    dup2(output_fd, STDERR_FILENO);
    execv(kServer, argv.data());
    _exit(127);
  }
  return pid;
}

}  // namespace

bool RealRedis::Available() {
  if (access(kServer, X_OK) != 0) return false;
  TestDir dir;
  return absl::StrContains(RunRefused(dir.path(), {"--version"}), "v=7.0.");
}

std::string RealRedis::RunRefused(const std::string& dir,
                                  const std::vector<std::string>& args) {
  int fds[2];
  PCHECK(pipe2(fds, O_CLOEXEC) == 0);
  const pid_t pid = Spawn(dir, args, fds[1]);
  close(fds[1]);
  std::string out;
  const absl::Time give_up = absl::Now() + kPatience;
  while (true) {
    pollfd ready = {fds[0], POLLIN, 0};
    const int64_t left = absl::ToInt64Milliseconds(give_up - absl::Now());
    char buffer[4096];
    if (left <= 0 || poll(&ready, 1, static_cast<int>(left)) <= 0) break;
    const ssize_t n = read(fds[0], buffer, sizeof(buffer));
    if (n <= 0) break;
    out.append(buffer, static_cast<size_t>(n));
  }
  close(fds[0]);
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  return out;
}

RealRedis::RealRedis(const std::vector<std::string>& args) {
  const std::string socket_path = dir_.Join("s");
  const int log =
      open(dir_.Join("log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  PCHECK(log >= 0);
  std::vector<std::string> all = args;
  for (const std::string& arg : {std::string("--port"), std::string("0"),
                                 std::string("--unixsocket"), socket_path}) {
    all.push_back(arg);
  }
  pid_ = Spawn(dir_.path(), all, log);
  close(log);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_path.c_str(),
               sizeof(address.sun_path) - 1);
  // No notification is to be had from a foreign server: try until it listens.
  const absl::Time give_up = absl::Now() + kPatience;
  while (true) {
    fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    PCHECK(fd_ >= 0);
    if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) ==
        0) {
      break;
    }
    close(fd_);
    CHECK(absl::Now() < give_up) << dir_.Read("log");
    absl::SleepFor(absl::Milliseconds(5));
  }
  timeval timeout = {absl::ToInt64Seconds(kPatience), 0};
  PCHECK(setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) ==
         0);
}

RealRedis::~RealRedis() {
  if (fd_ >= 0) close(fd_);
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::vector<std::string> RealRedis::Call(
    absl::Span<const std::string> command) {
  std::string request = absl::StrCat("*", command.size(), "\r\n");
  for (const std::string& word : command) {
    absl::StrAppend(&request, "$", word.size(), "\r\n", word, "\r\n");
  }
  PCHECK(send(fd_, request.data(), request.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(request.size()));
  std::vector<std::string> out;
  ReadReply(&out);
  return out;
}

char RealRedis::ReadByte() {
  char c;
  PCHECK(recv(fd_, &c, 1, 0) == 1);
  return c;
}

std::string RealRedis::ReadLine() {
  std::string line;
  while (!absl::EndsWith(line, "\r\n")) line.push_back(ReadByte());
  line.resize(line.size() - 2);
  return line;
}

void RealRedis::ReadReply(std::vector<std::string>* out) {
  const std::string line = ReadLine();
  CHECK(!line.empty());
  int count = 0;
  switch (line[0]) {
    case '*':
      CHECK(absl::SimpleAtoi(line.substr(1), &count));
      for (int i = 0; i < count; ++i) ReadReply(out);
      return;
    case '$': {
      CHECK(absl::SimpleAtoi(line.substr(1), &count));
      if (count < 0) {  // Null: nothing follows.
        out->emplace_back();
        return;
      }
      std::string text;
      for (int i = 0; i < count; ++i) text.push_back(ReadByte());
      ReadLine();
      out->push_back(text);
      return;
    }
    default:
      out->push_back(line.substr(1));
  }
}

}  // namespace holdfast::server::config
