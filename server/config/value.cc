#include "server/config/value.h"

#include <unistd.h>

#include <algorithm>
#include <climits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "server/config/text.h"

namespace holdfast::server::config {
namespace {

absl::Status Refused(absl::string_view reason) {
  return absl::InvalidArgumentError(reason);
}

absl::StatusOr<int64_t> ParseBool(absl::string_view word) {
  if (absl::EqualsIgnoreCase(word, "yes")) return 1;
  if (absl::EqualsIgnoreCase(word, "no")) return 0;
  return Refused("argument must be 'yes' or 'no'");
}

absl::Status OutOfRange(const Directive& d) {
  if (d.type == Type::kOctal) {
    return Refused(absl::StrFormat(
        "argument must be between %o and %o inclusive", d.min, d.max));
  }
  return Refused(absl::StrCat("argument must be between ", d.min, " and ",
                              d.max, " inclusive"));
}

absl::StatusOr<int64_t> ParseMemoryOrPercent(const Directive& d,
                                             absl::string_view word) {
  if (const auto bytes = ParseMemory(word); bytes.has_value()) {
    if (*bytes > static_cast<uint64_t>(d.max)) return OutOfRange(d);
    return static_cast<int64_t>(*bytes);
  }
  if (word.size() > 1 && word.back() == '%') {
    const auto percent = ParseInt(word.substr(0, word.size() - 1));
    if (percent.has_value() && *percent >= 0) {
      if (-*percent < d.min) {
        return Refused(absl::StrCat(
            "percentage argument must be less or equal to ", -d.min));
      }
      return -*percent;
    }
  }
  return Refused("argument must be a memory or percent value");
}

absl::StatusOr<int64_t> ParseNumber(const Directive& d,
                                    absl::string_view word) {
  int64_t number = 0;
  if (d.type == Type::kMemory) {
    const auto bytes = ParseMemory(word);
    if (!bytes.has_value()) return Refused("argument must be a memory value");
    if (*bytes > static_cast<uint64_t>(d.max)) return OutOfRange(d);
    number = static_cast<int64_t>(*bytes);
  } else {
    const auto parsed =
        d.type == Type::kOctal ? ParseOctal(word) : ParseInt(word);
    if (!parsed.has_value()) {
      return Refused(d.type == Type::kOctal
                         ? "argument couldn't be parsed as an octal number"
                         : "argument couldn't be parsed into an integer");
    }
    number = *parsed;
  }
  if (number < d.min || number > d.max) return OutOfRange(d);
  return number;
}

absl::StatusOr<int64_t> ParseEnum(const Directive& d,
                                  absl::Span<const std::string> words) {
  const absl::Span<const EnumName> names(d.enum_names, d.enum_count);
  int64_t value = 0;
  bool ok = !words.empty() && (d.type == Type::kEnumBits || words.size() == 1);
  for (const std::string& word : words) {
    const auto it =
        std::find_if(names.begin(), names.end(), [&](const EnumName& name) {
          return absl::EqualsIgnoreCase(word, name.name);
        });
    ok = ok && it != names.end();
    if (!ok) break;
    value |= it->value;
  }
  if (!ok) {
    return Refused(absl::StrCat(
        "argument(s) must be one of the following: ",
        absl::StrJoin(names, ", ", [](std::string* out, const EnumName& name) {
          out->append(name.name);
        })));
  }
  if (d.type == Type::kEnumBits && (value & kShutdownSave) != 0 &&
      (value & kShutdownNoSave) != 0) {
    return Refused(
        "shutdown options SAVE and NOSAVE can't be used simultaneously");
  }
  return value;
}

std::string FormatEnum(const Directive& d, int64_t value) {
  std::string out;
  for (size_t i = 0; i < d.enum_count; ++i) {
    const EnumName& name = d.enum_names[i];
    if (name.value == value) return name.name;
    if (d.type == Type::kEnumBits && (value & name.value) != 0) {
      absl::StrAppend(&out, out.empty() ? "" : " ", name.name);
    }
  }
  return out;
}

absl::StatusOr<Value> ParseString(const Directive& d, const std::string& word) {
  if (d.check != nullptr) {
    if (const char* reason = d.check(word); reason != nullptr) {
      return Refused(reason);
    }
  }
  Value value;
  if (!word.empty() || !d.Has(kEmptyIsUnset)) value.words.push_back(word);
  return value;
}

bool TakesList(const Directive& d) { return d.Has(kMultiArg); }

bool BothExplicit(const ValueSet& set, ConfigId a, ConfigId b) {
  return set.IsExplicit(a) && set.IsExplicit(b);
}

}  // namespace

const std::string& Value::text() const {
  static const std::string* const kEmpty = new std::string;
  return words.empty() ? *kEmpty : words.front();
}

ValueSet DefaultValues() {
  ValueSet set;
  for (size_t i = 0; i < kConfigCount; ++i) {
    const Directive& d = GetDirective(static_cast<ConfigId>(i));
    Value& value = set.values[i];
    value.number = d.default_number;
    if (d.type == Type::kString) {
      if (!d.Has(kEmptyIsUnset)) value.words.push_back(d.default_text);
    } else if (TakesList(d) && *d.default_text != '\0') {
      value.words = absl::StrSplit(d.default_text, ' ');
    }
  }
  char cwd[PATH_MAX];
  set.at(ConfigId::kDir).words = {getcwd(cwd, sizeof(cwd)) != nullptr ? cwd
                                                                      : "/"};
  return set;
}

absl::StatusOr<Value> ParseValue(const Directive& d,
                                 absl::Span<const std::string> words,
                                 const Value& old) {
  Value value;
  absl::StatusOr<int64_t> number = 0;
  if (!TakesList(d) && words.size() != 1) {
    return Refused("wrong number of arguments");
  }
  size_t bytes = 0;
  for (const std::string& word : words) {
    bytes += word.size();
    // C interfaces would cut the value off there. A password may be binary.
    if (absl::StrContains(word, '\0') && !d.Has(kSensitive)) {
      return Refused("argument contains a NUL byte");
    }
  }
  if (bytes > kMaxValueBytes && d.type != Type::kLine) {
    return Refused(
        absl::StrCat("argument is longer than ", kMaxValueBytes, " bytes"));
  }
  switch (d.type) {
    case Type::kBool:
      number = ParseBool(words[0]);
      break;
    case Type::kInt:
    case Type::kOctal:
    case Type::kMemory:
      number = ParseNumber(d, words[0]);
      break;
    case Type::kMemoryOrPercent:
      number = ParseMemoryOrPercent(d, words[0]);
      break;
    case Type::kEnum:
    case Type::kEnumBits:
      number = ParseEnum(d, words);
      break;
    case Type::kString:
      return ParseString(d, words[0]);
    default:
      return ParseSpecial(d, words, old);
  }
  if (!number.ok()) return number.status();
  value.number = *number;
  return value;
}

absl::Status ApplyWords(ConfigId id, absl::Span<const std::string> words,
                        bool accumulate, ValueSet* set) {
  const Directive& d = GetDirective(id);
  Value& current = set->at(id);
  absl::StatusOr<Value> parsed = ParseValue(d, words, current);
  if (!parsed.ok()) return parsed.status();
  if (d.type == Type::kLine) {
    if (d.effect == Effect::kNotYet) {
      return Refused(absl::StrCat("'", d.name,
                                  "' is not supported by this version of "
                                  "Holdfast: ",
                                  d.reason));
    }
    set->lines[static_cast<size_t>(id)].emplace_back(words.begin(),
                                                     words.end());
    return absl::OkStatus();
  }
  if (d.effect == Effect::kNotYet && parsed->number != d.default_number) {
    return Refused(absl::StrCat("'", d.name, " ", FormatValue(d, *parsed),
                                "' is not supported by this version of "
                                "Holdfast: ",
                                d.reason));
  }
  // Out of range is a hint here, not a mistake (so does Redis).
  if (id == ConfigId::kHz) {
    parsed->number = std::clamp<int64_t>(parsed->number, 1, 500);
  }
  if (accumulate && !parsed->words.empty()) {
    parsed->words.insert(parsed->words.begin(), current.words.begin(),
                         current.words.end());
  }
  current = *std::move(parsed);
  set->is_explicit.set(static_cast<size_t>(id));
  return absl::OkStatus();
}

std::string FormatValue(const Directive& d, const Value& value) {
  switch (d.type) {
    case Type::kBool:
      return value.number != 0 ? "yes" : "no";
    case Type::kOctal:
      return absl::StrFormat("%o", value.number);
    case Type::kMemoryOrPercent:
      if (value.number < 0) return absl::StrCat(-value.number, "%");
      return absl::StrCat(value.number);
    case Type::kInt:
    case Type::kMemory:
      return absl::StrCat(value.number);
    case Type::kEnum:
    case Type::kEnumBits:
      return FormatEnum(d, value.number);
    case Type::kKeyEvents:
      return FormatKeyEvents(value.number);
    default:
      return absl::StrJoin(value.words, " ");
  }
}

std::vector<std::string> FileLines(const Directive& d, const Value& value) {
  const std::string name = absl::StrCat(d.name, " ");
  auto joined = [](absl::Span<const std::string> words) {
    return absl::StrJoin(words, " ", [](std::string* out, const auto& word) {
      out->append(QuoteIfNeeded(word));
    });
  };
  switch (d.type) {
    case Type::kMemory:
      return {absl::StrCat(name, FormatMemory(value.number))};
    case Type::kString:
    case Type::kDir:
      if (value.words.empty()) return {};
      return {absl::StrCat(name, Quote(value.text()))};
    case Type::kKeyEvents:
      return {absl::StrCat(name, Quote(FormatKeyEvents(value.number)))};
    case Type::kSave:
    case Type::kBufferLimits: {
      const size_t group = d.type == Type::kSave ? 2 : 4;
      std::vector<std::string> lines;
      for (size_t i = 0; i + group <= value.words.size(); i += group) {
        std::vector<std::string> part(value.words.begin() + i,
                                      value.words.begin() + i + group);
        if (d.type == Type::kBufferLimits) {
          if (part[0] == "slave") part[0] = "replica";
          for (size_t size : {1, 2}) {
            part[size] = FormatMemory(ParseInt(part[size]).value_or(0));
          }
        }
        lines.push_back(absl::StrCat(name, joined(part)));
      }
      if (lines.empty()) lines.push_back(absl::StrCat(name, "\"\""));
      return lines;
    }
    case Type::kReplicaOf:
      if (value.words.empty()) return {};
      return {absl::StrCat(name, joined(value.words))};
    case Type::kBind:
    case Type::kPercentiles:
    case Type::kOomScores:
      return {absl::StrCat(name,
                           value.words.empty() ? "\"\"" : joined(value.words))};
    default:
      return {absl::StrCat(name, FormatValue(d, value))};
  }
}

absl::Status CheckConsistency(const ValueSet& set,
                              const std::bitset<kConfigCount>& changed,
                              ConfigId* culprit) {
  struct Pair {
    ConfigId low;
    ConfigId high;
    int64_t high_factor;  // Brings `high` to the unit of `low`.
    bool may_be_equal;
    bool zero_is_unbounded;
    bool only_if_both_explicit;
  };
  static constexpr Pair kPairs[] = {
      {ConfigId::kReplPingReplicaPeriod, ConfigId::kReplTimeout, 1, false,
       false, true},
      {ConfigId::kReplAckIntervalMs, ConfigId::kReplTimeout, 1000, false, false,
       true},
      {ConfigId::kReplBackoffBaseMs, ConfigId::kReplBackoffCapMs, 1, true,
       false, false},
      {ConfigId::kReplBacklogSize, ConfigId::kReplBacklogMaxBytes, 1, true,
       true, true},
  };
  for (const Pair& pair : kPairs) {
    if (pair.only_if_both_explicit && !BothExplicit(set, pair.low, pair.high)) {
      continue;
    }
    const int64_t low = set.at(pair.low).number;
    const int64_t high = set.at(pair.high).number;
    if (pair.zero_is_unbounded && high == 0) continue;
    const int64_t bound = high * pair.high_factor;
    if (pair.may_be_equal ? low <= bound : low < bound) continue;
    *culprit = changed[static_cast<size_t>(pair.high)] ? pair.high : pair.low;
    const Directive& a = GetDirective(pair.low);
    const Directive& b = GetDirective(pair.high);
    return Refused(
        absl::StrCat(a.name, " (", low, " ", a.unit, ") must ",
                     pair.may_be_equal ? "not be more than " : "be less than ",
                     b.name, " (", high, " ", b.unit, ")"));
  }
  return absl::OkStatus();
}

}  // namespace holdfast::server::config
