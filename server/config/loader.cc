#include "server/config/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <unistd.h>

#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "server/config/text.h"

namespace holdfast::server::config {
namespace {

constexpr char kBadDirective[] = "Bad directive or wrong number of arguments";

// `line` for an error text: no control characters, no secrets, not endless.
std::string Presentable(absl::string_view line) {
  constexpr size_t kMaxShown = 500;
  const absl::string_view name = line.substr(0, line.find_first_of(" \t"));
  const ConfigId id = FindDirective(name);
  if (id != ConfigId::kCount && GetDirective(id).Has(kSensitive) &&
      name.size() < line.size()) {
    return absl::StrCat(name, " (not shown)");
  }
  std::string out;
  for (const char c : line.substr(0, kMaxShown)) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
      absl::StrAppendFormat(&out, "\\x%02x", static_cast<unsigned char>(c));
    } else {
      out.push_back(c);
    }
  }
  if (line.size() > kMaxShown) out += "...";
  return out;
}

absl::Status Fatal(absl::string_view where, absl::string_view line,
                   absl::string_view reason) {
  return absl::InvalidArgumentError(absl::StrCat(
      "\n*** FATAL CONFIG FILE ERROR (Holdfast, for Redis 7.0.15) ***\n", where,
      "\n>>> '", Presentable(line), "'\n", reason));
}

// An error that is a whole block already, from an included file.
bool IsBlock(const absl::Status& status) {
  return absl::StartsWith(status.message(), "\n***");
}

absl::Status CannotOpen(absl::string_view path, int error) {
  return absl::NotFoundError(
      absl::StrCat("Fatal error, can't open config "
                   "file '",
                   path, "': ", strerror(error)));
}

}  // namespace

absl::StatusOr<std::string> ReadAll(std::FILE* file) {
  std::string text;
  char buffer[16 * 1024];
  while (true) {
    errno = 0;
    const size_t n = std::fread(buffer, 1, sizeof(buffer), file);
    text.append(buffer, n);
    if (text.size() > kMaxFileBytes) {
      return absl::OutOfRangeError(absl::StrCat("configuration is larger than ",
                                                FormatMemory(kMaxFileBytes)));
    }
    if (n == 0) {
      if (std::ferror(file) != 0) {
        return absl::UnavailableError(strerror(errno));
      }
      return text;
    }
  }
}

absl::Status Loader::LoadFile(const std::string& path) {
  const std::string absolute = JoinPath(set_.at(ConfigId::kDir).text(), path);
  if (!HasGlob(path)) return LoadOneFile(absolute);
  glob_t found;
  if (glob(absolute.c_str(), 0, nullptr, &found) != 0) {
    return absl::OkStatus();
  }
  const std::vector<std::string> paths(found.gl_pathv,
                                       found.gl_pathv + found.gl_pathc);
  globfree(&found);
  for (const std::string& one : paths) {
    const absl::Status loaded = LoadOneFile(one);
    if (!loaded.ok()) return loaded;
  }
  return absl::OkStatus();
}

absl::Status Loader::LoadOneFile(const std::string& path) {
  if (depth_ >= kMaxIncludeDepth || files_ >= kMaxFiles) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "too many included files (does '", path, "' include itself?)"));
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
      std::fopen(path.c_str(), "re"), &std::fclose);
  if (file == nullptr) return CannotOpen(path, errno);
  const absl::StatusOr<std::string> text = ReadAll(file.get());
  if (!text.ok()) {
    return absl::Status(text.status().code(),
                        absl::StrCat("Fatal error, can't read config file '",
                                     path, "': ", text.status().message()));
  }
  ++depth_;
  ++files_;
  const absl::Status loaded = LoadText(*text, path);
  --depth_;
  return loaded;
}

