#include "net/resp/integer.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <system_error>

#include "absl/strings/string_view.h"

namespace holdfast::net {

bool ParseInteger(absl::string_view text, int64_t* value) {
  const char* first = text.data();
  const char* const last = first + text.size();
  // No int64 is longer, and a long text is not to be read to its end for that.
  constexpr size_t kMaxChars = 20;
  if (text.empty() || text.size() > kMaxChars) return false;
  const char* digits = first + (*first == '-' ? 1 : 0);
  if (digits == last) return false;
  if (*digits == '0' && text.size() > 1) return false;
  // from_chars takes no plus sign and no space.
  const auto [end, error] = std::from_chars(first, last, *value);
  return error == std::errc() && end == last;
}

}  // namespace holdfast::net
