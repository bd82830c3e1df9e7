#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/persist/rdb/input.h"
#include "server/persist/rdb/object_loaders.h"
#include "server/persist/rdb/ziplist.h"
#include "server/types/limits.h"
#include "server/types/listpack.h"
#include "server/types/object.h"

namespace holdfast::server {
namespace {

// So that no loader has to look at the length of an element again.
static_assert(RdbInput::kMaxStringBytes <= kMaxElementBytes);

// What Append() wants to have spare besides the bytes of the element.
constexpr size_t kElementOverhead = 10;

absl::StatusOr<Listpack> FromZiplist(absl::string_view bytes) {
  Listpack listpack;
  const absl::Status status =
      ForEachZiplistElement(bytes, [&](absl::string_view element) {
        if (!listpack.FitsAnother(element.size() + kElementOverhead)) {
          return absl::InvalidArgumentError(
              "a ziplist has more than a listpack can hold");
        }
        listpack.Append(element);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  listpack.ShrinkToFit();
  return listpack;
}

}  // namespace

absl::StatusOr<absl::string_view> ReadElement(const RdbValueContext& context,
                                              const char* what) {
  return context.input->ReadString(context.scratch, what);
}

absl::StatusOr<absl::string_view> ReadBlob(uint8_t type,
                                           const RdbValueContext& context,
                                           const char* what) {
  const absl::StatusOr<absl::string_view> blob =
      context.input->ReadString(context.scratch, what);
  if (blob.ok() && *context.sanitize) {
    const absl::Status sane = (*context.sanitize)(type, context.key, *blob);
    if (!sane.ok()) return sane;
  }
  return blob;
}

absl::StatusOr<Listpack> ReadListpack(uint8_t type, bool is_ziplist,
                                      const RdbValueContext& context) {
  const absl::StatusOr<absl::string_view> blob =
      ReadBlob(type, context, is_ziplist ? "a ziplist" : "a listpack");
  if (!blob.ok()) return blob.status();
  absl::StatusOr<Listpack> listpack =
      is_ziplist ? FromZiplist(*blob) : Listpack::FromBytes(*blob);
  if (!listpack.ok()) return CorruptObject(context, listpack.status());
  return listpack;
}

absl::Status CorruptObject(const RdbValueContext& context,
                           const absl::Status& problem) {
  return context.input->Corrupt(problem.message());
}

absl::Status Deliver(const RdbValueContext& context, Object object) {
  // A stream may be empty and is a value nevertheless.
  if (object.type() != ValueType::kStream && object.size() == 0) {
    if (context.was_empty != nullptr) *context.was_empty = true;
    return absl::OkStatus();
  }
  return context.visitor->OnObject(context.key, std::move(object),
                                   context.meta);
}

}  // namespace holdfast::server
