#ifndef HOLDFAST_SERVER_CONFIG_DIRECTIVE_H_
#define HOLDFAST_SERVER_CONFIG_DIRECTIVE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/config/enum_values.h"

// The one table of configuration directives: name, type, default, range,
// rules and help of each. It is constant data; everything else about
// configuration (file, flags, CONFIG, documentation) is driven by it.
// A directive is added by one entry in a table_*.inc file, nowhere else.
namespace holdfast::server {

// One per directive, in table order; an index into per-server value arrays.
enum class ConfigId : uint16_t {
#define HOLDFAST_SECTION(title)
#define HOLDFAST_DIRECTIVE(id, ...) id,
#include "server/config/table.inc"
#undef HOLDFAST_DIRECTIVE
#undef HOLDFAST_SECTION
  kCount
};

inline constexpr size_t kConfigCount = static_cast<size_t>(ConfigId::kCount);

namespace config {

enum class Type : uint8_t {
  kBool,
  kInt,
  kOctal,
  kMemory,           // Bytes; "64mb" is understood.
  kMemoryOrPercent,  // Bytes, or a percentage held as a negative number.
  kEnum,
  kEnumBits,  // Several words of an enum at once.
  kString,
  // The rest have rules of their own (value_special.cc).
  kDir,
  kSave,
  kBufferLimits,
  kBind,
  kOomScores,
  kPercentiles,
  kReplicaOf,
  kKeyEvents,
  kLine,  // Only in files and on the command line; may occur many times.
};

// What setting a directive does in this version of Holdfast.
enum class Effect : uint8_t {
  kEffective,
  // Any valid value is accepted and reported, and changes nothing; `reason`
  // says why nothing needs changing.
  kAcceptedNoEffect,
  // Only the default is accepted; `reason` says what is missing.
  kNotYet,
};

enum Flag : uint32_t {
  kImmutable = 1u << 0,     // CONFIG SET refuses it.
  kProtected = 1u << 1,     // CONFIG SET asks enable-protected-configs.
  kSensitive = 1u << 2,     // Its value never goes to a log.
  kHidden = 1u << 3,        // CONFIG GET shows it by exact name only.
  kMultiArg = 1u << 4,      // Takes a list of words.
  kDenyLoading = 1u << 5,   // CONFIG SET refuses it while loading.
  kVolatile = 1u << 6,      // Applied again even when set to the same value.
  kEmptyIsUnset = 1u << 7,  // "" means "not set": rewriting drops the line.
  kHoldfast = 1u << 8,      // Ours; redis-server does not know it.
};

// One row. Built by the functions below the struct, in the table only.
struct Directive {
  const char* name = "";
  const char* alias = nullptr;  // Another accepted and reported name.
  Type type = Type::kString;
  Effect effect = Effect::kEffective;
  uint32_t flags = 0;
  int64_t default_number = 0;
  int64_t min = 0;
  int64_t max = 0;
  const char* default_text = "";  // Words, for types that are not numbers.
  const char* unit = "";          // "s", "ms", "us", "bytes", "percent" or "".
  const EnumName* enum_names = nullptr;
  size_t enum_count = 0;
  // Why `value` is refused, or nullptr. For kString.
  const char* (*check)(absl::string_view value) = nullptr;
  const char* reason = "";  // Of `effect`, unless kEffective.
  const char* help = "";

  constexpr bool Has(Flag flag) const { return (flags & flag) != 0; }

  constexpr Directive Alias(const char* value) const {
    Directive d = *this;
    d.alias = value;
    return d;
  }
  constexpr Directive With(uint32_t more) const {
    Directive d = *this;
    d.flags |= more;
    return d;
  }
  constexpr Directive Unit(const char* value) const {
    Directive d = *this;
    d.unit = value;
    return d;
  }
  constexpr Directive Check(const char* (*fn)(absl::string_view)) const {
    Directive d = *this;
    d.check = fn;
    return d;
  }
  constexpr Directive NoEffect(const char* why) const {
    Directive d = *this;
    d.effect = Effect::kAcceptedNoEffect;
    d.reason = why;
    return d;
  }
  constexpr Directive NotYet(const char* why) const {
    Directive d = *this;
    d.effect = Effect::kNotYet;
    d.reason = why;
    return d;
  }
  constexpr Directive Help(const char* value) const {
    Directive d = *this;
    d.help = value;
    return d;
  }
};

const Directive& GetDirective(ConfigId id);

// Looks a name or an alias up, ignoring case. `*by_alias` (may be null) tells
// which it was. nullopt-like: returns ConfigId::kCount when unknown.
ConfigId FindDirective(absl::string_view name, bool* by_alias = nullptr);

// All names that CONFIG GET knows (no kLine rows): each directive's name, then
// its alias, in table order.
struct NamedId {
  const char* name;
  ConfigId id;
};
absl::Span<const NamedId> AllNames();

// Table order with its headings: rows with a title have no directive.
struct SectionRow {
  const char* title;  // nullptr for a directive.
  ConfigId id;
};
absl::Span<const SectionRow> Sections();

// "--name" spelling of a directive: hyphens become underscores.
std::string FlagName(absl::string_view directive_name);

}  // namespace config
}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_CONFIG_DIRECTIVE_H_
