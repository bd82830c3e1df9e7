#include "server/app/logging.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"

namespace holdfast::server {
namespace {

int OpenForAppending(const std::string& path) {
  return open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
}

void WriteAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // A log that cannot be written is not worth an end.
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

class Sink : public google::LogSink {
 public:
  explicit Sink(std::string path) : path_(std::move(path)) {}

  void send(google::LogSeverity severity, const char*, const char* file,
            int line, const google::LogMessageTime& time, const char* message,
            size_t length) override {
    const std::string text = absl::StrCat(
        ToString(severity, file, line, time, message, length), "\n");
    const int fd = path_.empty() ? STDOUT_FILENO : OpenForAppending(path_);
    if (fd < 0) return;
    WriteAll(fd, text);
    if (!path_.empty()) close(fd);
  }

 private:
  const std::string path_;
};

// glog reads its flags without a lock from every thread; a word is stored
// whole.
void ApplyLogLevel(LogLevel level) {
  const int verbosity = level == LogLevel::kDebug     ? 2
                        : level == LogLevel::kVerbose ? 1
                                                      : 0;
  const int least =
      level == LogLevel::kWarning ? google::GLOG_WARNING : google::GLOG_INFO;
  __atomic_store_n(&FLAGS_v, verbosity, __ATOMIC_RELAXED);
  __atomic_store_n(&FLAGS_minloglevel, least, __ATOMIC_RELAXED);
}

}  // namespace

absl::Status StartLogging(const char* program, Config* config) {
  const std::string name = config->String(ConfigId::kLogFile);
  const std::string path = name.empty() ? "" : config->ResolvePath(name);
  if (!path.empty()) {
    const int fd = OpenForAppending(path);
    if (fd < 0)
      return absl::UnavailableError(absl::StrCat("cannot open the log file ",
                                                 path, ": ", strerror(errno)));
    close(fd);
  }
  for (int severity = 0; severity < google::NUM_SEVERITIES; ++severity)
    google::SetLogDestination(severity, "");
  FLAGS_stderrthreshold = google::GLOG_FATAL;
  google::InitGoogleLogging(program);
  google::AddLogSink(new Sink(path));  // For the life of the process.
  // -v on the command line goes for the verbosity until CONFIG SET loglevel.
  const int given = FLAGS_v;
  ApplyLogLevel(config->Enum<LogLevel>(ConfigId::kLogLevel));
  if (given > FLAGS_v) FLAGS_v = given;
  config->OnChange(ConfigId::kLogLevel, [config] {
    ApplyLogLevel(config->Enum<LogLevel>(ConfigId::kLogLevel));
    return absl::OkStatus();
  });
  return absl::OkStatus();
}

PidFile::PidFile(std::string path) : path_(std::move(path)) {
  if (path_.empty()) return;
  const int fd =
      open(path_.c_str(), O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) {
    LOG(WARNING) << "Cannot write the pid file " << path_ << ": "
                 << strerror(errno);
    path_.clear();
    return;
  }
  WriteAll(fd, absl::StrCat(getpid(), "\n"));
  close(fd);
}

PidFile::~PidFile() {
  if (!path_.empty()) unlink(path_.c_str());
}

}  // namespace holdfast::server
