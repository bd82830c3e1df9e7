// The values that are no strings, as Redis 7.0 writes them: RDB types 2, 4, 5,
// 11 and 16 to 19.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "server/persist/rdb/encoding.h"
#include "server/persist/rdb/format.h"
#include "server/persist/rdb/records.h"
#include "server/types/hash.h"
#include "server/types/list.h"
#include "server/types/object.h"
#include "server/types/set.h"
#include "server/types/stream.h"
#include "server/types/stream_groups.h"
#include "server/types/stream_id.h"
#include "server/types/zset.h"

namespace holdfast::server {
namespace {

uint8_t RdbTypeOf(const List&) { return kRdbTypeListQuicklist2; }
uint8_t RdbTypeOf(const Set& set) {
  return set.is_intset() ? kRdbTypeSetIntset : kRdbTypeSet;
}
uint8_t RdbTypeOf(const Zset& zset) {
  return zset.PackedBytes().empty() ? kRdbTypeZset2 : kRdbTypeZsetListpack;
}
uint8_t RdbTypeOf(const Hash& hash) {
  return hash.PackedBytes().empty() ? kRdbTypeHash : kRdbTypeHashListpack;
}
uint8_t RdbTypeOf(const Stream&) { return kRdbTypeStream2; }

void AppendBody(const List& list, const RdbOptions& options, std::string* out) {
  size_t nodes = 0;
  list.ForEachNode([&](bool, absl::string_view) { ++nodes; });
  AppendRdbLength(nodes, out);
  list.ForEachNode([&](bool is_plain, absl::string_view bytes) {
    AppendRdbLength(is_plain ? kRdbListNodePlain : kRdbListNodePacked, out);
    AppendRdbString(bytes, options, out);
  });
}

void AppendBody(const Set& set, const RdbOptions& options, std::string* out) {
  if (set.is_intset()) {
    AppendRdbString(set.IntsetBytes(), options, out);
    return;
  }
  AppendRdbLength(set.size(), out);
  set.ForEach(
      [&](absl::string_view member) { AppendRdbString(member, options, out); });
}

void AppendBody(const Zset& zset, const RdbOptions& options, std::string* out) {
  const absl::string_view packed = zset.PackedBytes();
  if (!packed.empty()) {
    AppendRdbString(packed, options, out);
    return;
  }
  AppendRdbLength(zset.size(), out);
  // The greatest first: a loader then adds each one in front of all others.
  zset.ForRanks({0, zset.size()}, true,
                [&](absl::string_view member, double score) {
                  AppendRdbString(member, options, out);
                  AppendRdbDouble(score, out);
                  return true;
                });
}

void AppendBody(const Hash& hash, const RdbOptions& options, std::string* out) {
  const absl::string_view packed = hash.PackedBytes();
  if (!packed.empty()) {
    AppendRdbString(packed, options, out);
    return;
  }
  AppendRdbLength(hash.size(), out);
  hash.ForEach([&](absl::string_view field, absl::string_view value) {
    AppendRdbString(field, options, out);
    AppendRdbString(value, options, out);
  });
}

void AppendId(const StreamId& id, std::string* out) {
  AppendRdbLength(id.ms, out);
  AppendRdbLength(id.seq, out);
}

void AppendRawId(const StreamId& id, std::string* out) {
  char raw[StreamId::kPackedBytes];
  id.Pack(raw);
  out->append(raw, sizeof(raw));
}

void AppendGroup(const StreamGroup& group, const RdbOptions& options,
                 std::string* out) {
  AppendRdbString(group.name(), options, out);
  AppendId(group.last_id, out);
  AppendRdbLength(static_cast<uint64_t>(group.entries_read), out);
  AppendRdbLength(group.pending().size(), out);
  for (const auto& [id, pending] : group.pending()) {
    AppendRawId(id, out);
    AppendRdbMillis(pending.delivery_time_ms, out);
    AppendRdbLength(pending.delivery_count, out);
  }
  AppendRdbLength(group.consumers().size(), out);
  for (const auto& consumer : group.consumers()) {
    AppendRdbString(consumer->name(), options, out);
    AppendRdbMillis(consumer->seen_time_ms, out);
    AppendRdbLength(consumer->pending().size(), out);
    for (const StreamId& id : consumer->pending()) AppendRawId(id, out);
  }
}

void AppendBody(const Stream& stream, const RdbOptions& options,
                std::string* out) {
  AppendRdbLength(stream.nodes().size(), out);
  for (const auto& [master, node] : stream.nodes()) {
    char raw[StreamId::kPackedBytes];
    master.Pack(raw);
    AppendRdbString(absl::string_view(raw, sizeof(raw)), options, out);
    AppendRdbString(node.bytes(), options, out);
  }
  const StreamMeta& meta = stream.meta();
  AppendRdbLength(meta.length, out);
  AppendId(meta.last_id, out);
  AppendId(meta.first_id, out);
  AppendId(meta.max_deleted_id, out);
  AppendRdbLength(meta.entries_added, out);
  AppendRdbLength(stream.groups().size(), out);
  for (const auto& group : stream.groups()) AppendGroup(*group, options, out);
}

// Calls fn with the value as what it is.
template <typename Fn>
void Visit(ValueType type, const ObjectBits& value, Fn&& fn) {
  DCHECK(type == ValueType::kStream || ObjectSize(type, value) > 0)
      << "an empty value is none";
  switch (type) {
    case ValueType::kList:
      return fn(*value.As<List>());
    case ValueType::kSet:
      return fn(*value.As<Set>());
    case ValueType::kZset:
      return fn(*value.As<Zset>());
    case ValueType::kHash:
      return fn(*value.As<Hash>());
    case ValueType::kStream:
      return fn(*value.As<Stream>());
    case ValueType::kString:
      break;
  }
  LOG(FATAL) << "a value of type " << static_cast<int>(type) << " is no object";
}

}  // namespace

void AppendObjectRecord(absl::string_view key, ValueType type,
                        const ObjectBits& value, const RecordMeta& meta,
                        const RdbOptions& options, std::string* out) {
  Visit(type, value, [&](const auto& object) {
    AppendKey(RdbTypeOf(object), key, meta, options, out);
    AppendBody(object, options, out);
  });
}

void AppendObjectValue(ValueType type, const ObjectBits& value,
                       const RdbOptions& options, std::string* out) {
  Visit(type, value, [&](const auto& object) {
    out->push_back(static_cast<char>(RdbTypeOf(object)));
    AppendBody(object, options, out);
  });
}

}  // namespace holdfast::server
