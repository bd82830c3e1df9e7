#ifndef HOLDFAST_SERVER_PERSIST_RDB_OBJECT_TESTING_H_
#define HOLDFAST_SERVER_PERSIST_RDB_OBJECT_TESTING_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/persist/rdb/encoding.h"
#include "server/persist/rdb/value_context.h"
#include "server/types/object.h"

namespace holdfast::server {

// Everything that can be seen of a value, as text: equal texts, equal values.
// Members and fields in the order of their bytes, where they have no other.
// With `encoding`, also what OBJECT ENCODING says.
std::string Describe(ValueType type, const ObjectBits& bits,
                     bool encoding = true);
std::string Describe(Object* object, bool encoding = true);

// What LoadRdbValue() made of a payload.
struct Loaded {
  absl::Status status;
  std::string seen;  // Describe() of it; "" if there was no value.
  bool was_empty = false;
  std::string rewritten;  // AppendObjectValue() of it, not compressed.
};
// The value arrives in pieces of `step` bytes. kDataLoss if bytes are left
// over.
Loaded LoadPayload(uint8_t type, absl::string_view payload,
                   const RdbObjectLimits& limits = {}, size_t step = 4096);

// Old packed forms, as old Redis would have made them: integers packed.
std::string MakeZiplist(const std::vector<std::string>& elements);
std::string MakeZipmap(
    const std::vector<std::pair<std::string, std::string>>& pairs);
std::string MakeListpack(const std::vector<std::string>& elements);

// A string in an RDB, not compressed: what a blob stands in.
std::string RdbString(absl::string_view value);
std::string RdbLength(uint64_t length);

// A value of each RDB type that is read, by type; each payload as it stands
// behind the key. All are valid.
struct SamplePayload {
  uint8_t type;
  std::string payload;
};
std::vector<SamplePayload> SamplePayloads();

// What DUMP replies: type and payload, the RDB version (10) and the checksum.
std::string DumpOf(absl::string_view type_and_payload);
// The reverse, without looking at the checksum.
absl::string_view UndumpOf(absl::string_view dump);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_RDB_OBJECT_TESTING_H_
