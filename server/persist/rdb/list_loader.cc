// Lists: element by element (1), one ziplist (10), a row of ziplists (14), a
// row of listpacks and plain elements (18).

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/persist/rdb/format.h"
#include "server/persist/rdb/object_loaders.h"
#include "server/persist/rdb/ziplist.h"
#include "server/types/limits.h"
#include "server/types/list.h"
#include "server/types/listpack.h"
#include "server/types/object.h"

namespace holdfast::server {
namespace {

// What Append() wants to have spare besides the bytes of the element.
constexpr size_t kElementOverhead = 10;

absl::Status LoadElements(const RdbValueContext& context) {
  const absl::StatusOr<uint64_t> count =
      context.input->ReadLength("the length of a list");
  if (!count.ok()) return count.status();
  List list;
  for (uint64_t left = *count; left > 0; --left) {
    const absl::StatusOr<absl::string_view> element =
        ReadElement(context, "an element of a list");
    if (!element.ok()) return element.status();
    list.PushBack(*element, context.limits->list);
  }
  return Deliver(context, Object(std::move(list)));
}

absl::Status LoadOneZiplist(const RdbValueContext& context) {
  const absl::StatusOr<absl::string_view> blob =
      ReadBlob(kRdbTypeListZiplist, context, "a list's ziplist");
  if (!blob.ok()) return blob.status();
  List list;
  const absl::Status status =
      ForEachZiplistElement(*blob, [&](absl::string_view element) {
        list.PushBack(element, context.limits->list);
        return absl::OkStatus();
      });
  if (!status.ok()) return CorruptObject(context, status);
  return Deliver(context, Object(std::move(list)));
}

// A node of the old list as one of the new one, as Redis converts it, or as
// several if it is larger than any listpack may be.
absl::Status AppendZiplist(absl::string_view bytes, const ListLimits& limits,
                           List* list) {
  Listpack block;
  const absl::Status status =
      ForEachZiplistElement(bytes, [&](absl::string_view element) {
        const size_t room = element.size() + kElementOverhead;
        if (!block.FitsAnother(room)) {
          list->AppendBlock(std::move(block), limits);
          block = Listpack();
        }
        if (block.FitsAnother(room)) {
          block.Append(element);
        } else {
          list->AppendPlain(element);
        }
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  block.ShrinkToFit();
  list->AppendBlock(std::move(block), limits);
  return absl::OkStatus();
}

absl::Status LoadQuicklist(uint8_t type, const RdbValueContext& context) {
  const absl::StatusOr<uint64_t> nodes =
      context.input->ReadLength("the number of a list's nodes");
  if (!nodes.ok()) return nodes.status();
  List list;
  for (uint64_t left = *nodes; left > 0; --left) {
    uint64_t container = kRdbListNodePacked;
    if (type == kRdbTypeListQuicklist2) {
      const absl::StatusOr<uint64_t> said =
          context.input->ReadLength("the kind of a list's node");
      if (!said.ok()) return said.status();
      container = *said;
      if (container != kRdbListNodePlain && container != kRdbListNodePacked) {
        return context.input->Corrupt(
            absl::StrCat("Unknown kind ", container, " of a list's node"));
      }
    }
    const absl::StatusOr<absl::string_view> bytes =
        ReadElement(context, "a list's node");
    if (!bytes.ok()) return bytes.status();
    if (bytes->empty()) return context.input->Corrupt("A list's node is empty");
    if (container == kRdbListNodePlain) {
      list.AppendPlain(*bytes);
    } else if (type == kRdbTypeListQuicklist) {
      const absl::Status status =
          AppendZiplist(*bytes, context.limits->list, &list);
      if (!status.ok()) return CorruptObject(context, status);
    } else {
      absl::StatusOr<Listpack> block = Listpack::FromBytes(*bytes);
      if (!block.ok()) return CorruptObject(context, block.status());
      list.AppendBlock(*std::move(block), context.limits->list);
    }
  }
  return Deliver(context, Object(std::move(list)));
}

}  // namespace

absl::Status LoadList(uint8_t type, const RdbValueContext& context) {
  switch (type) {
    case kRdbTypeList:
      return LoadElements(context);
    case kRdbTypeListZiplist:
      return LoadOneZiplist(context);
    default:
      return LoadQuicklist(type, context);
  }
}

}  // namespace holdfast::server
