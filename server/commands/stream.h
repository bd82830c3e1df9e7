#ifndef HOLDFAST_SERVER_COMMANDS_STREAM_H_
#define HOLDFAST_SERVER_COMMANDS_STREAM_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// XADD, XRANGE, XREAD, XGROUP, XREADGROUP ...: streams and their consumer
// groups as Redis 7.0 has them.
absl::Span<const CommandSpec> StreamCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_STREAM_H_
