#ifndef HOLDFAST_SERVER_PERSIST_RDB_CRC64_H_
#define HOLDFAST_SERVER_PERSIST_RDB_CRC64_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace holdfast::server {

// The checksum at the end of RDB files and of DUMP payloads: CRC-64 with the
// Jones polynomial 0xad93d23594c935a9, bit-reflected, initial value 0, no final
// xor (catalogue name CRC-64/REDIS; "123456789" gives e9c6d914c4b8d9ca).
//
// Incremental: Crc64(Crc64(0, a), b) == Crc64(0, a + b). Pure and thread-safe.
uint64_t Crc64(uint64_t crc, absl::string_view data);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_RDB_CRC64_H_
