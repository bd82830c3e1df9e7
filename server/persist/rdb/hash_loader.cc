// Hashes: field by field (4), one zipmap (9), one ziplist (13), one listpack
// (16).

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/persist/rdb/format.h"
#include "server/persist/rdb/object_loaders.h"
#include "server/persist/rdb/ziplist.h"
#include "server/types/hash.h"
#include "server/types/limits.h"
#include "server/types/listpack.h"
#include "server/types/object.h"

namespace holdfast::server {
namespace {

// What appending two elements may need besides their bytes.
constexpr size_t kPairOverhead = 20;

// Limits under which nothing is packed.
constexpr PackedLimits kNothingPacked = {0, 0};

absl::Status FieldTwice() {
  return absl::InvalidArgumentError("Duplicate hash fields detected");
}

// A hash of pairs that come one by one, packed up to its limits. Unlike
// Hash::Set() it does not look through the packed form for each field, but once
// at the end, so the time it takes is linear whatever the limits are.
class HashBuilder {
 public:
  explicit HashBuilder(const PackedLimits& limits) : limits_(limits) {}

  // kInvalidArgument for a field that comes twice, as far as that is seen yet.
  absl::Status Add(absl::string_view field, absl::string_view value) {
    if (!is_table_ &&
        (fields_ + 1 > limits_.max_entries ||
         field.size() > limits_.max_value || value.size() > limits_.max_value ||
         !packed_.FitsAnother(field.size() + value.size() + kPairOverhead))) {
      absl::StatusOr<Hash> table =
          Hash::FromListpack(std::move(packed_), kNothingPacked);
      if (!table.ok()) return table.status();
      table_ = *std::move(table);
      is_table_ = true;
    }
    if (is_table_) {
      return table_.Set(field, value, kNothingPacked) ? absl::OkStatus()
                                                      : FieldTwice();
    }
    packed_.InsertAll(Listpack::kEnd, {field, value});
    ++fields_;
    return absl::OkStatus();
  }

  absl::StatusOr<Hash> Finish() {
    if (is_table_) return std::move(table_);
    packed_.ShrinkToFit();
    return Hash::FromListpack(std::move(packed_), limits_);
  }

 private:
  const PackedLimits limits_;
  Listpack packed_;
  size_t fields_ = 0;  // In it.
  bool is_table_ = false;
  Hash table_;
};

absl::Status DeliverBuilt(const RdbValueContext& context,
                          HashBuilder* builder) {
  absl::StatusOr<Hash> hash = builder->Finish();
  if (!hash.ok()) return CorruptObject(context, hash.status());
  return Deliver(context, Object(*std::move(hash)));
}

absl::Status LoadFields(const RdbValueContext& context) {
  const absl::StatusOr<uint64_t> count =
      context.input->ReadLength("the size of a hash");
  if (!count.ok()) return count.status();
  // It will not stay packed: it need not begin so.
  HashBuilder builder(*count > context.limits->hash.max_entries
                          ? kNothingPacked
                          : context.limits->hash);
  std::string field;
  for (uint64_t left = *count; left > 0; --left) {
    const absl::StatusOr<absl::string_view> read =
        ReadElement(context, "a field of a hash");
    if (!read.ok()) return read.status();
    field.assign(read->data(), read->size());  // Reading on would end it.
    const absl::StatusOr<absl::string_view> value =
        ReadElement(context, "a value of a hash");
    if (!value.ok()) return value.status();
    const absl::Status added = builder.Add(field, *value);
    if (!added.ok()) return CorruptObject(context, added);
  }
  return DeliverBuilt(context, &builder);
}

absl::Status LoadZipmap(const RdbValueContext& context) {
  const absl::StatusOr<absl::string_view> blob =
      ReadBlob(kRdbTypeHashZipmap, context, "a zipmap");
  if (!blob.ok()) return blob.status();
  HashBuilder builder(context.limits->hash);
  const absl::Status status = ForEachZipmapPair(
      *blob, [&](absl::string_view field, absl::string_view value) {
        return builder.Add(field, value);
      });
  if (!status.ok()) return CorruptObject(context, status);
  return DeliverBuilt(context, &builder);
}

}  // namespace

absl::Status LoadHash(uint8_t type, const RdbValueContext& context) {
  if (type == kRdbTypeHash) return LoadFields(context);
  if (type == kRdbTypeHashZipmap) return LoadZipmap(context);
  absl::StatusOr<Listpack> pairs =
      ReadListpack(type, type == kRdbTypeHashZiplist, context);
  if (!pairs.ok()) return pairs.status();
  absl::StatusOr<Hash> hash =
      Hash::FromListpack(*std::move(pairs), context.limits->hash);
  if (!hash.ok()) return CorruptObject(context, hash.status());
  return Deliver(context, Object(*std::move(hash)));
}

}  // namespace holdfast::server
