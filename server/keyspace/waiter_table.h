#ifndef HOLDFAST_SERVER_KEYSPACE_WAITER_TABLE_H_
#define HOLDFAST_SERVER_KEYSPACE_WAITER_TABLE_H_

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "server/keyspace/slot.h"

namespace holdfast::server {

// Somebody who waits for keys to become ready; see server/command/blocked.h for
// the only kind there is.
class KeyWaiter {
 public:
  virtual ~KeyWaiter() = default;
};

// Who waits for which key, in the order of their arrival. Thread-safe: it has
// locks of its own, leaves below the slots'. Whoever adds a waiter holds the
// key's slot, at least shared, since it saw that the key is not ready; whoever
// makes a key ready holds it exclusively and looks here. So none is missed.
class WaiterTable {
 public:
  WaiterTable() = default;
  WaiterTable(const WaiterTable&) = delete;
  WaiterTable& operator=(const WaiterTable&) = delete;

  void Add(const KeyRef& key, int db, std::shared_ptr<KeyWaiter> waiter);
  // No matter if it is not there (any more).
  void Remove(const KeyRef& key, int db, const KeyWaiter* waiter);

  // Whether anybody waits for a key of this group of slots: one relaxed load.
  bool MayBeWaitedFor(Slot slot) const {
    return shards_[ShardOf(slot)].count.load(std::memory_order_relaxed) != 0;
  }
  bool IsWaitedFor(const KeyRef& key, int db) const;
  // Those who wait for the key now, first come first.
  std::vector<std::shared_ptr<KeyWaiter>> WaitersFor(const KeyRef& key,
                                                     int db) const;
  // Every key of the database that somebody waits for (SWAPDB).
  std::vector<std::string> KeysOf(int db) const;

 private:
  static constexpr size_t kShards = 64;
  using Key = std::pair<int, std::string>;
  struct alignas(64) Shard {
    std::atomic<size_t> count{0};  // Of keys.
    mutable absl::Mutex mu;
    absl::flat_hash_map<Key, std::vector<std::shared_ptr<KeyWaiter>>> waiters
        ABSL_GUARDED_BY(mu);
  };
  static size_t ShardOf(Slot slot) { return slot % kShards; }

  std::array<Shard, kShards> shards_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_KEYSPACE_WAITER_TABLE_H_
