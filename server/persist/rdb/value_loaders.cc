#include "server/persist/rdb/value_loaders.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/persist/rdb/format.h"
#include "server/persist/rdb/input.h"
#include "server/persist/rdb/object_loaders.h"

namespace holdfast::server {
namespace {

using Loader = absl::Status (*)(uint8_t type, const RdbValueContext& context);

constexpr size_t kMaxPrintedKeyBytes = 64;

absl::Status LoadString(uint8_t type, const RdbValueContext& context) {
  const absl::StatusOr<absl::string_view> value =
      ReadBlob(type, context, "a string value");
  if (!value.ok()) return value.status();
  return context.visitor->OnString(context.key, *value, context.meta);
}

absl::Status RefuseModule(uint8_t, const RdbValueContext& context) {
  const absl::StatusOr<uint64_t> id = context.input->ReadLength("a module id");
  if (!id.ok()) return id.status();
  return absl::UnimplementedError(absl::StrCat(
      "The RDB file contains module data I can't load: no matching module type "
      "'",
      RdbModuleName(*id), "', of key '", PrintableRdbKey(context.key), "'"));
}

absl::Status RefuseType(uint8_t type, const RdbValueContext& context) {
  return absl::UnimplementedError(
      absl::StrCat("RDB type ", type, " (", RdbTypeName(type), ") of key '",
                   PrintableRdbKey(context.key), "' is not supported"));
}

struct Type {
  const char* name;  // Null if there is no such type.
  Loader load;
};

// By type number.
constexpr Type kTypes[] = {
    {"string", LoadString},                                         // 0
    {"list", LoadList},                                             // 1
    {"set", LoadSet},                                               // 2
    {"sorted set (scores as text)", LoadZset},                      // 3
    {"hash", LoadHash},                                             // 4
    {"sorted set", LoadZset},                                       // 5
    {"module value (before 4.0)", RefuseModule},                    // 6
    {"module value", RefuseModule},                                 // 7
    {nullptr, nullptr},                                             // 8
    {"hash (zipmap)", LoadHash},                                    // 9
    {"list (ziplist)", LoadList},                                   // 10
    {"set (intset)", LoadSet},                                      // 11
    {"sorted set (ziplist)", LoadZset},                             // 12
    {"hash (ziplist)", LoadHash},                                   // 13
    {"list (quicklist of ziplists)", LoadList},                     // 14
    {"stream", LoadStream},                                         // 15
    {"hash (listpack)", LoadHash},                                  // 16
    {"sorted set (listpack)", LoadZset},                            // 17
    {"list (quicklist of listpacks)", LoadList},                    // 18
    {"stream (version 2)", LoadStream},                             // 19
    {"set (listpack)", LoadSet},                                    // 20
    {"stream (version 3)", LoadStream},                             // 21
    {"hash with field expiry (before 7.4)", RefuseType},            // 22
    {"hash with field expiry (listpack, before 7.4)", RefuseType},  // 23
    {"hash with field expiry", RefuseType},                         // 24
    {"hash with field expiry (listpack)", RefuseType},              // 25
};

}  // namespace

absl::Status LoadRdbValue(uint8_t type, const RdbValueContext& context) {
  if (RdbTypeName(type).empty()) {
    return context.input->Corrupt(
        absl::StrCat("Unknown RDB encoding type ", type));
  }
  return kTypes[type].load(type, context);
}

absl::string_view RdbTypeName(uint8_t type) {
  if (type >= sizeof(kTypes) / sizeof(kTypes[0])) return "";
  return absl::NullSafeStringView(kTypes[type].name);
}

absl::Status SkipRdbModuleData(RdbInput* input) {
  // Every turn reads at least a byte, so the input bounds the loop.
  while (true) {
    const absl::StatusOr<uint64_t> part = input->ReadLength("module data");
    if (!part.ok()) return part.status();
    absl::Status skipped;
    switch (*part) {
      case kRdbModuleEof:
        return absl::OkStatus();
      case kRdbModuleSigned:
      case kRdbModuleUnsigned:
        skipped = input->ReadLength("an integer of a module").status();
        break;
      case kRdbModuleFloat:
        skipped = input->SkipBytes(4, "a float of a module");
        break;
      case kRdbModuleDouble:
        skipped = input->SkipBytes(8, "a double of a module");
        break;
      case kRdbModuleString:
        skipped = input->SkipString("a string of a module");
        break;
      default:
        skipped = input->Corrupt(
            absl::StrCat("Unknown part ", *part, " in module data"));
        break;
    }
    if (!skipped.ok()) return skipped;
  }
}

std::string RdbModuleName(uint64_t module_id) {
  // Six bits a character, the first in the highest bits; below them ten bits of
  // encoding version.
  static constexpr absl::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string name;
  for (int shift = 58; shift >= 10; shift -= 6) {
    name.push_back(kAlphabet[module_id >> shift & 63]);
  }
  return name;
}

std::string PrintableRdbKey(absl::string_view key) {
  return absl::StrCat(absl::CHexEscape(key.substr(0, kMaxPrintedKeyBytes)),
                      key.size() > kMaxPrintedKeyBytes ? "..." : "");
}

}  // namespace holdfast::server
