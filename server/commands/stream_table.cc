// The stream family's commands as data.

#include <vector>

#include "server/commands/stream.h"
#include "server/commands/stream_handlers.h"

namespace holdfast::server {
namespace {

constexpr absl::string_view kByTime = "nondeterministic_output";

KeySpec KeysAfterStreams(int from) {
  KeySpec spec;
  spec.flags = kKeyRO | kKeyAccess;
  spec.begin = KeySpec::Begin::kKeyword;
  spec.keyword = "STREAMS";
  spec.index = from;
  spec.last = -1;
  spec.limit = 2;
  return spec;
}

KeySpec AddedTo() {
  KeySpec spec = OneKey(kKeyRW | kKeyUpdate);
  spec.notes =
      "UPDATE instead of INSERT because of the optional trimming "
      "feature";
  return spec;
}

CommandSpec HelpSpec(CommandHandler handler) {
  return {.name = "help",
          .arity = 2,
          .flags = kLoading | kStale,
          .acl = kAclStream,
          .since = "5.0.0",
          .group = "stream",
          .complexity = "O(1)",
          .summary = "Describe the subcommands",
          .handler = handler};
}

std::vector<CommandSpec> EntryCommands() {
  return {
      {.name = "xadd",
       .arity = -5,
       .flags = kWrite | kDenyOom | kFast,
       .keys = {AddedTo()},
       .acl = kAclStream,
       .since = "5.0.0",
       .group = "stream",
       .complexity =
           "O(1) for the new entry, O(N) for N entries that are trimmed.",
       .summary = "Put an entry behind a stream, which is created if missing",
       .syntax = "key [NOMKSTREAM@6.2.0] trim:[strategy:<MAXLEN | MINID@6.2.0> "
                 "operator:[equal:= | approximately:~] threshold [LIMIT "
                 "count@6.2.0]] id_or_auto:<auto_id:* | id> field value "
                 "[field value ...]",
       .tips = {kByTime},
       .handler = XAddCommand,
       .history = {{"6.2.0",
                    "Added the options `NOMKSTREAM`, `MINID` and "
                    "`LIMIT`."},
                   {"7.0.0", "Accepts an id of the form `<ms>-*`."}}},
      {.name = "xtrim",
       .arity = -4,
       .flags = kWrite,
       .keys = {OneKey(kKeyRW | kKeyDelete)},
       .acl = kAclStream,
       .since = "5.0.0",
       .group = "stream",
       .complexity = "O(N), N being the number of entries trimmed; whole nodes "
                     "at a time.",
       .summary = "Take the oldest entries out of a stream",
       .syntax = "key trim:<strategy:<MAXLEN | MINID@6.2.0> operator:[equal:= "
                 "| approximately:~] threshold [LIMIT count@6.2.0]>",
       .tips = {kByTime},
       .handler = XTrimCommand,
       .history = {{"6.2.0", "Added the options `MINID` and `LIMIT`."}}},
      {.name = "xdel",
       .arity = -3,
       .flags = kWrite | kFast,
       .keys = {OneKey(kKeyRW | kKeyDelete)},
       .acl = kAclStream,
       .since = "5.0.0",
       .group = "stream",
       .complexity = "O(1) for each entry, whatever the stream's length.",
       .summary = "Delete entries of a stream by their ids",
       .syntax = "key id [id ...]",
       .handler = XDelCommand},
      {.name = "xsetid",
       .arity = -3,
       .flags = kWrite | kDenyOom | kFast,
       .keys = {OneKey(kKeyRW | kKeyUpdate)},
       .acl = kAclStream,
       .since = "5.0.0",
       .group = "stream",
       .complexity = "O(1)",
       .summary = "Set what a stream knows of ids that were given (for "
                  "replicas)",
       .syntax = "key last-id [ENTRIESADDED entries_added:integer@7.0.0] "
                 "[MAXDELETEDID max_deleted_entry_id@7.0.0]",
       .handler = XSetIdCommand,
       .history = {{"7.0.0",
                    "Added the arguments `entries_added` and "
                    "`max_deleted_entry_id`."}}},
      {.name = "xlen",
       .arity = 2,
       .flags = kReadonly | kFast,
       .keys = {OneKey(kKeyRO)},
       .acl = kAclStream,
       .since = "5.0.0",
       .group = "stream",
       .complexity = "O(1)",
       .summary = "Count the entries of a stream",
       .syntax = "key",
       .handler = XLenCommand},
      {.name = "xrange",
       .arity = -4,
       .flags = kReadonly,
       .keys = {OneKey(kKeyRO | kKeyAccess)},
       .acl = kAclStream,
       .since = "5.0.0",
       .group = "stream",
       .complexity = "O(N), N being the number of entries read.",
       .summary = "Read the entries of a stream between two ids",
       .syntax = "key start:string end:string [COUNT count]",
       .handler = XRangeCommand,
       .history = {{"6.2.0", "An end can be excluded."}}},
      {.name = "xrevrange",
       .arity = -4,
       .flags = kReadonly,
       .keys = {OneKey(kKeyRO | kKeyAccess)},
       .acl = kAclStream,
       .since = "5.0.0",
       .group = "stream",
       .complexity = "O(N), N being the number of entries read.",
       .summary =
           "Read the entries of a stream between two ids, the last one first",
       .syntax = "key end:string start:string [COUNT count]",
       .handler = XRevRangeCommand,
       .history = {{"6.2.0", "An end can be excluded."}}},
      {.name = "xread",
       .arity = -4,
       .flags = kReadonly | kBlocking,
       .keys = {KeysAfterStreams(1)},
       .acl = kAclStream,
       .since = "5.0.0",
       .group = "stream",
       .complexity = "O(N), N being the number of entries read. XADD takes "
                     "O(M) for M clients that wait for the stream.",
       .summary = "Read the entries of streams behind the given ids, or wait "
                  "until there are some",
       .syntax = "[COUNT count] [BLOCK milliseconds] <streams:STREAMS key "
                 "[key ...] id [id ...]>",
       .handler = XReadCommand},
  };
}

CommandSpec XGroup() {
  return {.name = "xgroup",
          .arity = -2,
          .since = "5.0.0",
          .group = "stream",
          .complexity = "Depends on the subcommand.",
          .summary = "A container of commands on consumer groups",
          .subcommands = {
              {.name = "create",
               .arity = -5,
               .flags = kWrite | kDenyOom,
               .keys = {OneKey(kKeyRW | kKeyInsert, 2)},
               .acl = kAclStream,
               .since = "5.0.0",
               .group = "stream",
               .complexity = "O(1)",
               .summary = "Make a consumer group",
               .syntax = "key groupname id:<id | new_id:$> [MKSTREAM] "
                         "[ENTRIESREAD entries_read:integer]",
               .handler = XGroupCreateCommand,
               .history = {{"7.0.0", "Added the argument `entries_read`."}}},
              {.name = "createconsumer",
               .arity = 5,
               .flags = kWrite | kDenyOom,
               .keys = {OneKey(kKeyRW | kKeyInsert, 2)},
               .acl = kAclStream,
               .since = "6.2.0",
               .group = "stream",
               .complexity = "O(1)",
               .summary = "Make a consumer in a group",
               .syntax = "key groupname consumername",
               .handler = XGroupCreateConsumerCommand},
              {.name = "delconsumer",
               .arity = 5,
               .flags = kWrite,
               .keys = {OneKey(kKeyRW | kKeyDelete, 2)},
               .acl = kAclStream,
               .since = "5.0.0",
               .group = "stream",
               .complexity = "O(1)",
               .summary = "Delete a consumer of a group",
               .syntax = "key groupname consumername",
               .handler = XGroupDelConsumerCommand},
              {.name = "destroy",
               .arity = 4,
               .flags = kWrite,
               .keys = {OneKey(kKeyRW | kKeyDelete, 2)},
               .acl = kAclStream,
               .since = "5.0.0",
               .group = "stream",
               .complexity = "O(N), N being the entries that are pending.",
               .summary = "Delete a consumer group",
               .syntax = "key groupname",
               .handler = XGroupDestroyCommand},
              HelpSpec(XGroupHelpCommand),
              {.name = "setid",
               .arity = -5,
               .flags = kWrite,
               .keys = {OneKey(kKeyRW | kKeyUpdate, 2)},
               .acl = kAclStream,
               .since = "5.0.0",
               .group = "stream",
               .complexity = "O(1)",
               .summary = "Set the id behind which a group reads on",
               .syntax = "key groupname id:<id | new_id:$> "
                         "[ENTRIESREAD entries_read:integer]",
               .handler = XGroupSetIdCommand,
               .history = {{"7.0.0", "Added the argument `entries_read`."}}},
          }};
}

CommandSpec XInfo() {
  return {.name = "xinfo",
          .arity = -2,
          .since = "5.0.0",
          .group = "stream",
          .complexity = "Depends on the subcommand.",
          .summary = "A container of commands that tell of streams",
          .subcommands = {
              {.name = "consumers",
               .arity = 4,
               .flags = kReadonly,
               .keys = {OneKey(kKeyRO | kKeyAccess, 2)},
               .acl = kAclStream,
               .since = "5.0.0",
               .group = "stream",
               .complexity = "O(N), N being the number of consumers.",
               .summary = "Tell of the consumers of a group",
               .syntax = "key groupname",
               .tips = {kByTime},
               .handler = XInfoConsumersCommand},
              {.name = "groups",
               .arity = 3,
               .flags = kReadonly,
               .keys = {OneKey(kKeyRO | kKeyAccess, 2)},
               .acl = kAclStream,
               .since = "5.0.0",
               .group = "stream",
               .complexity = "O(N), N being the number of groups.",
               .summary = "Tell of the consumer groups of a stream",
               .syntax = "key",
               .handler = XInfoGroupsCommand,
               .history = {{"7.0.0",
                            "Added the fields `entries-read` and `lag`."}}},
              HelpSpec(XInfoHelpCommand),
              {.name = "stream",
               .arity = -3,
               .flags = kReadonly,
               .keys = {OneKey(kKeyRO | kKeyAccess, 2)},
               .acl = kAclStream,
               .since = "5.0.0",
               .group = "stream",
               .complexity = "O(1); with FULL, O(N) for what is shown.",
               .summary = "Tell of a stream",
               .syntax = "key [FULL [COUNT count]]",
               .handler = XInfoStreamCommand,
               .history = {{"6.0.0", "Added the option `FULL`."},
                           {"7.0.0",
                            "Added the fields `max-deleted-entry-id`, "
                            "`entries-added`, `recorded-first-entry-id`, "
                            "`entries-read` and `lag`."}}},
          }};
}

std::vector<CommandSpec> GroupCommands() {
  return {
      {.name = "xreadgroup",
       .arity = -7,
       .flags = kWrite | kBlocking,
       .keys = {KeysAfterStreams(4)},
       .acl = kAclStream,
       .since = "5.0.0",
       .group = "stream",
       .complexity = "O(N), N being the number of entries read. XADD takes "
                     "O(M) for M clients that wait for the stream.",
       .summary = "Read, for a consumer of a group, what is new in streams, or "
                  "wait until something is; or what is pending for it",
       .syntax = "<GROUP group consumer> [COUNT count] [BLOCK milliseconds] "
                 "[NOACK] <streams:STREAMS key [key ...] id "
                 "[id ...]>",
       .handler = XReadGroupCommand},
      XGroup(),
      {.name = "xack",
       .arity = -4,
       .flags = kWrite | kFast,
       .keys = {OneKey(kKeyRW | kKeyUpdate)},
       .acl = kAclStream,
       .since = "5.0.0",
       .group = "stream",
       .complexity = "O(1) for each id.",
       .summary = "Say that entries which were delivered are done with: they "
                  "are no longer pending",
       .syntax = "key group id [id ...]",
       .handler = XAckCommand},
      {.name = "xpending",
       .arity = -3,
       .flags = kReadonly,
       .keys = {OneKey(kKeyRO | kKeyAccess)},
       .acl = kAclStream,
       .since = "5.0.0",
       .group = "stream",
       .complexity = "O(N), N being the number of entries looked at; without a "
                     "range, the number of consumers.",
       .summary = "Tell what was delivered to a group and not acknowledged",
       .syntax = "key group filters:[[IDLE min-idle-time:integer@6.2.0] "
                 "start:string end:string count [consumer]]",
       .tips = {kByTime},
       .handler = XPendingCommand,
       .history = {{"6.2.0",
                    "Added the option `IDLE`, and ends that are excluded."}}},
      {.name = "xclaim",
       .arity = -6,
       .flags = kWrite | kFast,
       .keys = {OneKey(kKeyRW | kKeyUpdate)},
       .acl = kAclStream,
       .since = "5.0.0",
       .group = "stream",
       .complexity = "O(log N) for each id, N being the entries pending.",
       .summary = "Hand entries that are pending to another consumer",
       .syntax = "key group consumer min-idle-time id [id ...] "
                 "[IDLE ms] [TIME unix-time-milliseconds] [RETRYCOUNT count] "
                 "[FORCE] [JUSTID] [LASTID id]",
       .tips = {kByTime},
       .handler = XClaimCommand},
      {.name = "xautoclaim",
       .arity = -6,
       .flags = kWrite | kFast,
       .keys = {OneKey(kKeyRW | kKeyDelete)},
       .acl = kAclStream,
       .since = "6.2.0",
       .group = "stream",
       .complexity = "O(N), N being COUNT.",
       .summary =
           "Hand entries that have been pending for long to another consumer",
       .syntax = "key group consumer min-idle-time start:string [COUNT count] "
                 "[JUSTID]",
       .tips = {kByTime},
       .handler = XAutoClaimCommand,
       .history = {{"7.0.0",
                    "Replies also the ids of deleted entries, which "
                    "are no longer pending."}}},
      XInfo(),
  };
}

}  // namespace

absl::Span<const CommandSpec> StreamCommands() {
  static const auto* const table = [] {
    auto* all = new std::vector<CommandSpec>(EntryCommands());
    for (const CommandSpec& spec : GroupCommands()) all->push_back(spec);
    return all;
  }();
  return *table;
}

}  // namespace holdfast::server
