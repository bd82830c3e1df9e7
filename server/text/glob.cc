#include "server/text/glob.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"

namespace holdfast::server {
namespace {

char Fold(char c, GlobCase glob_case) {
  return glob_case == GlobCase::kIgnore
             ? absl::ascii_tolower(static_cast<unsigned char>(c))
             : c;
}

// A byte as Redis compares it with the ends of a range: signed, or what
// tolower(3) makes of it, which is not.
int Rank(signed char c, GlobCase glob_case) {
  if (glob_case == GlobCase::kSensitive) return c;
  return static_cast<unsigned char>(
      absl::ascii_tolower(static_cast<unsigned char>(c)));
}

// Matches `c` with the class that begins at pattern[*at], behind its '['; moves
// *at behind the class.
bool MatchClass(absl::string_view pattern, size_t* at, char c,
                GlobCase glob_case) {
  size_t p = *at;
  const bool inverted = p < pattern.size() && pattern[p] == '^';
  if (inverted) ++p;
  bool matched = false;
  for (; p < pattern.size() && pattern[p] != ']'; ++p) {
    const size_t left = pattern.size() - p;
    if (pattern[p] == '\\' && left >= 2) {
      ++p;
      // An escaped letter keeps its case even where case is ignored.
      matched = matched || pattern[p] == c;
    } else if (left >= 3 && pattern[p + 1] == '-') {
      // The end of a range may be any byte, even ']'.
      signed char low = static_cast<signed char>(pattern[p]);
      signed char high = static_cast<signed char>(pattern[p + 2]);
      if (low > high) std::swap(low, high);
      const int rank = Rank(static_cast<signed char>(c), glob_case);
      matched = matched ||
                (rank >= Rank(low, glob_case) && rank <= Rank(high, glob_case));
      p += 2;
    } else {
      matched = matched || Fold(pattern[p], glob_case) == Fold(c, glob_case);
    }
  }
  *at = p < pattern.size() ? p + 1 : p;
  return matched != inverted;
}

// Matches `c` with the element at pattern[*at], which is there and no star;
// moves *at behind it.
bool MatchOne(absl::string_view pattern, size_t* at, char c,
              GlobCase glob_case) {
  const char element = pattern[(*at)++];
  switch (element) {
    case '?':
      return true;
    case '[':
      return MatchClass(pattern, at, c, glob_case);
    case '\\':
      if (*at < pattern.size())
        return Fold(pattern[(*at)++], glob_case) == Fold(c, glob_case);
      break;
    default:
      break;
  }
  return Fold(element, glob_case) == Fold(c, glob_case);
}

}  // namespace

bool GlobMatch(absl::string_view pattern, absl::string_view text,
               GlobCase glob_case) {
  if (text.empty()) return pattern.empty();
  size_t p = 0;
  size_t t = 0;
  // Where to go on when the elements after the last star do not match here: an
  // earlier star need not give more, as the text that it leaves was tried
  // whole.
  size_t after_star = absl::string_view::npos;
  size_t retry = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      while (p < pattern.size() && pattern[p] == '*') ++p;
      if (p == pattern.size()) return true;
      after_star = p;
      retry = t;
      continue;
    }
    if (p < pattern.size() && MatchOne(pattern, &p, text[t], glob_case)) {
      ++t;
      continue;
    }
    if (after_star == absl::string_view::npos) return false;
    p = after_star;
    t = ++retry;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace holdfast::server
