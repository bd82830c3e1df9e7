#ifndef HOLDFAST_SERVER_PERSIST_RDB_VALUE_CONTEXT_H_
#define HOLDFAST_SERVER_PERSIST_RDB_VALUE_CONTEXT_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/persist/rdb/format.h"
#include "server/persist/rdb/input.h"
#include "server/persist/rdb/visitor.h"
#include "server/types/limits.h"
#include "server/types/set.h"

namespace holdfast::server {

// Up to where what is read becomes the packed form of its type: the *-max-*
// directives as they are when the reading begins. The defaults are those of
// redis-server 7.0.15; that of sets which are no intsets is our own (7.2's).
struct RdbObjectLimits {
  PackedLimits hash = {512, 64};
  PackedLimits zset = {128, 64};
  SetLimits set = {512, {32, 64}};
  ListLimits list = {-2};
};

// A deeper look at a payload before the visitor gets it: for types whose value
// is one packed blob (listpack, intset, ...), the blob; for strings, the value.
// A status other than OK refuses the file. Empty: none.
using RdbSanitizer = std::function<absl::Status(
    uint8_t type, absl::string_view key, absl::string_view payload)>;

// What a loader works with: the value stands next in `input`, and is given to
// `visitor` under `key`. All that is pointed to outlives the call.
struct RdbValueContext {
  RdbInput* input;
  RdbVisitor* visitor;
  absl::string_view key;
  RecordMeta meta;
  const RdbSanitizer* sanitize;   // Never null; may be empty.
  const RdbObjectLimits* limits;  // Never null.
  std::string* scratch;           // Its memory is used again for every value.
  // Set to true if it was a collection without any element, which is no value:
  // it was read to its end, and the visitor was not called. May be null.
  bool* was_empty = nullptr;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_RDB_VALUE_CONTEXT_H_
