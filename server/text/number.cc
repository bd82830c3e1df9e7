#include "server/text/number.h"

#include <charconv>
#include <cstddef>

namespace holdfast::server {
namespace {

constexpr size_t kMaxDigits = 20;  // Of an int64 with its sign.

}  // namespace

bool ParseInt64(absl::string_view text, int64_t* value) {
  if (text.empty() || text.size() > kMaxDigits) return false;
  const char* digits = text.data();
  const char* const end = digits + text.size();
  if (*digits == '-') ++digits;
  if (digits == end || *digits < '0' || *digits > '9') return false;
  if (*digits == '0' && text.size() > 1) return false;  // "-0" and leading zeros.
  const auto result = std::from_chars(text.data(), end, *value);
  return result.ec == std::errc() && result.ptr == end;
}

}  // namespace holdfast::server
