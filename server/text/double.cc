#include "server/text/double.h"

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>

namespace holdfast::server {
namespace {

constexpr double kMaxPackedInteger = 4611686018427387904.0;  // 2^62.
// Integers up to here print the same with "%.17g" as with "%d", and quicker.
constexpr double kMaxPlainInteger = 1e15;
constexpr int kPrecision = 17;

// from_chars() takes a subset of what strtod() does, with the same results, and
// needs neither a terminating zero nor a locale.
bool ParseQuickly(absl::string_view text, double* value) {
  const char* const end = text.data() + text.size();
  double parsed;
  const auto result = std::from_chars(text.data(), end, parsed);
  if (result.ec != std::errc() || result.ptr != end || std::isnan(parsed)) {
    return false;
  }
  *value = parsed;
  return true;
}

struct Strtod {
  double value;
  size_t used;
  size_t length;  // Of the text up to its first zero byte.
  bool out_of_range;
};

Strtod CallStrtod(absl::string_view text) {
  const std::string terminated(text);
  char* end = nullptr;
  errno = 0;
  const double value = strtod(terminated.c_str(), &end);
  return {value, static_cast<size_t>(end - terminated.c_str()),
          strlen(terminated.c_str()), errno == ERANGE};
}

}  // namespace

bool ParseDouble(absl::string_view text, double* value) {
  if (text.empty()) return false;
  if (ParseQuickly(text, value)) return true;
  // What strtod() skips, and isspace() finds, in the C locale.
  if (text[0] == ' ' || (text[0] >= '\t' && text[0] <= '\r')) return false;
  const Strtod parsed = CallStrtod(text);
  if (parsed.used != text.size() || std::isnan(parsed.value)) return false;
  // A denormal number is out of range for strtod(), but not for Redis.
  if (parsed.out_of_range && (std::isinf(parsed.value) || parsed.value == 0)) {
    return false;
  }
  *value = parsed.value;
  return true;
}

bool ParseScoreBound(absl::string_view text, double* value, bool* exclusive) {
  *exclusive = !text.empty() && text[0] == '(';
  if (*exclusive) text.remove_prefix(1);
  if (ParseQuickly(text, value)) return true;
  const Strtod parsed = CallStrtod(text);
  if (parsed.used != parsed.length || std::isnan(parsed.value)) return false;
  *value = parsed.value;
  return true;
}

absl::string_view FormatDouble(double value, char (&buffer)[kDoubleChars]) {
  char* end;
  if (std::fabs(value) <= kMaxPlainInteger && value == std::trunc(value) &&
      !(value == 0 && std::signbit(value))) {
    end = std::to_chars(buffer, buffer + kDoubleChars,
                        static_cast<int64_t>(value))
              .ptr;
  } else {
    // The standard defines this form as what printf() gives in the C locale.
    end = std::to_chars(buffer, buffer + kDoubleChars, value,
                        std::chars_format::general, kPrecision)
              .ptr;
  }
  return {buffer, static_cast<size_t>(end - buffer)};
}

bool ScoreAsInteger(double score, int64_t* integer) {
  // Written so that NaN is none.
  if (!(std::fabs(score) <= kMaxPackedInteger)) return false;
  const auto truncated = static_cast<int64_t>(score);
  if (static_cast<double>(truncated) != score) return false;
  *integer = truncated;
  return true;
}

absl::string_view FormatPackedScore(double score,
                                    char (&buffer)[kDoubleChars]) {
  int64_t integer;
  if (!ScoreAsInteger(score, &integer)) return FormatDouble(score, buffer);
  const char* const end =
      std::to_chars(buffer, buffer + kDoubleChars, integer).ptr;
  return {buffer, static_cast<size_t>(end - buffer)};
}

bool ParsePackedScore(absl::string_view text, double* score) {
  return ParseQuickly(text, score);
}

}  // namespace holdfast::server
