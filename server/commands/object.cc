#include "server/commands/object.h"

#include <climits>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/command/context.h"
#include "server/command/errors.h"
#include "server/commands/admin_memory.h"
#include "server/commands/object_help.h"
#include "server/config/enum_values.h"
#include "server/engine/engine.h"
#include "server/keyspace/entry.h"
#include "server/stats/memory.h"

namespace holdfast::server {
namespace {

// Redis has one object each for the integers below this and hands them out to
// all who need one; their count of references is the largest int.
constexpr int64_t kSharedIntegers = 10000;

bool IsLfu(MaxmemoryPolicy policy) {
  return policy == MaxmemoryPolicy::kVolatileLfu ||
         policy == MaxmemoryPolicy::kAllkeysLfu;
}

bool IsLruOrLfu(MaxmemoryPolicy policy) {
  return IsLfu(policy) || policy == MaxmemoryPolicy::kVolatileLru ||
         policy == MaxmemoryPolicy::kAllkeysLru;
}

MaxmemoryPolicy PolicyOf(CommandContext& ctx) {
  return ctx.engine().config().Enum<MaxmemoryPolicy>(
      ConfigId::kMaxMemoryPolicy);
}

// The entry of argument 2, not counted as a use of it; replies null without
// one.
const Entry* FindOrReply(CommandContext& ctx) {
  const Entry* entry = ctx.db().Find(ctx.arg(2), Db::kNoTouch);
  if (entry == nullptr) ctx.reply().Null();
  return entry;
}

void ObjectEncoding(CommandContext& ctx) {
  const Entry* entry = FindOrReply(ctx);
  if (entry != nullptr) ctx.reply().Bulk(entry->EncodingName());
}

void ObjectRefCount(CommandContext& ctx) {
  const Entry* entry = FindOrReply(ctx);
  if (entry == nullptr) return;
  const bool shares_integers =
      ctx.engine().config().Int(ConfigId::kMaxMemory) == 0 ||
      !IsLruOrLfu(PolicyOf(ctx));
  const bool shared = entry->type() == ValueType::kString &&
                      entry->encoding() == Encoding::kInt && shares_integers &&
                      entry->IntValue() >= 0 &&
                      entry->IntValue() < kSharedIntegers;
  ctx.reply().Integer(shared ? INT_MAX : 1);
}

void ObjectIdleTime(CommandContext& ctx) {
  const Entry* entry = FindOrReply(ctx);
  if (entry == nullptr) return;
  if (IsLfu(PolicyOf(ctx))) {
    return ctx.Error(
        "ERR An LFU maxmemory policy is selected, idle time not tracked. "
        "Please note that when switching between "
        "policies at runtime LRU and LFU data will take some time to adjust.");
  }
  // The clocks' difference wraps; one set back a little is no long idle time.
  const auto idle =
      static_cast<int32_t>(ctx.engine().lru_clock() - entry->access());
  ctx.reply().Integer(idle < 0 ? 0 : idle);
}

void ObjectFreq(CommandContext& ctx) {
  if (FindOrReply(ctx) == nullptr) return;
  if (!IsLfu(PolicyOf(ctx))) {
    return ctx.Error(
        "ERR An LFU maxmemory policy is not selected, access frequency not "
        "tracked. Please note that when switching "
        "between policies at runtime LRU and LFU data will take some time to "
        "adjust.");
  }
  ctx.Error(
      "ERR access frequencies are not tracked by this version of the server");
}

void ObjectHelp(CommandContext& ctx) {
  ReplyWithHelp(
      ctx,
      {"ENCODING <key>",
       "    Name the form in which the value of <key> is held.", "FREQ <key>",
       "    Tell how often <key> was used lately, on a logarithmic scale.",
       "IDLETIME <key>", "    Tell how many seconds ago <key> was last used.",
       "REFCOUNT <key>", "    Count the references to the value of <key>."});
}

// --- MEMORY ---

// A key's share of its table: a link, and room for the growth of the table.
constexpr size_t kTableBytesPerKey = 2 * sizeof(void*);

void MemoryUsage(CommandContext& ctx) {
  int64_t samples = 5;
  for (size_t i = 3; i < ctx.argc(); i += 2) {
    if (!ctx.ArgIs(i, "SAMPLES") || i + 1 == ctx.argc())
      return ctx.Error(errors::kSyntax);
    if (!ctx.IntArg(i + 1, &samples)) return;
    if (samples < 0) return ctx.Error(errors::kSyntax);
  }
  // Of an expired key too: it is still there.
  const Entry* entry = ctx.db().storage().Find(ctx.unit().Ref(ctx.arg(2)));
  if (entry == nullptr) return ctx.reply().Null();
  ctx.reply().Integer(
      static_cast<int64_t>(
      entry->MemoryUsage(static_cast<size_t>(samples)) + kTableBytesPerKey));
}

void MemoryPurge(CommandContext& ctx) {
  if (!PurgeAllocator()) return ctx.Error("ERR Error purging dirty pages");
  ctx.Ok();
}

void MemoryHelp(CommandContext& ctx) {
  ReplyWithHelp(
      ctx,
      {"DOCTOR", "    Judge the use of memory.", "MALLOC-STATS",
       "    Show the allocator's own report.", "PURGE",
       "    Give unused memory of the allocator back to the system.", "STATS",
       "    Tell where memory goes.", "USAGE <key> [SAMPLES <count>]",
       "    Tell how many bytes <key> and its value take. Values are measured",
       "    whole; SAMPLES is understood and changes nothing."});
}

CommandSpec ObjectSpec(absl::string_view name, absl::string_view since,
                       absl::string_view summary, CommandHandler handler) {
  return {.name = name,
          .arity = 3,
          .flags = kReadonly,
          .keys = {OneKey(kKeyRO, 2)},
          .acl = kAclKeyspace,
          .since = since,
          .group = "generic",
          .complexity = "O(1)",
          .summary = summary,
          .syntax = "key",
          .tips = {"nondeterministic_output"},
          .handler = handler};
}

CommandSpec MemoryReportSpec(absl::string_view name,
                             absl::string_view complexity,
                             absl::string_view summary,
                             CommandHandler handler) {
  return {.name = name,
          .arity = 2,
          .since = "4.0.0",
          .group = "server",
          .complexity = complexity,
          .summary = summary,
          .tips = {"nondeterministic_output", "request_policy:all_shards",
                   "response_policy:special"},
          .handler = handler};
}

CommandSpec HelpSpec(absl::string_view since, absl::string_view group,
                     uint32_t acl, CommandHandler handler) {
  return {.name = "help",
          .arity = 2,
          .flags = kLoading | kStale,
          .acl = acl,
          .since = since,
          .group = group,
          .complexity = "O(1)",
          .summary = "Describe the subcommands",
          .handler = handler};
}

std::vector<CommandSpec> MakeCommands() {
  return {
      {.name = "memory",
       .arity = -2,
       .since = "4.0.0",
       .group = "server",
       .complexity = "Depends on the subcommand.",
       .summary = "A container of commands on the use of memory",
       .subcommands =
           {
               MemoryReportSpec("doctor", "O(1)", "Judge the use of memory",
                                MemoryDoctor),
               HelpSpec("4.0.0", "server", 0, MemoryHelp),
               MemoryReportSpec(
                   "malloc-stats",
                   "Depends on how much memory is allocated, could be slow",
                   "Show the allocator's own report", MemoryMallocStats),
               {.name = "purge",
                .arity = 2,
                .since = "4.0.0",
                .group = "server",
                .complexity = "Depends on how much memory is allocated",
                .summary =
                    "Give unused memory of the allocator back to the system",
                .tips = {"request_policy:all_shards",
                         "response_policy:all_succeeded"},
                .handler = MemoryPurge},
               MemoryReportSpec("stats", "O(1)", "Tell where memory goes",
                                MemoryStats),
               {.name = "usage",
                .arity = -3,
                .flags = kReadonly,
                .keys = {OneKey(kKeyRO, 2)},
                .since = "4.0.0",
                .group = "server",
                .complexity = "O(1)",
                .summary = "Tell how many bytes a key and its value take",
                .syntax = "key [SAMPLES count]",
                .handler = MemoryUsage},
           }},
      {.name = "object",
       .arity = -2,
       .since = "2.2.3",
       .group = "generic",
       .complexity = "Depends on the subcommand.",
       .summary = "A container of commands on how values are held",
       .subcommands =
           {
               ObjectSpec("encoding", "2.2.3",
                          "Name the form in which a value is held",
                          ObjectEncoding),
               ObjectSpec("freq", "4.0.0",
                          "Tell how often a key was used lately, on a "
                          "logarithmic scale",
                          ObjectFreq),
               HelpSpec("6.2.0", "generic", kAclKeyspace, ObjectHelp),
               ObjectSpec("idletime", "2.2.3",
                          "Tell how many seconds ago a key was last used",
                          ObjectIdleTime),
               ObjectSpec("refcount", "2.2.3",
                          "Count the references to a value", ObjectRefCount),
           }},
  };
}

}  // namespace

absl::Span<const CommandSpec> ObjectCommands() {
  static const auto* const commands =
      new std::vector<CommandSpec>(MakeCommands());  // Never destroyed.
  return *commands;
}

}  // namespace holdfast::server
