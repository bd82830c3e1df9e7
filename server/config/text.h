#ifndef HOLDFAST_SERVER_CONFIG_TEXT_H_
#define HOLDFAST_SERVER_CONFIG_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

// The lexical rules of redis.conf, as pure functions over strings: no I/O, no
// state, safe from any thread. Behaviour follows Redis 7.0.15 (redis.conf's
// header and its CONFIG commands), checked against the real server by
// differential_test. Where Redis lets a number overflow silently (memory
// sizes), these functions refuse it.
namespace holdfast::server::config {

// Splits a line into words as redis.conf does: blanks separate; "double
// quotes" know \n \r \t \b \a \xHH and \<any>; 'single quotes' know \' only; a
// closing quote must be followed by a blank or the end. nullopt when the
// quotes do not balance.
std::optional<std::vector<std::string>> SplitArgs(absl::string_view line);

// `text` as one double-quoted word that SplitArgs() reads back unchanged,
// with no raw control character in it.
std::string Quote(absl::string_view text);

// Quote(text) if it would not survive as a bare word, else `text`.
std::string QuoteIfNeeded(absl::string_view text);

// A decimal integer exactly as Redis reads one: optional '-', no '+', no
// blanks, no leading zeros. nullopt otherwise or beyond int64.
std::optional<int64_t> ParseInt(absl::string_view text);

// A size: digits with an optional unit b, k/kb, m/mb, g/gb (k is 1000, kb is
// 1024), in any case. nullopt on anything else or beyond uint64.
std::optional<uint64_t> ParseMemory(absl::string_view text);

// An octal integer (digits 0-7), as for file modes.
std::optional<int64_t> ParseOctal(absl::string_view text);

// `bytes` in the largest binary unit that divides it: "64mb", "1000".
std::string FormatMemory(int64_t bytes);

// Whether CONFIG GET treats `pattern` as more than a literal name.
bool HasGlob(absl::string_view pattern);

}  // namespace holdfast::server::config

#endif  // HOLDFAST_SERVER_CONFIG_TEXT_H_
