#ifndef HOLDFAST_SERVER_TYPES_STREAM_H_
#define HOLDFAST_SERVER_TYPES_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/types/listpack.h"
#include "server/types/stream_groups.h"
#include "server/types/stream_id.h"
#include "server/types/stream_node.h"

namespace holdfast::server {

// How large a node may become; 0 for no limit (stream-node-max-bytes and
// stream-node-max-entries as they are at the time of an Append()).
struct StreamLimits {
  size_t max_bytes;
  size_t max_entries;
};

// The id that an entry to be appended is to have.
struct StreamNewId {
  enum class Kind : uint8_t {
    kAuto,  // "*": the time, or the last id's successor if that is later.
    kAutoSequence,  // "ms-*": the first sequence number that is free.
    kGiven,
  };
  Kind kind = Kind::kAuto;
  StreamId id = {};
};

// What to take from the front of a stream.
struct StreamTrim {
  enum class By : uint8_t { kLength, kMinId };
  By by = By::kLength;
  uint64_t length = 0;   // At most so many entries are to be left.
  StreamId min_id = {};  // Only entries from this id on are to be left.
  // Whole nodes only.
  bool approximate = false;
  // No node is begun with that would make it more entries than this; 0: no
  // limit.
  uint64_t limit = 0;
};

// What a stream is beside its entries and groups.
struct StreamMeta {
  uint64_t length = 0;
  StreamId last_id = {};   // The highest that was ever given, or set.
  StreamId first_id = {};  // Of the first entry; 0-0 if there is none.
  StreamId max_deleted_id =
      {};  // The highest that was deleted by id, 0-0 if none.
  uint64_t entries_added = 0;  // Ever.
};

// How entries are claimed (XCLAIM, XAUTOCLAIM). Times in ms since the Unix
// epoch.
struct StreamClaim {
  int64_t now_ms = 0;
  int64_t min_idle_ms = 0;  // Only what was delivered at least so long ago.
  int64_t delivery_time_ms = 0;  // What is to be recorded.
  int64_t retry_count = -1;      // The same; below 0: one more than it was.
  bool just_id = false;          // ... or just as it was.
  bool force = false;            // Also if it is not pending at all.
};

// A stream: entries of fields and values in the order of their ids, and
// consumer groups. Entries stand in nodes in Redis's own format
// (stream_node.h), in a B-tree by the id of each node. What is counted, and
// when, is as in Redis 7.0.15, whose t_stream.c is the only specification of
// it.
//
// Eight bytes itself. Thread-compatible. No view given may be into this stream;
// callbacks must not change it, unless said.
class Stream {
 public:
  using Nodes = absl::btree_map<StreamId, Listpack>;
  using Groups = absl::btree_set<std::unique_ptr<StreamGroup>, StreamNameLess>;
  // Return false to stop.
  using Visitor = absl::FunctionRef<bool(const StreamEntry& entry)>;

  Stream();
  ~Stream();
  Stream(Stream&& other) noexcept : rep_(std::exchange(other.rep_, nullptr)) {}
  Stream& operator=(Stream&& other) noexcept {
    std::swap(rep_, other.rep_);
    return *this;
  }
  Stream Clone() const;

  size_t size() const { return meta().length; }
  bool empty() const { return size() == 0; }
  absl::string_view EncodingName() const { return "stream"; }
  size_t MemoryUsage() const;  // O(groups and consumers).
  size_t FreeEffort() const;

  const StreamMeta& meta() const;
  const Nodes& nodes() const;

  enum class AppendResult {
    kAppended,
    kNotGreater,         // The id is not above the last one.
    kSequenceExhausted,  // "ms-*", and that millisecond's last id is given.
    kIdsExhausted,       // The last of all ids is given.
    kTooLarge,           // More than a listpack can hold.
  };
  // `fields`: names and values by turns, at least one pair. *id is set if it
  // was appended. REQUIRES: not kGiven with 0-0.
  AppendResult Append(const StreamNewId& new_id, int64_t now_ms,
                      absl::Span<const absl::string_view> fields,
                      const StreamLimits& limits, StreamId* id);
  // False if there is no such entry.
  bool Delete(const StreamId& id);
  // Returns how many entries it deleted.
  uint64_t Trim(const StreamTrim& trim);

