// Sorted sets: member by member with scores in text (3) or binary (5), one
// ziplist (12), one listpack (17).

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/persist/rdb/format.h"
#include "server/persist/rdb/object_loaders.h"
#include "server/types/limits.h"
#include "server/types/listpack.h"
#include "server/types/object.h"
#include "server/types/zset.h"

namespace holdfast::server {
namespace {

absl::Status LoadMembers(uint8_t type, const RdbValueContext& context) {
  const absl::StatusOr<uint64_t> count =
      context.input->ReadLength("the size of a sorted set");
  if (!count.ok()) return count.status();
  PackedLimits limits = context.limits->zset;
  // It will not stay packed: it need not begin so.
  if (*count > limits.max_entries) limits = {0, 0};
  Zset zset;
  std::string member;
  for (uint64_t left = *count; left > 0; --left) {
    const absl::StatusOr<absl::string_view> read =
        ReadElement(context, "a member of a sorted set");
    if (!read.ok()) return read.status();
    member.assign(read->data(), read->size());  // Reading on would end it.
    const absl::StatusOr<double> score =
        type == kRdbTypeZset ? context.input->ReadTextDouble("a score")
                             : context.input->ReadDouble("a score");
    if (!score.ok()) return score.status();
    switch (zset.Add(member, *score, {}, limits)) {
      case Zset::AddResult::kAdded:
        break;
      case Zset::AddResult::kNotANumber:
        return context.input->Corrupt("Zset with NAN score detected");
      default:
        return context.input->Corrupt("Duplicate zset fields detected");
    }
  }
  return Deliver(context, Object(std::move(zset)));
}

}  // namespace

absl::Status LoadZset(uint8_t type, const RdbValueContext& context) {
  if (type == kRdbTypeZset || type == kRdbTypeZset2) {
    return LoadMembers(type, context);
  }
  absl::StatusOr<Listpack> packed =
      ReadListpack(type, type == kRdbTypeZsetZiplist, context);
  if (!packed.ok()) return packed.status();
  absl::StatusOr<Zset> zset =
      Zset::FromListpack(*std::move(packed), context.limits->zset);
  if (!zset.ok()) return CorruptObject(context, zset.status());
  return Deliver(context, Object(*std::move(zset)));
}

}  // namespace holdfast::server
