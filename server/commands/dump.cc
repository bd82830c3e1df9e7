#include "server/commands/dump.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "server/command/context.h"
#include "server/command/errors.h"
#include "server/command/typed.h"
#include "server/engine/engine.h"
#include "server/persist/load/load_file.h"
#include "server/persist/rdb/byte_source.h"
#include "server/persist/rdb/crc64.h"
#include "server/persist/rdb/format.h"
#include "server/persist/rdb/input.h"
#include "server/persist/rdb/records.h"
#include "server/persist/rdb/value_loaders.h"
#include "server/persist/rdb/visitor.h"

namespace holdfast::server {
namespace {

// Behind the value: the RDB version in two bytes and the checksum of all before
// it in eight, both little endian.
constexpr int kWrittenVersion = 10;  // Redis 7.0's.
constexpr int kLatestVersion = 12;   // What can be read.
constexpr size_t kVersionBytes = 2;
constexpr size_t kFooterBytes = kVersionBytes + 8;

void AppendLittleEndian(uint64_t value, size_t bytes, std::string* out) {
  for (size_t i = 0; i < bytes; ++i) {
    out->push_back(static_cast<char>(value >> (8 * i)));
  }
}

bool FooterIsRight(absl::string_view payload, bool skip_checksum) {
  if (payload.size() < kFooterBytes) return false;
  const absl::string_view footer =
      payload.substr(payload.size() - kFooterBytes);
  const int version = static_cast<unsigned char>(footer[0]) |
                      static_cast<unsigned char>(footer[1]) << 8;
  std::string crc;
  AppendLittleEndian(Crc64(0, payload.substr(0, payload.size() - 8)), 8, &crc);
  return version <= kLatestVersion &&
         (skip_checksum || footer.substr(kVersionBytes) == crc);
}

// Takes the one value of a payload in.
class OneValue : public RdbVisitor {
 public:
  absl::Status OnString(absl::string_view, absl::string_view value,
                        const RecordMeta&) override {
    string.emplace(value);
    return absl::OkStatus();
  }
  absl::Status OnObject(absl::string_view, Object value,
                        const RecordMeta&) override {
    object.emplace(std::move(value));
    return absl::OkStatus();
  }
  // A value has none of these.
  absl::Status OnHeader(int) override { return Refuse(); }
  absl::Status OnAux(absl::string_view, absl::string_view) override {
    return Refuse();
  }
  absl::Status OnSelectDb(uint64_t) override { return Refuse(); }
  absl::Status OnResizeDb(uint64_t, uint64_t) override { return Refuse(); }
  absl::Status OnFunction(absl::string_view) override { return Refuse(); }
  absl::Status OnModuleAux(const RdbModuleAux&) override { return Refuse(); }
  absl::Status OnEnd(bool) override { return Refuse(); }

  std::optional<std::string> string;
  std::optional<Object> object;

