#ifndef HOLDFAST_SERVER_TYPES_STREAM_NODE_H_
#define HOLDFAST_SERVER_TYPES_STREAM_NODE_H_

#include <cstddef>
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/types/listpack.h"
#include "server/types/stream_id.h"

namespace holdfast::server {

// A node of a stream: some entries in one listpack, in Redis's own format,
// which RDB files of the types 15 and 19 contain as it is. The id of the node,
// its master id, is kept outside; in the listpack are:
//
//   live entries, deleted entries, n, n field names, 0
//   per entry: flags, ms - master ms, seq - master seq,
//              if its fields are those above: n values, n + 3
//              if not: m, m times field and value, 2m + 4
//
// The last number of an entry says how many elements to go back for its first.
// An entry is deleted by a flag; its place is never used again.

// An entry as it stands in a node; valid as long as nothing changes there.
class StreamEntry {
 public:
  const StreamId& id() const { return id_; }
  bool deleted() const { return deleted_; }
  size_t field_count() const { return field_count_; }
  // The views end with each call.
  void ForEachField(
      absl::FunctionRef<void(absl::string_view field, absl::string_view value)>
          visit) const;

 private:
  friend class StreamNodeCursor;
  friend void MarkDeleted(const StreamEntry& entry, Listpack* node);

  StreamId id_;
  const Listpack* node_ = nullptr;
  Listpack::Position flags_ = 0;
  Listpack::Position fields_ =
      0;  // The first name; the values stand elsewhere if
  Listpack::Position values_ = 0;  // these are the node's.
  size_t field_count_ = 0;
  bool same_fields_ = false;
  bool deleted_ = false;
};

// Walks over all entries of a node, deleted ones too. `node` is one that was
// made by AppendToStreamNode() or has passed CheckStreamNode(), and does not
// change meanwhile.
class StreamNodeCursor {
 public:
  StreamNodeCursor(const StreamId& master, const Listpack& node, bool reverse);
  // False behind the last one.
  bool Next(StreamEntry* entry);

 private:
  Listpack::Position ReadAt(Listpack::Position flags, StreamEntry* entry) const;

  const Listpack& node_;
  const StreamId master_;
  const bool reverse_;
  size_t master_count_ = 0;
  Listpack::Position master_fields_ = 0;
  Listpack::Position at_;  // The next entry's flags; reverse: its last element.
};

struct StreamNodeCounts {
  size_t live;
  size_t deleted;
};
StreamNodeCounts CountsOf(const Listpack& node);
void SetCounts(const StreamNodeCounts& counts, Listpack* node);

// Sets the flag, and nothing else: SetCounts() is to follow. Moves no element,
// so a cursor may go on.
void MarkDeleted(const StreamEntry& entry, Listpack* node);

// No more than this many bytes are added to a node by an entry whose encoded
// fields and values have `bytes` in all, even if it is the first.
inline constexpr size_t kStreamEntryOverhead = 128;
// Adds an entry behind all others. `fields` are names and values by turns, at
// least one pair. An empty listpack becomes a node with their names as its own.
// REQUIRES: node->FitsAnother() of their encoded sizes and the overhead.
void AppendToStreamNode(const StreamId& master, const StreamId& id,
                        absl::Span<const absl::string_view> fields,
                        Listpack* node);

// Whether a well-formed listpack is a node: every element is what the format
// has in its place, the counts are right, the live entries' ids rise and are
// above `previous`. kInvalidArgument if not; else *live is their number and
// *last the id of the last of them (`previous` if there is none).
absl::Status CheckStreamNode(const StreamId& master, const Listpack& node,
                             const StreamId& previous, size_t* live,
                             StreamId* last);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TYPES_STREAM_NODE_H_
