// The bitmap family's commands as data.

#include <vector>

#include "server/commands/bitmap.h"
#include "server/commands/bitmap_handlers.h"

namespace holdfast::server {
namespace {

constexpr absl::string_view kBitmap = "bitmap";
constexpr uint32_t kReadKey = kKeyRO | kKeyAccess;

KeySpec FieldKey() {
  KeySpec key = OneKey(kKeyRW | kKeyAccess | kKeyUpdate | kKeyVariableFlags);
  key.notes = "This command allows both access and modification of the key";
  return key;
}

std::vector<CommandSpec> MakeCommands() {
  return {
      {.name = "bitcount",
       .arity = -2,
       .flags = kReadonly,
       .keys = {OneKey(kReadKey)},
       .acl = kAclBitmap,
       .since = "2.6.0",
       .group = kBitmap,
       .complexity = "O(N)",
       .summary = "Count the bits of a string that are 1",
       .syntax = "key index:[start end index_unit:[BYTE | BIT]@7.0.0]",
       .handler = BitCountCommand,
       .history = {{"7.0.0", "Ranges in bits: `BYTE|BIT`."}}},
      {.name = "bitfield",
       .arity = -2,
       .flags = kWrite | kDenyOom,
       .keys = {FieldKey()},
       .acl = kAclBitmap,
       .since = "3.2.0",
       .group = kBitmap,
       .complexity = "O(1) for each operation",
       .summary = "Read and change integers of any width inside of a string",
       .syntax =
           "key operation:[GET encoding_offset:<encoding offset> | "
           "write:<[OVERFLOW wrap_sat_fail:<WRAP | SAT | FAIL>] "
           "write_operation:<SET encoding_offset_value:<encoding offset "
           "value:integer> | INCRBY encoding_offset_increment:<encoding offset "
           "increment>>>] ...",
       .handler = BitFieldCommand},
      {.name = "bitfield_ro",
       .arity = -2,
       .flags = kReadonly | kFast,
       .keys = {OneKey(kReadKey)},
       .acl = kAclBitmap,
       .since = "6.0.0",
       .group = kBitmap,
       .complexity = "O(1) for each operation",
       .summary = "Read integers of any width inside of a string",
       .syntax = "key [GET encoding_offset:<encoding offset> [GET "
                 "encoding_offset:<encoding offset> ...]]",
       .handler = BitFieldRoCommand},
      {.name = "bitop",
       .arity = -4,
       .flags = kWrite | kDenyOom,
       .keys = {OneKey(kKeyOW | kKeyUpdate, 2), KeyRange(kReadKey, 3, -1)},
       .acl = kAclBitmap,
       .since = "2.6.0",
       .group = kBitmap,
       .complexity = "O(N)",
       .summary = "Combine strings bit by bit and store the result",
       .syntax = "operation destkey key [key ...]",
       .handler = BitOpCommand},
      {.name = "bitpos",
       .arity = -3,
       .flags = kReadonly,
       .keys = {OneKey(kReadKey)},
       .acl = kAclBitmap,
       .since = "2.8.7",
       .group = kBitmap,
       .complexity = "O(N)",
       .summary = "Find the first bit of a string that is 1, or 0",
       .syntax = "key bit index:[start end_index:[end index_unit:[BYTE | "
                 "BIT]@7.0.0]]",
       .handler = BitPosCommand,
       .history = {{"7.0.0", "Ranges in bits: `BYTE|BIT`."}}},
      {.name = "getbit",
       .arity = 3,
       .flags = kReadonly | kFast,
       .keys = {OneKey(kReadKey)},
       .acl = kAclBitmap,
       .since = "2.2.0",
       .group = kBitmap,
       .complexity = "O(1)",
       .summary = "Read one bit of a string",
       .syntax = "key offset",
       .handler = GetBitCommand},
      {.name = "setbit",
       .arity = 4,
       .flags = kWrite | kDenyOom,
       .keys = {OneKey(kKeyRW | kKeyAccess | kKeyUpdate)},
       .acl = kAclBitmap,
       .since = "2.2.0",
       .group = kBitmap,
       .complexity = "O(1)",
       .summary = "Change one bit of a string, which grows where it is too "
                  "short",
       .syntax = "key offset value:integer",
       .handler = SetBitCommand},
  };
}

}  // namespace

absl::Span<const CommandSpec> BitmapCommands() {
  static const auto* const commands =
      new std::vector<CommandSpec>(MakeCommands());  // Never destroyed.
  return *commands;
}

}  // namespace holdfast::server
