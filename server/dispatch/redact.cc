#include "server/dispatch/redact.h"

#include <cstddef>

#include "absl/strings/match.h"
#include "server/config/config.h"

namespace holdfast::server {

std::vector<absl::string_view> RedactedArgs(
    const CommandSpec& spec, absl::Span<const absl::string_view> args) {
  std::vector<absl::string_view> out(args.begin(), args.end());
  const auto hide = [&out](size_t i) {
    if (i < out.size()) out[i] = "(redacted)";
  };
  const absl::string_view name = spec.full_name;
  if (name == "auth") {
    for (size_t i = 1; i < args.size(); ++i) hide(i);
  } else if (name == "hello") {
    for (size_t i = 2; i + 2 < args.size(); ++i) {
      if (!absl::EqualsIgnoreCase(args[i], "AUTH")) continue;
      hide(i + 1);
      hide(i + 2);
      break;
    }
  } else if (name == "config|set") {
    for (size_t i = 2; i + 1 < args.size(); i += 2) {
      if (Config::IsSensitive(args[i])) hide(i + 1);
    }
  } else if (name == "acl|setuser" || name == "acl|deluser" ||
             name == "acl|getuser") {
    for (size_t i = 2; i < args.size(); ++i) hide(i);
  } else if (name == "migrate") {
    for (size_t i = 6; i + 1 < args.size(); ++i) {
      if (absl::EqualsIgnoreCase(args[i], "KEYS")) break;
      if (absl::EqualsIgnoreCase(args[i], "AUTH")) hide(++i);
      if (i < args.size() && absl::EqualsIgnoreCase(args[i], "AUTH2")) {
        hide(i + 1);
        hide(i + 2);
        i += 2;
      }
    }
  }
  return out;
}

}  // namespace holdfast::server
