#ifndef HOLDFAST_SERVER_RECLAIM_LAZY_FREE_H_
#define HOLDFAST_SERVER_RECLAIM_LAZY_FREE_H_

#include <atomic>
#include <deque>
#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace holdfast::server {

// One thread that gives up what takes long to free, so that whoever took it out
// of the keyspace under a lock need not. Thread-safe; the destructor frees all
// that is left and joins.
class LazyFree {
 public:
  LazyFree();
  ~LazyFree();
  LazyFree(const LazyFree&) = delete;
  LazyFree& operator=(const LazyFree&) = delete;

  // Drops this reference in the thread. `objects` is what INFO's
  // lazyfree_pending_objects counts it as.
  void Add(std::shared_ptr<void> thing, size_t objects);

  size_t pending() const { return pending_.load(std::memory_order_acquire); }
  // Since the start or the last ResetFreed() (CONFIG RESETSTAT).
  size_t freed() const { return freed_.load(std::memory_order_relaxed); }
  void ResetFreed() { freed_.store(0, std::memory_order_relaxed); }

 private:
  struct Item {
    std::shared_ptr<void> thing;
    size_t objects;
  };
  void Run();

  std::atomic<size_t> pending_{0};
  std::atomic<size_t> freed_{0};
  absl::Mutex mu_;
  std::deque<Item> queue_ ABSL_GUARDED_BY(mu_);
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;  // Last: it uses the others.
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_RECLAIM_LAZY_FREE_H_
