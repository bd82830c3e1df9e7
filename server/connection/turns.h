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
// next request has often arrived by then, and being put to sleep and woken
// costs more than to answer it (measured request by request with 50 clients on
// two processors: 0.78 of redis-server's rate without, 0.9 to 1.0 with it).
//
// Beside threads that compute for long, as many as processors, a turn lasts a
// whole time slice of the kernel's, where a sleeping thread would have been
// woken at once. So none is given while few clients are awake, who are nobody
// to give it to, and once a turn has lasted long nobody gives any for a while.
// Thread-safe.
class Turns {
 public:
  static constexpr int kMost = 3;  // That a thread gives in a row.
  static constexpr absl::Duration kLong = absl::Milliseconds(3);
  static constexpr absl::Duration kNone = absl::Milliseconds(100);

  // Turns are given from this many threads awake on.
  static int Crowd() {
    return 2 * static_cast<int>(std::thread::hardware_concurrency()) + 1;
  }

  // `clock` outlives it.
  explicit Turns(const net::Clock* clock, int crowd = Crowd())
      : clock_(clock), crowd_(crowd) {}
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  // Adds to the threads awake for its own life: a client's thread is one as
  // long as it runs, and one less while it is blocked in a read.
  class Change {
   public:
    ~Change() { awake_.fetch_sub(by_, std::memory_order_relaxed); }
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;

   private:
    friend class Turns;
    Change(std::atomic<int>& awake, int by) : awake_(awake), by_(by) {
      awake_.fetch_add(by_, std::memory_order_relaxed);
    }
    std::atomic<int>& awake_;
    const int by_;
  };
  [[nodiscard]] Change Awake() { return Change(awake_, 1); }
  // Within the life of an Awake().
  [[nodiscard]] Change Asleep() { return Change(awake_, -1); }

  // Calls `try_it` after each of up to kMost turns of the others, until it says
  // that it has succeeded; whether it did.
  template <typename Try>
  bool Give(Try&& try_it) {
    if (!IsCrowd()) return false;
    net::MonoTime now = clock_->Now();
    for (int i = 0; i < kMost && IsCrowd(); ++i) {
      if (now.nanos() < none_before_ns_.load(std::memory_order_relaxed))
        return false;
      sched_yield();
      if (try_it()) return true;
      const net::MonoTime after = clock_->Now();
      if (after - now > kLong) {
        none_before_ns_.store((after + kNone).nanos(),
                              std::memory_order_relaxed);
      }
      now = after;
    }
    return false;
  }

 private:
  bool IsCrowd() const {
    return awake_.load(std::memory_order_relaxed) >= crowd_;
  }

  const net::Clock* const clock_;
  const int crowd_;
  alignas(64) std::atomic<int> awake_{
      0};  // Changed by all; the next is only read, mostly.
  alignas(64) std::atomic<int64_t> none_before_ns_{
      std::numeric_limits<int64_t>::min()};
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_CONNECTION_TURNS_H_
