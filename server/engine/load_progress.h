#ifndef HOLDFAST_SERVER_ENGINE_LOAD_PROGRESS_H_
#define HOLDFAST_SERVER_ENGINE_LOAD_PROGRESS_H_

#include <atomic>
#include <cstdint>

namespace holdfast::server {

// How far the loading of a dataset is, or how the last one went, for INFO. Any
// thread may read; whoever loads writes.
struct LoadProgress {
  std::atomic<int64_t> start_unix{0};   // Seconds.
  std::atomic<int64_t> total_bytes{0};  // 0: not known.
  std::atomic<int64_t> loaded_bytes{0};
  std::atomic<int64_t> used_memory{0};  // What the file says of its server.
  std::atomic<int64_t> keys_loaded{0};
  std::atomic<int64_t> keys_expired{0};  // Left out.

  void Begin(int64_t now_unix, int64_t bytes) {
    start_unix.store(now_unix, std::memory_order_relaxed);
    total_bytes.store(bytes, std::memory_order_relaxed);
    for (auto* value :
         {&loaded_bytes, &used_memory, &keys_loaded, &keys_expired})
      value->store(0, std::memory_order_relaxed);
  }
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_ENGINE_LOAD_PROGRESS_H_
