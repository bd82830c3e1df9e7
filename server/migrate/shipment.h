#ifndef HOLDFAST_SERVER_MIGRATE_SHIPMENT_H_
#define HOLDFAST_SERVER_MIGRATE_SHIPMENT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/migrate/link.h"

namespace holdfast::server {

// Where MIGRATE sends keys to, as its arguments say.
struct MigrateTarget {
  std::string host;
  std::string port;
  int64_t db = 0;
  bool has_password = false;
  bool has_user = false;
  std::string user;
  std::string password;
};

// Commands for a target and what it said to each.
struct Shipment {
  enum class Command : uint8_t { kRestore, kDelete };
  // All of them as they go over the wire, and which they are.
  std::string wire;
  std::vector<Command> commands;

  // By Ship(): which of them the target has confirmed; and the error that
  // MIGRATE replies with, as Redis words it, empty when all are.
  std::vector<bool> confirmed;
  std::string error;
};

// Sends a shipment by a kept connection or a new one, and keeps that if no
// reply is outstanding. Authenticates and selects the database first, and sends
// no command before both are confirmed: an unauthenticated target, or one
// without that database, gets nothing. A command counts as confirmed by the
// reply that says so ("+OK", or ":" for a deletion) and by nothing else.
//
// A connection that turns out to be broken (not: too slow) before the first
// reply is tried once more with a new one, as in Redis. What the first had
// taken in is then refused (BUSYKEY), or done twice with the same outcome.
//
// Blocks within `patience`. Knows neither keys nor locks.
void Ship(MigrateLinks* links, const MigrateTarget& target,
          const Patience& patience, Shipment* shipment);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_MIGRATE_SHIPMENT_H_
