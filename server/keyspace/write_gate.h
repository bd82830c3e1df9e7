#ifndef HOLDFAST_SERVER_KEYSPACE_WRITE_GATE_H_
#define HOLDFAST_SERVER_KEYSPACE_WRITE_GATE_H_

#include <array>
#include <cstddef>

#include "absl/synchronization/mutex.h"

namespace holdfast::server {

// The gate that every write passes shared, from before its first slot lock
// until after its log append, and that whoever needs "no write is under way"
// (a snapshot's cut, a role change, FLUSHALL, SWAPDB) passes exclusively.
// Reads never touch it. First in the lock order (server/LOCKS.md).
//
// Striped: a shared passage locks one of kStripes cache lines, chosen by the
// thread, so that cores do not share a line; an exclusive one locks them all,
// in order. Not re-entrant. absl::Mutex lets a waiting exclusive passage in
// before later shared ones, so a stream of writes cannot starve it.
class WriteGate {
 public:
  static constexpr size_t kStripes = 16;

  WriteGate() = default;
  WriteGate(const WriteGate&) = delete;
  WriteGate& operator=(const WriteGate&) = delete;

  // Returns the stripe to give to UnlockShared().
  size_t LockShared() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const size_t stripe = StripeOfThread();
    stripes_[stripe].mu.ReaderLock();
    return stripe;
  }
  void UnlockShared(size_t stripe) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    stripes_[stripe].mu.ReaderUnlock();
  }

  void LockExclusive() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (Stripe& s : stripes_) s.mu.Lock();
  }
  void UnlockExclusive() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (Stripe& s : stripes_) s.mu.Unlock();
  }

 private:
  struct alignas(64) Stripe {
    absl::Mutex mu;
  };

  static size_t StripeOfThread();

  std::array<Stripe, kStripes> stripes_;
};

// Passes a gate exclusively for as long as it lives.
class ExclusiveGate {
 public:
  explicit ExclusiveGate(WriteGate* gate) : gate_(gate) { gate_->LockExclusive(); }
  ~ExclusiveGate() { gate_->UnlockExclusive(); }
  ExclusiveGate(const ExclusiveGate&) = delete;
  ExclusiveGate& operator=(const ExclusiveGate&) = delete;

 private:
  WriteGate* const gate_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_KEYSPACE_WRITE_GATE_H_
