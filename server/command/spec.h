#ifndef HOLDFAST_SERVER_COMMAND_SPEC_H_
#define HOLDFAST_SERVER_COMMAND_SPEC_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace holdfast::server {

class CommandContext;

// What a command may do and where it may run; the names are those that COMMAND
// INFO prints ("Command flags", redis.io/docs/reference/command-tips and
// /commands/command). The last group is ours and not printed.
enum CommandFlag : uint64_t {
  kWrite = 1u << 0,
  kReadonly = 1u << 1,
  kDenyOom = 1u << 2,
  kAdmin = 1u << 3,
  kPubsub = 1u << 4,
  kNoScript = 1u << 5,
  kBlocking = 1u << 6,
  kLoading = 1u << 7,
  kStale = 1u << 8,
  kSkipMonitor = 1u << 9,
  kSkipSlowlog = 1u << 10,
  kFast = 1u << 11,
  kNoAuth = 1u << 12,
  kMayReplicate = 1u << 13,
  kNoAsyncLoading = 1u << 14,
  kNoMulti = 1u << 15,
  kAllowBusy = 1u << 16,
  kAsking = 1u << 17,
  kNoMandatoryKeys = 1u << 18,  // numkeys may be 0 (EVAL).
  kTouchesArbitraryKeys = 1u << 19,
  kMovableKeys = 1u << 20,  // Set by the table from the key specs.

  // Needs the whole keyspace to itself: gate exclusively, all slots (FLUSHALL).
  kWholeKeyspace = 1u << 24,
  // Walks over slots, locking them one at a time with SlotGuard (KEYS, SCAN).
  // Inside a transaction this makes the transaction take the whole keyspace.
  kWalksKeyspace = 1u << 25,
  // Runs at once even inside MULTI (EXEC, DISCARD, MULTI, WATCH, QUIT, RESET).
  kNotQueued = 1u << 26,
  // Takes its own locks (EXEC, WATCH): dispatch locks nothing.
  kLocksItself = 1u << 27,
  // Allowed while the dataset is loaded, though Redis's own flags say it is not
  // (it loads without listening there): not printed (REPLICAOF).
  kEvenWhileLoading = 1u << 29,
  // Allowed for a RESP2 client that has subscriptions.
  kWhileSubscribed = 1u << 30,
  // Only the primary link, replicas or an operator inside may call it.
  kInternal = 1u << 28,
};

// ACL categories beyond those that flags imply (@write, @read, @admin with
// @dangerous, @pubsub, @blocking, @fast or @slow).
enum AclCategory : uint32_t {
  kAclKeyspace = 1u << 0,
  kAclRead = 1u << 1,
  kAclWrite = 1u << 2,
  kAclSet = 1u << 3,
  kAclSortedSet = 1u << 4,
  kAclList = 1u << 5,
  kAclHash = 1u << 6,
  kAclString = 1u << 7,
  kAclBitmap = 1u << 8,
  kAclHyperloglog = 1u << 9,
  kAclGeo = 1u << 10,
  kAclStream = 1u << 11,
  kAclPubsub = 1u << 12,
  kAclAdmin = 1u << 13,
  kAclFast = 1u << 14,
  kAclSlow = 1u << 15,
  kAclBlocking = 1u << 16,
  kAclDangerous = 1u << 17,
  kAclConnection = 1u << 18,
  kAclTransaction = 1u << 19,
  kAclScripting = 1u << 20,
};

// What a command does to a key ("Key specifications",
// redis.io/docs/reference/key-specs).
enum KeyFlag : uint32_t {
  kKeyRO = 1u << 0,  // Exactly one of these four.
  kKeyRW = 1u << 1,
  kKeyOW = 1u << 2,
  kKeyRM = 1u << 3,
  kKeyAccess = 1u << 4,
  kKeyUpdate = 1u << 5,
  kKeyInsert = 1u << 6,
  kKeyDelete = 1u << 7,
  kKeyNotKey = 1u << 8,
  kKeyIncomplete = 1u << 9,
  kKeyVariableFlags = 1u << 10,
};

