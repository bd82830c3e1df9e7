#ifndef HOLDFAST_NET_RESP_INTEGER_H_
#define HOLDFAST_NET_RESP_INTEGER_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace holdfast::net {

// A decimal int64 as Redis writes and reads it: the one canonical text of a
// number. No plus sign, no leading zero, no space, no "-0", nothing out of
// range; false for these. So text that parses can be stored as a number and
// printed back to the same bytes.
bool ParseInteger(absl::string_view text, int64_t* value);

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_RESP_INTEGER_H_
