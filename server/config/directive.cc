#include "server/config/directive.h"

#include <limits>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "server/config/value_checks.h"

namespace holdfast::server::config {
namespace {

constexpr int64_t kInt32Max = std::numeric_limits<int32_t>::max();
constexpr int64_t kInt32Min = std::numeric_limits<int32_t>::min();
constexpr int64_t kUint32Max = std::numeric_limits<uint32_t>::max();
constexpr int64_t kInt64Max = std::numeric_limits<int64_t>::max();
constexpr int64_t kKb = 1024;
constexpr int64_t kMb = 1024 * kKb;
constexpr int64_t kGb = 1024 * kMb;

// The builders that table.inc is written with.
constexpr Directive Bool(const char* name, bool value) {
  Directive d;
  d.name = name;
  d.type = Type::kBool;
  d.default_number = value ? 1 : 0;
  d.max = 1;
  return d;
}

constexpr Directive Int(const char* name, int64_t value, int64_t min,
                        int64_t max) {
  Directive d;
  d.name = name;
  d.type = Type::kInt;
  d.default_number = value;
  d.min = min;
  d.max = max;
  return d;
}

constexpr Directive Octal(const char* name, int64_t value, int64_t min,
                          int64_t max) {
  Directive d = Int(name, value, min, max);
  d.type = Type::kOctal;
  return d;
}

constexpr Directive Memory(const char* name, int64_t value, int64_t min,
                           int64_t max) {
  Directive d = Int(name, value, min, max);
  d.type = Type::kMemory;
  d.unit = "bytes";
  return d;
}

constexpr Directive MemoryOrPercent(const char* name, int64_t value,
                                    int64_t max_percent) {
  Directive d = Int(name, value, -max_percent, kInt64Max);
  d.type = Type::kMemoryOrPercent;
  d.unit = "bytes or percent";
  return d;
}

template <typename E, size_t N>
constexpr Directive Enum(const char* name, const EnumName (&names)[N],
                         E value) {
  Directive d;
  d.name = name;
  d.type = Type::kEnum;
  d.enum_names = names;
  d.enum_count = N;
  d.default_number = static_cast<int64_t>(value);
  return d;
}

template <size_t N>
constexpr Directive EnumBits(const char* name, const EnumName (&names)[N],
                             int64_t value) {
  Directive d = Enum(name, names, value);
  d.type = Type::kEnumBits;
  d.flags |= kMultiArg;
  return d;
}

constexpr Directive String(const char* name, const char* value) {
  Directive d;
  d.name = name;
  d.type = Type::kString;
  d.default_text = value;
  return d;
}

// A string that has no default: "" is the same as leaving it out.
constexpr Directive OptionalString(const char* name) {
  return String(name, "").With(kEmptyIsUnset);
}

constexpr Directive Special(const char* name, Type type, const char* value) {
  Directive d = String(name, value);
  d.type = type;
  if (type != Type::kDir && type != Type::kKeyEvents) d.flags |= kMultiArg;
  return d;
}

constexpr Directive kTable[] = {
#define HOLDFAST_SECTION(title)
#define HOLDFAST_DIRECTIVE(id, ...) __VA_ARGS__,
#include "server/config/table.inc"
#undef HOLDFAST_DIRECTIVE
#undef HOLDFAST_SECTION
};
static_assert(sizeof(kTable) / sizeof(kTable[0]) == kConfigCount);

constexpr SectionRow kSections[] = {
#define HOLDFAST_SECTION(title) {title, ConfigId::kCount},
#define HOLDFAST_DIRECTIVE(id, ...) {nullptr, ConfigId::id},
#include "server/config/table.inc"
#undef HOLDFAST_DIRECTIVE
#undef HOLDFAST_SECTION
};

struct Found {
  ConfigId id;
  bool by_alias;
};

const absl::flat_hash_map<std::string, Found>& Index() {
  // Constant after its first use and never destroyed.
  static const auto* const index = [] {
    auto* map = new absl::flat_hash_map<std::string, Found>;
    for (size_t i = 0; i < kConfigCount; ++i) {
      const ConfigId id = static_cast<ConfigId>(i);
      map->emplace(kTable[i].name, Found{id, false});
      if (kTable[i].alias != nullptr) {
        map->emplace(kTable[i].alias, Found{id, true});
      }
    }
    return map;
  }();
  return *index;
}

}  // namespace

const Directive& GetDirective(ConfigId id) {
  return kTable[static_cast<size_t>(id)];
}

ConfigId FindDirective(absl::string_view name, bool* by_alias) {
  const auto it = Index().find(absl::AsciiStrToLower(name));
  if (it == Index().end()) return ConfigId::kCount;
  if (by_alias != nullptr) *by_alias = it->second.by_alias;
  return it->second.id;
}

absl::Span<const NamedId> AllNames() {
  static const auto* const names = [] {
    auto* list = new std::vector<NamedId>;
    for (size_t i = 0; i < kConfigCount; ++i) {
      if (kTable[i].type == Type::kLine) continue;
      list->push_back({kTable[i].name, static_cast<ConfigId>(i)});
      if (kTable[i].alias != nullptr) {
        list->push_back({kTable[i].alias, static_cast<ConfigId>(i)});
      }
    }
    return list;
  }();
  return *names;
}

absl::Span<const SectionRow> Sections() { return kSections; }

std::string FlagName(absl::string_view directive_name) {
  return absl::StrReplaceAll(directive_name, {{"-", "_"}});
}

}  // namespace holdfast::server::config