absl::Status Loader::LoadText(absl::string_view text,
                              absl::string_view origin) {
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    auto fatal = [&](absl::string_view reason) {
      return Fatal(absl::StrCat("Reading the configuration file, at line ",
                                number, " of ", origin),
                   line, reason);
    };
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') continue;
    if (line.size() > kMaxLineBytes) {
      return fatal(
          absl::StrCat("Line is longer than ", kMaxLineBytes, " bytes"));
    }
    if (absl::StrContains(line, '\0')) {
      return fatal("Line contains a NUL byte");
    }
    const auto words = SplitArgs(line);
    if (!words.has_value()) {
      return fatal("Unbalanced quotes in configuration line");
    }
    if (words->empty()) continue;
    const absl::Status applied = ApplyLine(*words);
    if (applied.ok()) continue;
    return IsBlock(applied) ? applied : fatal(applied.message());
  }
  return absl::OkStatus();
}

void Loader::StartCommandLine() { save_seen_ = false; }

absl::Status Loader::ApplyOption(absl::string_view name,
                                 absl::Span<const std::string> args) {
  std::vector<std::string> words = {
      FindDirective(name) != ConfigId::kCount
          ? std::string(name)
          : absl::StrReplaceAll(name, {{"_", "-"}})};
  // Shown as given, and so that empty arguments can be seen.
  std::string shown(name);
  for (const std::string& arg : args) {
    absl::StrAppend(&shown, " ", Quote(arg));
    words.push_back(arg);
  }
  const absl::Status applied = ApplyLine(words);
  if (applied.ok() || IsBlock(applied)) return applied;
  return Fatal("Reading the command line", shown, applied.message());
}

absl::Status Loader::ApplyLine(absl::Span<const std::string> words) {
  const ConfigId id = FindDirective(words[0]);
  const absl::Span<const std::string> args = words.subspan(1);
  if (id == ConfigId::kCount) {
    return ApplyOther(absl::AsciiStrToLower(words[0]), args.size());
  }
  return ApplyDirective(id, args);
}

absl::Status Loader::ApplyDirective(ConfigId id,
                                    absl::Span<const std::string> args) {
  const Directive& directive = GetDirective(id);
  if (id == ConfigId::kInclude) {
    if (args.size() != 1) return absl::InvalidArgumentError(kBadDirective);
    return LoadFile(args[0]);
  }
  // A first save replaces what was there; more of them add up.
  const bool accumulate = id == ConfigId::kSave && save_seen_;
  if (id == ConfigId::kSave) save_seen_ = true;
  if (directive.type != Type::kLine && directive.Has(kMultiArg) &&
      args.size() == 1 && !args[0].empty()) {
    // One argument may hold them all: --save "900 1".
    const auto split = SplitArgs(args[0]);
    if (!split.has_value()) {
      return absl::InvalidArgumentError(
          "Unbalanced quotes in configuration line");
    }
    return ApplyWords(id, *split, accumulate, &set_);
  }
  return ApplyWords(id, args, accumulate, &set_);
}

absl::Status Loader::ApplyOther(const std::string& name, size_t args) const {
  for (const char* deprecated :
       {"list-max-ziplist-entries", "list-max-ziplist-value",
        "lua-replicate-commands"}) {
    if (name == deprecated && args == 1) return absl::OkStatus();
  }
  if (name == "sentinel") {
    return absl::InvalidArgumentError(
        "sentinel directive while not in sentinel mode");
  }
  if (absl::StrContains(name, '.')) {
    return absl::InvalidArgumentError(
        args == 0 ? "Module config specified without value"
                  : "Module config for a module that is not loaded");
  }
  return absl::InvalidArgumentError(kBadDirective);
}

absl::Status Loader::Finish() const {
  ConfigId culprit = ConfigId::kCount;
  const absl::Status consistent =
      CheckConsistency(set_, set_.is_explicit, &culprit);
  if (!consistent.ok()) {
    return Fatal(
        "Checking the whole configuration",
        absl::StrJoin(FileLines(GetDirective(culprit), set_.at(culprit)), " "),
        consistent.message());
  }
  const std::string& log = set_.at(ConfigId::kLogFile).text();
  if (!log.empty()) {
    const std::string path = JoinPath(set_.at(ConfigId::kDir).text(), log);
    const int fd =
        open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
      return Fatal("Checking the whole configuration",
                   absl::StrCat("logfile ", Quote(log)),
                   absl::StrCat("Can't open the log file: ", strerror(errno)));
    }
    close(fd);
  }
  return absl::OkStatus();
}

}  // namespace holdfast::server::config
