#include "server/persist/rdb/redis_server_testing.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"

namespace holdfast::server {
namespace {

constexpr int kWaitMs = 10000;

bool WaitReadable(int fd) {
  pollfd entry = {fd, POLLIN, 0};
  return poll(&entry, 1, kWaitMs) == 1;
}

// Starts a program whose output comes out of *output_fd.
pid_t Spawn(const std::vector<std::string>& args, int* output_fd) {
  int ends[2];
  PCHECK(pipe2(ends, O_CLOEXEC) == 0);
  std::vector<char*> argv;
  for (const std::string& arg : args) {
    argv.push_back(const_cast<char*>(arg.c_str()));
  }
  argv.push_back(nullptr);
  const pid_t pid = fork();
  PCHECK(pid >= 0);
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    execv(argv[0], argv.data());
    _exit(127);
  }
  close(ends[1]);
  *output_fd = ends[0];
  return pid;
}

// False at the end of the output, and after kWaitMs of silence.
bool ReadOutput(int fd, std::string* output) {
  if (!WaitReadable(fd)) return false;
  char buffer[4096];
  const ssize_t n = read(fd, buffer, sizeof(buffer));
  if (n <= 0) return false;
  output->append(buffer, static_cast<size_t>(n));
  return true;
}

}  // namespace

ScratchDirectory::ScratchDirectory() {
  char pattern[] = "/tmp/holdfast_rdb_XXXXXX";
  PCHECK(mkdtemp(pattern) != nullptr);
  path_ = pattern;
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string ScratchDirectory::File(absl::string_view name) const {
  return absl::StrCat(path_, "/", name);
}

void ScratchDirectory::Write(absl::string_view name,
                             absl::string_view contents) const {
  std::ofstream file(File(name), std::ios::binary | std::ios::trunc);
  file.write(contents.data(), static_cast<std::streamsize>(contents.size()));
  CHECK(file.good());
}

std::string ScratchDirectory::Read(absl::string_view name) const {
  std::ifstream file(File(name), std::ios::binary);
  std::ostringstream contents;
  contents << file.rdbuf();
  return contents.str();
}

UnixConnection::UnixConnection(const std::string& path)
    : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  PCHECK(fd_ >= 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  CHECK_LT(path.size(), sizeof(address.sun_path));
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  PCHECK(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) ==
         0);
}

UnixConnection::~UnixConnection() { close(fd_); }

absl::StatusOr<size_t> UnixConnection::ReadSome(char* buffer, size_t size) {
  if (!WaitReadable(fd_)) {
    return absl::DeadlineExceededError("redis-server is silent");
  }
  const ssize_t n = read(fd_, buffer, size);
  if (n < 0) return absl::UnavailableError(std::strerror(errno));
  return static_cast<size_t>(n);
}

void UnixConnection::Send(const std::vector<std::string>& args) {
  std::string out = absl::StrCat("*", args.size(), "\r\n");
  for (const std::string& arg : args) {
    absl::StrAppend(&out, "$", arg.size(), "\r\n", arg, "\r\n");
  }
  for (size_t sent = 0; sent < out.size();) {
    const ssize_t n =
        send(fd_, out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
    PCHECK(n > 0);
    sent += static_cast<size_t>(n);
  }
}

std::string UnixConnection::Line() {
  std::string line;
  while (!absl::EndsWith(line, "\r\n")) {
    const absl::StatusOr<absl::string_view> view = Peek(1);
    CHECK(view.ok()) << view.status();
    CHECK(!view->empty()) << "closed after '" << line << "'";
    line.push_back((*view)[0]);
    Consume(1);
  }
  return line.substr(0, line.size() - 2);
}

std::string UnixConnection::Reply() {
  const std::string line = Line();
  CHECK(!line.empty());
  int64_t number = 0;
  switch (line[0]) {
    case '+':
    case ':':
      return line.substr(1);
    case '-':
      return line;
    case '$': {
      CHECK(absl::SimpleAtoi(line.substr(1), &number));
      if (number < 0) return "(nil)";
      std::string bulk;
      const size_t wanted = static_cast<size_t>(number) + 2;
      while (bulk.size() < wanted) {
        const absl::StatusOr<absl::string_view> view = Peek(1);
        CHECK(view.ok() && !view->empty());
        const absl::string_view piece = view->substr(0, wanted - bulk.size());
        bulk.append(piece.data(), piece.size());
        Consume(piece.size());
      }
      bulk.resize(wanted - 2);
      return bulk;
    }
    case '*': {
      CHECK(absl::SimpleAtoi(line.substr(1), &number));
      std::string all;
      for (int64_t i = 0; i < number; ++i) {
        absl::StrAppend(&all, i == 0 ? "" : " ", Reply());
      }
      return all;
    }
    default:
      LOG(FATAL) << "not a reply: " << line;
  }
}

std::string UnixConnection::Command(const std::vector<std::string>& args) {
  Send(args);
  return Reply();
}

RedisServer::RedisServer(const ScratchDirectory& directory,
                         const std::vector<std::string>& extra_args)
    : socket_path_(directory.File("socket")) {
  std::vector<std::string> args = {kRedisServer,
                                   "--port",
                                   "0",
                                   "--unixsocket",
                                   socket_path_,
                                   "--dir",
                                   directory.path(),
                                   "--dbfilename",
                                   "dump.rdb",
                                   "--save",
                                   "",
                                   "--enable-debug-command",
                                   "yes",
                                   "--daemonize",
                                   "no"};
  args.insert(args.end(), extra_args.begin(), extra_args.end());
  pid_ = Spawn(args, &log_fd_);
  while (!ready_ && ReadOutput(log_fd_, &log_)) {
    ready_ = absl::StrContains(log_, "eady to accept connections");
  }
}

RedisServer::~RedisServer() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  close(log_fd_);
}

std::unique_ptr<UnixConnection> RedisServer::Connect() const {
  return std::make_unique<UnixConnection>(socket_path_);
}

int RunProgram(const std::vector<std::string>& args, std::string* output) {
  int fd = -1;
  const pid_t pid = Spawn(args, &fd);
  while (ReadOutput(fd, output)) {
  }
  close(fd);
  kill(pid, SIGKILL);  // Only matters if it was silent for too long.
  int status = 0;
  PCHECK(waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace holdfast::server
