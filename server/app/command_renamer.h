#ifndef HOLDFAST_SERVER_APP_COMMAND_RENAMER_H_
#define HOLDFAST_SERVER_APP_COMMAND_RENAMER_H_

#include <deque>
#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "server/command/spec.h"
#include "server/command/table.h"
#include "server/config/config.h"

namespace holdfast::server {

// Puts commands into the table under the names that `rename-command` gives
// them; those renamed to "" are left out. While a server is put together.
class CommandRenamer {
 public:
  // New names are kept in `names`, which outlives the table.
  CommandRenamer(CommandTable* table, const Config& config,
                 std::deque<std::string>* names);

  void Add(absl::Span<const CommandSpec> commands);

  // After the last Add(): kInvalidArgument for a directive that names no
  // command or gives two commands one name.
  absl::Status Finish() const;

 private:
  CommandTable* const table_;
  std::deque<std::string>* const names_;
  std::map<std::string, std::string>
      renames_;                  // Lower case; the last one wins.
  std::set<std::string> met_;    // Keys of renames_ that were added.
  std::set<std::string> taken_;  // Names in the table.
  std::string clash_;            // A name that two commands were to have.
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_APP_COMMAND_RENAMER_H_
