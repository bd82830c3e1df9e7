#ifndef HOLDFAST_SERVER_COMMANDS_DEBUG_DIGEST_H_
#define HOLDFAST_SERVER_COMMANDS_DEBUG_DIGEST_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "server/command/unit.h"
#include "server/keyspace/entry.h"

namespace holdfast::server {

// A fingerprint of data, equal to the one that redis-server 7.0 computes of the
// same data (DEBUG DIGEST), so that two servers can be compared. Built on
// SHA-1, with two ways to take something in:
//
//   Xor(x): d = d ^ SHA1(x)         the order of what is taken in is no matter
//   Mix(x): d = SHA1(d ^ SHA1(x))   it is
//
// A value type. No secret, no signature.
class DatasetDigest {
 public:
  void Xor(absl::string_view bytes);
  void Mix(absl::string_view bytes);
  // Four bytes, most significant first.
  void MixUint32(uint32_t value);
  // The digest itself as bytes, to be taken into another one.
  absl::string_view bytes() const {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }
  std::string Hex() const;

 private:
  std::array<unsigned char, 20> bytes_{};
};

// Takes in type, value and whether it expires (not when): what DEBUG
// DIGEST-VALUE shows. REQUIRES: the entry's slot locked. A new type adds how it
// is taken in to the .cc file.
void DigestValue(const Entry& entry, DatasetDigest* digest);

// The digest of all databases, logically expired keys and all. Locks one slot
// after another, so it is one instant's only if nobody writes meanwhile.
// REQUIRES: as WalkEntries().
DatasetDigest DigestOfKeyspace(ExecutionUnit& unit);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_DEBUG_DIGEST_H_
