#ifndef HOLDFAST_SERVER_APP_LOGGING_H_
#define HOLDFAST_SERVER_APP_LOGGING_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/config/config.h"

// Where the log of the process goes: glog's lines to `logfile`, or to standard
// output if there is none (as redis-server does, and as those who start it and
// wait for "Ready to accept connections" expect). The file is opened for every
// message, so that it can be rotated by renaming it. A failed check also prints
// its stack on standard error. Process-wide, for main().
namespace holdfast::server {

// Takes glog over, once, before other threads start; follows CONFIG SET
// loglevel from then on. debug and verbose show VLOG(2) and VLOG(1), notice
// INFO, warning WARNING. kUnavailable if the file cannot be opened.
absl::Status StartLogging(const char* program, Config* config);

// The `pidfile`, if there is one: a line with the process's id. What cannot be
// written is logged and does no harm. The destructor removes the file.
class PidFile {
 public:
  explicit PidFile(std::string path);  // "": none.
  ~PidFile();
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

 private:
  std::string path_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_APP_LOGGING_H_
