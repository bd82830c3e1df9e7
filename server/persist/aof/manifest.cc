#include "server/persist/aof/manifest.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/config/text.h"

namespace holdfast::server {
namespace {

constexpr size_t kMaxLine = 1024;

absl::Status Refuse(absl::string_view what) {
  return absl::InvalidArgumentError(what);
}

absl::Status Refuse(absl::string_view what, int line_number,
                    absl::string_view line) {
  return absl::InvalidArgumentError(absl::StrCat(what, " (line ", line_number,
                                                 " of the manifest: '",
                                                 line.substr(0, 128), "')"));
}

struct Line {
  AofManifest::File file;
  char type = 0;
};

// An empty text: the line is right.
absl::string_view ParseLine(absl::string_view text, Line* line) {
  constexpr absl::string_view kInvalid = "Invalid AOF manifest file format";
  const auto words = config::SplitArgs(text);
  if (!words.has_value() || words->size() < 6 || words->size() % 2 != 0)
    return kInvalid;
  for (size_t i = 0; i < words->size(); i += 2) {
    const std::string& key = (*words)[i];
    const std::string& value = (*words)[i + 1];
    if (absl::EqualsIgnoreCase(key, "file")) {
      if (absl::StrContains(value, "/") || value == "." || value == "..")
        return "File can't be a path, just a filename";
      line->file.name = value;
    } else if (absl::EqualsIgnoreCase(key, "seq")) {
      if (!absl::SimpleAtoi(value, &line->file.seq)) return kInvalid;
    } else if (absl::EqualsIgnoreCase(key, "type")) {
      line->type = value.empty() ? 0 : value[0];
    }
  }
  if (line->file.name.empty() || line->file.seq == 0 || line->type == 0)
    return kInvalid;
  return {};
}

void AppendLine(const AofManifest::File& file, char type, std::string* out) {
  absl::StrAppend(out, "file ", config::QuoteIfNeeded(file.name), " seq ",
                  file.seq, " type ", absl::string_view(&type, 1), "\n");
}

}  // namespace

absl::StatusOr<AofManifest> AofManifest::Parse(absl::string_view text) {
  if (text.empty()) return Refuse("Found an empty AOF manifest");
  AofManifest manifest;
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    const absl::string_view raw = text.substr(0, end);
    if (end >= kMaxLine) {  // Also where there is no line end.
      if (!raw.empty() && raw[0] == '#' && end == absl::string_view::npos)
        break;
      if (raw.empty() || raw[0] != '#') {
        return Refuse("The AOF manifest file contains too long line", number,
                      raw);
      }
    }
    text.remove_prefix(std::min(text.size(), raw.size() + 1));
    if (!raw.empty() && raw[0] == '#') continue;
    const absl::string_view stripped = absl::StripAsciiWhitespace(raw);
    Line line;
    const absl::string_view wrong = stripped.empty()
                                        ? "Invalid AOF manifest file format"
                                        : ParseLine(stripped, &line);
    if (!wrong.empty()) return Refuse(wrong, number, stripped);
    switch (line.type) {
      case 'b':
        if (manifest.base.has_value()) {
          return Refuse("Found duplicate base file information", number,
                        stripped);
        }
        manifest.base_seq = line.file.seq;
        manifest.base = std::move(line.file);
        break;
      case 'h':
        manifest.history.push_back(std::move(line.file));
        break;
      case 'i':
        if (line.file.seq <= manifest.increment_seq) {
          return Refuse("Found a non-monotonic sequence number", number,
                        stripped);
        }
        manifest.AddIncrement(std::move(line.file));
        break;
      default:
        return Refuse("Unknown AOF file type", number, stripped);
    }
  }
  return manifest;
}

std::string AofManifest::Format() const {
  std::string out;
  if (base.has_value()) AppendLine(*base, 'b', &out);
  for (const File& file : history) AppendLine(file, 'h', &out);
  for (const File& file : increments) AppendLine(file, 'i', &out);
  return out;
}

AofManifest::File AofManifest::NextBase(absl::string_view stem,
                                        bool rdb) const {
  return {absl::StrCat(stem, ".", base_seq + 1, ".base", rdb ? ".rdb" : ".aof"),
          base_seq + 1};
}

AofManifest::File AofManifest::NextIncrement(absl::string_view stem) const {
  return {absl::StrCat(stem, ".", increment_seq + 1, ".incr.aof"),
          increment_seq + 1};
}

void AofManifest::AddIncrement(File file) {
  increment_seq = file.seq;
  increments.push_back(std::move(file));
}

void AofManifest::ReplaceBase(File file, int64_t first_seq) {
  if (base.has_value()) history.insert(history.begin(), *std::move(base));
  base_seq = file.seq;
  base = std::move(file);
  const auto kept =
      std::find_if(increments.begin(), increments.end(),
                   [&](const File& f) { return f.seq >= first_seq; });
  history.insert(history.begin(), increments.begin(), kept);
  increments.erase(increments.begin(), kept);
}

}  // namespace holdfast::server
