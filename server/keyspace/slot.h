#ifndef HOLDFAST_SERVER_KEYSPACE_SLOT_H_
#define HOLDFAST_SERVER_KEYSPACE_SLOT_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "server/text/hash.h"

namespace holdfast::server {

// Hash slots as in Redis Cluster's specification ("Hash tags" and "Key
// distribution model"): CRC16/XMODEM of the key, or of what stands between its
// first '{' and the next '}' if that is not empty, modulo 16384.
inline constexpr int kSlots = 16384;
using Slot = uint16_t;

Slot SlotOfKey(absl::string_view key);

// CRC16/XMODEM: polynomial 0x1021, initial value 0. "123456789" gives 0x31C3.
uint16_t Crc16(absl::string_view bytes);

// The process's hash of a key: the same as that of any other bytes.
inline uint64_t HashOfKey(absl::string_view key) { return HashOfBytes(key); }

// A key with what is derived from it, computed once per command and key.
struct KeyRef {
  absl::string_view bytes;
  uint64_t hash = 0;
  Slot slot = 0;

  KeyRef() = default;
  explicit KeyRef(absl::string_view key)
      : bytes(key), hash(HashOfKey(key)), slot(SlotOfKey(key)) {}
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_KEYSPACE_SLOT_H_
