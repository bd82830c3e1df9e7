#include "server/command/table.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"

namespace holdfast::server {
namespace {

constexpr size_t kLongestName = 64;
// How much of an unknown command's arguments its error shows (Redis 7.0).
constexpr size_t kShownArguments = 128;

uint32_t ImpliedCategories(uint64_t flags, uint32_t acl) {
  if ((flags & kWrite) != 0) acl |= kAclWrite;
  if ((flags & kReadonly) != 0 && (acl & kAclScripting) == 0) acl |= kAclRead;
  if ((flags & kAdmin) != 0) acl |= kAclAdmin | kAclDangerous;
  if ((flags & kPubsub) != 0) acl |= kAclPubsub;
  if ((flags & kBlocking) != 0) acl |= kAclBlocking;
  if ((flags & kFast) != 0) acl |= kAclFast;
  if ((acl & kAclFast) == 0) acl |= kAclSlow;
  return acl;
}

// The start of an argument as errors show it: up to a NUL, where Redis's C
// strings end, and without line ends, so that it cannot forge a reply.
std::string Shown(absl::string_view arg, size_t limit) {
  arg = arg.substr(0, std::min(limit, arg.find('\0')));
  std::string shown(arg);
  for (char& c : shown) {
    if (c == '\r' || c == '\n') c = ' ';
  }
  return shown;
}

}  // namespace

void CommandTable::Prepare(CommandSpec* spec, const CommandSpec* parent) {
  CHECK_LT(spec->name.size(), kLongestName);
  spec->parent = parent;
  spec->full_name = parent == nullptr
                        ? std::string(spec->name)
                        : absl::StrCat(parent->full_name, "|", spec->name);
  CHECK(spec->handler != nullptr || !spec->subcommands.empty())
      << spec->full_name;
  DeriveKeyFields(spec);
  spec->acl = ImpliedCategories(spec->flags, spec->acl);
  spec->id = static_cast<int>(by_id_.size());
  by_id_.push_back(spec);
  CHECK(by_name_.emplace(spec->full_name, spec).second)
      << "twice in the table: " << spec->full_name;
  for (CommandSpec& sub : spec->subcommands) Prepare(&sub, spec);
}

void CommandTable::Add(absl::Span<const CommandSpec> commands) {
  for (const CommandSpec& command : commands) {
    owned_.push_back(std::make_unique<CommandSpec>(command));
    Prepare(owned_.back().get(), nullptr);
    order_.push_back(owned_.back().get());
  }
}

const CommandSpec* CommandTable::Find(absl::string_view name) const {
  if (name.size() >= kLongestName) return nullptr;
  char lower[kLongestName];
  for (size_t i = 0; i < name.size(); ++i) {
    // A '|' would reach the subcommands, which have no names of their own here.
    if (name[i] == '|') return nullptr;
    lower[i] = absl::ascii_tolower(static_cast<unsigned char>(name[i]));
  }
  const auto it = by_name_.find(absl::string_view(lower, name.size()));
  return it == by_name_.end() ? nullptr : it->second;
}

const CommandSpec* CommandTable::FindFull(absl::string_view full_name) const {
  if (full_name.size() > 2 * kLongestName) return nullptr;
  const auto it = by_name_.find(absl::AsciiStrToLower(full_name));
  return it == by_name_.end() ? nullptr : it->second;
}

const CommandSpec* CommandTable::ResolveOrNull(
    absl::Span<const absl::string_view> args) const {
  const CommandSpec* spec = Find(args[0]);
  if (spec == nullptr || spec->subcommands.empty()) return spec;
  if (args.size() == 1) return spec;
  for (const CommandSpec& sub : spec->subcommands) {
    if (absl::EqualsIgnoreCase(sub.name, args[1])) return &sub;
  }
  return nullptr;
}

absl::StatusOr<const CommandSpec*> CommandTable::Resolve(
    absl::Span<const absl::string_view> args) const {
  const CommandSpec* spec = ResolveOrNull(args);
  if (spec != nullptr) return spec;
  const CommandSpec* container = Find(args[0]);
  if (container != nullptr) {
    return absl::NotFoundError(absl::StrCat(
        "ERR unknown subcommand '", Shown(args[1], kShownArguments), "'. Try ",
        absl::AsciiStrToUpper(container->name), " HELP."));
  }
  std::string shown;
  for (size_t i = 1; i < args.size() && shown.size() < kShownArguments; ++i) {
    absl::StrAppend(&shown, "'", Shown(args[i], kShownArguments - shown.size()),
                    "' ");
  }
  return absl::NotFoundError(
      absl::StrCat("ERR unknown command '", Shown(args[0], kShownArguments),
                   "', with args beginning with: ", shown));
}

}  // namespace holdfast::server
