#ifndef HOLDFAST_SERVER_TEXT_HASH_H_
#define HOLDFAST_SERVER_TEXT_HASH_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace holdfast::server {

// The process's hash of bytes, for keys, fields and members alike: 64 good
// bits, seeded at random at start so that nobody outside can choose bytes that
// collide. Not stable across processes. Thread-safe.
uint64_t HashOfBytes(absl::string_view bytes);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TEXT_HASH_H_
