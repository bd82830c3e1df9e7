#ifndef HOLDFAST_SERVER_COMMANDS_BITMAP_H_
#define HOLDFAST_SERVER_COMMANDS_BITMAP_H_

#include "absl/types/span.h"
#include "server/command/spec.h"

namespace holdfast::server {

// The commands on strings as rows of bits: SETBIT, GETBIT, BITCOUNT, BITPOS,
// BITOP, BITFIELD, BITFIELD_RO. For CommandTable::Add(). The span lives for
// ever.
absl::Span<const CommandSpec> BitmapCommands();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_BITMAP_H_
