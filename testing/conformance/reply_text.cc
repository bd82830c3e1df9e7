#include "testing/conformance/reply_text.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "net/resp/reply_writer.h"
#include "net/resp/value.h"

namespace holdfast::test {

using net::Value;

namespace {

std::string Quoted(absl::string_view s) {
  std::string out = "\"";
  for (const char c : s) {
    switch (c) {
      case '\\':
      case '"':
        out += '\\';
        out += c;
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
          out += c;
        } else {
          absl::StrAppendFormat(&out, "\\x%02x", static_cast<unsigned char>(c));
        }
    }
  }
  return out + "\"";
}

std::string Format(const Value& v, const std::string& indent);

std::string FormatAggregate(const Value& v, const std::string& indent) {
  const bool map = v.type() == Value::Type::kMap;
  const size_t n = map ? v.size() / 2 : v.size();
  if (n == 0) {
    return map                              ? "(empty hash)"
           : v.type() == Value::Type::kSet  ? "(empty set)"
           : v.type() == Value::Type::kPush ? "(empty push)"
                                            : "(empty array)";
  }
  const char mark = map ? '#' : v.type() == Value::Type::kSet ? '~' : ')';
  const size_t width = absl::StrCat(n).size();
  const std::string deeper = indent + std::string(width + 2, ' ');
  std::vector<std::string> lines;
  for (size_t i = 0; i < n; ++i) {
    std::string line = i == 0 ? "" : indent;
    absl::StrAppendFormat(&line, "%*d%c ", static_cast<int>(width),
                          static_cast<int>(i + 1), mark);
    if (map) {
      absl::StrAppend(&line, Format(v[2 * i], deeper), " => ",
                      Format(v[2 * i + 1], deeper));
    } else {
      line += Format(v[i], deeper);
    }
    lines.push_back(line);
  }
  return absl::StrJoin(lines, "\n");
}

std::string Format(const Value& v, const std::string& indent) {
  switch (v.type()) {
    case Value::Type::kNull:
      return "(nil)";
    case Value::Type::kSimpleString:
    case Value::Type::kVerbatim:
      return v.str();
    case Value::Type::kError:
    case Value::Type::kBlobError:
      return absl::StrCat("(error) ", v.str());
    case Value::Type::kInteger:
      return absl::StrCat("(integer) ", v.integer());
    case Value::Type::kBulk:
      return Quoted(v.str());
    case Value::Type::kDouble:
      return absl::StrCat("(double) ", net::FormatDouble(v.dbl()));
    case Value::Type::kBool:
      return v.boolean() ? "(true)" : "(false)";
    case Value::Type::kBigNumber:
      return v.str();
    case Value::Type::kArray:
    case Value::Type::kMap:
    case Value::Type::kSet:
    case Value::Type::kPush:
      return FormatAggregate(v, indent);
  }
  return "";
}

// Reads a quoted word; `*line` begins behind the opening quote.
bool ReadQuoted(char quote, absl::string_view* line, std::string* word) {
  while (!line->empty()) {
    char c = line->front();
    line->remove_prefix(1);
    if (c == quote) return line->empty() || line->front() == ' ';
    if (c != '\\' || line->empty()) {
      *word += c;
      continue;
    }
    c = line->front();
    if (quote == '\'') {
      if (c == '\'') {
        line->remove_prefix(1);
        *word += '\'';
      } else {
        *word += '\\';
      }
      continue;
    }
    line->remove_prefix(1);
    switch (c) {
      case 'n':
        *word += '\n';
        break;
      case 'r':
        *word += '\r';
        break;
      case 't':
        *word += '\t';
        break;
      case 'a':
        *word += '\a';
        break;
      case 'b':
        *word += '\b';
        break;
      case 'x':
        if (line->size() >= 2 && absl::ascii_isxdigit((*line)[0]) &&
            absl::ascii_isxdigit((*line)[1])) {
          *word += absl::HexStringToBytes(line->substr(0, 2));
          line->remove_prefix(2);
          break;
        }
        *word += c;
        break;
      default:
        *word += c;
    }
  }
  return false;
}

}  // namespace

std::string FormatReply(const Value& reply) { return Format(reply, ""); }

absl::StatusOr<std::vector<std::string>> SplitCommand(absl::string_view line) {
  const absl::string_view whole = line;
  std::vector<std::string> words;
  for (;;) {
    while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
    if (line.empty()) break;
    std::string word;
    const char first = line.front();
    if (first == '"' || first == '\'') {
      line.remove_prefix(1);
      if (!ReadQuoted(first, &line, &word)) {
        return absl::InvalidArgumentError(
            absl::StrCat("unbalanced quotes: ", whole));
      }
    } else {
      while (!line.empty() && line.front() != ' ') {
        word += line.front();
        line.remove_prefix(1);
      }
    }
    words.push_back(word);
  }
  if (words.empty()) return absl::InvalidArgumentError("no command");
  return words;
}

std::string FormatCommand(const std::vector<std::string>& args) {
  return absl::StrJoin(args, " ", [](std::string* out, const std::string& arg) {
    bool plain = !arg.empty();
    for (const char c : arg) {
      plain = plain && absl::ascii_isgraph(static_cast<unsigned char>(c)) &&
              c != '"' && c != '\'' && c != '\\';
    }
    absl::StrAppend(out, plain ? arg : Quoted(arg));
  });
}

}  // namespace holdfast::test
