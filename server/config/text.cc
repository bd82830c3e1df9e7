#include "server/config/text.h"

#include <algorithm>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "net/resp/integer.h"

namespace holdfast::server::config {
namespace {

bool IsBlank(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\v' ||
         c == '\f';
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = absl::ascii_tolower(static_cast<unsigned char>(c));
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char Unescape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

// A cursor over one line; each Read...() appends to the word under way and
// returns false when the quotes do not balance.
class WordReader {
 public:
  explicit WordReader(absl::string_view line) : line_(line) {}

  bool AtEnd() const { return pos_ >= line_.size(); }
  void SkipBlanks() {
    while (!AtEnd() && IsBlank(line_[pos_])) ++pos_;
  }

  bool ReadWord(std::string* word) {
    while (!AtEnd()) {
      const char c = line_[pos_];
      if (c == ' ' || c == '\n' || c == '\r' || c == '\t') return true;
      ++pos_;
      if (c == '"') return ReadDouble(word);
      if (c == '\'') return ReadSingle(word);
      word->push_back(c);
    }
    return true;
  }

 private:
  // A closing quote ends the word: only a blank may follow.
  bool ClosedWell() const { return AtEnd() || IsBlank(line_[pos_]); }

  bool ReadDouble(std::string* word) {
    while (!AtEnd()) {
      const char c = line_[pos_++];
      if (c == '"') return ClosedWell();
      if (c != '\\' || AtEnd()) {
        word->push_back(c);
        continue;
      }
      const char escaped = line_[pos_];
      if (escaped == 'x' && pos_ + 2 < line_.size() &&
          HexDigit(line_[pos_ + 1]) >= 0 && HexDigit(line_[pos_ + 2]) >= 0) {
        word->push_back(static_cast<char>(HexDigit(line_[pos_ + 1]) * 16 +
                                          HexDigit(line_[pos_ + 2])));
        pos_ += 3;
      } else {
        word->push_back(Unescape(escaped));
        ++pos_;
      }
    }
    return false;
  }

  bool ReadSingle(std::string* word) {
    while (!AtEnd()) {
      const char c = line_[pos_++];
      if (c == '\'') return ClosedWell();
      if (c == '\\' && !AtEnd() && line_[pos_] == '\'') {
        word->push_back('\'');
        ++pos_;
      } else {
        word->push_back(c);
      }
    }
    return false;
  }

  const absl::string_view line_;
  size_t pos_ = 0;
};

// Reads digits of `base` from the front of `text` into `value`; returns how
// many were read, or nullopt when the number leaves uint64.
std::optional<size_t> ReadDigits(absl::string_view text, unsigned base,
                                 uint64_t* value) {
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  *value = 0;
  size_t n = 0;
  for (; n < text.size(); ++n) {
    if (text[n] < '0') break;
    const unsigned digit = static_cast<unsigned>(text[n] - '0');
    if (digit >= base) break;
    if (*value > (kMax - digit) / base) return std::nullopt;
    *value = *value * base + digit;
  }
  return n;
}

}  // namespace

std::optional<std::vector<std::string>> SplitArgs(absl::string_view line) {
  std::vector<std::string> words;
  WordReader reader(line);
  for (reader.SkipBlanks(); !reader.AtEnd(); reader.SkipBlanks()) {
    std::string word;
    if (!reader.ReadWord(&word)) return std::nullopt;
    words.push_back(std::move(word));
  }
  return words;
}

std::string Quote(absl::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '\\':
      case '"':
        absl::StrAppend(&out, "\\", absl::string_view(&c, 1));
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\a':
        out += "\\a";
        break;
      case '\b':
        out += "\\b";
        break;
      default:
        if (absl::ascii_isprint(static_cast<unsigned char>(c))) {
          out.push_back(c);
        } else {
          absl::StrAppendFormat(&out, "\\x%02x", static_cast<unsigned char>(c));
        }
    }
  }
  out.push_back('"');
  return out;
}

std::string QuoteIfNeeded(absl::string_view text) {
  if (text.empty()) return "\"\"";
  for (const char c : text) {
    if (!absl::ascii_isgraph(static_cast<unsigned char>(c)) || c == '"' ||
        c == '\'' || c == '\\') {
      return Quote(text);
    }
  }
  return std::string(text);
}

std::optional<int64_t> ParseInt(absl::string_view text) {
  int64_t value;
  if (!net::ParseInteger(text, &value)) return std::nullopt;
  return value;
}

std::optional<uint64_t> ParseMemory(absl::string_view text) {
  uint64_t value = 0;
  const std::optional<size_t> read = ReadDigits(text, 10, &value);
  if (!read.has_value() || *read == 0) return std::nullopt;
  const std::string unit = absl::AsciiStrToLower(text.substr(*read));
  uint64_t factor = 1;
  if (unit == "k") {
    factor = 1000;
  } else if (unit == "kb") {
    factor = 1024;
  } else if (unit == "m") {
    factor = 1000 * 1000;
  } else if (unit == "mb") {
    factor = 1024 * 1024;
  } else if (unit == "g") {
    factor = 1000 * 1000 * 1000;
  } else if (unit == "gb") {
    factor = 1024 * 1024 * 1024;
  } else if (!unit.empty() && unit != "b") {
    return std::nullopt;
  }
  if (value > std::numeric_limits<uint64_t>::max() / factor) {
    return std::nullopt;
  }
  return value * factor;
}

std::optional<int64_t> ParseOctal(absl::string_view text) {
  uint64_t value = 0;
  const std::optional<size_t> read = ReadDigits(text, 8, &value);
  if (!read.has_value() || *read == 0 || *read != text.size() ||
      value > std::numeric_limits<int64_t>::max()) {
    return std::nullopt;
  }
  return static_cast<int64_t>(value);
}

std::string FormatMemory(int64_t bytes) {
  constexpr int64_t kKb = 1024, kMb = kKb * 1024, kGb = kMb * 1024;
  if (bytes != 0 && bytes % kGb == 0) return absl::StrCat(bytes / kGb, "gb");
  if (bytes != 0 && bytes % kMb == 0) return absl::StrCat(bytes / kMb, "mb");
  if (bytes != 0 && bytes % kKb == 0) return absl::StrCat(bytes / kKb, "kb");
  return absl::StrCat(bytes);
}

bool HasGlob(absl::string_view pattern) {
  return pattern.find_first_of("[*?") != absl::string_view::npos;
}

}  // namespace holdfast::server::config
