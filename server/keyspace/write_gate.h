#ifndef HOLDFAST_SERVER_KEYSPACE_WRITE_GATE_H_
#define HOLDFAST_SERVER_KEYSPACE_WRITE_GATE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "net/time/deadline.h"
#include "net/time/mono_cond_var.h"

namespace holdfast::server {

// The gate that every write passes shared, from before its first slot lock
// until after its log append, and that whoever needs "no write is under way"
// (a snapshot's cut, a role change, FLUSHALL, SWAPDB) passes exclusively.
// Reads never touch it. First in the lock order (server/LOCKS.md).
//
// Striped: a shared passage counts itself in one of kStripes cache lines,
// chosen by the thread, so that cores do not share a line; an exclusive one
// closes them all and waits until all counts are zero. Not re-entrant.
// Thread-safe.
//
// Why not an absl::Mutex a stripe: one write that takes long (a transaction
// with a slow command, a script) would hold up, through an exclusive passage
// that waits for it, every other write. This gate stays closed only briefly
// while it waits, lets the others pass, and tries again; the pauses are ten
// times as long as the tries. Only when its patience is over does it stay
// closed, so that a stream of long writes cannot starve it.
class WriteGate {
 public:
  static constexpr size_t kStripes = 16;
  // A try is twice as long as the one before, between these.
  static constexpr absl::Duration kFirstTry = absl::Milliseconds(2);
  static constexpr absl::Duration kLongestTry = absl::Milliseconds(32);
  // Of LockExclusive().
  static constexpr absl::Duration kPatience = absl::Seconds(2);

  WriteGate() = default;
  WriteGate(const WriteGate&) = delete;
  WriteGate& operator=(const WriteGate&) = delete;

  // Returns the stripe to give to UnlockShared().
  size_t LockShared() {
    const size_t stripe = StripeOfThread();
    std::atomic<uint32_t>& passages = stripes_[stripe].passages;
    while ((passages.fetch_add(1, std::memory_order_acquire) & kClosed) != 0) {
      UnlockShared(stripe);
      WaitUntilOpen();
    }
    return stripe;
  }
  void UnlockShared(size_t stripe) {
    const uint32_t before =
        stripes_[stripe].passages.fetch_sub(1, std::memory_order_release);
    if (before == (kClosed | 1)) SignalDrained();
  }

  void LockExclusive() {
    LockExclusiveBefore(net::Deadline::Never(), kPatience);
  }
  // False if the deadline came first. Closed for short tries only, as long as
  // `patience` (from now) lasts.
  bool LockExclusiveBefore(net::Deadline deadline, absl::Duration patience);
  void UnlockExclusive();

 private:
  static constexpr uint32_t kClosed = uint32_t{1}
                                      << 31;  // The bits below count passages.
  struct alignas(64) Stripe {
    std::atomic<uint32_t> passages{0};
  };

  static size_t StripeOfThread();

  bool IsDrained() const;
  void Close() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Open() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void WaitUntilOpen();
  void SignalDrained();

  std::array<Stripe, kStripes> stripes_;

  absl::Mutex mu_;  // Taken only where somebody has to wait.
  bool wanted_ ABSL_GUARDED_BY(mu_) =
      false;  // By one exclusive passage, to its end; others queue.
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  net::MonoCondVar opened_;   // Also: no longer wanted.
  net::MonoCondVar drained_;  // Only who closed it waits for that.
};

// Passes a gate exclusively for as long as it lives.
class ExclusiveGate {
 public:
  explicit ExclusiveGate(WriteGate* gate) : gate_(gate), held_(true) {
    gate_->LockExclusive();
  }
  // As LockExclusiveBefore(): look at held().
  ExclusiveGate(WriteGate* gate, net::Deadline deadline,
                absl::Duration patience)
      : gate_(gate), held_(gate->LockExclusiveBefore(deadline, patience)) {}
  ~ExclusiveGate() {
    if (held_) gate_->UnlockExclusive();
  }
  ExclusiveGate(const ExclusiveGate&) = delete;
  ExclusiveGate& operator=(const ExclusiveGate&) = delete;

  bool held() const { return held_; }

 private:
  WriteGate* const gate_;
  const bool held_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_KEYSPACE_WRITE_GATE_H_
