#ifndef HOLDFAST_SERVER_SESSION_REGISTRY_H_
#define HOLDFAST_SERVER_SESSION_REGISTRY_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/session/session.h"

namespace holdfast::server {

// All client connections of a server, by id. Thread-safe. Its lock is a leaf:
// nothing else is locked under it but a Session's own.
class SessionRegistry {
 public:
  uint64_t NextId() { return next_id_.fetch_add(1, std::memory_order_relaxed); }

  void Add(std::shared_ptr<Session> session);
  void Remove(uint64_t id);
  // In the order of their ids.
  std::vector<std::shared_ptr<Session>> All() const;
  std::shared_ptr<Session> Find(uint64_t id) const;
  size_t size() const { return size_.load(std::memory_order_relaxed); }
  void KillAll();

 private:
  std::atomic<uint64_t> next_id_{1};
  std::atomic<size_t> size_{0};
  mutable absl::Mutex mu_;
  std::map<uint64_t, std::shared_ptr<Session>> sessions_ ABSL_GUARDED_BY(mu_);
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_SESSION_REGISTRY_H_
