#ifndef HOLDFAST_SERVER_TEXT_DOUBLE_H_
#define HOLDFAST_SERVER_TEXT_DOUBLE_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace holdfast::server {

// Doubles as text, the way Redis 7.0.15 reads and writes them: what it accepts
// is what strtod() does in the C locale (hexadecimal, "inf", "infinity"), what
// it writes is printf's "%.17g". Found out from redis-server itself, and
// compared with it in double_test.cc. Pure functions, any thread.

// A number given as an argument: scores, increments, coordinates. Refuses NaN,
// spaces, bytes behind the number, and what is too large or too small for a
// double. 0x10, +5, 1e5 and inf are numbers.
bool ParseDouble(absl::string_view text, double* value);

// An end of a range of scores: a number with '(' before it if the number itself
// is not in the range. Laxer than ParseDouble(), as Redis is here: spaces may
// come first, no digits at all are 0, 1e400 is infinite, and a zero byte ends
// the text.
bool ParseScoreBound(absl::string_view text, double* value, bool* exclusive);

// Room for any double that FormatDouble() or FormatPackedScore() writes.
inline constexpr size_t kDoubleChars = 32;

// A double as replies have it, in RESP2's bulk string and behind RESP3's ','
// alike: "%.17g", which is "inf", "-inf", "nan" for those. The view is into
// `buffer`.
absl::string_view FormatDouble(double value, char (&buffer)[kDoubleChars]);

// The integer that stands for this score in a listpack: any score that is one,
// up to 2^62 either way; -0 becomes 0 there.
bool ScoreAsInteger(double score, int64_t* integer);

// A score as it is written in a listpack. REQUIRES: not NaN.
absl::string_view FormatPackedScore(double score, char (&buffer)[kDoubleChars]);

// The reverse. False for what no Redis writes there.
bool ParsePackedScore(absl::string_view text, double* score);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TEXT_DOUBLE_H_
