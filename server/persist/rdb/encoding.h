#ifndef HOLDFAST_SERVER_PERSIST_RDB_ENCODING_H_
#define HOLDFAST_SERVER_PERSIST_RDB_ENCODING_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace holdfast::server {

// What the configuration says about writing RDB.
struct RdbOptions {
  bool compress = true;  // rdbcompression: LZF for strings over 20 bytes.
  bool checksum = true;  // rdbchecksum: otherwise the file ends in eight zeros.
};

// The primitives of an RDB record, appended to `out`; the inverse of RdbInput.
// Pure, thread-safe on distinct strings, and they cannot fail. For the same
// input they give what Redis 7.0 gives, but for the choices of the compressor.

// A length or count, in 1, 2, 5 or 9 bytes.
void AppendRdbLength(uint64_t length, std::string* out);

// A string: as an integer if it is the canonical decimal form of one in 32 bits
// ("12", not "012", "+12" or "-0"); LZF if `options.compress`, it is longer
// than 20 bytes and that saves at least four; otherwise its length and its
// bytes.
void AppendRdbString(absl::string_view value, const RdbOptions& options,
                     std::string* out);

// The same for a value that is held as an integer.
void AppendRdbInteger(int64_t value, std::string* out);

// Unix time in milliseconds: 8 bytes, little-endian.
void AppendRdbMillis(int64_t unix_ms, std::string* out);

// IEEE 754 binary64, little-endian: scores from RDB version 8 on.
void AppendRdbDouble(double value, std::string* out);

// The text form of RDB versions up to 7: a length byte and 17 significant
// digits, which give the same number back, or one byte for NaN and the
// infinities.
void AppendRdbTextDouble(double value, std::string* out);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_RDB_ENCODING_H_
