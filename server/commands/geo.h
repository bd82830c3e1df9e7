#ifndef HOLDFAST_SERVER_COMMANDS_GEO_H_
#define HOLDFAST_SERVER_COMMANDS_GEO_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// The commands on positions, which are sorted sets whose scores
// server/geo/geohash.h explains. For CommandTable::Add(). The span lives for
// ever.
absl::Span<const CommandSpec> GeoCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_GEO_H_