 private:
  static absl::Status Refuse() { return absl::InternalError("not a value"); }
};

// What Redis's log calls the packed values that tools may look for; followed by
// a blank.
absl::string_view CheckedName(uint8_t type) {
  switch (type) {
    case kRdbTypeHashZipmap:
      return "Zipmap ";
    case kRdbTypeZsetZiplist:
      return "Zset ziplist ";
    case kRdbTypeHashZiplist:
      return "Hash ziplist ";
    case kRdbTypeStream:
    case kRdbTypeStream2:
    case kRdbTypeStream3:
      return "Stream listpack ";
    default:
      return "";
  }
}

// False for anything but one whole value. REQUIRES: FooterIsRight().
bool Load(Engine& engine, absl::string_view key, absl::string_view payload,
          OneValue* value) {
  payload.remove_suffix(kFooterBytes);
  if (payload.empty()) return false;
  const auto type = static_cast<uint8_t>(payload[0]);
  StringSource source(payload.substr(1));
  const RdbReadOptions options = RdbReadOptionsOf(&engine);
  std::string scratch;
  bool was_empty = false;
  {
    RdbInput input(&source);
    RdbValueContext context = {};
    context.input = &input;
    context.visitor = value;
    context.key = key;
    context.sanitize = &options.sanitize;
    context.limits = &options.limits;
    context.scratch = &scratch;
    context.was_empty = &was_empty;
    const absl::Status loaded = LoadRdbValue(type, context);
    if (!loaded.ok()) {
      LOG(WARNING) << "RESTORE: " << CheckedName(type)
                   << "integrity check failed: " << loaded.message();
      return false;
    }
    input.Sync();
  }
  return source.rest().empty() && !was_empty;
}

void Dump(CommandContext& ctx) {
  const Entry* entry = ctx.db().Find(ctx.arg(1));
  if (entry == nullptr) return ctx.reply().Null();
  ctx.reply().Bulk(DumpPayload(ctx.engine(), *entry));
}

struct RestoreOptions {
  bool replace = false;
  bool absolute = false;
  int64_t idle_seconds = -1;
  int64_t frequency = -1;
};

bool ParseRestoreOptions(CommandContext& ctx, RestoreOptions* options) {
  for (size_t i = 4; i < ctx.argc(); ++i) {
    const bool more = i + 1 < ctx.argc();
    if (ctx.ArgIs(i, "REPLACE")) {
      options->replace = true;
    } else if (ctx.ArgIs(i, "ABSTTL")) {
      options->absolute = true;
    } else if (ctx.ArgIs(i, "IDLETIME") && more && options->frequency < 0) {
      if (!ctx.IntArg(++i, &options->idle_seconds)) return false;
      if (options->idle_seconds < 0) {
        ctx.Error("ERR Invalid IDLETIME value, must be >= 0");
        return false;
      }
    } else if (ctx.ArgIs(i, "FREQ") && more && options->idle_seconds < 0) {
      if (!ctx.IntArg(++i, &options->frequency)) return false;
      if (options->frequency < 0 || options->frequency > 255) {
        ctx.Error("ERR Invalid FREQ value, must be >= 0 and <= 255");
        return false;
      }
    } else {
      ctx.Error(errors::kSyntax);
      return false;
    }
  }
  return true;
}

void Restore(CommandContext& ctx) {
  RestoreOptions options;
  if (!ParseRestoreOptions(ctx, &options)) return;
  const absl::string_view key = ctx.arg(1);
  Db db = ctx.db();
  const bool there = db.FindForWrite(key) != nullptr;
  if (there && !options.replace) return ctx.Error(errors::kBusyKey);
  int64_t ttl = 0;
  if (!ctx.IntArg(2, &ttl)) return;
  if (ttl < 0 || (!options.absolute &&
                  ttl > std::numeric_limits<int64_t>::max() - ctx.now_ms())) {
    return ctx.Error("ERR Invalid TTL value, must be >= 0");
  }
  if (!FooterIsRight(ctx.arg(3), ctx.engine().skip_checksums())) {
    return ctx.Error("ERR DUMP payload version or checksum are wrong");
  }
  OneValue value;
  if (!Load(ctx.engine(), key, ctx.arg(3), &value)) {
    return ctx.Error("ERR Bad data format");
  }
  int64_t when_ms = kNoExpiry;
  if (ttl > 0) when_ms = options.absolute ? ttl : ctx.now_ms() + ttl;
  ctx.Ok();
  if (when_ms != kNoExpiry && when_ms <= ctx.now_ms() &&
      !ctx.engine().is_replica() && !ctx.unit().from_primary()) {
    if (!there) return;
    db.Delete(key);
    ctx.ReplaceEffect({"DEL", key});
    return ctx.Notify(kEventGeneric, "del", key);
  }
  const Database::Expiry expiry = {.when_ms = when_ms};
  Entry* entry = value.string.has_value()
                     ? db.SetString(key, *value.string, expiry)
                     : db.SetObject(key, *std::move(value.object), expiry);
  if (options.idle_seconds >= 0) {
    const uint32_t clock = ctx.engine().lru_clock();
    entry->set_access(clock - static_cast<uint32_t>(std::min<int64_t>(
                                  options.idle_seconds, clock)));
  }
  ctx.Notify(kEventGeneric, "restore", key);
  if (when_ms == kNoExpiry || options.absolute) return;
  // Replicas take the moment, not the time from then.
  const std::string when = absl::StrCat(when_ms);
  std::vector<absl::string_view> effect(ctx.args().begin(), ctx.args().end());
  effect[2] = when;
  effect.push_back("ABSTTL");
  ctx.ReplaceEffect(effect);
}

}  // namespace

std::string DumpPayload(Engine& engine, const Entry& entry) {
  const RdbOptions options = {
      .compress = engine.config().Bool(ConfigId::kRdbCompression)};
  std::string out;
  if (entry.type() != ValueType::kString) {
    AppendObjectValue(entry.type(), entry.object(), options, &out);
  } else if (entry.encoding() == Encoding::kInt) {
    AppendIntegerValue(entry.IntValue(), &out);
  } else {
    char scratch[Entry::kScratch];
    AppendStringValue(entry.StringBytes(scratch), options, &out);
  }
  AppendLittleEndian(kWrittenVersion, kVersionBytes, &out);
  AppendLittleEndian(Crc64(0, out), 8, &out);
  return out;
}

absl::Span<const CommandSpec> DumpCommands() {
  static const auto* const table = new std::vector<CommandSpec>{
      {.name = "dump",
       .arity = 2,
       .flags = kReadonly,
       .keys = {OneKey(kKeyRO | kKeyAccess)},
       .acl = kAclKeyspace,
       .since = "2.6.0",
       .group = "generic",
       .complexity = "O(N), N being the bytes of the value.",
       .summary = "Read a value of any type as bytes for RESTORE",
       .syntax = "key",
       .tips = {"nondeterministic_output"},
       .handler = Dump},
      {.name = "restore",
       .arity = -4,
       .flags = kWrite | kDenyOom,
       .keys = {OneKey(kKeyOW | kKeyUpdate)},
       .acl = kAclKeyspace | kAclDangerous,
       .since = "2.6.0",
       .group = "generic",
       .complexity = "O(N), N being the bytes of the value; for a sorted set "
                     "of N members O(N*log(N)).",
       .summary = "Create a key with the value that DUMP has read",
       .syntax = "key ttl serialized-value [REPLACE@3.0.0] [ABSTTL@5.0.0] "
                 "[IDLETIME seconds@5.0.0] [FREQ frequency@5.0.0]",
       .handler = Restore,
       .history = {{"3.0.0", "Added the option `REPLACE`."},
                   {"5.0.0", "Added the option `ABSTTL`."},
                   {"5.0.0", "Added the options `IDLETIME` and `FREQ`."}}},
  };
  return *table;
}

}  // namespace holdfast::server
