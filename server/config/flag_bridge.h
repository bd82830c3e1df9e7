#ifndef HOLDFAST_SERVER_CONFIG_FLAG_BRIDGE_H_
#define HOLDFAST_SERVER_CONFIG_FLAG_BRIDGE_H_

#include <string>
#include <utility>
#include <vector>

#include "server/config/value.h"

// Directives as gflags. The flags are the one process-wide state of this
// package, which gflags makes them; servers read their Config, never a flag.
// Not thread-safe: for the start of the process only.
namespace holdfast::server::config {

// Registers a flag for every directive and for config_file, once.
void RegisterFlags();

// The help text of a directive's flag: purpose, unit, range, effect.
std::string FlagHelp(const Directive& directive);

// Hands `args` (no program name) to gflags. Returns the directives that they
// set by way of flag files and the environment, with their values; a set
// config_file comes under that name. Exits for --help and the like, and for
// what gflags calls a fatal error.
std::vector<std::pair<std::string, std::string>> ParseGflags(
    const char* program, const std::vector<std::string>& args);

// Lets the flags show the values in force.
void MirrorToFlags(const ValueSet& set, const std::string& config_file);

}  // namespace holdfast::server::config

#endif  // HOLDFAST_SERVER_CONFIG_FLAG_BRIDGE_H_
