#ifndef HOLDFAST_SERVER_WRITE_STREAM_COMMAND_LOG_H_
#define HOLDFAST_SERVER_WRITE_STREAM_COMMAND_LOG_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "net/time/deadline.h"
#include "net/time/mono_cond_var.h"

namespace holdfast::server {

// One effect of a write: a RESP-encoded command and the database it is for.
struct Effect {
  int db;  // -1: needs no SELECT before it (MULTI, EXEC, PING).
  absl::string_view bytes;
};

// Which history an offset belongs to (Redis: "replication ID", "second
// replication ID"): 40 hexadecimal digits each, and up to which offset the
// second one, from before the last promotion, is the same history.
struct ReplicationId {
  std::string id;
  std::string id2;             // 40 zeros when there is none.
  int64_t second_offset = -1;  // id2 covers offsets below this one.
};
std::string RandomReplicationId();
inline constexpr absl::string_view kNoReplicationId =
    "0000000000000000000000000000000000000000";

// The one ordered stream of effective writes: what replicas, and later the AOF,
// follow. Offsets count its BYTES as Redis's replication offsets do: after a
// stream of n bytes end_offset() is n, and the byte at offset k is the k+1st.
//
// It is a list of fixed-size blocks, shared with those who read them: a
// follower reads a block without the lock and without copying, and memory is
// freed when the window has passed it and nobody reads it any more. The window
// keeps at least `window_bytes`, and what followers hold with a Pin, up to
// `max_bytes`; what is older than that is gone for everyone, and a follower
// that was there falls out (kOutOfRange). Nothing in the window is ever
// dropped.
//
// While inactive (no replica ever attached, no AOF) appending is one relaxed
// load. Appends are called inside the writer's critical section, under the
// locks of what was changed, so that log order is execution order. Thread-safe;
// mu_ comes after the slot locks (server/LOCKS.md) and is held for a memcpy.
class CommandLog {
 public:
  static constexpr size_t kBlockBytes = 64 * 1024;

  struct Limits {
    int64_t window_bytes = 64 << 20;  // repl-backlog-size.
    int64_t max_bytes = int64_t{1024}
                        << 20;  // repl-backlog-max-bytes; >= window_bytes.
  };

  explicit CommandLog(Limits limits);
  ~CommandLog();
  CommandLog(const CommandLog&) = delete;
  CommandLog& operator=(const CommandLog&) = delete;

  // Whether writes are recorded. Activate() is idempotent. REQUIRES (both): the
  // WriteGate held exclusively, so that no write is half in.
  bool active() const { return active_.load(std::memory_order_relaxed); }
  void Activate();
  // Forgets all bytes and stops recording (repl-backlog-ttl); offsets go on.
  void Deactivate();

  // Appends the effects of one execution unit without a gap, with SELECTs where
  // the database changes, inside MULTI/EXEC when there is more than one.
  // Does nothing while inactive or for no effects.
  void AppendUnit(absl::Span<const Effect> effects);
  // Appends bytes of the stream itself: what a replica received. `selected_db`:
  // the database that the stream is in behind them; -1: the one it was in.
  void AppendRaw(absl::string_view bytes, int selected_db = -1);
  // Appends one command that belongs to no database (PING, REPLCONF GETACK).
  void AppendCommand(absl::string_view bytes);
  // The next effect gets a SELECT before it, whatever came last: after a
  // snapshot's cut, and when the stream changes hands.
  void ForgetSelectedDb();

  // The database that the stream has selected, -1 if the next effect selects
  // one; and what a replica has seen its primary's stream select.
  int selected_db() const;
  void NoteSelectedDb(int db);

  // Offset of the next byte to be appended. Any thread, no lock.
  int64_t end_offset() const { return end_.load(std::memory_order_acquire); }
  int64_t first_offset()
      const;  // Of the oldest byte held; end_offset() when none.
  int64_t size_bytes() const { return end_offset() - first_offset(); }
  int64_t pinned_bytes() const;  // Beyond the window, for the sake of pins.
  void set_limits(Limits limits);
  Limits limits() const;

  ReplicationId replication_id() const;
  // Starts a new history at the present offset and keeps the old id as second
  // one, so that whoever followed us, or the same primary, can go on (a
  // promotion).
  void ShiftReplicationId();
  // A new history without a past: a primary whose own backlog is gone.
  void NewReplicationId();
  // The history of a primary, from `offset` on; drops all bytes held. A replica
  // after a full synchronisation, or a server that starts from a saved
  // position.
  void AdoptHistory(const ReplicationId& id, int64_t offset);
  // The primary we follow was promoted: same bytes, new name.
  void RenameHistory(absl::string_view id);
  // Whether a follower that names this history can continue from `offset`, and
  // if not why, in words for the log.
  absl::Status CanContinue(absl::string_view id, int64_t offset) const;

  // A follower's hold on the window from an offset on. Movable by its owner
  // only.
  class Pin {
   public:
    ~Pin();
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;
    // Moves on: bytes before `offset` are not needed any more. Never back.
    void Advance(int64_t offset);
    int64_t offset() const;

   private:
    friend class CommandLog;
    Pin(CommandLog* log, int64_t offset) : log_(log), offset_(offset) {}
    CommandLog* const log_;
    int64_t offset_;  // Guarded by log_->mu_.
  };
  std::unique_ptr<Pin> PinAt(int64_t offset);

 private:
  struct Block {
    int64_t start = 0;  // Offset of its first byte.
    std::atomic<size_t> size{0};
    char data[kBlockBytes];
  };

 public:
  // Bytes of the log that stay readable while this lives.
  class Chunk {
   public:
    absl::string_view bytes() const { return bytes_; }

   private:
    friend class CommandLog;
    std::shared_ptr<const Block> block_;
    absl::string_view bytes_;
  };
  // The bytes from `offset` on, as many as one block holds; empty when offset
  // is end_offset(). kOutOfRange when it has left the window or lies ahead of
  // it.
  absl::StatusOr<Chunk> Read(int64_t offset) const;

  // Blocks until end_offset() > offset, the deadline, or *stop (set before
  // WakeAll()). Returns whether there are bytes to read.
  bool WaitForBytes(int64_t offset, net::Deadline deadline,
                    const std::atomic<bool>* stop) const;
  // Makes all waiters look at their stop flags again.
  void WakeAll();

 private:
  void AppendLocked(absl::string_view bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SelectLocked(int db) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TrimLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void DropAllLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void PublishLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  int64_t FirstLocked() const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  std::atomic<bool> active_{false};
  std::atomic<int64_t> end_{0};

  mutable absl::Mutex mu_;
  mutable net::MonoCondVar appended_;
  mutable int waiters_ ABSL_GUARDED_BY(mu_) = 0;
  Limits limits_ ABSL_GUARDED_BY(mu_);
  std::deque<std::shared_ptr<Block>> blocks_
      ABSL_GUARDED_BY(mu_);                // Neighbours: no gap.
  int64_t tail_ ABSL_GUARDED_BY(mu_) = 0;  // end_ of what is being appended.
  int selected_db_ ABSL_GUARDED_BY(mu_) = -1;
  ReplicationId id_ ABSL_GUARDED_BY(mu_);
  std::set<Pin*> pins_ ABSL_GUARDED_BY(mu_);
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_WRITE_STREAM_COMMAND_LOG_H_
