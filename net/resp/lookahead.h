#ifndef HOLDFAST_NET_RESP_LOOKAHEAD_H_
#define HOLDFAST_NET_RESP_LOOKAHEAD_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace holdfast::net {

// Finds the first argument after the name (mostly: the key) of each of the
// requests that begin with `bytes`, as far as there is room in `arguments`, and
// returns how many. Views into `bytes`.
//
// A glance for the sake of prefetching, not a decoder: it stops without a word
// at whatever is no complete multibulk request with such an argument.
// O(arguments).
size_t PeekFirstArguments(absl::string_view bytes,
                          absl::Span<absl::string_view> arguments);

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_RESP_LOOKAHEAD_H_
