#ifndef HOLDFAST_SERVER_COMMANDS_ADMIN_HANDLERS_H_
#define HOLDFAST_SERVER_COMMANDS_ADMIN_HANDLERS_H_

#include "server/command/context.h"
#include "server/command/spec.h"

// The parts of AdminCommands(), a container each.
namespace holdfast::server {

CommandSpec SlowlogCommand();
CommandSpec LatencyCommand();
CommandSpec ModuleCommand();

// What the subcommands of a container have in common: no keys, group "server".
CommandSpec ServerSubcommand(absl::string_view name, int arity, uint64_t flags,
                             absl::string_view since,
                             absl::string_view complexity,
                             absl::string_view summary, CommandHandler handler,
                             absl::string_view syntax = {},
                             std::vector<absl::string_view> tips = {});
CommandSpec ServerContainer(absl::string_view name, absl::string_view since,
                            absl::string_view summary,
                            std::vector<CommandSpec> subcommands);

// Redis's answer when a subcommand is there but these arguments are not.

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_ADMIN_HANDLERS_H_
