#ifndef HOLDFAST_SERVER_DISPATCH_REDACT_H_
#define HOLDFAST_SERVER_DISPATCH_REDACT_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// The arguments of a command as they may be shown to others (SLOWLOG, MONITOR):
// passwords, and all that ACL says of a user, replaced by "(redacted)", in the
// places where Redis 7.0 does. The views are those of `args`, or constants.
std::vector<absl::string_view> RedactedArgs(
    const CommandSpec& spec, absl::Span<const absl::string_view> args);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_DISPATCH_REDACT_H_
