#include "server/persist/rdb/object_testing.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "server/persist/rdb/crc64.h"
#include "server/persist/rdb/encoding.h"
#include "server/persist/rdb/format.h"
#include "server/persist/rdb/rdb_testing.h"
#include "server/persist/rdb/records.h"
#include "server/persist/rdb/value_loaders.h"
#include "server/types/hash.h"
#include "server/types/intset.h"
#include "server/types/list.h"
#include "server/types/listpack.h"
#include "server/types/object.h"
#include "server/types/set.h"
#include "server/types/stream.h"
#include "server/types/stream_groups.h"
#include "server/types/stream_id.h"
#include "server/types/zset.h"

namespace holdfast::server {
namespace {

std::string Quoted(absl::string_view bytes) {
  return absl::StrCat("'", absl::CHexEscape(bytes), "'");
}

std::string Number(double score) {
  // Exactly, and -0 apart from 0.
  std::string bytes;
  AppendRdbDouble(score, &bytes);
  return absl::StrCat(score, "/", absl::BytesToHexString(bytes));
}

std::string DescribeStream(const Stream& stream) {
  std::vector<std::string> parts;
  stream.Range(StreamId::Min(), StreamId::Max(), false, 0,
               [&](const StreamEntry& entry) {
                 std::string text = entry.id().ToString();
                 entry.ForEachField(
                     [&](absl::string_view field, absl::string_view value) {
                       absl::StrAppend(&text, " ", Quoted(field), "=",
                                       Quoted(value));
                     });
                 parts.push_back(std::move(text));
                 return true;
               });
  const StreamMeta& meta = stream.meta();
  parts.push_back(
      absl::StrCat("meta ", meta.length, " ", meta.last_id.ToString(), " ",
                   meta.first_id.ToString(), " ",
                   meta.max_deleted_id.ToString(), " ", meta.entries_added));
  for (const auto& group : stream.groups()) {
    parts.push_back(absl::StrCat("group ", Quoted(group->name()), " ",
                                 group->last_id.ToString(), " ",
                                 group->entries_read));
    for (const auto& [id, pending] : group->pending()) {
      parts.push_back(absl::StrCat(
          "pending ", id.ToString(), " ", Quoted(pending.consumer->name()), " ",
          pending.delivery_time_ms, " ", pending.delivery_count));
    }
    for (const auto& consumer : group->consumers()) {
      std::string text = absl::StrCat("consumer ", Quoted(consumer->name()),
                                      " ", consumer->seen_time_ms);
      for (const StreamId& id : consumer->pending()) {
        absl::StrAppend(&text, " ", id.ToString());
      }
      parts.push_back(std::move(text));
    }
  }
  return absl::StrJoin(parts, ", ");
}

std::string Content(ValueType type, const ObjectBits& bits) {
  std::vector<std::string> parts;
  switch (type) {
    case ValueType::kList:
      bits.As<List>()->ForEach(
          [&](absl::string_view element) { parts.push_back(Quoted(element)); });
      break;
    case ValueType::kSet:
      bits.As<Set>()->ForEach(
          [&](absl::string_view member) { parts.push_back(Quoted(member)); });
      std::sort(parts.begin(), parts.end());
      break;
    case ValueType::kZset:
      bits.As<Zset>()->ForEach([&](absl::string_view member, double score) {
        parts.push_back(absl::StrCat(Quoted(member), ":", Number(score)));
      });
      break;
    case ValueType::kHash:
      bits.As<Hash>()->ForEach(
          [&](absl::string_view field, absl::string_view value) {
            parts.push_back(absl::StrCat(Quoted(field), "=", Quoted(value)));
          });
      std::sort(parts.begin(), parts.end());
      break;
    case ValueType::kStream:
      return DescribeStream(*bits.As<Stream>());
    case ValueType::kString:
      LOG(FATAL) << "moved from";
  }
  CHECK_EQ(parts.size(), ObjectSize(type, bits));
  return absl::StrJoin(parts, " ");
}

std::string Little(uint64_t value, int bytes) {
  std::string out;
  for (; bytes > 0; --bytes, value >>= 8) {
    out.push_back(static_cast<char>(value & 0xff));
  }
  return out;
}

std::string Big(uint64_t value, int bytes) {
  std::string out = Little(value, bytes);
  std::reverse(out.begin(), out.end());
  return out;
}

bool IsInteger(const std::string& text, int64_t* value) {
  return absl::SimpleAtoi(text, value) && absl::StrCat(*value) == text;
}

std::string ZiplistElement(const std::string& element) {
  int64_t value;
  if (IsInteger(element, &value)) {
    const auto bits = static_cast<uint64_t>(value);
    if (value >= 0 && value <= 12) return Little(0xf1 + bits, 1);
    if (value == static_cast<int8_t>(value)) return "\xfe" + Little(bits, 1);
    if (value == static_cast<int16_t>(value)) return "\xc0" + Little(bits, 2);
    if (value >= -(1 << 23) && value < 1 << 23) return "\xf0" + Little(bits, 3);
    if (value == static_cast<int32_t>(value)) return "\xd0" + Little(bits, 4);
    return "\xe0" + Little(bits, 8);
  }
  const size_t size = element.size();
  if (size < 64) return Little(size, 1) + element;
  if (size < 16384) return Big(0x4000 | size, 2) + element;
  return "\x80" + Big(size, 4) + element;
}

std::string ZipmapLength(size_t size) {
  return size < 254 ? Little(size, 1) : "\xfe" + Little(size, 4);
}

Stream MakeStream(bool with_groups) {
  Stream stream;
  for (uint64_t i = 1; i <= 5; ++i) {
    StreamId id;
    const std::vector<absl::string_view> fields =
        i == 3 ? std::vector<absl::string_view>{"other", "x", "f", "12"}
               : std::vector<absl::string_view>{"field", "value"};
    CHECK(stream.Append({StreamNewId::Kind::kGiven, {1000 * i, i}}, 0, fields,
                        {4096, 2}, &id) == Stream::AppendResult::kAppended);
  }
  CHECK(stream.Delete({2000, 2}));
  if (!with_groups) return stream;
  StreamGroup* const group =
      stream.CreateGroup("group", {0, 0}, StreamGroup::kEntriesReadUnknown);
  StreamConsumer* const first = group->CreateConsumer("first", 1700000000000);
  StreamConsumer* const second = group->CreateConsumer("2", 1700000000001);
  const auto ignore = [](const StreamEntry&, const StreamPending*) {};
  stream.DeliverNew(group, first, 2, false, 1700000000002, ignore);
  stream.DeliverNew(group, second, 1, false, 1700000000003, ignore);
  group->CreateConsumer("idle", 5);
  stream.CreateGroup("empty", {3000, 3}, 3);
  return stream;
}

// A stream in the form of 15 or 21, from the present one.
std::string StreamPayload(uint8_t type) {
  Object stream(MakeStream(true));
  const Stream& s = *stream.As<Stream>();
  const auto id = [](const StreamId& id) {
    return RdbLength(id.ms) + RdbLength(id.seq);
  };
  const auto raw = [](const StreamId& id) {
    char bytes[StreamId::kPackedBytes];
    id.Pack(bytes);
    return std::string(bytes, sizeof(bytes));
  };
  std::string out = RdbLength(s.nodes().size());
  for (const auto& [master, node] : s.nodes()) {
    out += RdbString(raw(master)) + RdbString(node.bytes());
  }
  const StreamMeta& meta = s.meta();
  out += RdbLength(meta.length) + id(meta.last_id);
  if (type != kRdbTypeStream) {
    out += id(meta.first_id) + id(meta.max_deleted_id) +
           RdbLength(meta.entries_added);
  }
  out += RdbLength(s.groups().size());
  for (const auto& group : s.groups()) {
    out += RdbString(group->name()) + id(group->last_id);
    if (type != kRdbTypeStream) {
      out += RdbLength(static_cast<uint64_t>(group->entries_read));
    }
    out += RdbLength(group->pending().size());
    for (const auto& [at, pending] : group->pending()) {
      out += raw(at) +
             Little(static_cast<uint64_t>(pending.delivery_time_ms), 8) +
             RdbLength(pending.delivery_count);
    }
    out += RdbLength(group->consumers().size());
    for (const auto& consumer : group->consumers()) {
      const auto seen = static_cast<uint64_t>(consumer->seen_time_ms);
      out += RdbString(consumer->name()) + Little(seen, 8);
      if (type == kRdbTypeStream3) out += Little(seen + 7, 8);
      out += RdbLength(consumer->pending().size());
      for (const StreamId& at : consumer->pending()) out += raw(at);
    }
  }
  return out;
}

}  // namespace

std::string Describe(ValueType type, const ObjectBits& bits, bool encoding) {
  return absl::StrCat(
      TypeName(type),
      encoding ? absl::StrCat(" ", ObjectEncodingName(type, bits)) : "", ": ",
      Content(type, bits));
}

std::string Describe(Object* object, bool encoding) {
  const ValueType type = object->type();
  ObjectBits bits = object->Release();
  std::string text = Describe(type, bits, encoding);
  *object = Object(type, bits);
  return text;
}

Loaded LoadPayload(uint8_t type, absl::string_view payload,
                   const RdbObjectLimits& limits, size_t step) {
  TricklingSource source(payload, step);
  RecordingVisitor visitor;
  Loaded loaded;
  {
    RdbInput input(&source);
    const RdbSanitizer none;
    std::string scratch;
    loaded.status = LoadRdbValue(type, {&input,
                                        &visitor,
                                        "key",
                                        {},
                                        &none,
                                        &limits,
                                        &scratch,
                                        &loaded.was_empty});
    if (loaded.status.ok() && input.offset() != payload.size()) {
      loaded.status = absl::DataLossError("there is more");
    }
  }
  for (auto& [where, object] : visitor.objects) {
    loaded.seen = Describe(&object.value);
    const ValueType value_type = object.value.type();
    ObjectBits bits = object.value.Release();
    RdbOptions options;
    options.compress = false;
    AppendObjectValue(value_type, bits, options, &loaded.rewritten);
    FreeObject(value_type, &bits);
  }
  return loaded;
}

std::string MakeZiplist(const std::vector<std::string>& elements) {
  std::string body;
  size_t last = 0;
  size_t previous_size = 0;
  for (const std::string& element : elements) {
    last = body.size();
    body += (previous_size < 254 ? Little(previous_size, 1)
                                 : "\xfe" + Little(previous_size, 4)) +
            ZiplistElement(element);
    previous_size = body.size() - last;
  }
  return Little(body.size() + 11, 4) + Little(last + 10, 4) +
         Little(std::min<size_t>(elements.size(), 65535), 2) + body + "\xff";
}

std::string MakeZipmap(
    const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::string out = Little(std::min<size_t>(pairs.size(), 254), 1);
  size_t spare = 0;
  for (const auto& [field, value] : pairs) {
    out += ZipmapLength(field.size()) + field + ZipmapLength(value.size()) +
           Little(spare, 1) + value + std::string(spare, '?');
    spare = (spare + 1) % 4;
  }
  return out + "\xff";
}

std::string MakeListpack(const std::vector<std::string>& elements) {
  Listpack listpack;
  for (const std::string& element : elements) listpack.Append(element);
  return std::string(listpack.bytes());
}

std::string RdbString(absl::string_view value) {
  std::string out;
  RdbOptions options;
  options.compress = false;
  AppendRdbString(value, options, &out);
  return out;
}

std::string RdbLength(uint64_t length) {
  std::string out;
  AppendRdbLength(length, &out);
  return out;
}

std::vector<SamplePayload> SamplePayloads() {
  const auto text_double = [](double value) {
    std::string out;
    AppendRdbTextDouble(value, &out);
    return out;
  };
  const auto binary_double = [](double value) {
    std::string out;
    AppendRdbDouble(value, &out);
    return out;
  };
  const std::string big(300, 'b');
  const std::vector<std::string> list = {"a",     "-1",  "12",
                                         "70000", big,   "-9223372036854775808",
                                         "",      "3.5", "8388607"};
  const std::vector<std::string> pairs = {"one", "1", "two",
                                          "x y", "3", "-300"};
  const std::vector<std::string> scores = {"low", "-inf", "a", "-1.5",
                                           "b",   "2",    "c", "1e+20"};
  Intset integers;
  for (const int64_t i : {-5, 7, 70000}) integers.Insert(i);
  return {
      {kRdbTypeList,
       RdbLength(3) + RdbString("x") + RdbString("12") + RdbString(big)},
      {kRdbTypeSet,
       RdbLength(3) + RdbString("x") + RdbString("12") + RdbString(big)},
      {kRdbTypeSet, RdbLength(2) + RdbString("-1") + RdbString("12")},
      {kRdbTypeZset, RdbLength(3) + RdbString("x") + text_double(1.5) +
                         RdbString("y") + text_double(-1.0 / 0.0) +
                         RdbString("9") + text_double(1e300)},
      {kRdbTypeHash, RdbLength(2) + RdbString("f") + RdbString("1") +
                         RdbString("2") + RdbString("v")},
      {kRdbTypeHash, RdbLength(2) + RdbString("f") + RdbString(big) +
                         RdbString("2") + RdbString("v")},
      {kRdbTypeZset2, RdbLength(3) + RdbString("x") + binary_double(1.5) +
                          RdbString("y") + binary_double(1.0 / 0.0) +
                          RdbString(big) + binary_double(-0.0)},
      {kRdbTypeHashZipmap,
       RdbString(MakeZipmap({{"a", "1"}, {"b", big}, {"", ""}, {big, "2"}}))},
      {kRdbTypeHashZipmap, RdbString(MakeZipmap({{"a", "1"}, {"b", "x"}}))},
      {kRdbTypeListZiplist, RdbString(MakeZiplist(list))},
      {kRdbTypeSetIntset, RdbString(integers.bytes())},
      {kRdbTypeZsetZiplist, RdbString(MakeZiplist(scores))},
      {kRdbTypeHashZiplist, RdbString(MakeZiplist(pairs))},
      {kRdbTypeListQuicklist, RdbLength(3) + RdbString(MakeZiplist(list)) +
                                  RdbString(MakeZiplist({})) +
                                  RdbString(MakeZiplist({"z"}))},
      {kRdbTypeStream, StreamPayload(kRdbTypeStream)},
      {kRdbTypeHashListpack, RdbString(MakeListpack(pairs))},
      {kRdbTypeZsetListpack, RdbString(MakeListpack(scores))},
      {kRdbTypeListQuicklist2,
       RdbLength(3) + RdbLength(2) + RdbString(MakeListpack(list)) +
           RdbLength(1) + RdbString(std::string(300, 'p')) + RdbLength(2) +
           RdbString(MakeListpack({"z"}))},
      {kRdbTypeStream2, StreamPayload(kRdbTypeStream2)},
      {kRdbTypeSetListpack, RdbString(MakeListpack({"a", "1", "-7", big}))},
      {kRdbTypeStream3, StreamPayload(kRdbTypeStream3)},
  };
}

std::string DumpOf(absl::string_view type_and_payload) {
  std::string out = absl::StrCat(type_and_payload, Little(10, 2));
  return out + Little(Crc64(0, out), 8);
}

absl::string_view UndumpOf(absl::string_view dump) {
  CHECK_GT(dump.size(), 10u);
  return dump.substr(0, dump.size() - 10);
}

}  // namespace holdfast::server
