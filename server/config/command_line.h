#ifndef HOLDFAST_SERVER_CONFIG_COMMAND_LINE_H_
#define HOLDFAST_SERVER_CONFIG_COMMAND_LINE_H_

#include <cstdio>

#include "absl/status/status.h"
#include "server/config/config.h"

namespace holdfast::server {

// Reads a command line into `config`:
//
//   holdfast [/path/redis.conf] [-] [--name value [value...]]...
//
// - Every directive is an option, with hyphens or underscores, its value
//   behind it (--save 900 1), in the same argument ("--save 900 1") or after
//   an equals sign (--repl_timeout=60). A yes/no directive may stand alone
//   (--daemonize) or be denied (--nodaemonize).
// - "-", first or last, reads more of the file from `input`.
// - --config_file=PATH is another way to name the file.
// - gflags' and glog's own flags (--v, --flagfile, --help, ...) work as usual;
//   -h is --help and -v, alone, --version. A flag file's or the environment's
//   directives rank between the configuration file and the command line.
// - Options override the file wherever they stand; of two, the later wins.
//
// Call it once, before other threads start: flags are process-wide. Directives
// are real gflags then, holding the values in force (secrets excepted). With
// an error, `config` is unchanged and the message says what is wrong where.
// Like gflags, it exits the process for --help, --version and for a malformed
// value of a gflags or glog flag.
absl::Status ParseCommandLine(int argc, char** argv, Config* config,
                              std::FILE* input = stdin);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_CONFIG_COMMAND_LINE_H_
