#include "server/config/rewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdio>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/config/loader.h"
#include "server/config/text.h"

namespace holdfast::server::config {
namespace {

// The text under way: its lines, and which of them set what.
class Draft {
 public:
  explicit Draft(absl::string_view text) {
    for (absl::string_view raw : absl::StrSplit(text, '\n')) {
      AddOldLine(absl::StripAsciiWhitespace(raw));
    }
    // The last line break ends a line; it does not begin one.
    if (!lines_.empty() && lines_.back().empty()) lines_.pop_back();
  }

  bool Mentions(ConfigId id) const { return by_id_.contains(id); }

  // The single line that sets `id`, split; nullopt if there are more or none.
  std::optional<std::vector<std::string>> OnlyLine(ConfigId id) const {
    const auto it = by_id_.find(id);
    if (it == by_id_.end() || it->second.size() != 1) return std::nullopt;
    return SplitArgs(lines_[it->second.front()]);
  }

  // Puts `wanted` where lines of `id` stand, blanks those left over, and
  // appends what found no place.
  void Replace(ConfigId id, const std::vector<std::string>& wanted) {
    const std::vector<size_t>& places = by_id_[id];
    for (size_t i = 0; i < std::max(places.size(), wanted.size()); ++i) {
      if (i >= places.size()) {
        Append(wanted[i]);
      } else {
        lines_[places[i]] = i < wanted.size() ? wanted[i] : std::string();
      }
    }
  }

  // The text, with every run of empty lines made one.
  std::string Text() const {
    std::string out;
    bool after_empty = false;
    for (const std::string& line : lines_) {
      if (line.empty() && after_empty) continue;
      after_empty = line.empty();
      absl::StrAppend(&out, line, "\n");
    }
    return out;
  }

 private:
  void AddOldLine(absl::string_view line) {
    if (line.empty() || line[0] == '#') {
      has_signature_ |= line == kRewriteSignature;
      lines_.emplace_back(line);
      return;
    }
    const auto words = SplitArgs(line);
    const ConfigId id = words.has_value() && !words->empty()
                            ? FindDirective(words->front())
                            : ConfigId::kCount;
    if (id == ConfigId::kCount) {
      lines_.push_back(absl::StrCat("# ??? ", line));
      return;
    }
    by_id_[id].push_back(lines_.size());
    lines_.emplace_back(line);
  }

  void Append(const std::string& line) {
    if (!has_signature_) lines_.push_back(kRewriteSignature);
    has_signature_ = true;
    lines_.push_back(line);
  }

  std::vector<std::string> lines_;
  absl::flat_hash_map<ConfigId, std::vector<size_t>> by_id_;
  bool has_signature_ = false;
};

// True if the one line there is says what `value` says already.
bool StillHolds(const Draft& draft, ConfigId id, const Value& value,
                const Value& default_value) {
  const Directive& d = GetDirective(id);
  // A relative dir says something else once the process starts elsewhere.
  if (d.type == Type::kDir) return false;
  const auto words = draft.OnlyLine(id);
  if (!words.has_value()) return false;
  std::vector<std::string> args(words->begin() + 1, words->end());
  if (d.Has(kMultiArg) && args.size() == 1 && !args[0].empty()) {
    args = SplitArgs(args[0]).value_or(args);
  }
  const absl::StatusOr<Value> parsed = ParseValue(d, args, default_value);
  return parsed.ok() && *parsed == value;
}

// Lines of client-output-buffer-limit are about one class each: those of
// classes at their defaults are needed only where they stand already.
std::vector<std::string> LinesToWrite(const Draft& draft, ConfigId id,
                                      const Value& value,
                                      const Value& default_value) {
  const Directive& d = GetDirective(id);
  std::vector<std::string> lines = FileLines(d, value);
  if (d.type != Type::kBufferLimits || draft.Mentions(id)) return lines;
  const std::vector<std::string> defaults = FileLines(d, default_value);
  std::vector<std::string> differing;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i] != defaults[i]) differing.push_back(lines[i]);
  }
  return differing;
}

absl::Status SystemError() { return absl::InternalError(strerror(errno)); }

absl::Status WriteAndSync(int fd, absl::string_view text, mode_t mode) {
  while (!text.empty()) {
    const ssize_t n = write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SystemError();
    text.remove_prefix(static_cast<size_t>(n));
  }
  if (fchmod(fd, mode) != 0 || fsync(fd) != 0) return SystemError();
  return absl::OkStatus();
}

absl::Status SyncDirectoryOf(const std::string& path) {
  const std::string dir = path.substr(0, path.rfind('/') + 1);
  const int fd = open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return SystemError();
  const absl::Status status = fsync(fd) == 0 ? absl::OkStatus() : SystemError();
  close(fd);
  return status;
}

}  // namespace

std::string RewriteText(absl::string_view old_text, const ValueSet& set,
                        const std::optional<std::vector<std::string>>& users) {
  const ValueSet defaults = DefaultValues();
  Draft draft(old_text);
  // An included file may set a value that is now back at its default.
  const bool has_include = draft.Mentions(ConfigId::kInclude);
  for (size_t i = 0; i < kConfigCount; ++i) {
    const ConfigId id = static_cast<ConfigId>(i);
    if (GetDirective(id).type == Type::kLine) continue;
    const Value& value = set.at(id);
    const bool needed = value != defaults.at(id) ||
                        (has_include && set.IsExplicit(id)) ||
                        id == ConfigId::kDir;
    if (!needed && !draft.Mentions(id)) continue;
    if (StillHolds(draft, id, value, defaults.at(id))) continue;
    draft.Replace(id, LinesToWrite(draft, id, value, defaults.at(id)));
  }
  if (!set.at(ConfigId::kAclFile).text().empty()) {
    draft.Replace(ConfigId::kUser, {});
  } else if (users.has_value()) {
    std::vector<std::string> lines;
    for (const std::string& user : *users) {
      lines.push_back(absl::StrCat("user ", user));
    }
    draft.Replace(ConfigId::kUser, lines);
  }
  return draft.Text();
}

absl::Status RewriteFile(const std::string& path, const ValueSet& set,
                         const std::optional<std::vector<std::string>>& users) {
  char resolved[PATH_MAX];
  const std::string target =
      realpath(path.c_str(), resolved) != nullptr ? resolved : path;
  std::string old_text;
  mode_t mode = 0600;  // Of a new file: it may hold passwords.
  if (const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
          std::fopen(target.c_str(), "re"), &std::fclose);
      file != nullptr) {
    absl::StatusOr<std::string> text = ReadAll(file.get());
    if (!text.ok()) return text.status();
    old_text = *std::move(text);
    struct stat st;
    if (fstat(fileno(file.get()), &st) == 0) mode = st.st_mode & 0777;
  } else if (errno != ENOENT) {
    return SystemError();
  }
  std::string temporary = target + ".XXXXXX";
  const int fd = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return SystemError();
  absl::Status status =
      WriteAndSync(fd, RewriteText(old_text, set, users), mode);
  close(fd);
  if (status.ok() && rename(temporary.c_str(), target.c_str()) != 0) {
    status = SystemError();
  }
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  return SyncDirectoryOf(target);
}

}  // namespace holdfast::server::config