// Where keys stand among the arguments: how to find the first, then the rest.
struct KeySpec {
  uint32_t flags = 0;
  enum class Begin : uint8_t {
    kIndex,
    kKeyword,
    kUnknown
  } begin = Begin::kIndex;
  int index = 1;  // kIndex: the argument; kKeyword: where to start looking
                  // (negative: from the end).
  absl::string_view keyword = {};  // kKeyword.
  enum class Find : uint8_t { kRange, kKeyNum, kUnknown } find = Find::kRange;
  // kRange: last key relative to the first (negative: from the end of all
  // arguments, -1 the last one), step, and limit (0, 1: none; n: the first
  // nth).
  int last = 0;
  int step = 1;
  int limit = 0;
  // kKeyNum: relative to the begin: the argument with the number, the first
  // key.
  int num_index = 0;
  int first_index = 1;
  absl::string_view notes = {};
};
inline KeySpec OneKey(uint32_t flags, int index = 1) {
  KeySpec spec;
  spec.flags = flags;
  spec.index = index;
  return spec;
}
inline KeySpec KeyRange(uint32_t flags, int index, int last, int step = 1) {
  KeySpec spec = OneKey(flags, index);
  spec.last = last;
  spec.step = step;
  return spec;
}
inline KeySpec CountedKeys(uint32_t flags, int number_index) {
  KeySpec spec = OneKey(flags, number_index);
  spec.find = KeySpec::Find::kKeyNum;
  return spec;
}

using CommandHandler = void (*)(CommandContext& ctx);

struct KeyUse;
// Finds keys that key specs cannot tell exactly; see keys.cc.
using KeyFinder = bool (*)(absl::Span<const absl::string_view> args,
                           std::vector<KeyUse>* keys);
// Answers a question about the arguments of a call.
using ArgsPredicate = bool (*)(absl::Span<const absl::string_view> args);

// A change of a command that COMMAND DOCS tells of.
struct HistoryNote {
  absl::string_view since;
  absl::string_view change;
};

// One command as data: what dispatch checks and what COMMAND prints. A family
// file ends in a table of these.
struct CommandSpec {
  absl::string_view name;  // Lower case; a subcommand's without its container.
  // Number of arguments with the name; negative: at least so many.
  int arity = 0;
  uint64_t flags = 0;
  std::vector<KeySpec> keys = {};
  uint32_t acl = 0;
  absl::string_view since = {};
  absl::string_view group = {};       // "string", "generic", "connection", ...
  absl::string_view complexity = {};  // "O(1)"
  absl::string_view summary = {};
  // The arguments in the notation of the documentation's synopsis, from which
  // COMMAND DOCS derives its tree: `key value [NX | XX] [GET] [EX seconds |
  // ...]`. Lower case words are values, upper case ones tokens, [] optional, |
  // choice,
  // "..." repetition; `key` and words ending in "key" or "destination" are
  // keys. The whole of it, with types and names: syntax.h.
  absl::string_view syntax = {};
  // Command tips, e.g. "request_policy:all_shards".
  std::vector<absl::string_view> tips = {};
  // Null for a container, which has subcommands instead (an optional handler of
  // a container answers when it is called bare: COMMAND).
  CommandHandler handler = nullptr;
  std::vector<CommandSpec> subcommands = {};

  // For COMMAND DOCS. A command that is deprecated says since when, and what to
  // use instead; one that only servers send each other is a system command.
  absl::string_view deprecated_since = {};
  absl::string_view replaced_by = {};
  std::vector<HistoryNote> history = {};
  bool system_command = false;

  // Filled in by CommandTable.
  std::string full_name = {};  // "config|get"
  int id = -1;                 // Index of its statistics.
  const CommandSpec* parent = nullptr;
  // Where keys stand by the old description, which COMMAND INFO still gives:
  // the first, the last (negative: from the end), the step; zeros if it cannot
  // tell.
  int first_key = 0;
  int last_key = 0;
  int key_step = 0;
  KeyFinder exact_keys =
      nullptr;  // For the few whose keys specs cannot tell (keys.cc).
  KeyFinder reported_keys =
      nullptr;  // What COMMAND GETKEYS falls back on for them.
  // See ReachesAllKeys() (table.h); null: never.
  ArgsPredicate reaches_all_keys = nullptr;
  // The only key's argument for a command that has exactly one, always there
  // (most do: dispatch need not look at the specs then); otherwise 0.
  int single_key = 0;

  bool Is(uint64_t flag) const { return (flags & flag) != 0; }
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMAND_SPEC_H_
