#ifndef HOLDFAST_SERVER_PERSIST_SNAPSHOT_SNAPSHOT_H_
#define HOLDFAST_SERVER_PERSIST_SNAPSHOT_SNAPSHOT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "net/time/deadline.h"
#include "net/time/mono_cond_var.h"
#include "server/engine/engine.h"
#include "server/keyspace/database.h"
#include "server/keyspace/write_gate.h"
#include "server/persist/rdb/records.h"
#include "server/persist/rdb/stream_writer.h"
#include "server/persist/snapshot/spool.h"

namespace holdfast::server {

// The dataset as it was at one point of the command log, as an RDB, made while
// writes go on and without fork (DESIGN.md section 5).
//
// Cut: the WriteGate is passed exclusively for as long as it takes to note the
// log's offset X and to raise the epoch. From then on an entry with an older
// epoch is "not saved yet". Walk: a thread of its own visits all slots and
// serialises what is not saved yet, kKeysPerLock keys a lock at most. A writer
// about to change or remove such an entry serialises it first (BeforeChange).
// So every key that existed at X is written once, with its value at X.
//
// What is written goes to a spool, a file without a name, as fast as the walk
// goes: a slow reader holds nothing up and costs no memory. Only what writers
// saved since the walk last looked waits in memory, bounded by
// snapshot-buffer-limit; beyond it the snapshot is given up with that reason.
// Given up or not, the walk goes to the end, so that every entry has the
// epoch and the next snapshot finds none that lags behind.
//
// At most one walks at a time (Keyspace::snapshot_turn()).
// Readers (one a replica, each with its own position) may be any threads.
//
// One for a file (StartInto) writes there instead of to a spool, and cannot be
// read. It neither starts nor holds the log: it tells the position only if the
// log is fed anyhow.
class Snapshot final : private ChangeObserver {
 public:
  // Makes the cut and starts the walk. The log is recorded from the cut on, and
  // kept from there while the snapshot lives.
  // `compress`: LZF for strings (files yes, links no). Errors: no spool.
  // `between_locks`: a point where a test can force what happens between any
  // two steps of the walk. Called by the walk's thread, which holds no lock
  // then, before it takes the lock of a slot, and with kSlots after the last.
  // `deadline` and `patience`: see SnapshotMaker::StartOrJoin().
  using SyncPoint = std::function<void(Slot)>;
  static absl::StatusOr<std::shared_ptr<Snapshot>> Start(
      Engine* engine, bool compress, SyncPoint between_locks = nullptr,
      net::Deadline deadline = net::Deadline::Never(),
      absl::Duration patience = WriteGate::kPatience);
  // The same into `file`, which the walk's thread alone uses until the end of
  // the walk, and which outlives that. kDeadlineExceeded as above. With
  // `at_cut` it is the base of an AOF, which tells no position; it is called
  // once, with the gate held exclusively, while the log is where the cut is.
  static absl::StatusOr<std::shared_ptr<Snapshot>> StartInto(
      Engine* engine, ByteSink* file, bool compress, net::Deadline deadline,
      absl::Duration patience, std::function<void()> at_cut = nullptr);
  // Gives up if it is still under way, and waits for the walk to reach the end.
  ~Snapshot() override;
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  // The cut: where the stream goes on for whoever has loaded this snapshot.
  int64_t offset() const { return offset_; }
  const std::string& replication_id() const { return replication_id_; }

  // How much of it there is to read. Both are told at once: `complete` says
  // that `bytes` is its whole length.
  struct Progress {
    int64_t bytes;
    bool complete;
  };
  // Waits until there are bytes beyond `position`, it is complete, or the
  // deadline; kAborted with the reason if it was given up.
  absl::StatusOr<Progress> WaitForBytes(int64_t position,
                                        net::Deadline deadline);
  // Copies bytes that are there; returns how many. Not of one for a file.
  absl::StatusOr<size_t> ReadAt(int64_t position, char* buffer,
                                size_t size) const;
  // Whether the walk is over, successfully or not.
  bool ended() const { return ended_.load(std::memory_order_acquire); }

  // Gives it up: readers get kAborted. Does not block.
  void Abandon(absl::string_view why);

  bool given_up() const { return given_up_.load(std::memory_order_relaxed); }
  // Waits for the end of the walk; false if the deadline came first.
  bool WaitForEnd(net::Deadline deadline = net::Deadline::Never());

