#ifndef HOLDFAST_SERVER_STATS_COUNTER_H_
#define HOLDFAST_SERVER_STATS_COUNTER_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace holdfast::server {

// Which of a few cache lines the calling thread counts on.
inline constexpr size_t kCounterShards = 8;
size_t CounterShardOfThread();

// A count that many threads add to and few read. Add() touches a line that
// mostly this thread's core has; Value() sums them and may miss additions under
// way. Thread-safe, no lock.
class Counter {
 public:
  void Add(int64_t n) {
    shards_[CounterShardOfThread()].value.fetch_add(n,
                                                    std::memory_order_relaxed);
  }
  int64_t Value() const {
    int64_t sum = 0;
    for (const Shard& s : shards_)
      sum += s.value.load(std::memory_order_relaxed);
    return sum;
  }
  // Not atomic against concurrent additions, which may survive it (CONFIG
  // RESETSTAT).
  void Reset() {
    for (Shard& s : shards_) s.value.store(0, std::memory_order_relaxed);
  }

 private:
  struct alignas(64) Shard {
    std::atomic<int64_t> value{0};
  };
  std::array<Shard, kCounterShards> shards_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_STATS_COUNTER_H_
