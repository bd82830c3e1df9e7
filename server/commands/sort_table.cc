// SORT and SORT_RO as data.

#include <vector>

#include "server/commands/sort.h"
#include "server/commands/sort_handlers.h"

namespace holdfast::server {
namespace {

// The notes are what COMMAND INFO says of them.
KeySpec Unknown(uint32_t flags, absl::string_view notes) {
  KeySpec spec = OneKey(flags);
  spec.begin = KeySpec::Begin::kUnknown;
  spec.find = KeySpec::Find::kUnknown;
  spec.notes = notes;
  return spec;
}

CommandSpec SortSpec(absl::string_view name) {
  return {.name = name,
          .arity = -2,
          .keys = {OneKey(kKeyRO | kKeyAccess),
                   Unknown(kKeyRO | kKeyAccess,
                           "For the optional BY/GET keyword. It is marked "
                           "'unknown' because the key names derive from the "
                           "content of the key we sort")},
          .acl = kAclSet | kAclSortedSet | kAclList | kAclDangerous,
          .group = "generic",
          .complexity =
              "O(N+M*log(M)), N being the number of elements and M "
              "that of the returned ones; O(N) where nothing is "
              "sorted. With patterns that name keys it keeps all "
              "other commands waiting"};
}

std::vector<CommandSpec> MakeCommands() {
  CommandSpec sort = SortSpec("sort");
  sort.flags = kWrite | kDenyOom;
  sort.keys.push_back(Unknown(
      kKeyOW | kKeyUpdate,
      "For the optional STORE keyword. It is marked 'unknown' because the "
      "keyword can appear anywhere in the argument array"));
  sort.since = "1.0.0";
  sort.summary = "Sort a list, a set or a sorted set, by itself or other keys";
  sort.syntax =
      "key [BY pattern#1] [LIMIT offset_count:<offset count>] [GET "
      "pattern#1 [GET pattern#1 ...]] order:[ASC | DESC] [sorting:ALPHA] "
      "[STORE destination#2]";
  sort.handler = SortCommand;
  CommandSpec sort_ro = SortSpec("sort_ro");
  sort_ro.flags = kReadonly;
  sort_ro.since = "7.0.0";
  sort_ro.summary = "Sort as SORT does, without storing";
  sort_ro.syntax =
      "key [BY pattern#1] [LIMIT offset_count:<offset count>] [GET "
      "pattern#1 [GET pattern#1 ...]] order:[ASC | DESC] [sorting:ALPHA]";
  sort_ro.handler = SortRoCommand;
  return {sort, sort_ro};
}

}  // namespace

absl::Span<const CommandSpec> SortCommands() {
  static const auto* const commands =
      new std::vector<CommandSpec>(MakeCommands());  // Never destroyed.
  return *commands;
}

}  // namespace holdfast::server
