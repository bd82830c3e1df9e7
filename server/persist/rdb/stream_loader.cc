// Streams: as Redis 5 and 6 write them (15), 7.0 (19), and 7.2, which adds to
// each consumer when it last got something (21).

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/persist/rdb/format.h"
#include "server/persist/rdb/input.h"
#include "server/persist/rdb/object_loaders.h"
#include "server/types/listpack.h"
#include "server/types/object.h"
#include "server/types/stream.h"
#include "server/types/stream_groups.h"
#include "server/types/stream_id.h"
#include "server/types/stream_node.h"

namespace holdfast::server {
namespace {

// Many numbers stand one behind the other: each reads one, or does nothing if
// another failed before it.
class Fields {
 public:
  explicit Fields(RdbInput* input) : input_(input) {}

  uint64_t Length(const char* what) {
    if (!status_.ok()) return 0;
    const absl::StatusOr<uint64_t> length = input_->ReadLength(what);
    status_ = length.status();
    return length.ok() ? *length : 0;
  }
  int64_t Millis(const char* what) {
    if (!status_.ok()) return 0;
    const absl::StatusOr<int64_t> millis = input_->ReadMillis(what);
    status_ = millis.status();
    return millis.ok() ? *millis : 0;
  }
  StreamId Id(const char* what) {
    const uint64_t ms = Length(what);
    return {ms, Length(what)};
  }
  // Of a fixed length, not as two numbers.
  StreamId RawId(const char* what) {
    char raw[StreamId::kPackedBytes] = {};
    if (status_.ok()) status_ = input_->ReadBytes(raw, sizeof(raw), what);
    return StreamId::Unpack(raw);
  }

  const absl::Status& status() const { return status_; }

 private:
  RdbInput* const input_;
  absl::Status status_;
};

absl::Status LoadNode(const RdbValueContext& context, Stream* stream) {
  const absl::StatusOr<absl::string_view> master =
      ReadElement(context, "the id of a stream's node");
  if (!master.ok()) return master.status();
  char raw[StreamId::kPackedBytes];
  if (master->copy(raw, sizeof(raw)) != sizeof(raw) ||
      master->size() != sizeof(raw)) {
    return context.input->Corrupt(
        "Stream node key entry is not the size of a stream ID");
  }
  const absl::StatusOr<absl::string_view> bytes =
      ReadElement(context, "a stream's node");
  if (!bytes.ok()) return bytes.status();
  absl::StatusOr<Listpack> node = Listpack::FromBytes(*bytes);
  if (!node.ok()) return CorruptObject(context, node.status());
  const absl::Status status =
      stream->LoadNode(StreamId::Unpack(raw), *std::move(node));
  return status.ok() ? status : CorruptObject(context, status);
}

absl::Status LoadMeta(uint8_t type, const RdbValueContext& context,
                      Stream* stream) {
  Fields fields(context.input);
  StreamMeta meta;
  meta.length = fields.Length("the length of a stream");
  meta.last_id = fields.Id("a stream's last id");
  const bool short_form = type == kRdbTypeStream;
  if (!short_form) {
    // It is known from the nodes. What is written here may be something else:
    // an empty stream that came to Redis 7.0 from an older one says that its
    // first id is the last of all ids.
    fields.Id("a stream's first id");
    stream->Range(StreamId::Min(), StreamId::Max(), false, 1,
                  [&](const StreamEntry& entry) {
                    meta.first_id = entry.id();
                    return false;
                  });
    meta.max_deleted_id = fields.Id("a stream's highest deleted id");
    meta.entries_added = fields.Length("how many entries a stream ever had");
  }
  if (!fields.status().ok()) return fields.status();
  const absl::Status status = stream->LoadMeta(meta, short_form);
  return status.ok() ? status : CorruptObject(context, status);
}

absl::Status LoadConsumer(uint8_t type, const RdbValueContext& context,
                          StreamGroup* group) {
  const absl::StatusOr<absl::string_view> name =
      ReadElement(context, "the name of a stream's consumer");
  if (!name.ok()) return name.status();
  absl::StatusOr<StreamConsumer*> consumer = group->LoadConsumer(*name, 0);
  if (!consumer.ok()) return CorruptObject(context, consumer.status());
  Fields fields(context.input);
  (*consumer)->seen_time_ms = fields.Millis("when a consumer was seen");
  // Redis 7.0 has nothing to keep it in, nor have we.
  if (type == kRdbTypeStream3) fields.Millis("when a consumer was active");
  for (uint64_t left = fields.Length("how much is pending for a consumer");
       left > 0; --left) {
    const StreamId id = fields.RawId("what is pending for a consumer");
    if (!fields.status().ok()) break;
    const absl::Status status = group->LoadConsumerPending(*consumer, id);
    if (!status.ok()) return CorruptObject(context, status);
  }
  return fields.status();
}

absl::Status LoadGroup(uint8_t type, const RdbValueContext& context,
                       Stream* stream) {
  // The name is used when what stands behind it was read.
  const absl::StatusOr<absl::string_view> read =
      ReadElement(context, "the name of a stream's group");
  if (!read.ok()) return read.status();
  const std::string name(*read);
  Fields fields(context.input);
  const StreamId last_id = fields.Id("the last id of a stream's group");
  // -1, for not known, is the highest of all lengths.
  const auto entries_read =
      type == kRdbTypeStream
          ? stream->EstimateEntriesRead(last_id)
          : static_cast<int64_t>(fields.Length("how much a group has read"));
  if (!fields.status().ok()) return fields.status();
  absl::StatusOr<StreamGroup*> group =
      stream->LoadGroup(name, last_id, entries_read);
  if (!group.ok()) return CorruptObject(context, group.status());

  for (uint64_t left = fields.Length("how much is pending in a group");
       left > 0; --left) {
    const StreamId id = fields.RawId("what is pending in a group");
    const int64_t time = fields.Millis("when an entry was delivered");
    const uint64_t count = fields.Length("how often an entry was delivered");
    if (!fields.status().ok()) break;
    const absl::Status status = (*group)->LoadPending(id, time, count);
    if (!status.ok()) return CorruptObject(context, status);
  }
  for (uint64_t left = fields.Length("the number of a group's consumers");
       left > 0; --left) {
    const absl::Status status = LoadConsumer(type, context, *group);
    if (!status.ok()) return status;
  }
  if (!fields.status().ok()) return fields.status();
  const absl::Status status = (*group)->FinishLoading();
  return status.ok() ? status : CorruptObject(context, status);
}

}  // namespace

absl::Status LoadStream(uint8_t type, const RdbValueContext& context) {
  Stream stream;
  Fields fields(context.input);
  for (uint64_t left = fields.Length("the number of a stream's nodes");
       left > 0; --left) {
    const absl::Status status = LoadNode(context, &stream);
    if (!status.ok()) return status;
  }
  if (!fields.status().ok()) return fields.status();
  const absl::Status status = LoadMeta(type, context, &stream);
  if (!status.ok()) return status;
  for (uint64_t left = fields.Length("the number of a stream's groups");
       left > 0; --left) {
    const absl::Status group = LoadGroup(type, context, &stream);
    if (!group.ok()) return group;
  }
  if (!fields.status().ok()) return fields.status();
  return Deliver(context, Object(std::move(stream)));
}

}  // namespace holdfast::server
