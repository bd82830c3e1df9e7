#ifndef HOLDFAST_SERVER_PERSIST_RDB_ZIPLIST_H_
#define HOLDFAST_SERVER_PERSIST_RDB_ZIPLIST_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace holdfast::server {

// The two packed forms that Redis wrote before listpacks, for reading only. The
// bytes may be anything; all of them are looked at, and no other. Views end
// with each call of `visit`, whose first status other than OK ends the walk and
// is returned. Otherwise kInvalidArgument, possibly after some calls, if the
// bytes are not what they should be. Pure.

// A ziplist (up to Redis 6.2):
//
//   u32 bytes in all, u32 offset of the last element, u16 elements (65535: not
//   known), elements..., 0xFF
//   element: size of the one before (1 byte, or 0xFE and 4 bytes), encoding
//   with the length (big endian) or the kind of integer, data
//
// An integer is shown as its digits. May have no elements.
absl::Status ForEachZiplistElement(
    absl::string_view bytes,
    absl::FunctionRef<absl::Status(absl::string_view element)> visit);

// A zipmap (hashes up to Redis 2.4):
//
//   u8 pairs (254: not known), pairs..., 0xFF
//   pair: length, field, length, u8 spare, value, spare bytes
//   length: 1 byte, or 0xFE and 4 bytes
//
// Fields are not compared. As Redis has it, no pairs at all is an error.
absl::Status ForEachZipmapPair(
    absl::string_view bytes,
    absl::FunctionRef<absl::Status(absl::string_view field,
                                   absl::string_view value)>
        visit);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_RDB_ZIPLIST_H_
