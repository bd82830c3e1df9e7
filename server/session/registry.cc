#include "server/session/registry.h"

#include <utility>

namespace holdfast::server {

void SessionRegistry::Add(std::shared_ptr<Session> session) {
  absl::MutexLock lock(&mu_);
  const uint64_t id = session->id;
  sessions_.emplace(id, std::move(session));
  size_.store(sessions_.size(), std::memory_order_relaxed);
}

void SessionRegistry::Remove(uint64_t id) {
  absl::MutexLock lock(&mu_);
  sessions_.erase(id);
  size_.store(sessions_.size(), std::memory_order_relaxed);
}

std::vector<std::shared_ptr<Session>> SessionRegistry::All() const {
  absl::MutexLock lock(&mu_);
  std::vector<std::shared_ptr<Session>> all;
  all.reserve(sessions_.size());
  for (const auto& [id, session] : sessions_) all.push_back(session);
  return all;
}

std::shared_ptr<Session> SessionRegistry::Find(uint64_t id) const {
  absl::MutexLock lock(&mu_);
  const auto it = sessions_.find(id);
  return it == sessions_.end() ? nullptr : it->second;
}

void SessionRegistry::KillAll() {
  for (const auto& session : All()) session->Kill();
}

}  // namespace holdfast::server
