#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cmath>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/config/text.h"
#include "server/config/value.h"

namespace holdfast::server::config {
namespace {

using Words = absl::Span<const std::string>;

absl::Status Refused(absl::string_view reason) {
  return absl::InvalidArgumentError(reason);
}

// A lone "" stands for an empty list.
Words WithoutEmpty(Words words) {
  return words.size() == 1 && words[0].empty() ? Words() : words;
}

// Integers of the list-like directives are read as strtoll does it (leading
// zeros and '+' are fine), and bounded.
bool ReadInt(const std::string& word, int64_t min, int64_t max, int64_t* out) {
  return !word.empty() && absl::SimpleAtoi(word, out) && *out >= min &&
         *out <= max;
}

absl::StatusOr<Value> ParseDir(const std::string& word, const Value& old) {
  // What chdir(2) would say, without moving the process: two servers may
  // live in it.
  const std::string path = JoinPath(old.text(), word);
  char resolved[PATH_MAX];
  struct stat st;
  if (word.empty())
    errno = ENOENT;
  else if (realpath(path.c_str(), resolved) != nullptr &&
           stat(resolved, &st) == 0) {
    errno = S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
    if (errno == 0 && access(resolved, X_OK) == 0) {
      return Value{0, {resolved}};
    }
  }
  return Refused(strerror(errno));
}

absl::StatusOr<Value> ParseSave(Words words) {
  constexpr char kBad[] = "Invalid save parameters";
  // Bounds what a hostile file can make the server keep.
  constexpr size_t kMaxPoints = 1000;
  words = WithoutEmpty(words);
  if (words.size() % 2 != 0 || words.size() > 2 * kMaxPoints) {
    return Refused(kBad);
  }
  Value value;
  for (size_t i = 0; i < words.size(); i += 2) {
    int64_t seconds, changes;
    constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
    if (!ReadInt(words[i], 1, kMax, &seconds) ||
        !ReadInt(words[i + 1], 0, kMax, &changes)) {
      return Refused(kBad);
    }
    value.words.push_back(absl::StrCat(seconds));
    value.words.push_back(absl::StrCat(changes));
  }
  return value;
}

absl::StatusOr<Value> ParseBufferLimits(Words words, const Value& old) {
  if (words.size() % 4 != 0) {
    return Refused("Wrong number of arguments in buffer limit configuration.");
  }
  Value value = old;
  for (size_t i = 0; i < words.size(); i += 4) {
    size_t at;
    if (absl::EqualsIgnoreCase(words[i], "normal")) {
      at = 0;
    } else if (absl::EqualsIgnoreCase(words[i], "slave") ||
               absl::EqualsIgnoreCase(words[i], "replica")) {
      at = 4;
    } else if (absl::EqualsIgnoreCase(words[i], "pubsub")) {
      at = 8;
    } else {
      return Refused(
          "Invalid client class specified in buffer limit configuration.");
    }
    constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
    const auto hard = ParseMemory(words[i + 1]);
    const auto soft = ParseMemory(words[i + 2]);
    int64_t seconds;
    if (!hard.has_value() || !soft.has_value() || *hard > kMax ||
        *soft > kMax ||
        !ReadInt(words[i + 3], 0, std::numeric_limits<int32_t>::max(),
                 &seconds)) {
      return Refused(
          "Error in hard, soft or soft_seconds setting in buffer limit "
          "configuration.");
    }
    value.words[at + 1] = absl::StrCat(*hard);
    value.words[at + 2] = absl::StrCat(*soft);
    value.words[at + 3] = absl::StrCat(seconds);
  }
  return value;
}

absl::StatusOr<Value> ParseBind(Words words) {
  constexpr size_t kMaxAddresses = 16;
  if (words.size() > kMaxAddresses) {
    return Refused("Too many bind addresses specified.");
  }
  words = WithoutEmpty(words);
  return Value{0, {words.begin(), words.end()}};
}

absl::StatusOr<Value> ParseOomScores(Words words) {
  constexpr size_t kScores = 3;
  constexpr int64_t kLimit = 2000;
  if (words.size() != kScores) return Refused("wrong number of arguments");
  Value value;
  for (const std::string& word : words) {
    int64_t score;
    if (!ReadInt(word, -kLimit, kLimit, &score)) {
      return Refused(
          "Invalid oom-score-adj-values, elements must be between -2000 and "
          "2000.");
    }
    value.words.push_back(absl::StrCat(score));
  }
  return value;
}

absl::StatusOr<Value> ParsePercentiles(Words words) {
  constexpr size_t kMaxPercentiles = 1000;
  Value value;
  words = WithoutEmpty(words);
  for (const std::string& word : words) {
    double percentile;
    if (word.empty() || isspace(static_cast<unsigned char>(word.front())) ||
        isspace(static_cast<unsigned char>(word.back())) ||
        !absl::SimpleAtod(word, &percentile) || std::isnan(percentile) ||
        words.size() > kMaxPercentiles) {
      return Refused("Invalid latency-tracking-info-percentiles parameters");
    }
    if (percentile < 0.0 || percentile > 100.0) {
      return Refused(
          "latency-tracking-info-percentiles parameters should sit between "
          "[0.0,100.0]");
    }
    std::string text = absl::StrFormat("%f", percentile);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    value.words.push_back(std::move(text));
  }
  return value;
}

absl::StatusOr<Value> ParseReplicaOf(Words words) {
  if (words.size() != 2) return Refused("wrong number of arguments");
  if (absl::EqualsIgnoreCase(words[0], "no") &&
      absl::EqualsIgnoreCase(words[1], "one")) {
    return Value();
  }
  int64_t port;
  if (!ReadInt(words[1], 0, 65535, &port))
    return Refused("Invalid master port");
  constexpr size_t kMaxHost = 255;
  if (words[0].empty() || words[0].size() > kMaxHost ||
      words[0].find('\0') != std::string::npos) {
    return Refused("Invalid master host");
  }
  return Value{0, {words[0], absl::StrCat(port)}};
}

absl::StatusOr<Value> ParseKeyEvents(absl::string_view letters) {
  Value value;
  for (const char letter : letters) {
    const int64_t bits = letter == 'A' ? kKeyEventAll : KeyEventClass(letter);
    if (bits == 0) {
      return Refused("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    }
    value.number |= bits;
  }
  return value;
}

absl::StatusOr<Value> ParseLine(const Directive& directive, Words words) {
  const bool is_rename = &directive == &GetDirective(ConfigId::kRenameCommand);
  const bool is_include = &directive == &GetDirective(ConfigId::kInclude);
  const bool fits = is_rename    ? words.size() == 2
                    : is_include ? words.size() == 1
                                 : !words.empty();
  if (!fits) return Refused("Bad directive or wrong number of arguments");
  return Value();
}

}  // namespace

absl::StatusOr<Value> ParseSpecial(const Directive& directive, Words words,
                                   const Value& old) {
  switch (directive.type) {
    case Type::kDir:
      return ParseDir(words[0], old);
    case Type::kSave:
      return ParseSave(words);
    case Type::kBufferLimits:
      return ParseBufferLimits(words, old);
    case Type::kBind:
      return ParseBind(words);
    case Type::kOomScores:
      return ParseOomScores(words);
    case Type::kPercentiles:
      return ParsePercentiles(words);
    case Type::kReplicaOf:
      return ParseReplicaOf(words);
    case Type::kKeyEvents:
      return ParseKeyEvents(words[0]);
    default:
      return ParseLine(directive, words);
  }
}

std::string FormatKeyEvents(int64_t bits) {
  std::string out;
  int first = 0;
  if ((bits & kKeyEventAll) == kKeyEventAll) {
    out.push_back('A');
    first = kKeyEventAllCount + 1;  // As Redis, which then leaves 'n' out.
  }
  for (int i = first; kKeyEventLetters[i] != '\0'; ++i) {
    if ((bits & (int64_t{1} << i)) != 0) out.push_back(kKeyEventLetters[i]);
  }
  return out;
}

std::string JoinPath(absl::string_view dir, absl::string_view path) {
  if (absl::StartsWith(path, "/")) return std::string(path);
  return absl::StrCat(dir, absl::EndsWith(dir, "/") ? "" : "/", path);
}

}  // namespace holdfast::server::config
