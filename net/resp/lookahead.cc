#include "net/resp/lookahead.h"

namespace holdfast::net {
namespace {

constexpr size_t kMaxDigits = 9;  // No more is worth a glance.

// Takes "<type><digits>\r\n" off the front; false if it does not stand there.
bool TakeHeader(absl::string_view* bytes, char type, size_t* value) {
  if (bytes->empty() || bytes->front() != type) return false;
  *value = 0;
  size_t at = 1;
  for (; at < bytes->size() && (*bytes)[at] >= '0' && (*bytes)[at] <= '9';
       ++at) {
    *value = *value * 10 + static_cast<size_t>((*bytes)[at] - '0');
  }
  if (at == 1 || at > kMaxDigits || bytes->size() < at + 2) return false;
  bytes->remove_prefix(at + 2);
  return true;
}

bool TakeArgument(absl::string_view* bytes, absl::string_view* argument) {
  size_t length;
  if (!TakeHeader(bytes, '$', &length) || bytes->size() < length + 2)
    return false;
  *argument = bytes->substr(0, length);
  bytes->remove_prefix(length + 2);
  return true;
}

}  // namespace

size_t PeekFirstArguments(absl::string_view bytes,
                          absl::Span<absl::string_view> arguments) {
  size_t found = 0;
  while (found < arguments.size()) {
    size_t count;
    absl::string_view argument;
    if (!TakeHeader(&bytes, '*', &count) || count < 2) break;
    if (!TakeArgument(&bytes, &argument) ||
        !TakeArgument(&bytes, &arguments[found]))
      break;
    ++found;
    for (size_t i = 2; i < count; ++i) {
      if (!TakeArgument(&bytes, &argument)) return found;
    }
  }
  return found;
}

}  // namespace holdfast::net
