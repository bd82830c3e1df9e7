// The HyperLogLog family's commands as data.

#include <vector>

#include "server/commands/hyperloglog.h"
#include "server/commands/hyperloglog_handlers.h"

namespace holdfast::server {
namespace {

constexpr absl::string_view kGroup = "hyperloglog";

KeySpec Noted(KeySpec key, absl::string_view notes) {
  key.notes = notes;
  return key;
}

std::vector<CommandSpec> MakeCommands() {
  return {
      {.name = "pfadd",
       .arity = -2,
       .flags = kWrite | kDenyOom | kFast,
       .keys = {OneKey(kKeyRW | kKeyInsert)},
       .acl = kAclHyperloglog,
       .since = "2.8.9",
       .group = kGroup,
       .complexity = "O(1) for each element",
       .summary =
           "Count elements in a HyperLogLog, which is created if missing",
       .syntax = "key [element [element ...]]",
       .handler = PfAddCommand},
      {.name = "pfcount",
       .arity = -2,
       .flags = kReadonly | kMayReplicate,
       .keys = {Noted(KeyRange(kKeyRW | kKeyAccess, 1, -1),
                      "RW because it may change the internal representation of "
                      "the key, and propagate to replicas")},
       .acl = kAclHyperloglog,
       .since = "2.8.9",
       .group = kGroup,
       .complexity = "O(1) for one key, and very little while it is not "
                     "changed; O(N) with a large constant for N keys.",
       .summary = "Estimate how many different elements HyperLogLogs have seen "
                  "together",
       .syntax = "key [key ...]",
       .handler = PfCountCommand},
      {.name = "pfdebug",
       .arity = 3,
       .flags = kWrite | kDenyOom | kAdmin,
       .keys = {OneKey(kKeyRW | kKeyAccess, 2)},
       .acl = kAclHyperloglog,
       .since = "2.8.9",
       .group = kGroup,
       .complexity = "N/A",
       .summary = "Show the insides of a HyperLogLog",
       .syntax = "subcommand key",
       .handler = PfDebugCommand,
       .system_command = true},
      {.name = "pfmerge",
       .arity = -2,
       .flags = kWrite | kDenyOom,
       .keys = {OneKey(kKeyRW | kKeyAccess | kKeyInsert),
                KeyRange(kKeyRO | kKeyAccess, 2, -1)},
       .acl = kAclHyperloglog,
       .since = "2.8.9",
       .group = kGroup,
       .complexity = "O(N) for N HyperLogLogs, with a large constant",
       .summary = "Merge HyperLogLogs into one",
       .syntax = "destkey sourcekey [sourcekey ...]",
       .handler = PfMergeCommand},
      {.name = "pfselftest",
       .arity = 1,
       .flags = kAdmin,
       .acl = kAclHyperloglog,
       .since = "2.8.9",
       .group = kGroup,
       .complexity = "N/A",
       .summary = "Try HyperLogLogs with random elements",
       .syntax = "",
       .handler = PfSelfTestCommand,
       .system_command = true},
  };
}

}  // namespace

absl::Span<const CommandSpec> HyperLogLogCommands() {
  static const auto* const commands =
      new std::vector<CommandSpec>(MakeCommands());  // Never destroyed.
  return *commands;
}

}  // namespace holdfast::server
