// Which arguments of a command are keys: by its key specs, and for the few
// commands that these do not describe exactly, by finders of their own.

#include <algorithm>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "glog/logging.h"
#include "net/resp/integer.h"
#include "server/command/spec.h"
#include "server/command/table.h"

namespace holdfast::server {
namespace {

using Args = absl::Span<const absl::string_view>;

bool Is(Args args, size_t i, absl::string_view option) {
  return absl::EqualsIgnoreCase(args[i], option);
}

bool IsPlain(const KeySpec& spec) {
  return spec.begin == KeySpec::Begin::kIndex &&
         spec.find == KeySpec::Find::kRange;
}

struct Range {
  enum class Outcome {
    kKeys,
    kNone,  // An option that is not given, or a count of 0.
    kBad,   // The arguments do not fit, or the spec does not say.
  } outcome = Outcome::kBad;
  int first = 0;
  int last = -1;
};

// The argument after `spec`'s keyword; 0 if it is not given. A keyword that is
// the last argument, or (backwards) the first, names nothing, as in Redis.
int AfterKeyword(const KeySpec& spec, Args args) {
  const int argc = static_cast<int>(args.size());
  if (spec.index > 0) {
    for (int i = spec.index; i < argc - 1; ++i) {
      if (Is(args, i, spec.keyword)) return i + 1;
    }
  } else {
    for (int i = argc + spec.index; i > 1; --i) {
      if (Is(args, i, spec.keyword)) return i + 1;
    }
  }
  return 0;
}

Range RangeOf(const KeySpec& spec, Args args) {
  const int argc = static_cast<int>(args.size());
  Range range;
  if (spec.begin == KeySpec::Begin::kIndex) {
    range.first = spec.index;
  } else if (spec.begin == KeySpec::Begin::kKeyword) {
    range.first = AfterKeyword(spec, args);
    if (range.first == 0) {
      range.outcome = Range::Outcome::kNone;
      return range;
    }
  } else {
    return range;
  }
  if (spec.find == KeySpec::Find::kRange) {
    if (spec.last >= 0) {
      range.last = range.first + spec.last;
    } else if (spec.limit <= 1) {
      range.last = argc + spec.last;
    } else {
      range.last = range.first + (argc - range.first) / spec.limit + spec.last;
    }
  } else if (spec.find == KeySpec::Find::kKeyNum) {
    int64_t number = 0;
    const int at = range.first + spec.num_index;
    if (at >= argc || !net::ParseInteger(args[at], &number) || number < 0 ||
        number > argc)
      return range;
    if (number == 0) {
      range.outcome = Range::Outcome::kNone;
      return range;
    }
    range.first += spec.first_index;
    range.last = range.first + (static_cast<int>(number) - 1) * spec.step;
  } else {
    return range;
  }
  if (range.first < argc && range.last < argc && range.last >= range.first)
    range.outcome = Range::Outcome::kKeys;
  return range;
}

void Append(const Range& range, const KeySpec& spec,
            std::vector<KeyUse>* keys) {
  for (int i = range.first; i <= range.last; i += spec.step)
    keys->push_back({i, spec.flags});
}

constexpr uint32_t kReadFlags = kKeyRO | kKeyAccess;
constexpr uint32_t kStoreFlags = kKeyOW | kKeyUpdate;

// What follows any "STORE" or the like. More than SORT and GEORADIUS write to
// if it is given twice or stands for a value, but never less.
void AppendAfter(Args args, size_t from,
                 std::initializer_list<absl::string_view> options,
                 std::vector<KeyUse>* keys) {
  for (size_t i = from; i + 1 < args.size(); ++i) {
    for (const absl::string_view option : options) {
      if (Is(args, i, option))
        keys->push_back({static_cast<int>(i + 1), kStoreFlags});
    }
  }
}

bool SortExact(Args args, std::vector<KeyUse>* keys) {
  keys->push_back({1, kReadFlags});
  AppendAfter(args, 2, {"store"}, keys);
  return true;
}

bool SortRoKeys(Args, std::vector<KeyUse>* keys) {
  keys->push_back({1, kReadFlags});
  return true;
}

// A BY or GET with a pattern that elements complete to the names of keys. Also
// where it stands for another option's value.
bool SortReachesAll(Args args) {
  for (size_t i = 2; i + 1 < args.size(); ++i) {
    if ((Is(args, i, "by") || Is(args, i, "get")) &&
        absl::StrContains(args[i + 1], '*'))
      return true;
  }
  return false;
}

// Redis's own reading: the last STORE outside the values of BY, GET and LIMIT;
// the value of STORE itself is looked at again.
bool SortReported(Args args, std::vector<KeyUse>* keys) {
  int store = 0;
  for (size_t i = 2; i < args.size(); ++i) {
    if (Is(args, i, "limit")) {
      i += 2;
    } else if (i + 1 < args.size() && Is(args, i, "store")) {
      store = static_cast<int>(i + 1);
    } else if (Is(args, i, "get") || Is(args, i, "by")) {
      ++i;
    }
  }
  keys->push_back({1, kReadFlags});
  if (store != 0) keys->push_back({store, kStoreFlags});
  return true;
}

bool GeoRadiusExact(Args args, std::vector<KeyUse>* keys) {
  keys->push_back({1, kReadFlags});
  AppendAfter(args, 5, {"store", "storedist"}, keys);
  return true;
}

// With no source, which is allowed, its second spec finds nothing.
bool PfMergeExact(Args args, std::vector<KeyUse>* keys) {
  keys->push_back({1, kKeyRW | kKeyAccess | kKeyInsert});
  for (size_t i = 2; i < args.size(); ++i)
    keys->push_back({static_cast<int>(i), kReadFlags});
  return true;
}

bool MigrateKeys(Args args, std::vector<KeyUse>* keys) {
  constexpr uint32_t kMoveFlags = kKeyRW | kKeyAccess | kKeyDelete;
  for (size_t i = 6; i < args.size(); ++i) {
    if (Is(args, i, "keys")) {
      if (!args[3].empty()) return false;
      for (size_t key = i + 1; key < args.size(); ++key)
        keys->push_back({static_cast<int>(key), kMoveFlags});
      return !keys->empty();
    }
    if (Is(args, i, "auth")) {
      ++i;
    } else if (Is(args, i, "auth2")) {
      i += 2;
    }
  }
  keys->push_back({3, kMoveFlags});
  return true;
}

// XREAD and XREADGROUP: "STREAMS" may also be the name of a group, a consumer
// or a stream.
bool XreadKeys(Args args, std::vector<KeyUse>* keys, uint32_t flags) {
  for (size_t i = 1; i < args.size(); ++i) {
    if (Is(args, i, "block") || Is(args, i, "count")) {
      ++i;
    } else if (Is(args, i, "group")) {
      i += 2;
    } else if (Is(args, i, "streams")) {
      const size_t rest = args.size() - i - 1;
      if (rest == 0 || rest % 2 != 0) return false;
      for (size_t key = i + 1; key <= i + rest / 2; ++key)
        keys->push_back({static_cast<int>(key), flags});
      return true;
    } else if (!Is(args, i, "noack")) {
      return false;
    }
  }
  return false;
}

bool XreadExact(Args args, std::vector<KeyUse>* keys) {
  return XreadKeys(args, keys, kReadFlags);
}
// Reading for a group changes the group, which is part of the stream.
bool XreadGroupExact(Args args, std::vector<KeyUse>* keys) {
  return XreadKeys(args, keys, kKeyRW | kKeyAccess);
}
bool XreadReported(Args args, std::vector<KeyUse>* keys) {
  return XreadKeys(args, keys, 0);
}

bool SetReported(Args args, std::vector<KeyUse>* keys) {
  uint32_t flags = kKeyOW | kKeyUpdate;
  for (size_t i = 3; i < args.size(); ++i) {
    if (Is(args, i, "get")) flags = kKeyRW | kKeyAccess | kKeyUpdate;
  }
  keys->push_back({1, flags});
  return true;
}

bool BitfieldReported(Args args, std::vector<KeyUse>* keys) {
  bool reads_only = true;
  for (size_t i = 2; i < args.size() && reads_only; ++i) {
    const size_t remaining = args.size() - i - 1;
    if (remaining >= 2 && Is(args, i, "get")) {
      i += 2;
    } else if (remaining >= 1 && Is(args, i, "overflow")) {
      ++i;
    } else {
      reads_only = false;
    }
  }
  keys->push_back(
      {1, reads_only ? kReadFlags : kKeyRW | kKeyAccess | kKeyUpdate});
  return true;
}

// Redis falls back on a count read as atoi() does ("2 keys" is 2), with the
// destination, if there is one, last and no flags.
bool CountedReported(const CommandSpec& spec, Args args,
                     std::vector<KeyUse>* keys) {
  const auto counted =
      std::find_if(spec.keys.begin(), spec.keys.end(), [](const KeySpec& key) {
        return key.begin == KeySpec::Begin::kIndex &&
               key.find == KeySpec::Find::kKeyNum;
      });
  if (counted == spec.keys.end()) return false;
  const size_t at = counted->index + counted->num_index;
  const int first = counted->index + counted->first_index;
  if (at >= args.size()) return false;
  const int number = std::atoi(std::string(args[at].substr(0, 32)).c_str());
  if (number < 1 || number > static_cast<int>(args.size()) - first)
    return false;
  for (int i = 0; i < number; ++i) keys->push_back({first + i, 0});
  if (counted != spec.keys.begin()) keys->push_back({spec.keys[0].index, 0});
  return true;
}

struct Finders {
  absl::string_view name;
  KeyFinder exact;  // Null: the key specs are exact enough to lock by.
  KeyFinder reported;
  ArgsPredicate reaches_all = nullptr;
};
constexpr Finders kFinders[] = {
    {"bitfield", nullptr, BitfieldReported},
    {"georadius", GeoRadiusExact,
     nullptr},  // Its specs never fail: nothing to fall back on.
    {"georadiusbymember", GeoRadiusExact, nullptr},
    {"migrate", MigrateKeys, MigrateKeys},
    {"pfmerge", PfMergeExact, nullptr},
    {"set", nullptr, SetReported},
    {"sort", SortExact, SortReported, SortReachesAll},
    {"sort_ro", SortRoKeys, SortRoKeys, SortReachesAll},
    {"xread", XreadExact, XreadReported},
    {"xreadgroup", XreadGroupExact, XreadReported},
};

// Joins plain specs that follow on each other into one first, last and step, as
// COMMAND INFO has always described keys; what does not join in is "movable".
void DeriveLegacyRange(CommandSpec* spec) {
  if (spec->keys.empty()) return;
  if (spec->keys.size() == 1 && IsPlain(spec->keys[0])) {
    const KeySpec& key = spec->keys[0];
    spec->first_key = key.index;
    spec->last_key = key.last >= 0 ? key.index + key.last : key.last;
    spec->key_step = key.step;
    if ((key.flags & kKeyIncomplete) != 0) spec->flags |= kMovableKeys;
    return;
  }
  int first = INT_MAX;
  int last = 0;
  for (const KeySpec& key : spec->keys) {
    if (!IsPlain(key) || key.step != 1 ||
        (last != 0 && last != key.index - 1)) {
      spec->flags |= kMovableKeys;
      continue;
    }
    if ((key.flags & kKeyIncomplete) != 0) spec->flags |= kMovableKeys;
    first = std::min(first, key.index);
    const int key_last = key.last >= 0 ? key.index + key.last : key.last;
    // One that counts from the end comes after all that do not.
    if (last >= 0) last = key_last < 0 ? key_last : std::max(last, key_last);
  }
  if (first == INT_MAX) {
    spec->flags |= kMovableKeys;
    return;
  }
  spec->first_key = first;
  spec->last_key = last;
  spec->key_step = 1;
}

// The place of the only key, if no arguments that fit the arity can move it.
int SingleKey(const CommandSpec& spec) {
  if (spec.keys.size() != 1 || spec.exact_keys != nullptr) return 0;
  const KeySpec& key = spec.keys[0];
  const bool plain = IsPlain(key) && key.last == 0 &&
                     (key.flags & (kKeyNotKey | kKeyIncomplete)) == 0;
  return plain && key.index > 0 && key.index < std::abs(spec.arity) ? key.index
                                                                    : 0;
}

}  // namespace

void DeriveKeyFields(CommandSpec* spec) {
  for (const Finders& finders : kFinders) {
    if (finders.name != spec->full_name) continue;
    spec->exact_keys = finders.exact;
    spec->reported_keys = finders.reported;
    spec->reaches_all_keys = finders.reaches_all;
  }
  for (const KeySpec& key : spec->keys) {
    CHECK_GE(key.step, 1) << spec->full_name;
    CHECK(key.begin != KeySpec::Begin::kIndex || key.index >= 1)
        << spec->full_name;
    CHECK(key.begin != KeySpec::Begin::kKeyword ||
          (key.index != 0 && !key.keyword.empty()))
        << spec->full_name;
    CHECK(key.last >= 0 || key.limit <= 1 || key.last == -1) << spec->full_name;
    CHECK(key.num_index >= 0 && key.first_index >= 1) << spec->full_name;
  }
  DeriveLegacyRange(spec);
  spec->single_key = SingleKey(*spec);
}

bool MayHaveKeys(const CommandSpec& spec) {
  return std::any_of(
      spec.keys.begin(), spec.keys.end(),
      [](const KeySpec& key) { return (key.flags & kKeyNotKey) == 0; });
}

bool ExtractKeys(const CommandSpec& spec,
                 absl::Span<const absl::string_view> args,
                 std::vector<KeyUse>* keys) {
  keys->clear();
  if (spec.exact_keys != nullptr) return spec.exact_keys(args, keys);
  for (const KeySpec& key : spec.keys) {
    if ((key.flags & kKeyNotKey) != 0) continue;
    const Range range = RangeOf(key, args);
    if (range.outcome == Range::Outcome::kBad) return false;
    Append(range, key, keys);
  }
  return true;
}

bool ReportKeys(const CommandSpec& spec,
                absl::Span<const absl::string_view> args,
                std::vector<KeyUse>* keys) {
  keys->clear();
  bool reliable = true;
  for (const KeySpec& key : spec.keys) {
    if ((key.flags & kKeyVariableFlags) != 0) reliable = false;
  }
  for (const KeySpec& key : spec.keys) {
    if (!reliable) break;
    if ((key.flags & kKeyNotKey) != 0) continue;
    const Range range = RangeOf(key, args);
    const bool counts_none = range.outcome == Range::Outcome::kNone &&
                             key.find == KeySpec::Find::kKeyNum;
    if (range.outcome == Range::Outcome::kBad || counts_none) reliable = false;
    if (range.outcome == Range::Outcome::kKeys) {
      Append(range, key, keys);
      if ((key.flags & kKeyIncomplete) != 0) reliable = false;
    }
  }
  if (reliable) return !keys->empty();
  keys->clear();
  if (spec.reported_keys != nullptr)
    return spec.reported_keys(args, keys) && !keys->empty();
  return CountedReported(spec, args, keys) && !keys->empty();
}

}  // namespace holdfast::server
