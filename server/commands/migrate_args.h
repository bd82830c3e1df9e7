#ifndef HOLDFAST_SERVER_COMMANDS_MIGRATE_ARGS_H_
#define HOLDFAST_SERVER_COMMANDS_MIGRATE_ARGS_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/command/context.h"
#include "server/migrate/shipment.h"

namespace holdfast::server {

// What a call of MIGRATE asks for.
struct MigrateArgs {
  MigrateTarget target;
  absl::Duration timeout;  // Of one operation; above zero, at most a year.
  bool copy = false;
  bool replace = false;
  // Views on the call's arguments, each once.
  std::vector<absl::string_view> keys;
};

// False: the arguments are wrong, and the error is out. Looks at no key.
bool ParseMigrate(CommandContext& ctx, MigrateArgs* args);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_MIGRATE_ARGS_H_
