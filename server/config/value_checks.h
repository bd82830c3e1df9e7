#ifndef HOLDFAST_SERVER_CONFIG_VALUE_CHECKS_H_
#define HOLDFAST_SERVER_CONFIG_VALUE_CHECKS_H_

#include "absl/strings/string_view.h"

// Checks that single string directives carry in the table. Pure; each returns
// why the value is refused (Redis 7.0.15's words), or nullptr.
namespace holdfast::server::config {

const char* CheckDbFilename(absl::string_view value);
const char* CheckAppendFilename(absl::string_view value);
const char* CheckAppendDirname(absl::string_view value);
const char* CheckHostname(absl::string_view value);

// {title} {listen-addr} {server-mode} {port} {tls-port} {unixsocket}
// {config-file} are known, {{ is a brace, and something must be left when
// those that a plain server has empty are empty.
const char* CheckProcTitleTemplate(absl::string_view value);

}  // namespace holdfast::server::config

#endif  // HOLDFAST_SERVER_CONFIG_VALUE_CHECKS_H_
