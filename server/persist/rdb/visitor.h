#ifndef HOLDFAST_SERVER_PERSIST_RDB_VISITOR_H_
#define HOLDFAST_SERVER_PERSIST_RDB_VISITOR_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/persist/rdb/format.h"
#include "server/types/object.h"

namespace holdfast::server {

// Data of a module outside of any key.
struct RdbModuleAux {
  uint64_t id;       // Name and encoding version, packed.
  std::string name;  // Nine characters, decoded from the id.
  uint64_t when;     // 1: stands before the keys, 2: after them.
};

// What an RDB says, record by record in its order. Called by RdbReader on the
// reading thread. Every function may refuse: a status other than OK stops the
// reading, and Read() returns it with the offset added.
//
// Views are good during the call only. The content is as hostile as its sender:
// it is well-formed, and nothing more (the same key may come twice, a database
// may have any number, a size may be a lie).
class RdbVisitor {
 public:
  virtual ~RdbVisitor() = default;

  virtual absl::Status OnHeader(int version) = 0;

  // Unknown names are to be ignored: that is the contract of aux fields.
  virtual absl::Status OnAux(absl::string_view name,
                             absl::string_view value) = 0;

  // Before the first call the database is 0.
  virtual absl::Status OnSelectDb(uint64_t db) = 0;

  // Hints: how many keys will follow in this database or hash slot. Never take
  // memory for them without a bound.
  virtual absl::Status OnResizeDb(uint64_t keys, uint64_t keys_with_expiry) = 0;
  virtual absl::Status OnSlotInfo(uint64_t slot, uint64_t keys,
                                  uint64_t keys_with_expiry) {
    static_cast<void>(slot);
    static_cast<void>(keys);
    static_cast<void>(keys_with_expiry);
    return absl::OkStatus();
  }

  // A function library's source text.
  virtual absl::Status OnFunction(absl::string_view code) = 0;

  // OK: skip it. (Redis refuses the file if it does not know the module.)
  virtual absl::Status OnModuleAux(const RdbModuleAux& aux) = 0;

  // The values, whatever RDB type they have there (a list: 1, 10, 14 or 18).
  // Only these calls are keys.
  virtual absl::Status OnString(absl::string_view key, absl::string_view value,
                                const RecordMeta& meta) = 0;
  // Anything but a string, and never empty unless it is a stream.
  virtual absl::Status OnObject(absl::string_view key, Object value,
                                const RecordMeta& meta) = 0;

  // The end was read and is right. Until then nothing above is to be trusted.
  // `checksummed`: false if the file has none, or a zero in its place.
  virtual absl::Status OnEnd(bool checksummed) = 0;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_RDB_VISITOR_H_
