#ifndef HOLDFAST_SERVER_CONFIG_LOADER_H_
#define HOLDFAST_SERVER_CONFIG_LOADER_H_

#include <cstdio>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/config/value.h"

namespace holdfast::server::config {

// Limits on what a file can make the loader do.
inline constexpr size_t kMaxFileBytes = 64 * 1024 * 1024;
inline constexpr size_t kMaxLineBytes = 64 * 1024;
inline constexpr int kMaxIncludeDepth = 16;
inline constexpr int kMaxFiles = 1000;

// Gathers the settings of a start from files, text and options into one
// ValueSet. One thread; no state outside the object, so a failed load leaves
// the server's values as they were. Blocks on reading files only.
//
// Order is what counts: a later setting replaces an earlier one. Feed the file
// first, then the command line. Errors carry the block of text that
// redis-server prints (where, the line, why); after one the object is of no
// further use.
class Loader {
 public:
  explicit Loader(ValueSet base) : set_(std::move(base)) {}

  // Reads `path`, or every file that it matches if it holds one of * ? [
  // (which may be none). Relative names count from dir.
  absl::Status LoadFile(const std::string& path);

  // Reads text in redis.conf's grammar; `origin` names it in errors.
  absl::Status LoadText(absl::string_view text, absl::string_view origin);

  // From here on settings override those so far: the first `save` replaces
  // what was said before instead of adding to it. For flags of gflags;
  // redis-server's options go on where the file ended.
  void StartCommandLine();

  // One directive with its arguments, as from a command line. The name may be
  // written with underscores.
  absl::Status ApplyOption(absl::string_view name,
                           absl::Span<const std::string> args);

  // Checks what only the whole can tell: contradictions, and that the log file
  // can be opened (which creates it).
  absl::Status Finish() const;

  const ValueSet& values() const { return set_; }

 private:
  absl::Status LoadOneFile(const std::string& path);
  // `words` holds the name and the arguments. The message is the bare reason.
  absl::Status ApplyLine(absl::Span<const std::string> words);
  absl::Status ApplyDirective(ConfigId id, absl::Span<const std::string> args);
  // Names that are no directives: deprecated, sentinel, modules, unknown.
  absl::Status ApplyOther(const std::string& name, size_t args) const;

  ValueSet set_;
  bool save_seen_ = false;  // In this source.
  int depth_ = 0;
  int files_ = 0;
};

// Reads a stream to its end; an error beyond kMaxFileBytes.
absl::StatusOr<std::string> ReadAll(std::FILE* file);

}  // namespace holdfast::server::config

#endif  // HOLDFAST_SERVER_CONFIG_LOADER_H_
