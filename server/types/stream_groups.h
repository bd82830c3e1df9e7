#ifndef HOLDFAST_SERVER_TYPES_STREAM_GROUPS_H_
#define HOLDFAST_SERVER_TYPES_STREAM_GROUPS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/types/stream_id.h"

namespace holdfast::server {

// Consumer groups of a stream: what was delivered to whom and not yet
// acknowledged. They know nothing of the entries themselves. All are
// thread-compatible, and owned by their Stream: pointers stay good until the
// consumer, or the group, is deleted.

class StreamConsumer {
 public:
  StreamConsumer(std::string name, int64_t seen_time_ms)
      : seen_time_ms(seen_time_ms), name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  // The ids of the group's pending entries that are this consumer's.
  const absl::btree_set<StreamId>& pending() const { return pending_; }

  // Milliseconds since the Unix epoch; set by whoever acts for this consumer.
  int64_t seen_time_ms;

 private:
  friend class StreamGroup;
  const std::string name_;
  absl::btree_set<StreamId> pending_;
};

// A delivery that is not acknowledged.
struct StreamPending {
  StreamConsumer* consumer = nullptr;
  int64_t delivery_time_ms = 0;
  uint64_t delivery_count = 0;
};

// Orders what is owned by its name, byte by byte, as Redis lists them.
struct StreamNameLess {
  using is_transparent = void;
  static absl::string_view Name(absl::string_view name) { return name; }
  template <typename T>
  static absl::string_view Name(const std::unique_ptr<T>& owned) {
    return owned->name();
  }
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    return Name(a) < Name(b);
  }
};

class StreamGroup {
 public:
  using Consumers =
      absl::btree_set<std::unique_ptr<StreamConsumer>, StreamNameLess>;
  using Pending = absl::btree_map<StreamId, StreamPending>;

  static constexpr int64_t kEntriesReadUnknown = -1;

  StreamGroup(std::string name, const StreamId& last_id, int64_t entries_read)
      : last_id(last_id), entries_read(entries_read), name_(std::move(name)) {}
  std::unique_ptr<StreamGroup> Clone() const;

  const std::string& name() const { return name_; }
  const Consumers& consumers() const { return consumers_; }
  const Pending& pending() const { return pending_; }

  StreamConsumer* FindConsumer(absl::string_view name) const;
  // Null if there is one of this name.
  StreamConsumer* CreateConsumer(absl::string_view name, int64_t now_ms);
  // With its pending entries.
  void DeleteConsumer(StreamConsumer* consumer);

  // Makes the entry pending for this consumer, whoever's it was before.
  void Assign(const StreamId& id, const StreamPending& delivery);
  // For an entry that is pending: this is how it was delivered last.
  void Redeliver(const StreamId& id, int64_t time_ms, uint64_t count);
  // An acknowledgement: the entry is pending no more. False if it was not.
  bool Acknowledge(const StreamId& id);

  // For loading: first all pending entries of the group, then the consumers and
  // which of them are theirs, then FinishLoading(), which refuses one that is
  // nobody's. Each kInvalidArgument if there is one already, or none.
  absl::Status LoadPending(const StreamId& id, int64_t time_ms, uint64_t count);
  absl::StatusOr<StreamConsumer*> LoadConsumer(absl::string_view name,
                                               int64_t seen_time_ms);
  absl::Status LoadConsumerPending(StreamConsumer* consumer,
                                   const StreamId& id);
  absl::Status FinishLoading() const;

  // Bytes of memory, from the sizes of the parts; O(consumers).
  size_t MemoryUsage() const;

  // What was delivered last; only later entries are new to the group.
  StreamId last_id;
  // How many entries there ever were up to last_id, or kEntriesReadUnknown.
  int64_t entries_read;

 private:
  const std::string name_;
  Consumers consumers_;
  Pending pending_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TYPES_STREAM_GROUPS_H_