  // Visits entries from `start` to `end`, both included, the last one first if
  // `reverse`; at most `count` of them unless that is 0. Returns how many.
  size_t Range(const StreamId& start, const StreamId& end, bool reverse,
               size_t count, Visitor visit) const;
  bool Contains(const StreamId& id) const;
  // Of the last entry that is there; 0-0 if none is.
  StreamId LastEntryId() const;
  // The id of the very first entry, be it deleted; the last of all ids if there
  // is none (what XADD ... MINID ~ tells its replicas).
  StreamId FirstIdWithDeleted() const;

  enum class SetIdResult { kOk, kBelowLastEntry, kAddedBelowLength };
  // XSETID. `entries_added` below 0, `max_deleted_id` 0-0: to be left as they
  // are.
  SetIdResult SetId(const StreamId& last_id, int64_t entries_added,
                    const StreamId& max_deleted_id);

  const Groups& groups() const;
  StreamGroup* FindGroup(absl::string_view name) const;
  // Null if there is one of this name.
  StreamGroup* CreateGroup(absl::string_view name, const StreamId& last_id,
                           int64_t entries_read);
  bool DestroyGroup(absl::string_view name);

  // How many entries there ever were up to `id`, where that can be told, else
  // StreamGroup::kEntriesReadUnknown.
  int64_t EstimateEntriesRead(const StreamId& id) const;
  // How many entries the group has not been given; false if that cannot be
  // told.
  bool Lag(const StreamGroup& group, int64_t* lag) const;

  // Delivers entries that are new to the group (XREADGROUP with ">"): at most
  // `count` unless that is 0. Each becomes pending for `consumer`, unless
  // `no_ack`, and is then shown with that (or null). Returns how many.
  size_t DeliverNew(StreamGroup* group, StreamConsumer* consumer, size_t count,
                    bool no_ack, int64_t now_ms,
                    absl::FunctionRef<void(const StreamEntry& entry,
                                           const StreamPending* pending)>
                        visit);
  // Delivers again what is pending for the consumer, from `start` on; a deleted
  // entry is shown as null, and not counted as delivered.
  size_t DeliverAgain(
      StreamGroup* group, StreamConsumer* consumer, const StreamId& start,
      size_t count, int64_t now_ms,
      absl::FunctionRef<void(const StreamId& id, const StreamEntry* entry)>
          visit);

  enum class ClaimResult {
    kClaimed,
    kNotPending,  // Or not there either.
    kNotIdle,
    kDeleted,  // It was pending, but is no entry any more: now it is not
               // pending.
  };
  // `consumer` is called only if something is to be claimed for it, and may
  // create it. *pending becomes what is pending now (kClaimed), or was
  // (kDeleted).
  ClaimResult Claim(StreamGroup* group, const StreamId& id,
                    const StreamClaim& claim,
                    absl::FunctionRef<StreamConsumer*()> consumer,
                    StreamPending* pending);

  // For loading an empty stream: first all nodes, in rising order, then the
  // rest. All are kInvalidArgument for what cannot be. Without a format of 7.0
  // (type 15), only length and last_id of the meta are known.
  absl::Status LoadNode(const StreamId& master, Listpack node);
  absl::Status LoadMeta(const StreamMeta& meta, bool only_length_and_last_id);
  // To be filled in, and finished by StreamGroup::FinishLoading().
  absl::StatusOr<StreamGroup*> LoadGroup(absl::string_view name,
                                         const StreamId& last_id,
                                         int64_t entries_read);

 private:
  struct Rep;

  bool HasDeletedFrom(const StreamId& start) const;
  void FindFirstId();
  // Marks what comes first in the node; returns how many entries.
  uint64_t TrimNode(Nodes::iterator at, const StreamTrim& trim);

  Rep* rep_;
};

static_assert(sizeof(Stream) == 8);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TYPES_STREAM_H_
