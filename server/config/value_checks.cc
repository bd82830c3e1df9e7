#include "server/config/value_checks.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace holdfast::server::config {
namespace {

bool IsBaseName(absl::string_view value) {
  return !absl::StrContains(value, '/') && !absl::StrContains(value, '\\');
}

}  // namespace

const char* CheckDbFilename(absl::string_view value) {
  return IsBaseName(value) ? nullptr
                           : "dbfilename can't be a path, just a filename";
}

const char* CheckAppendFilename(absl::string_view value) {
  if (value.empty()) return "appendfilename can't be empty";
  return IsBaseName(value) ? nullptr
                           : "appendfilename can't be a path, just a filename";
}

const char* CheckAppendDirname(absl::string_view value) {
  if (value.empty()) return "appenddirname can't be empty";
  return IsBaseName(value) ? nullptr
                           : "appenddirname can't be a path, just a dirname";
}

const char* CheckHostname(absl::string_view value) {
  constexpr size_t kLimit = 256;
  if (value.size() >= kLimit) {
    return "Hostnames must be less than 256 characters";
  }
  for (const unsigned char c : value) {
    if (!absl::ascii_isalnum(c) && c != '-' && c != '.') {
      return "Hostnames may only contain alphanumeric characters, hyphens or "
             "dots";
    }
  }
  return nullptr;
}

const char* CheckProcTitleTemplate(absl::string_view value) {
  static constexpr char kBad[] =
      "template format is invalid or contains unknown variables";
  std::string rest;
  while (!value.empty()) {
    const size_t brace = value.find('{');
    rest.append(value.data(), std::min(brace, value.size()));
    if (brace == absl::string_view::npos) break;
    value.remove_prefix(brace + 1);
    if (absl::ConsumePrefix(&value, "{")) {
      rest.push_back('{');
      continue;
    }
    const size_t end = value.find('}');
    if (end == absl::string_view::npos) return kBad;
    const absl::string_view variable = value.substr(0, end);
    value.remove_prefix(end + 1);
    if (variable == "listen-addr" || variable == "port" ||
        variable == "tls-port") {
      rest.push_back('0');
    } else if (variable != "title" && variable != "server-mode" &&
               variable != "unixsocket" && variable != "config-file") {
      return kBad;
    }
  }
  return absl::StripAsciiWhitespace(rest).empty() ? kBad : nullptr;
}

}  // namespace holdfast::server::config
