// The commands on named keys as data.

#include <vector>

#include "server/commands/keys.h"
#include "server/commands/keys_handlers.h"

namespace holdfast::server {
namespace {

constexpr absl::string_view kGeneric = "generic";
constexpr absl::string_view kConstant = "O(1)";
constexpr absl::string_view kByKeys = "O(N), N being the number of keys";
constexpr uint32_t kReadExpiry = kKeyRO | kKeyAccess;

std::vector<absl::string_view> SumOverShards() {
  return {"request_policy:multi_shard", "response_policy:agg_sum"};
}
std::vector<HistoryNote> ConditionsAdded() {
  return {{"7.0.0", "Added the conditions `NX`, `XX`, `GT` and `LT`."}};
}

std::vector<CommandSpec> NamedKeyCommands() {
  return {
      {.name = "copy",
       .arity = -3,
       .flags = kWrite | kDenyOom,
       .keys = {OneKey(kKeyRO | kKeyAccess), OneKey(kKeyOW | kKeyUpdate, 2)},
       .acl = kAclKeyspace,
       .since = "6.2.0",
       .group = kGeneric,
       .complexity = "O(N), N being the number of elements of a collection; "
                     "O(1) for a string.",
       .summary = "Copy a value to another key",
       .syntax = "source destination [DB destination-db] [REPLACE]",
       .handler = CopyCommand},
      {.name = "del",
       .arity = -2,
       .flags = kWrite,
       .keys = {KeyRange(kKeyRM | kKeyDelete, 1, -1)},
       .acl = kAclKeyspace,
       .since = "1.0.0",
       .group = kGeneric,
       .complexity = kByKeys,
       .summary = "Delete keys",
       .syntax = "key [key ...]",
       .tips = SumOverShards(),
       .handler = DelCommand},
      {.name = "exists",
       .arity = -2,
       .flags = kReadonly | kFast,
       .keys = {KeyRange(kKeyRO, 1, -1)},
       .acl = kAclKeyspace,
       .since = "1.0.0",
       .group = kGeneric,
       .complexity = kByKeys,
       .summary = "Count those of the keys that exist",
       .syntax = "key [key ...]",
       .tips = SumOverShards(),
       .handler = ExistsCommand,
       .history = {{"3.0.3", "Takes more than one key."}}},
      {.name = "move",
       .arity = 3,
       .flags = kWrite | kFast,
       .keys = {OneKey(kKeyRW | kKeyAccess | kKeyUpdate)},
       .acl = kAclKeyspace,
       .since = "1.0.0",
       .group = kGeneric,
       .complexity = kConstant,
       .summary = "Move a key to another database",
       .syntax = "key db",
       .handler = MoveCommand},
      {.name = "rename",
       .arity = 3,
       .flags = kWrite,
       .keys = {OneKey(kKeyRW | kKeyAccess | kKeyDelete),
                OneKey(kKeyOW | kKeyUpdate, 2)},
       .acl = kAclKeyspace,
       .since = "1.0.0",
       .group = kGeneric,
       .complexity = kConstant,
       .summary = "Give a key another name, in place of what has that name",
       .syntax = "key newkey",
       .handler = RenameCommand},
      {.name = "renamenx",
       .arity = 3,
       .flags = kWrite | kFast,
       .keys = {OneKey(kKeyRW | kKeyAccess | kKeyDelete),
                OneKey(kKeyOW | kKeyInsert, 2)},
       .acl = kAclKeyspace,
       .since = "1.0.0",
       .group = kGeneric,
       .complexity = kConstant,
       .summary =
           "Give a key another name, provided that nothing has that name",
       .syntax = "key newkey",
       .handler = RenameNxCommand,
       .history = {{"3.2.0", "The same name twice is no error any more."}}},
      {.name = "touch",
       .arity = -2,
       .flags = kReadonly | kFast,
       .keys = {KeyRange(kKeyRO, 1, -1)},
       .acl = kAclKeyspace,
       .since = "3.2.1",
       .group = kGeneric,
       .complexity = kByKeys,
       .summary =
           "Make keys count as used just now; tells how many of them exist",
       .syntax = "key [key ...]",
       .tips = SumOverShards(),
       .handler = TouchCommand},
      {.name = "type",
       .arity = 2,
       .flags = kReadonly | kFast,
       .keys = {OneKey(kKeyRO)},
       .acl = kAclKeyspace,
       .since = "1.0.0",
       .group = kGeneric,
       .complexity = kConstant,
       .summary = "Tell the type of a key's value",
       .syntax = "key",
       .handler = TypeCommand},
      {.name = "unlink",
       .arity = -2,
       .flags = kWrite | kFast,
       .keys = {KeyRange(kKeyRM | kKeyDelete, 1, -1)},
       .acl = kAclKeyspace,
       .since = "4.0.0",
       .group = kGeneric,
       .complexity = kByKeys,
       .summary = "Delete keys; their values are freed in the background",
       .syntax = "key [key ...]",
       .tips = SumOverShards(),
       .handler = DelCommand},
  };
}

CommandSpec ExpireSpec(absl::string_view name, absl::string_view since,
                       absl::string_view syntax, absl::string_view summary,
                       CommandHandler handler) {
  return {.name = name,
          .arity = -3,
          .flags = kWrite | kFast,
          .keys = {OneKey(kKeyRW | kKeyUpdate)},
          .acl = kAclKeyspace,
          .since = since,
          .group = kGeneric,
          .complexity = kConstant,
          .summary = summary,
          .syntax = syntax,
          .handler = handler,
          .history = ConditionsAdded()};
}

CommandSpec ExpiryReaderSpec(absl::string_view name, absl::string_view since,
                             absl::string_view summary,
                             CommandHandler handler) {
  return {.name = name,
          .arity = 2,
          .flags = kReadonly | kFast,
          .keys = {OneKey(kReadExpiry)},
          .acl = kAclKeyspace,
          .since = since,
          .group = kGeneric,
          .complexity = kConstant,
          .summary = summary,
          .syntax = "key",
          .handler = handler};
}

std::vector<CommandSpec> ExpiryCommands() {
  std::vector<CommandSpec> commands = {
      ExpireSpec("expire", "1.0.0",
                 "key seconds condition:[NX | XX | GT | LT]@7.0.0",
                 "Let a key expire after some seconds", ExpireCommand),
      ExpireSpec("expireat", "1.2.0",
                 "key unix-time-seconds condition:[NX | XX | GT | LT]@7.0.0",
                 "Let a key expire at a point in time, in seconds",
                 ExpireAtCommand),
      ExpireSpec("pexpire", "2.6.0",
                 "key milliseconds condition:[NX | XX | GT | LT]@7.0.0",
                 "Let a key expire after some milliseconds", PExpireCommand),
      ExpireSpec(
          "pexpireat", "2.6.0",
          "key unix-time-milliseconds condition:[NX | XX | GT | LT]@7.0.0",
          "Let a key expire at a point in time, in milliseconds",
          PExpireAtCommand),
      ExpiryReaderSpec("expiretime", "7.0.0",
                       "Tell when a key expires, in seconds since the epoch",
                       ExpireTimeCommand),
      ExpiryReaderSpec(
          "pexpiretime", "7.0.0",
          "Tell when a key expires, in milliseconds since the epoch",
          PExpireTimeCommand),
      ExpiryReaderSpec("ttl", "1.0.0", "Tell how many seconds a key has left",
                       TtlCommand),
      ExpiryReaderSpec("pttl", "2.6.0",
                       "Tell how many milliseconds a key has left",
                       PTtlCommand),
      {.name = "persist",
       .arity = 2,
       .flags = kWrite | kFast,
       .keys = {OneKey(kKeyRW | kKeyUpdate)},
       .acl = kAclKeyspace,
       .since = "2.2.0",
       .group = kGeneric,
       .complexity = kConstant,
       .summary = "Let a key expire no more",
       .syntax = "key",
       .handler = PersistCommand},
  };
  for (CommandSpec& command : commands) {
    if (command.name != "ttl" && command.name != "pttl") continue;
    command.tips = {"nondeterministic_output"};
    command.history = {{"2.8.0", "Answers -2 for a key that does not exist."}};
  }
  return commands;
}

std::vector<CommandSpec> MakeCommands() {
  std::vector<CommandSpec> commands = NamedKeyCommands();
  for (const CommandSpec& command : ExpiryCommands())
    commands.push_back(command);
  return commands;
}

}  // namespace

absl::Span<const CommandSpec> KeyCommands() {
  static const auto* const commands =
      new std::vector<CommandSpec>(MakeCommands());  // Never destroyed.
  return *commands;
}

}  // namespace holdfast::server
