#ifndef HOLDFAST_SERVER_PERSIST_AOF_MANIFEST_H_
#define HOLDFAST_SERVER_PERSIST_AOF_MANIFEST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace holdfast::server {

// Which files the append-only file consists of, as Redis 7 keeps it: a base
// (the dataset at some moment), increments (the commands since then, in order),
// and history files, which a rewrite has replaced and which are to go. Text
// form: one line a file, `file <name> seq <n> type b|h|i`. A value; no I/O.
struct AofManifest {
  struct File {
    std::string name;
    int64_t seq = 0;
    friend bool operator==(const File&, const File&) = default;
  };
  std::optional<File> base;
  std::vector<File> history;
  std::vector<File> increments;  // Ascending by seq.
  int64_t base_seq = 0;          // The last that was given to a base,
  int64_t increment_seq = 0;     // and to an increment.

  friend bool operator==(const AofManifest&, const AofManifest&) = default;

  // kInvalidArgument, in Redis's words, for a text that is none. Unknown keys
  // of a line are left out, lines that begin with '#' too.
  static absl::StatusOr<AofManifest> Parse(absl::string_view text);
  std::string Format() const;

  bool nothing_to_load() const {
    return !base.has_value() && increments.empty();
  }

  // The names that the next files get; `stem` is appendfilename.
  File NextBase(absl::string_view stem, bool rdb) const;
  File NextIncrement(absl::string_view stem) const;
  void AddIncrement(File file);
  // `file` is the base from now on; the one before and the increments below
  // `first_seq` become history.
  void ReplaceBase(File file, int64_t first_seq);
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_AOF_MANIFEST_H_
