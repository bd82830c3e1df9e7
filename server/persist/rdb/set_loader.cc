// Sets: member by member (2), one intset (11), one listpack (20, Redis 7.2).

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/persist/rdb/format.h"
#include "server/persist/rdb/object_loaders.h"
#include "server/types/intset.h"
#include "server/types/listpack.h"
#include "server/types/object.h"
#include "server/types/set.h"

namespace holdfast::server {
namespace {

constexpr char kTwice[] = "Duplicate set members detected";

absl::Status LoadMembers(const RdbValueContext& context) {
  const absl::StatusOr<uint64_t> count =
      context.input->ReadLength("the size of a set");
  if (!count.ok()) return count.status();
  Set set;
  for (uint64_t left = *count; left > 0; --left) {
    const absl::StatusOr<absl::string_view> member =
        ReadElement(context, "a member of a set");
    if (!member.ok()) return member.status();
    if (!set.Add(*member, context.limits->set)) {
      return context.input->Corrupt(kTwice);
    }
  }
  return Deliver(context, Object(std::move(set)));
}

absl::Status LoadIntset(const RdbValueContext& context) {
  const absl::StatusOr<absl::string_view> blob =
      ReadBlob(kRdbTypeSetIntset, context, "an intset");
  if (!blob.ok()) return blob.status();
  absl::StatusOr<Intset> integers = Intset::FromBytes(*blob);
  if (!integers.ok()) return CorruptObject(context, integers.status());
  return Deliver(context, Object(Set::FromIntset(*std::move(integers),
                                                 context.limits->set)));
}

// Redis 7.0 has no such form: its members decide what becomes of it.
absl::Status LoadListpack(const RdbValueContext& context) {
  const absl::StatusOr<Listpack> members =
      ReadListpack(kRdbTypeSetListpack, false, context);
  if (!members.ok()) return members.status();
  Set set;
  char scratch[Listpack::Item::kScratch];
  for (Listpack::Position at = members->First(); at != Listpack::kEnd;
       at = members->Next(at)) {
    if (!set.Add(members->Get(at).Bytes(scratch), context.limits->set)) {
      return context.input->Corrupt(kTwice);
    }
  }
  return Deliver(context, Object(std::move(set)));
}

}  // namespace

absl::Status LoadSet(uint8_t type, const RdbValueContext& context) {
  switch (type) {
    case kRdbTypeSet:
      return LoadMembers(context);
    case kRdbTypeSetIntset:
      return LoadIntset(context);
    default:
      return LoadListpack(context);
  }
}

}  // namespace holdfast::server
