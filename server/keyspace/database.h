#ifndef HOLDFAST_SERVER_KEYSPACE_DATABASE_H_
#define HOLDFAST_SERVER_KEYSPACE_DATABASE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "server/keyspace/entry.h"
#include "server/keyspace/slot.h"
#include "server/types/dict.h"

namespace holdfast::server {

class Database;

// Told about an entry just before it changes or goes for the first time since
// the epoch was raised: a snapshot serialises it then ("copy before write").
// Called under the exclusive lock of the entry's slot; must not block on I/O.
class ChangeObserver {
 public:
  virtual ~ChangeObserver() = default;
  virtual void BeforeChange(const Database& database, const Entry& entry) = 0;
};

// Takes values whose end takes long, so that it does not happen under the lock
// of their slot. Thread-safe; must not block.
class LargeValueSink {
 public:
  virtual ~LargeValueSink() = default;
  virtual void Take(Object value) = 0;
};

// The epoch and the observer that all databases of a keyspace look at. Both
// change only while the WriteGate is held exclusively.
struct SnapshotState {
  std::atomic<uint8_t> epoch{0};
  std::atomic<ChangeObserver*> observer{nullptr};
  // Null: all is freed where it is removed. Set before the first change.
  LargeValueSink* large_values = nullptr;
};

// The data of one logical database: a table of entries for each slot.
//
// Thread-compatible by slot: every call that names a key or a slot needs that
// slot's lock (SlotTable), shared for const ones, exclusive for the others.
// Size() and ExpiringSize() may be called at any time by anyone.
//
// It is storage only: it knows no clock (an expired entry is found like any
// other), no watchers, no log; `server/command/db.h` adds these. Every change
// of an entry made here first shows it to the ChangeObserver where that is due,
// so no caller can forget to. An Entry* is valid until the next change of its
// key.
class Database {
 public:
  explicit Database(const SnapshotState* snapshot) : snapshot_(snapshot) {}
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Entry* Find(const KeyRef& key) const;

  // Start to fetch what Find() will look at: the slot's table, the bucket in
  // it, the entry; each touches only what the one before has fetched.
  // PrefetchSlot() needs any slot's lock, for the database's own sake.
  void PrefetchSlot(Slot slot) const { __builtin_prefetch(SlotIfAny(slot)); }
  void PrefetchBucket(const KeyRef& key) const {
    const DbSlot* s = SlotIfAny(key.slot);
    if (s != nullptr) __builtin_prefetch(s->table.BucketOf(key.hash));
  }
  void PrefetchEntry(const KeyRef& key) const {
    const DbSlot* s = SlotIfAny(key.slot);
    Entry* const* bucket = s == nullptr ? nullptr : s->table.BucketOf(key.hash);
    if (bucket == nullptr || *bucket == nullptr) return;
    __builtin_prefetch(*bucket);
    __builtin_prefetch(reinterpret_cast<const char*>(*bucket) + 64);
  }

  // What becomes of the expiry of a key that is overwritten.
  struct Expiry {
    bool keep = false;            // Keep what there is; else:
    int64_t when_ms = kNoExpiry;  // the new one, or none.
  };
  // Creates the key or replaces its value, whatever its type was.
  Entry* SetString(const KeyRef& key, absl::string_view value, Expiry expiry,
                   IfInteger if_integer = IfInteger::kAsInt);
  // The same with the value given as an integer; in place when it was one.
  Entry* SetInt(const KeyRef& key, int64_t value);

  // Creates the key with a value of another type than string, or replaces what
  // there is. REQUIRES: not empty, unless it is filled before the lock is given
  // up (streams may stay empty).
  Entry* SetObject(const KeyRef& key, Object value, Expiry expiry);
  // The value of an entry of here, to be changed in place: it is shown to the
  // observer first. Good until the next change of the key that is not made
  // through it. REQUIRES: of this type.
  template <typename T>
  T* ChangeObject(Entry* entry) {
    BeforeChange(entry);
    DCHECK(entry->type() == kTypeOf<T>);
    return entry->payload()->object.As<T>();
  }

  // Makes the string `length` bytes long, filling up with zero bytes, raw and
  // with room to grow, and returns its bytes for writing; the key is created
  // when missing. Copies nothing of a long string that has the room. `entry`:
  // the key's, if wanted. REQUIRES: a string if it exists.
  char* ResizeString(const KeyRef& key, size_t length, Entry** entry = nullptr);

