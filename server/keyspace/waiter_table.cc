#include "server/keyspace/waiter_table.h"

#include <algorithm>
#include <utility>

namespace holdfast::server {

void WaiterTable::Add(const KeyRef& key, int db,
                      std::shared_ptr<KeyWaiter> waiter) {
  Shard& shard = shards_[ShardOf(key.slot)];
  absl::MutexLock lock(&shard.mu);
  auto& waiters = shard.waiters[Key(db, std::string(key.bytes))];
  waiters.push_back(std::move(waiter));
  shard.count.store(shard.waiters.size(), std::memory_order_relaxed);
}

void WaiterTable::Remove(const KeyRef& key, int db, const KeyWaiter* waiter) {
  Shard& shard = shards_[ShardOf(key.slot)];
  absl::MutexLock lock(&shard.mu);
  const auto it = shard.waiters.find(Key(db, std::string(key.bytes)));
  if (it == shard.waiters.end()) return;
  auto& waiters = it->second;
  waiters.erase(std::remove_if(waiters.begin(), waiters.end(),
                               [waiter](const std::shared_ptr<KeyWaiter>& w) {
                                 return w.get() == waiter;
                               }),
                waiters.end());
  if (waiters.empty()) shard.waiters.erase(it);
  shard.count.store(shard.waiters.size(), std::memory_order_relaxed);
}

bool WaiterTable::IsWaitedFor(const KeyRef& key, int db) const {
  if (!MayBeWaitedFor(key.slot)) return false;
  const Shard& shard = shards_[ShardOf(key.slot)];
  absl::MutexLock lock(&shard.mu);
  return shard.waiters.contains(Key(db, std::string(key.bytes)));
}

std::vector<std::shared_ptr<KeyWaiter>> WaiterTable::WaitersFor(
    const KeyRef& key, int db) const {
  const Shard& shard = shards_[ShardOf(key.slot)];
  absl::MutexLock lock(&shard.mu);
  const auto it = shard.waiters.find(Key(db, std::string(key.bytes)));
  return it == shard.waiters.end() ? std::vector<std::shared_ptr<KeyWaiter>>()
                                   : it->second;
}

std::vector<std::string> WaiterTable::KeysOf(int db) const {
  std::vector<std::string> keys;
  for (const Shard& shard : shards_) {
    absl::MutexLock lock(&shard.mu);
    for (const auto& [key, waiters] : shard.waiters) {
      if (key.first == db) keys.push_back(key.second);
    }
  }
  return keys;
}

}  // namespace holdfast::server
