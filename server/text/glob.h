#ifndef HOLDFAST_SERVER_TEXT_GLOB_H_
#define HOLDFAST_SERVER_TEXT_GLOB_H_

#include "absl/strings/string_view.h"

namespace holdfast::server {

enum class GlobCase { kSensitive, kIgnore };

// Whether `text` matches the glob `pattern` as Redis matches key names and
// channels (redis.io/commands/keys; odd cases asked of redis-server 7.0.15):
//
//   *       any bytes, also none (but an empty text only matches an empty
//   pattern) ?       one byte
//   [...]   one byte of the class: bytes, a-z ranges (either way round, bytes
//           compared as signed), \x for a literal x; [^...] one that is not in
//           it. An unclosed class ends with the pattern; "[]" is empty.
//   \x      a literal x; at the end of the pattern a literal backslash
//
// Pure. At most O(|pattern| * |text|) steps and no recursion, whatever the
// pattern: only the last star seen is ever tried again.
bool GlobMatch(absl::string_view pattern, absl::string_view text,
               GlobCase glob_case = GlobCase::kSensitive);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TEXT_GLOB_H_
