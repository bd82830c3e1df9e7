#ifndef HOLDFAST_SERVER_COMMANDS_PUBSUB_H_
#define HOLDFAST_SERVER_COMMANDS_PUBSUB_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE and their opposites, PUBLISH, SPUBLISH,
// PUBSUB.
absl::Span<const CommandSpec> PubSubCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_PUBSUB_H_
