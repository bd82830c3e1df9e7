#ifndef HOLDFAST_SERVER_PERSIST_RDB_OBJECT_LOADERS_H_
#define HOLDFAST_SERVER_PERSIST_RDB_OBJECT_LOADERS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/persist/rdb/value_context.h"
#include "server/types/listpack.h"
#include "server/types/object.h"

namespace holdfast::server {

// The loaders of everything but strings, behind LoadRdbValue(); not for others.
//
// Trust: the bytes may be anything. Counts are claims: each loop reads at least
// a byte a turn, and no memory is taken for what has not arrived. What a class
// of server/types refuses, a member or field that comes twice, and what does
// not fit together is kDataLoss with the offset. A collection without elements
// is not given to the visitor (RdbValueContext::was_empty), but OK: old
// versions of Redis could write such a key, and Redis 7 passes over it.
//
// What is packed and what is not after loading is as in Redis 7.0.15.

absl::Status LoadList(uint8_t type, const RdbValueContext& context);
absl::Status LoadSet(uint8_t type, const RdbValueContext& context);
absl::Status LoadZset(uint8_t type, const RdbValueContext& context);
absl::Status LoadHash(uint8_t type, const RdbValueContext& context);
absl::Status LoadStream(uint8_t type, const RdbValueContext& context);

// What they share.

// A string in a collection, good until the next read.
absl::StatusOr<absl::string_view> ReadElement(const RdbValueContext& context,
                                              const char* what);
// A value that is one blob, after the sanitizer has seen it.
absl::StatusOr<absl::string_view> ReadBlob(uint8_t type,
                                           const RdbValueContext& context,
                                           const char* what);
// The same as a listpack: of one that is (`is_ziplist` false), or made of a
// ziplist's elements. kDataLoss if it is broken, or too large for a listpack.
absl::StatusOr<Listpack> ReadListpack(uint8_t type, bool is_ziplist,
                                      const RdbValueContext& context);

// kDataLoss with the offset, for a problem that a class of server/types has.
absl::Status CorruptObject(const RdbValueContext& context,
                           const absl::Status& problem);
// To the visitor, if it is not empty.
absl::Status Deliver(const RdbValueContext& context, Object object);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_RDB_OBJECT_LOADERS_H_