  // Removes the key; false if it is not there.
  bool Delete(const KeyRef& key);

  // Sets, moves or (kNoExpiry) removes the expiry of an existing entry; returns
  // the entry, which may have moved.
  Entry* SetExpiry(const KeyRef& key, int64_t when_ms);

  // Takes the entry of `from` out of `source` and puts it here as `to`, with
  // its expiry. REQUIRES: `to` is not here; both slots locked exclusively.
  void MoveFrom(Database& source, const KeyRef& from, const KeyRef& to);

  // Shows the entry to the observer where that is due, before a change of the
  // value behind it that is not made through this class.
  void BeforeChange(Entry* entry);

  // Keys in all slots, and how many of them expire. Any thread, no lock.
  size_t Size() const;
  size_t ExpiringSize() const;
  // Sum of kGroupSlots neighbouring slots; group in [0, kGroups).
  static constexpr int kGroups = 64;
  static constexpr int kGroupSlots = kSlots / kGroups;
  size_t GroupSize(int group) const {
    return groups_[group].keys.load(std::memory_order_relaxed);
  }
  size_t GroupExpiringSize(int group) const {
    return groups_[group].expiring.load(std::memory_order_relaxed);
  }

  size_t SlotSize(Slot slot) const;
  // See Dict::Scan; kScanEnd at once for an empty slot.
  static constexpr uint64_t kScanEnd = Dict<EntryTraits>::kScanEnd;
  static constexpr int kPositionBits = Dict<EntryTraits>::kPositionBits;
  uint64_t ScanSlot(Slot slot, uint64_t position, size_t want,
                    size_t max_buckets,
                    absl::FunctionRef<void(Entry*)> fn) const;
  // Null when the slot is empty.
  Entry* RandomEntry(Slot slot, absl::FunctionRef<uint64_t()> random) const;

  // The entries of a slot that expire, in no order; `nth` < SlotExpiringSize().
  size_t SlotExpiringSize(Slot slot) const;
  Entry* ExpiringEntry(Slot slot, size_t nth) const;

  // Bytes of the tables themselves; locks nothing: REQUIRES the slot's lock.
  size_t SlotTableBytes(Slot slot) const;

 private:
  using ExpiringList = std::vector<Entry*>;
  struct DbSlot {
    Dict<EntryTraits> table;
    ExpiringList* expiring = nullptr;  // Null when none does.
  };
  struct alignas(64) Group {
    std::atomic<size_t> keys{0};
    std::atomic<size_t> expiring{0};
  };

  const DbSlot* SlotIfAny(Slot slot) const {
    DbSlot* slots = slots_.load(std::memory_order_acquire);
    return slots == nullptr ? nullptr : &slots[slot];
  }
  DbSlot* SlotIfAny(Slot slot) {
    DbSlot* slots = slots_.load(std::memory_order_acquire);
    return slots == nullptr ? nullptr : &slots[slot];
  }
  DbSlot& SlotFor(Slot slot);
  void InsertNew(DbSlot& s, const KeyRef& key, Entry* entry);
  // Puts `fresh` where *link was and frees the old shell, or all of the old
  // entry.
  enum class OldValue { kTakenOver, kFree };
  // Frees the value of an entry that is not chained any more, here or in the
  // sink.
  void EndValue(Entry* entry);
  void ReplaceAt(DbSlot& s, Slot slot, Entry** link, Entry* fresh,
                 OldValue old_value);
  void AddExpiring(DbSlot& s, Slot slot, Entry* entry);
  void RemoveExpiring(DbSlot& s, Slot slot, Entry* entry);
  Entry* Unlink(DbSlot& s, const KeyRef& key, Entry** link);
  Entry* ApplyExpiry(DbSlot& s, const KeyRef& key, Entry** link,
                     int64_t when_ms);
  Group& group(Slot slot) { return groups_[slot / kGroupSlots]; }

  const SnapshotState* const snapshot_;
  std::atomic<DbSlot*> slots_{nullptr};  // Made by the first key.
  std::array<Group, kGroups> groups_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_KEYSPACE_DATABASE_H_
