#ifndef HOLDFAST_SERVER_TYPES_LIMITS_H_
#define HOLDFAST_SERVER_TYPES_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace holdfast::server {

// Up to where a collection stays one packed block: the *-max-listpack-*
// directives as they are at the time of a change, given with every change. A
// collection that has once grown beyond them does not come back.
struct PackedLimits {
  size_t max_entries;  // Members, or fields with their values.
  size_t max_value;    // Bytes of each member, field or value.
};

// How large a node of a list becomes.
struct ListLimits {
  // list-max-listpack-size: -1 to -5 are 4, 8, 16, 32 and 64 KiB, a positive
  // number that many elements (and at most 8 KiB, unless it is one). What is
  // outside of -5 to 32767 counts as the nearest of these.
  int64_t fill;
  // Elements of at least so many bytes are kept by themselves, outside of any
  // listpack (DEBUG QUICKLIST-PACKED-THRESHOLD).
  size_t plain_from = size_t{1} << 30;
};

// No member, field, value or element may be longer than this, whatever
// proto-max-bulk-len says: it is for commands and loaders to refuse it.
inline constexpr size_t kMaxElementBytes = UINT32_MAX;

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TYPES_LIMITS_H_
