#ifndef HOLDFAST_SERVER_PERSIST_RDB_VALUE_LOADERS_H_
#define HOLDFAST_SERVER_PERSIST_RDB_VALUE_LOADERS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/persist/rdb/input.h"
#include "server/persist/rdb/value_context.h"

namespace holdfast::server {

// Reads one value of RDB type `type`. Used by RdbReader, and by RESTORE for the
// payload of DUMP. kDataLoss if the value is malformed or there is no such
// type; kUnimplemented, naming type and key, if it exists and Holdfast has no
// values of that kind; else the visitor's or source's status. OK without a call
// of the visitor for an empty collection: see RdbValueContext::was_empty.
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
