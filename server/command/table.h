#ifndef HOLDFAST_SERVER_COMMAND_TABLE_H_
#define HOLDFAST_SERVER_COMMAND_TABLE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// A key among a command's arguments: which one and what is done to it.
struct KeyUse {
  int arg;
  uint32_t flags;  // KeyFlag

  // Whether its slot has to be locked exclusively.
  bool exclusive() const { return (flags & kKeyRO) == 0; }
};

// Finds the keys that a command touches, by its key specs or, for the few that
// specs do not describe exactly (SORT, MIGRATE, GEORADIUS, XREAD), as their
// handlers read the arguments; maybe a few more, so that these can be locked.
// False when the arguments do not fit (numkeys out of range, keyword without a
// value); then `keys` is of no use, and the handler, which is called with no
// slot locked, must refuse them before it looks at any key. Clears `keys`
// first.
// REQUIRES: a spec that a CommandTable holds, and arguments that fit its arity.
bool ExtractKeys(const CommandSpec& spec,
                 absl::Span<const absl::string_view> args,
                 std::vector<KeyUse>* keys);

// Whether a call may look up keys that its arguments do not name (SORT's
// patterns, which the elements of what is sorted complete): it then needs all
// slots. REQUIRES: as ExtractKeys.
inline bool ReachesAllKeys(const CommandSpec& spec,
                           absl::Span<const absl::string_view> args) {
  return spec.reaches_all_keys != nullptr && spec.reaches_all_keys(args);
}

// The keys as Redis 7.0 reports them: COMMAND GETKEYS, and flags that depend on
// the arguments (SET with GET reads). Differs from ExtractKeys for arguments
// that are odd, which Redis's key specs misread. False: it has none to report.
// Clears `keys` first. REQUIRES: as ExtractKeys.
bool ReportKeys(const CommandSpec& spec,
                absl::Span<const absl::string_view> args,
                std::vector<KeyUse>* keys);

// Whether a command can have keys at all (not counting channels in their
// place).
bool MayHaveKeys(const CommandSpec& spec);

// Fills in what follows from the key specs: first_key, last_key, key_step,
// kMovableKeys, single_key, the finders. For CommandTable.
void DeriveKeyFields(CommandSpec* spec);

// All commands of a server. Filled while it is put together, by families; from
// then on immutable, so that lookups need no lock. Pointers into it are stable.
class CommandTable {
 public:
  CommandTable() = default;
  CommandTable(const CommandTable&) = delete;
  CommandTable& operator=(const CommandTable&) = delete;

  // REQUIRES: names that are not there yet, lower case; each command (or each
  // of its subcommands) has a handler. Derives implied flags and categories.
  void Add(absl::Span<const CommandSpec> commands);

  // By name in any case; null if unknown.
  const CommandSpec* Find(absl::string_view name) const;
  // The command that the arguments call: the subcommand if the first names a
  // container. kNotFound with Redis's error text ("ERR unknown command ..." or
  // "ERR unknown subcommand ..."). REQUIRES: args not empty.
  absl::StatusOr<const CommandSpec*> Resolve(
      absl::Span<const absl::string_view> args) const;
  // The hot path of Resolve: null where that has an error.
  const CommandSpec* ResolveOrNull(
      absl::Span<const absl::string_view> args) const;
  // By full name, "config|get".
  const CommandSpec* FindFull(absl::string_view full_name) const;

  // Top-level commands in the order they were added.
  const std::vector<const CommandSpec*>& commands() const { return order_; }
  // One past the largest CommandSpec::id; containers have ids too.
  int id_limit() const { return static_cast<int>(by_id_.size()); }
  const CommandSpec& by_id(int id) const { return *by_id_[id]; }

 private:
  void Prepare(CommandSpec* spec, const CommandSpec* parent);

  std::vector<std::unique_ptr<CommandSpec>> owned_;
  std::vector<const CommandSpec*> order_;
  std::vector<const CommandSpec*> by_id_;
  absl::flat_hash_map<std::string, const CommandSpec*> by_name_;
};

// Whether `argc` (with the name) fits the arity.
inline bool ArityFits(const CommandSpec& spec, size_t argc) {
  return spec.arity >= 0 ? argc == static_cast<size_t>(spec.arity)
                         : argc >= static_cast<size_t>(-spec.arity);
}

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMAND_TABLE_H_
