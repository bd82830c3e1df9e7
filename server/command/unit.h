#ifndef HOLDFAST_SERVER_COMMAND_UNIT_H_
#define HOLDFAST_SERVER_COMMAND_UNIT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/keyspace/slot.h"
#include "server/keyspace/slot_table.h"
#include "server/write_stream/command_log.h"

namespace holdfast::server {

class Engine;

// One execution unit: a command, or a transaction with all of its commands. It
// owns the locks taken for it and gathers its effects, which go into the log in
// one piece, before the locks are released. One thread's; reused from one unit
// to the next so that its buffers are.
class ExecutionUnit {
 public:
  explicit ExecutionUnit(Engine* engine);
  ExecutionUnit(const ExecutionUnit&) = delete;
  ExecutionUnit& operator=(const ExecutionUnit&) = delete;

  Engine& engine() { return *engine_; }
  SlotSetLock& locks() { return locks_; }

  // Starts a unit at this time. `from_primary`: the commands come down the
  // replication link, and their raw bytes are what the log gets.
  void Begin(int64_t now_ms, bool from_primary);
  // Appends the effects to the log (or, from the primary, `raw`, which
  // leaves the stream in `selected_db`), releases the
  // locks and then does what needed others: deletes expired keys that were met
  // under a shared lock.
  void End(absl::string_view raw = {}, int selected_db = -1);

  // Milliseconds since the Unix epoch, the same for the whole unit.
  int64_t now_ms() const { return now_ms_; }
  bool from_primary() const { return from_primary_; }
  // Whether the effects are wanted at all; if not, encoding them can be spared.
  bool wants_effects() const;
  void AddEffect(int db, absl::Span<const absl::string_view> args);
  size_t effect_count() const { return ends_.size(); }

  // Whether commands count as uses of their keys (CLIENT NO-TOUCH).
  bool touches() const { return touches_; }
  void set_touches(bool touches) { touches_ = touches; }

  // Whether End() of this unit appended to the log.
  bool appended() const { return appended_; }

  // Changes made so far in this unit (Redis: "dirty").
  int64_t changes() const { return changes_; }
  void CountChange(int64_t n = 1) { changes_ += n; }

  // An expired key met under a shared lock, to be deleted after the unit.
  void DeleteLater(int db, absl::string_view key);

  // The derived parts of a key: remembered if it is the argument named by
  // Remember(), whose bytes stay where they are for the whole command (another
  // key at the same address can only be that one); computed for any other.
  KeyRef Ref(absl::string_view key) const {
    return key.data() == remembered_.bytes.data() &&
                   key.size() == remembered_.bytes.size()
               ? remembered_
               : KeyRef(key);
  }
  void Remember(const KeyRef& key) { remembered_ = key; }

  // Whether a command of this unit may make its client wait for a key: not in a
  // transaction.
  bool may_block() const { return may_block_; }
  void set_may_block(bool may) { may_block_ = may; }
  // Says that somebody waits for the key, which has changed: those are served
  // before the unit gives up its locks.
  void NoteReady(int db, absl::string_view key);
  // Puts the effects so far into the log, as a unit of their own.
  void FlushEffects();

 private:
  struct NamedKey {
    int db;
    std::string name;
    friend bool operator==(const NamedKey&, const NamedKey&) = default;
    template <typename H>
    friend H AbslHashValue(H h, const NamedKey& key) {
      return H::combine(std::move(h), key.db, key.name);
    }
  };
  struct Later {
    NamedKey key;
    Slot slot;
  };
  struct EffectEnd {
    int db;
    size_t end;
  };

  void DeleteExpired();
  // See blocked.h.
  void ServeReadyClients();
  void ServeLaterClients();

  Engine* const engine_;
  SlotSetLock locks_;
  int64_t now_ms_ = 0;
  bool from_primary_ = false;
  bool appended_ = false;
  bool touches_ = true;
  bool may_block_ = false;
  int64_t changes_ = 0;
  KeyRef remembered_;
  std::string effect_bytes_;
  absl::InlinedVector<EffectEnd, 4> ends_;
  std::vector<NamedKey> expired_;
  std::vector<NamedKey> ready_;
  absl::flat_hash_set<NamedKey> to_serve_;  // Those of ready_ still to come.
  std::vector<Later> later_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMAND_UNIT_H_
