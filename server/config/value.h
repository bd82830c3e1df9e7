#ifndef HOLDFAST_SERVER_CONFIG_VALUE_H_
#define HOLDFAST_SERVER_CONFIG_VALUE_H_

#include <array>
#include <bitset>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/config/directive.h"

// Values of directives: parsing from words, printing for CONFIG GET and for a
// configuration file. No locks and no state; a ValueSet is a plain value that
// one thread edits and Config publishes.
namespace holdfast::server::config {

// A checked value in its one canonical form, so that == means "no change".
struct Value {
  int64_t number = 0;              // Types that are numbers, and kKeyEvents.
  std::vector<std::string> words;  // The others; a string is one word.

  // The single word of a string, "" when it is not set.
  const std::string& text() const;

  friend bool operator==(const Value& a, const Value& b) {
    return a.number == b.number && a.words == b.words;
  }
  friend bool operator!=(const Value& a, const Value& b) { return !(a == b); }
};

// Where a setting comes from. Later ones override earlier ones at start.
enum class Source : uint8_t { kDefault, kFile, kCommandLine, kRuntime };

// All values of one server.
struct ValueSet {
  std::array<Value, kConfigCount> values;
  // Set by the user (as opposed to the default), whatever the value.
  std::bitset<kConfigCount> is_explicit;
  // Occurrences of kLine directives, each with its arguments.
  std::array<std::vector<std::vector<std::string>>, kConfigCount> lines;

  Value& at(ConfigId id) { return values[static_cast<size_t>(id)]; }
  const Value& at(ConfigId id) const { return values[static_cast<size_t>(id)]; }
  bool IsExplicit(ConfigId id) const {
    return is_explicit[static_cast<size_t>(id)];
  }
};

// The default values; dir is the process's working directory.
ValueSet DefaultValues();

// The longest value of one directive, all words together (occurrences of kLine
// directives excepted). CONFIG REWRITE writes every word in quotes and every
// byte as \xNN if need be, seven for one at worst, and the line must be one
// that the next start reads (kMaxLineBytes in loader.h).
inline constexpr size_t kMaxValueBytes = 8 * 1024;

// The value that `words` give `directive`. `old` is the value before, which
// some types keep parts of or resolve against. The error's message is the bare
// reason, in Redis's words. Blocks only for kDir, on a stat(2).
absl::StatusOr<Value> ParseValue(const Directive& directive,
                                 absl::Span<const std::string> words,
                                 const Value& old);

// Checks one setting and puts it into `set`. `accumulate` is for save, whose
// lines within one source add up.
absl::Status ApplyWords(ConfigId id, absl::Span<const std::string> words,
                        bool accumulate, ValueSet* set);

// As CONFIG GET prints it.
std::string FormatValue(const Directive& directive, const Value& value);

// The lines that set `value` in a configuration file; none if it is to be
// left out. Safe to read back whatever bytes the value holds.
std::vector<std::string> FileLines(const Directive& directive,
                                   const Value& value);

// Contradictions between values, as one line that names both directives; of a
// pair, `*culprit` is one that `changed` holds, if any.
absl::Status CheckConsistency(const ValueSet& set,
                              const std::bitset<kConfigCount>& changed,
                              ConfigId* culprit);

// --- value_special.cc: the types with rules of their own --------------------

absl::StatusOr<Value> ParseSpecial(const Directive& directive,
                                   absl::Span<const std::string> words,
                                   const Value& old);

// Letters of notify-keyspace-events, in Redis's order.
std::string FormatKeyEvents(int64_t bits);

// `path` made absolute against `dir`.
std::string JoinPath(absl::string_view dir, absl::string_view path);

}  // namespace holdfast::server::config

#endif  // HOLDFAST_SERVER_CONFIG_VALUE_H_
