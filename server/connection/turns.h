#ifndef HOLDFAST_SERVER_CONNECTION_TURNS_H_
#define HOLDFAST_SERVER_CONNECTION_TURNS_H_

#include <sched.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <thread>

#include "absl/time/time.h"
#include "net/time/clock.h"

namespace holdfast::server {

// How the threads of a server's clients take turns on few processors. A thread
// that has answered gives the others a turn, a few times, before it blocks: its
// next request has often arrived by then, and being put to sleep and woken costs
// more than to answer it (measured request by request with 50 clients on two
// processors: 0.78 of redis-server's rate without, 0.9 to 1.0 with it).
//
// Beside threads that compute for long, as many as processors, a turn lasts a
// whole time slice of the kernel's, where a sleeping thread would have been woken
// at once. So none is given while few clients are awake, who are nobody to give it
// to, and once a turn has lasted long nobody gives any for a while. Thread-safe.
class Turns {
 public:
  static constexpr int kMost = 3;  // That a thread gives in a row.
  static constexpr absl::Duration kLong = absl::Milliseconds(3);
  static constexpr absl::Duration kNone = absl::Milliseconds(100);

  // Turns are given from this many threads awake on.
  static int Crowd() { return 2 * static_cast<int>(std::thread::hardware_concurrency()) + 1; }

  // `clock` outlives it.
  explicit Turns(const net::Clock* clock, int crowd = Crowd()) : clock_(clock), crowd_(crowd) {}
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  // For as long as a client's thread is neither blocked in a read nor ended.
  class Awake {
   public:
    explicit Awake(Turns* turns) : turns_(turns) { turns_->awake_.fetch_add(1, std::memory_order_relaxed); }
    ~Awake() { turns_->awake_.fetch_sub(1, std::memory_order_relaxed); }
    Awake(const Awake&) = delete;
    Awake& operator=(const Awake&) = delete;

   private:
    Turns* const turns_;
  };
  // The opposite, within the life of an Awake.
  class Asleep {
   public:
    explicit Asleep(Turns* turns) : turns_(turns) { turns_->awake_.fetch_sub(1, std::memory_order_relaxed); }
    ~Asleep() { turns_->awake_.fetch_add(1, std::memory_order_relaxed); }
    Asleep(const Asleep&) = delete;
    Asleep& operator=(const Asleep&) = delete;

   private:
    Turns* const turns_;
  };

  // Calls `try_it` after each of up to kMost turns of the others, until it says
  // that it has succeeded; whether it did. `now`: a recent time.
  template <typename Try>
  bool Give(net::MonoTime now, Try&& try_it) {
    for (int i = 0; i < kMost; ++i) {
      if (awake_.load(std::memory_order_relaxed) < crowd_) return false;
      if (now.nanos() < none_before_ns_.load(std::memory_order_relaxed)) return false;
      sched_yield();
      if (try_it()) return true;
      const net::MonoTime after = clock_->Now();
      if (after - now > kLong) {
        none_before_ns_.store((after + kNone).nanos(), std::memory_order_relaxed);
      }
      now = after;
    }
    return false;
  }

 private:
  const net::Clock* const clock_;
  const int crowd_;
  alignas(64) std::atomic<int> awake_{0};  // Changed by all; the next is only read, mostly.
  alignas(64) std::atomic<int64_t> none_before_ns_{std::numeric_limits<int64_t>::min()};
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_CONNECTION_TURNS_H_
