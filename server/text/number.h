#ifndef HOLDFAST_SERVER_TEXT_NUMBER_H_
#define HOLDFAST_SERVER_TEXT_NUMBER_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace holdfast::server {

// Parses a canonical decimal int64 ("-0", "+1", "01" and spaces are none), as
// the integer encoding and the INCR family do.
bool ParseInt64(absl::string_view text, int64_t* value);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TEXT_NUMBER_H_
