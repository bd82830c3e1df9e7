#include "server/commands/command_reply.h"

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "server/command/syntax.h"

namespace holdfast::server {
namespace {

using net::ReplyWriter;

struct Name {
  uint64_t bit;
  absl::string_view name;
};

// In the order in which they are shown. The flags that are missing are not.
constexpr Name kCommandFlags[] = {
    {kWrite, "write"},
    {kReadonly, "readonly"},
    {kDenyOom, "denyoom"},
    {kAdmin, "admin"},
    {kPubsub, "pubsub"},
    {kNoScript, "noscript"},
    {kBlocking, "blocking"},
    {kLoading, "loading"},
    {kStale, "stale"},
    {kSkipMonitor, "skip_monitor"},
    {kSkipSlowlog, "skip_slowlog"},
    {kAsking, "asking"},
    {kFast, "fast"},
    {kNoAuth, "no_auth"},
    {kNoMandatoryKeys, "no_mandatory_keys"},
    {kNoAsyncLoading, "no_async_loading"},
    {kNoMulti, "no_multi"},
    {kMovableKeys, "movablekeys"},
    {kAllowBusy, "allow_busy"},
};

constexpr Name kKeyFlags[] = {
    {kKeyRO, "RO"},
    {kKeyRW, "RW"},
    {kKeyOW, "OW"},
    {kKeyRM, "RM"},
    {kKeyAccess, "access"},
    {kKeyUpdate, "update"},
    {kKeyInsert, "insert"},
    {kKeyDelete, "delete"},
    {kKeyNotKey, "not_key"},
    {kKeyIncomplete, "incomplete"},
    {kKeyVariableFlags, "variable_flags"},
};

constexpr Name kCategories[] = {
    {kAclKeyspace, "@keyspace"},
    {kAclRead, "@read"},
    {kAclWrite, "@write"},
    {kAclSet, "@set"},
    {kAclSortedSet, "@sortedset"},
    {kAclList, "@list"},
    {kAclHash, "@hash"},
    {kAclString, "@string"},
    {kAclBitmap, "@bitmap"},
    {kAclHyperloglog, "@hyperloglog"},
    {kAclGeo, "@geo"},
    {kAclStream, "@stream"},
    {kAclPubsub, "@pubsub"},
    {kAclAdmin, "@admin"},
    {kAclFast, "@fast"},
    {kAclSlow, "@slow"},
    {kAclBlocking, "@blocking"},
    {kAclDangerous, "@dangerous"},
    {kAclConnection, "@connection"},
    {kAclTransaction, "@transaction"},
    {kAclScripting, "@scripting"},
};

template <size_t n>
void WriteNames(uint64_t bits, const Name (&names)[n], ReplyWriter* reply) {
  size_t count = 0;
  for (const Name& name : names) count += (bits & name.bit) != 0;
  reply->SetHeader(count);
  for (const Name& name : names) {
    if ((bits & name.bit) != 0) reply->SimpleString(name.name);
  }
}

void WriteField(absl::string_view name, int value, ReplyWriter* reply) {
  reply->Bulk(name);
  reply->Integer(value);
}
void WriteField(absl::string_view name, absl::string_view value,
                ReplyWriter* reply) {
  reply->Bulk(name);
  reply->Bulk(value);
}

void WriteBegin(const KeySpec& key, ReplyWriter* reply) {
  reply->MapHeader(2);
  switch (key.begin) {
    case KeySpec::Begin::kIndex:
      WriteField("type", "index", reply);
      reply->Bulk("spec");
      reply->MapHeader(1);
      WriteField("index", key.index, reply);
      return;
    case KeySpec::Begin::kKeyword:
      WriteField("type", "keyword", reply);
      reply->Bulk("spec");
      reply->MapHeader(2);
      WriteField("keyword", key.keyword, reply);
      WriteField("startfrom", key.index, reply);
      return;
    case KeySpec::Begin::kUnknown:
      break;
  }
  WriteField("type", "unknown", reply);
  reply->Bulk("spec");
  reply->MapHeader(0);
}

void WriteFind(const KeySpec& key, ReplyWriter* reply) {
  reply->MapHeader(2);
  switch (key.find) {
    case KeySpec::Find::kRange:
      WriteField("type", "range", reply);
      reply->Bulk("spec");
      reply->MapHeader(3);
      WriteField("lastkey", key.last, reply);
      WriteField("keystep", key.step, reply);
      WriteField("limit", key.limit, reply);
      return;
    case KeySpec::Find::kKeyNum:
      WriteField("type", "keynum", reply);
      reply->Bulk("spec");
      reply->MapHeader(3);
      WriteField("keynumidx", key.num_index, reply);
      WriteField("firstkey", key.first_index, reply);
      WriteField("keystep", key.step, reply);
      return;
    case KeySpec::Find::kUnknown:
      break;
  }
  WriteField("type", "unknown", reply);
  reply->Bulk("spec");
  reply->MapHeader(0);
}

void WriteKeySpecs(const CommandSpec& spec, ReplyWriter* reply) {
  reply->SetHeader(spec.keys.size());
  for (const KeySpec& key : spec.keys) {
    reply->MapHeader(key.notes.empty() ? 3 : 4);
    if (!key.notes.empty()) WriteField("notes", key.notes, reply);
    reply->Bulk("flags");
    WriteKeyFlags(key.flags, reply);
    reply->Bulk("begin_search");
    WriteBegin(key, reply);
    reply->Bulk("find_keys");
    WriteFind(key, reply);
  }
}

void WriteArguments(const std::vector<Argument>& arguments,
                    ReplyWriter* reply) {
  reply->ArrayHeader(arguments.size());
  for (const Argument& argument : arguments) {
    const bool flags =
        argument.optional || argument.multiple || argument.multiple_token;
    // MIGRATE has the empty string as a token.
    const bool token =
        !argument.token.empty() || argument.type == Argument::Type::kPureToken;
    const bool nested = argument.type == Argument::Type::kOneOf ||
                        argument.type == Argument::Type::kBlock;
    reply->MapHeader(2 + (argument.key_spec_index >= 0) + token +
                     !argument.since.empty() +
                     !argument.deprecated_since.empty() + flags + nested);
    WriteField("name", argument.name, reply);
    WriteField("type", ArgumentTypeName(argument.type), reply);
    if (argument.key_spec_index >= 0)
      WriteField("key_spec_index", argument.key_spec_index, reply);
    if (token) WriteField("token", argument.token, reply);
    if (!argument.since.empty()) WriteField("since", argument.since, reply);
    if (!argument.deprecated_since.empty())
      WriteField("deprecated_since", argument.deprecated_since, reply);
    if (flags) {
      reply->Bulk("flags");
      reply->SetHeader(argument.optional + argument.multiple +
                       argument.multiple_token);
      if (argument.optional) reply->SimpleString("optional");
      if (argument.multiple) reply->SimpleString("multiple");
      if (argument.multiple_token) reply->SimpleString("multiple_token");
    }
    if (nested) {
      reply->Bulk("arguments");
      WriteArguments(argument.arguments, reply);
    }
  }
}

void WriteDocFlags(const CommandSpec& spec, ReplyWriter* reply) {
  reply->Bulk("doc_flags");
  reply->SetHeader(!spec.deprecated_since.empty() + spec.system_command);
  if (!spec.deprecated_since.empty()) reply->SimpleString("deprecated");
  if (spec.system_command) reply->SimpleString("syscmd");
}

// What the specs' key specs other than channels number in the synopsis.
int CountKeySpecs(const CommandSpec& spec) {
  int count = 0;
  for (const KeySpec& key : spec.keys) count += (key.flags & kKeyNotKey) == 0;
  return count;
}

}  // namespace

void WriteKeyFlags(uint32_t flags, ReplyWriter* reply) {
  WriteNames(flags, kKeyFlags, reply);
}

uint32_t AclCategoryByName(absl::string_view name) {
  for (const Name& category : kCategories) {
    if (absl::EqualsIgnoreCase(category.name.substr(1), name))
      return static_cast<uint32_t>(category.bit);
  }
  return 0;
}

void WriteCommandInfo(const CommandSpec& spec, ReplyWriter* reply) {
  reply->ArrayHeader(10);
  reply->Bulk(spec.full_name);
  reply->Integer(spec.arity);
  WriteNames(spec.flags, kCommandFlags, reply);
  reply->Integer(spec.first_key);
  reply->Integer(spec.last_key);
  reply->Integer(spec.key_step);
  WriteNames(spec.acl, kCategories, reply);
  reply->SetHeader(spec.tips.size());
  for (const absl::string_view tip : spec.tips) reply->Bulk(tip);
  WriteKeySpecs(spec, reply);
  // No subcommands at all are a set in Redis, and some an array.
  if (spec.subcommands.empty()) {
    reply->SetHeader(0);
  } else {
    reply->ArrayHeader(spec.subcommands.size());
  }
  for (const CommandSpec& sub : spec.subcommands) WriteCommandInfo(sub, reply);
}

void WriteCommandDocs(const CommandSpec& spec, ReplyWriter* reply) {
  absl::StatusOr<std::vector<Argument>> arguments =
      ParseSyntax(spec.syntax, CountKeySpecs(spec));
  const bool has_arguments = arguments.ok() && !arguments->empty();
  const bool doc_flags = spec.system_command || !spec.deprecated_since.empty();
  reply->MapHeader(1 + !spec.summary.empty() + !spec.since.empty() +
                   !spec.complexity.empty() + doc_flags +
                   !spec.deprecated_since.empty() + !spec.replaced_by.empty() +
                   !spec.history.empty() + has_arguments +
                   !spec.subcommands.empty());
  if (!spec.summary.empty()) WriteField("summary", spec.summary, reply);
  if (!spec.since.empty()) WriteField("since", spec.since, reply);
  WriteField("group", absl::StrReplaceAll(spec.group, {{"_", "-"}}), reply);
  if (!spec.complexity.empty())
    WriteField("complexity", spec.complexity, reply);
  if (doc_flags) WriteDocFlags(spec, reply);
  if (!spec.deprecated_since.empty())
    WriteField("deprecated_since", spec.deprecated_since, reply);
  if (!spec.replaced_by.empty())
    WriteField("replaced_by", spec.replaced_by, reply);
  if (!spec.history.empty()) {
    reply->Bulk("history");
    reply->SetHeader(spec.history.size());
    for (const HistoryNote& note : spec.history) {
      reply->ArrayHeader(2);
      reply->Bulk(note.since);
      reply->Bulk(note.change);
    }
  }
  if (has_arguments) {
    reply->Bulk("arguments");
    WriteArguments(*arguments, reply);
  }
  if (!spec.subcommands.empty()) {
    reply->Bulk("subcommands");
    reply->MapHeader(spec.subcommands.size());
    for (const CommandSpec& sub : spec.subcommands) {
      reply->Bulk(sub.full_name);
      WriteCommandDocs(sub, reply);
    }
  }
}

}  // namespace holdfast::server
