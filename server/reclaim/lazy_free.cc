#include "server/reclaim/lazy_free.h"

#include <pthread.h>

#include <utility>

namespace holdfast::server {

LazyFree::LazyFree() : thread_([this] { Run(); }) {}

LazyFree::~LazyFree() {
  {
    absl::MutexLock lock(&mu_);
    stop_ = true;
  }
  thread_.join();
}

void LazyFree::Add(std::shared_ptr<void> thing, size_t objects) {
  if (thing == nullptr) return;
  pending_.fetch_add(objects, std::memory_order_relaxed);
  absl::MutexLock lock(&mu_);
  queue_.push_back({std::move(thing), objects});
}

void LazyFree::Run() {
  pthread_setname_np(pthread_self(), "lazy-free");
  for (;;) {
    Item item;
    {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(
          +[](LazyFree* self) ABSL_EXCLUSIVE_LOCKS_REQUIRED(self->mu_) {
            return self->stop_ || !self->queue_.empty();
          },
          this));
      if (queue_.empty()) return;
      item = std::move(queue_.front());
      queue_.pop_front();
    }
    item.thing.reset();
    // In this order: who sees nothing pending finds it counted.
    freed_.fetch_add(item.objects, std::memory_order_relaxed);
    pending_.fetch_sub(item.objects, std::memory_order_release);
  }
}

}  // namespace holdfast::server
