#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "glog/logging.h"
#include "server/command/errors.h"
#include "server/commands/debug_digest.h"
#include "server/commands/debug_handlers.h"
#include "server/commands/scan_walk.h"
#include "server/engine/engine.h"
#include "server/keyspace/database.h"
#include "server/keyspace/entry.h"
#include "server/persist/rdb/encoding.h"
#include "server/persist/rdb/records.h"
#include "server/session/session.h"
#include "server/types/hash.h"
#include "server/types/list.h"
#include "server/types/listpack.h"
#include "server/types/object.h"
#include "server/types/zset.h"

namespace holdfast::server {
namespace {

// Redis's clock of seconds since last use has so many bits.
constexpr uint32_t kLruBits = 24;

// Bytes of the value in an RDB file.
size_t SerializedLength(const Entry& entry, bool compress) {
  std::string out;
  if (entry.type() != ValueType::kString) {
    AppendObjectValue(entry.type(), entry.object(),
                      RdbOptions{.compress = compress}, &out);
    return out.size() - 1;  // Without the type's byte.
  }
  if (entry.encoding() == Encoding::kInt) {
    AppendRdbInteger(entry.IntValue(), &out);
  } else {
    char scratch[Entry::kScratch];
    AppendRdbString(entry.StringBytes(scratch),
                    RdbOptions{.compress = compress}, &out);
  }
  return out.size();
}

// The entry as it lies there, expired or not; null with "no such key" replied.
const Entry* RawEntry(CommandContext& ctx, const KeyRef& key) {
  const Entry* entry = ctx.engine().keyspace().db(ctx.db_index()).Find(key);
  if (entry == nullptr) ctx.Error(errors::kNoSuchKey);
  return entry;
}

// Calls `show` of the value, which says whether it is held in that way.
template <typename Show>
void ShowStructure(CommandContext& ctx, absl::string_view done,
                   absl::string_view error, Show&& show) {
  const KeyRef key(ctx.arg(2));
  SlotGuard guard(ctx.unit().locks(), key.slot, /*exclusive=*/false);
  const Entry* entry = ctx.engine().keyspace().db(ctx.db_index()).Find(key);
  if (entry == nullptr || LooksExpired(ctx.unit(), *entry))
    return ctx.Error(errors::kNoSuchKey);
  if (!show(*entry)) return ctx.Error(error);
  ctx.reply().SimpleString(done);
}

// What of a listpack goes to the log.
constexpr size_t kMaxLoggedElements = 1000;
constexpr size_t kMaxLoggedBytes = 64;  // Of each element.

void LogListpack(absl::string_view what, absl::string_view bytes) {
  const absl::StatusOr<Listpack> listpack = Listpack::FromBytes(bytes);
  CHECK(listpack.ok()) << listpack.status();  // One of ours.
  LOG(WARNING) << what << ": {total bytes " << bytes.size() << "} {num entries "
               << listpack->size() << "}";
  size_t index = 0;
  for (Listpack::Position at = listpack->First();
       at != Listpack::kEnd && index < kMaxLoggedElements;
       at = listpack->Next(at), ++index) {
    char scratch[Listpack::Item::kScratch];
    const absl::string_view element = listpack->Get(at).Bytes(scratch);
    LOG(WARNING) << what << ": {index " << index << ", offset " << at
                 << ", length " << element.size() << "} "
                 << absl::CHexEscape(element.substr(0, kMaxLoggedBytes));
  }
}

}  // namespace

void DebugDigestAll(CommandContext& ctx) {
  ctx.reply().SimpleString(DigestOfKeyspace(ctx.unit()).Hex());
}

void DebugDigestValues(CommandContext& ctx) {
  ctx.reply().ArrayHeader(ctx.argc() - 2);
  for (size_t i = 2; i < ctx.argc(); ++i) {
    const KeyRef key(ctx.arg(i));
    DatasetDigest digest;  // All zeros for what does not exist.
    SlotGuard guard(ctx.unit().locks(), key.slot, /*exclusive=*/false);
    const Entry* entry = ctx.engine().keyspace().db(ctx.db_index()).Find(key);
    if (entry != nullptr) DigestValue(*entry, &digest);
    ctx.reply().SimpleString(digest.Hex());
  }
}

void DebugObject(CommandContext& ctx) {
  const KeyRef key(ctx.arg(2));
  SlotGuard guard(ctx.unit().locks(), key.slot, /*exclusive=*/false);
  const Entry* entry = RawEntry(ctx, key);
  if (entry == nullptr) return;
  const uint32_t now = ctx.engine().lru_clock();
  ctx.reply().SimpleString(absl::StrFormat(
      "Value at:%p refcount:1 encoding:%s serializedlength:%d lru:%d "
      "lru_seconds_idle:%d",
      entry, entry->EncodingName(),
      SerializedLength(*entry,
                       ctx.engine().config().Bool(ConfigId::kRdbCompression)),
      entry->access() & ((1u << kLruBits) - 1),
      now - std::min(now, entry->access())));
}

// Into the log, which is what this server has for Redis's standard output.
void DebugListpack(CommandContext& ctx) {
  ShowStructure(ctx, "Listpack structure printed on stdout",
                "ERR Not a listpack encoded object.", [](const Entry& entry) {
                  absl::string_view bytes;
                  if (entry.type() == ValueType::kHash) {
                    bytes = entry.As<Hash>()->PackedBytes();
                  } else if (entry.type() == ValueType::kZset) {
                    bytes = entry.As<Zset>()->PackedBytes();
                  }
                  if (bytes.empty()) return false;
                  LogListpack("DEBUG LISTPACK", bytes);
                  return true;
                });
}

void DebugQuicklist(CommandContext& ctx) {
  const bool full = ctx.argc() == 4 && ctx.arg(3) != "0";
  ShowStructure(
      ctx, "Quicklist structure printed on stdout",
      "ERR Not a quicklist encoded object.", [full](const Entry& entry) {
        if (entry.type() != ValueType::kList) return false;
        size_t node = 0;
        entry.As<List>()->ForEachNode([&](bool is_plain,
                                          absl::string_view bytes) {
          if (++node > kMaxLoggedElements) return;
          if (is_plain) {
            LOG(WARNING) << "DEBUG QUICKLIST: {plain node " << node
                         << ", bytes " << bytes.size() << "}";
          } else if (full) {
            LogListpack(absl::StrCat("DEBUG QUICKLIST: node ", node), bytes);
          } else {
            LOG(WARNING) << "DEBUG QUICKLIST: {packed node " << node
                         << ", bytes " << bytes.size() << "}";
          }
        });
        return true;
      });
}

// There are tables, but none of Redis's kind with its counts.
void DebugHtStatsKey(CommandContext& ctx) {
  ShowStructure(ctx, "",
                "ERR The value stored at the specified key is not "
                "represented using an hash table",
                [](const Entry&) { return false; });
}

// The tables of one database, in the manner of Redis's report though there are
// 16384 of them.
void DebugHtStats(CommandContext& ctx) {
  int64_t index = 0;
  if (!ctx.IntArg(2, &index)) return;
  Keyspace& keyspace = ctx.engine().keyspace();
  if (index < 0 || index >= keyspace.database_count())
    return ctx.Error("ERR Out of range database");
  size_t keys = 0;
  size_t expiring = 0;
  size_t bytes = 0;
  size_t used_slots = 0;
  size_t largest = 0;
  for (int i = 0; i < kSlots; ++i) {
    const Slot slot = static_cast<Slot>(i);
    SlotGuard guard(ctx.unit().locks(), slot, /*exclusive=*/false);
    const Database& database = keyspace.db(static_cast<int>(index));
    const size_t size = database.SlotSize(slot);
    if (size == 0) continue;
    keys += size;
    expiring += database.SlotExpiringSize(slot);
    bytes += database.SlotTableBytes(slot);
    largest = std::max(largest, size);
    ++used_slots;
  }
  ctx.reply().Verbatim(
      "txt", absl::StrCat(
                 "[Dictionary HT]\n number of elements: ", keys,
                 "\n slots in use: ", used_slots, "\n bytes of tables: ", bytes,
                 "\n elements of the largest slot: ", largest,
                 "\n[Expires HT]\n number of elements: ", expiring, "\n"));
}

// Fills up to `count` keys that are missing. Nothing of it is replicated, as in
// Redis; each key is a write of its own, with the gate passed and its slot
// locked, so that clients and snapshots are not held up.
void DebugPopulate(CommandContext& ctx) {
  int64_t count = 0;
  int64_t size = 0;
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  if (!ctx.IntArgInRange(2, 0, kMax, &count, errors::kNotPositive)) return;
  if (ctx.argc() == 5 &&
      !ctx.IntArgInRange(4, 0, kMax, &size, errors::kNotPositive))
    return;
  if (size > ctx.max_bulk_len()) return ctx.Error(errors::kStringTooLong);
  const absl::string_view prefix =
      ctx.argc() == 3 ? absl::string_view("key") : ctx.arg(3);
  SlotSetLock& locks = ctx.unit().locks();
  const bool own_locks = locks.holds_nothing();
  Keyspace& keyspace = ctx.engine().keyspace();
  std::string value;
  for (int64_t i = 0; i < count && !ctx.session().killed(); ++i) {
    const std::string name = absl::StrCat(prefix, ":", i);
    const KeyRef key(name);
    value = absl::StrCat("value:", i);
    if (size > 0)
      value.resize(
          static_cast<size_t>(size));  // Cut, or filled up with zero bytes.
    if (own_locks) locks.LockOne(key.slot, /*exclusive=*/true, /*write=*/true);
    Database& database = keyspace.db(ctx.db_index());
    const Entry* entry = database.Find(key);
    if (entry == nullptr || LooksExpired(ctx.unit(), *entry)) {
      database.SetString(key, value, Database::Expiry());
      keyspace.TouchWatched(key.slot, ctx.db_index(), name);
    }
    if (own_locks) locks.Release();
  }
  ctx.SuppressEffect();
  ctx.Ok();
}

}  // namespace holdfast::server
