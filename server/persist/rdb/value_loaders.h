#ifndef HOLDFAST_SERVER_PERSIST_RDB_VALUE_LOADERS_H_
#define HOLDFAST_SERVER_PERSIST_RDB_VALUE_LOADERS_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/persist/rdb/format.h"
#include "server/persist/rdb/input.h"
#include "server/persist/rdb/visitor.h"

namespace holdfast::server {

// A deeper look at a payload before the visitor gets it: for types whose value
// is one packed blob (listpack, intset, ...), the blob; for strings, the value.
// A status other than OK refuses the file. Empty: none.
using RdbSanitizer = std::function<absl::Status(
    uint8_t type, absl::string_view key, absl::string_view payload)>;

// What a loader works with: the value stands next in `input`, and is given to
// `visitor` under `key`.
struct RdbValueContext {
  RdbInput* input;
  RdbVisitor* visitor;
  absl::string_view key;
  RecordMeta meta;
  const RdbSanitizer* sanitize;  // Never null; may be empty.
  std::string* scratch;          // Its memory is used again for every value.
};

// Reads one value of RDB type `type`. Used by RdbReader, and by RESTORE for the
// payload of DUMP. kDataLoss if the value is malformed or there is no such
// type; kUnimplemented, naming type and key, if it exists and Holdfast has no
// values of that kind; else the visitor's or source's status.
absl::Status LoadRdbValue(uint8_t type, const RdbValueContext& context);

// "string", "list (quicklist of listpacks)", ...; "" if there is no such type.
absl::string_view RdbTypeName(uint8_t type);

// A module's data (aux, or a value of type 7) from its first part to its end
// mark, without knowing the module.
absl::Status SkipRdbModuleData(RdbInput* input);

// The nine characters that are packed into a module id.
std::string RdbModuleName(uint64_t module_id);

// A key in an error message: escaped, cut after 64 bytes.
std::string PrintableRdbKey(absl::string_view key);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_RDB_VALUE_LOADERS_H_