  // OK if all was written. REQUIRES: ended().
  absl::Status result() const;

  int64_t keys_saved() const {
    return keys_saved_.load(std::memory_order_relaxed);
  }
  // Keys there were at the cut.
  int64_t keys_total() const { return keys_total_; }
  // Bytes of values that writers had to copy so far.
  int64_t copied_bytes() const {
    return copied_bytes_.load(std::memory_order_relaxed);
  }
  // Stats::changes_since_save at the cut: these are in the snapshot.
  int64_t changes_at_cut() const { return changes_at_cut_; }

 private:
  static constexpr size_t kKeysPerLock = 64;
  static constexpr size_t kBucketsPerLock = 256;

  // One of `spool` and `file`.
  Snapshot(Engine* engine, std::unique_ptr<Spool> spool, ByteSink* file,
           bool compress, SyncPoint between_locks);
  // Waits for its turn, makes the cut and starts the walk.
  static absl::Status Begin(const std::shared_ptr<Snapshot>& snapshot,
                            net::Deadline deadline, absl::Duration patience);

  void BeforeChange(const Database& database, const Entry& entry) override;
  // False if writes were under way until the deadline.
  bool Cut(net::Deadline deadline, absl::Duration patience);
  void Run();
  void WalkSlot(Slot slot);
  // Writes out what writers have saved, then `chunk`, and tells the readers.
  void Emit(const RecordChunk& chunk);
  void Publish();
  Engine& engine_;
  const std::unique_ptr<Spool> spool_;  // Null for a file.
  const RdbOptions options_;
  RdbStreamWriter writer_;  // The walk's.
  const SyncPoint between_locks_;
  std::function<void()> at_cut_;  // Set before the cut: the base of an AOF.

  // Set by the cut.
  RdbInfo info_;
  int64_t offset_ = 0;
  std::string replication_id_;
  int64_t keys_total_ = 0;
  int64_t changes_at_cut_ = 0;
  uint8_t epoch_ = 0;
  std::vector<std::shared_ptr<Database>> databases_;
  absl::flat_hash_map<const Database*, int> index_of_;
  std::unique_ptr<CommandLog::Pin> pin_;
  size_t buffer_limit_ = 0;

  std::atomic<int64_t> keys_saved_{0};
  std::atomic<int64_t> copied_bytes_{0};
  std::atomic<bool> given_up_{false};
  std::atomic<bool> ended_{false};

  mutable absl::Mutex mu_;
  RecordChunk saved_by_writers_ ABSL_GUARDED_BY(mu_);
  int64_t readable_ ABSL_GUARDED_BY(mu_) = 0;
  bool complete_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status failure_ ABSL_GUARDED_BY(mu_);
  net::MonoCondVar progress_;

  std::thread thread_;  // Last: it uses the others.
};

// Makes snapshots, one at a time; whoever asks while one is under way shares
// it. Thread-safe.
class SnapshotMaker {
 public:
  explicit SnapshotMaker(Engine* engine) : engine_(engine) {}
  SnapshotMaker(const SnapshotMaker&) = delete;
  SnapshotMaker& operator=(const SnapshotMaker&) = delete;

  // For a replica: the one under way if there is one, or a new one. A new one
  // waits for all writes that are under way; `patience` says for how long
  // without holding up the others (WriteGate). kDeadlineExceeded if the
  // deadline came first: try again.
  absl::StatusOr<std::shared_ptr<Snapshot>> StartOrJoin(
      net::Deadline deadline = net::Deadline::Never(),
      absl::Duration patience = WriteGate::kPatience);
  // Gives back what StartOrJoin() gave. The last one to do so for a snapshot
  // that is still under way gives it up, and waits for its walk.
  void Release(std::shared_ptr<Snapshot> snapshot);
  // The last one made, while anybody has it; or null. For INFO: not to be kept.
  std::shared_ptr<Snapshot> current() const;
  // Gives the one under way up (shutdown, role change).
  void Abandon(absl::string_view why);

 private:
  Engine* const engine_;
  mutable absl::Mutex mu_;
  bool busy_ ABSL_GUARDED_BY(mu_) =
      false;  // A thread makes or ends one, without the lock.
  net::MonoCondVar idle_;
  std::shared_ptr<Snapshot> current_ ABSL_GUARDED_BY(mu_);
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_SNAPSHOT_SNAPSHOT_H_
