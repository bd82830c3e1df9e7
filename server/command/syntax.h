#ifndef HOLDFAST_SERVER_COMMAND_SYNTAX_H_
#define HOLDFAST_SERVER_COMMAND_SYNTAX_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace holdfast::server {

// One argument of a command as COMMAND DOCS describes it (redis.io/commands/
// command-docs). A choice or a block has arguments of its own.
struct Argument {
  enum class Type : uint8_t {
    kString,
    kInteger,
    kDouble,
    kKey,
    kPattern,
    kUnixTime,
    kPureToken,
    kOneOf,
    kBlock,
  };

  std::string name;
  Type type = Type::kString;
  int key_spec_index = -1;  // -1: none.
  std::string token;        // Empty: none (that of a pure token may be empty).
  std::string since;        // Empty: as old as the command.
  std::string deprecated_since;  // Empty: it is not.
  bool optional = false;
  bool multiple = false;
  bool multiple_token = false;  // The token is repeated with each value.
  std::vector<Argument> arguments;
};

// "pure-token", "unix-time" ...
absl::string_view ArgumentTypeName(Argument::Type type);

// Derives a command's arguments from its synopsis (CommandSpec::syntax), which
// is written as in the documentation:
//
//   key value [NX | XX] [GET] [EX seconds | PX milliseconds | KEEPTTL]
//   numkeys key [key ...] [WEIGHTS weight [weight ...]]
//   score member [score member ...]    [GET pattern [GET pattern ...]]
//
// A word without lower case letters is a token, any other a value. A token and
// the value (or the <group>) after it are one argument. [ ] is optional, < > a
// group, | in either a choice. "[x ...]" after x, or "x ..." anywhere, repeats.
// Several arguments in one optional or alternative make a block: one with a
// token if that is followed by plain values only (LIMIT offset count), or has a
// name, which then is the block's (streams:STREAMS key [key ...] id [id ...]).
//
// The type of a value follows from its name, digits at its end aside:
//   key          key, *key, source, destination, src, dst (if the command has
//                key specs, numbered in order of appearance)
//   pattern      pattern, *-pattern         unix-time  unix-time*
//   double       timeout, score, longitude, latitude, radius, width, height
//   integer      by its last part, as in destination-db, num-matches: bit,
//                bits, count, cursor, db, decrement, end, epoch, frequency,
//                increment, index, len, limit, matches, milliseconds, ms,
//                numkeys, numreplicas, offset, port, protover, quorum, rank,
//                seconds, slot, start, stop, ttl, version, weight
//   string       all else
// m, km, ft and mi are tokens.
//
// What does not follow is said: `increment:double` (the types as COMMAND DOCS
// names them), `value#1` (the key spec), `auto_id:*` and `m:"m"` (a token with
// a name, quoted if it has lower case letters, not joined to what follows),
// `condition:[NX | XX]` (the name of a group, which makes a block of it if it
// is no choice), and after any of them `@6.2.0` (since),
// `@2.4.0-2.8.12` (since, and deprecated since).
//
// `key_specs` is how many key specs the command has. kInvalidArgument, with
// the place, for a synopsis that is not well formed. Pure.
absl::StatusOr<std::vector<Argument>> ParseSyntax(absl::string_view syntax,
                                                  int key_specs);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMAND_SYNTAX_H_
