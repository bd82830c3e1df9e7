#ifndef HOLDFAST_SERVER_ENGINE_AOF_SERVICE_H_
#define HOLDFAST_SERVER_ENGINE_AOF_SERVICE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>

#include "absl/status/status.h"

namespace holdfast::server {

// What INFO persistence tells of the append-only file.
struct AofStatus {
  bool enabled = false;  // Also while its first rewrite is under way.
  bool rewriting = false;
  bool scheduled = false;
  int64_t last_rewrite_seconds = -1;
  int64_t current_rewrite_seconds = -1;
  bool last_rewrite_ok = true;
  int64_t rewrites = 0;  // Begun.
  int64_t consecutive_failures = 0;
  bool last_write_ok = true;
  int64_t last_copied_bytes = 0;  // By writers for the last rewrite.
  int64_t current_bytes = 0;      // Of base and increments.
  int64_t base_bytes = 0;         // Of the same after the last rewrite.
  int64_t waiting_bytes = 0;      // In the log and not in the file yet.
  bool sync_pending = false;
  int64_t delayed_syncs = 0;
};

// The append-only file, as the rest of the server sees it; the one that does it
// is server/persist/aof. Thread-safe. What is asked for every write or reply is
// inline and takes no lock.
class AofService {
 public:
  virtual ~AofService() = default;

  virtual AofStatus status() const = 0;
  // Whether the command log has to be recorded for its sake.
  bool follows_log() const { return follows_.load(std::memory_order_acquire); }
  // A rewrite is under way or about to begin. One relaxed load.
  bool rewriting() const { return rewriting_.load(std::memory_order_relaxed); }

  // Whether a write has to ask WriteRefusal() first: writing fails, or lags so
  // far behind the log, which ends at `end`, that it could fall out of it.
  bool HoldsUpWrites(int64_t end) const {
    return refuses_.load(std::memory_order_relaxed) ||
           end - written_.load(std::memory_order_relaxed) >
               lag_limit_.load(std::memory_order_relaxed);
  }
  // Why a write may not run, as the reply's text; empty if it may. Waits a
  // little for a file that lags. REQUIRES: no keyspace lock is held.
  virtual std::string WriteRefusal() = 0;

  // Whether replies that tell of the log up to `offset` have to wait
  // (appendfsync always).
  bool MustAwait(int64_t offset) const {
    return offset > acknowledgeable_.load(std::memory_order_acquire);
  }
  // Waits until the log is on disk up to `offset`. An error says that this
  // could not be had: the client must not be told that its write is done.
  // `gone` is asked now and then. REQUIRES: no keyspace lock is held.
  virtual absl::Status AwaitOnDisk(int64_t offset,
                                   const std::function<bool()>& gone) = 0;

  // BGREWRITEAOF. `later`: the caller holds keyspace locks.
  enum class Begun { kStarted, kScheduled, kAlready, kFailed };
  virtual Begun RewriteInBackground(bool later) = 0;
  // The cron thread's: automatic rewrites, and what was scheduled.
  virtual void Tick() = 0;

  // CONFIG SET appendonly: the file is there once the first rewrite is done.
  virtual absl::Status TurnOn() = 0;
  virtual absl::Status TurnOff() = 0;

  // The log is about to begin another history (a full synchronisation): what is
  // in the file does not go on from there, and it is written anew. REQUIRES:
  // the gate held exclusively.
  virtual void BeforeHistoryChange() = 0;

  // DEBUG LOADAOF. With an error the data are what they were.
  virtual absl::Status Reload() = 0;
  // DEBUG AOF-FLUSH-SLEEP: waits so long before each write.
  virtual void set_flush_sleep_us(int64_t us) = 0;

 protected:
  static constexpr int64_t kNoOffset = std::numeric_limits<int64_t>::max();

  std::atomic<bool> follows_{false};
  std::atomic<bool> rewriting_{false};
  std::atomic<bool> refuses_{false};
  // The offsets of the log up to which the file has it, and up to which that is
  // enough for replies. kNoOffset where nobody has to wait.
  std::atomic<int64_t> written_{kNoOffset};
  std::atomic<int64_t> acknowledgeable_{kNoOffset};
  std::atomic<int64_t> lag_limit_{int64_t{256} << 20};
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_ENGINE_AOF_SERVICE_H_
