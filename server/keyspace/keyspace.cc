#include "server/keyspace/keyspace.h"

#include <algorithm>
#include <utility>

namespace holdfast::server {

Keyspace::Keyspace(int databases) {
  databases_.reserve(databases);
  for (int i = 0; i < databases; ++i) databases_.push_back(NewDatabase());
}

void Keyspace::ForEachDatabase(
    absl::FunctionRef<void(int, const Database&)> fn) {
  absl::ReaderMutexLock lock(&databases_mu_);
  for (int i = 0; i < database_count(); ++i) fn(i, *databases_[i]);
}

size_t Keyspace::SizeOf(int index) {
  absl::ReaderMutexLock lock(&databases_mu_);
  return databases_[index]->Size();
}

std::shared_ptr<Database> Keyspace::Replace(int index,
                                            std::shared_ptr<Database> fresh) {
  if (fresh == nullptr) fresh = NewDatabase();
  absl::MutexLock lock(&databases_mu_);
  databases_[index].swap(fresh);
  return fresh;
}

void Keyspace::AddWatch(Slot slot, KeyWatch watch) {
  auto& watches = slots_[slot].watches;
  if (watches == nullptr) watches = std::make_unique<std::vector<KeyWatch>>();
  watches->push_back(std::move(watch));
}

void Keyspace::RemoveWatch(Slot slot, int db, absl::string_view key,
                           const std::atomic<bool>* dirty) {
  RemoveWatches(slot, [&](const KeyWatch& w) {
    return w.db == db && w.dirty.get() == dirty && w.key == key;
  });
}

void Keyspace::RemoveWatches(
    Slot slot, absl::FunctionRef<bool(const KeyWatch& watch)> which) {
  auto& watches = slots_[slot].watches;
  if (watches == nullptr) return;
  watches->erase(std::remove_if(watches->begin(), watches->end(), which),
                 watches->end());
  if (watches->empty()) watches.reset();
}

void Keyspace::TouchWatchedSlow(Slot slot, int db, absl::string_view key) {
  for (KeyWatch& watch : *slots_[slot].watches) {
    if (watch.db != db || watch.key != key) continue;
    if (watch.expired && databases_[db]->Find(KeyRef(key)) == nullptr) {
      watch.expired = false;
    } else {
      watch.dirty->store(true, std::memory_order_relaxed);
    }
  }
}

void Keyspace::TouchAllWatched(int db, const Database& before,
                               const Database& after, int64_t now_ms) {
  for (int i = 0; i < kSlots; ++i) {
    const auto& watches = slots_[static_cast<Slot>(i)].watches;
    if (watches == nullptr) continue;
    for (KeyWatch& watch : *watches) {
      if (watch.db != db) continue;
      const KeyRef key(watch.key);
      const bool was_there = before.Find(key) != nullptr;
      const Entry* entry = after.Find(key);
      if (!was_there && entry == nullptr) continue;
      const bool comes_expired = entry != nullptr && entry->ExpiredAt(now_ms);
      // What is expired counts as missing: from missing to missing is no
      // change.
      if (watch.expired ? entry == nullptr || comes_expired
                        : !was_there && comes_expired) {
        watch.expired = entry != nullptr;
      } else {
        watch.dirty->store(true, std::memory_order_relaxed);
      }
    }
  }
}

bool Keyspace::WatchedAsExpired(Slot slot, int db, absl::string_view key,
                                const std::atomic<bool>* dirty) {
  const auto& watches = slots_[slot].watches;
  if (watches == nullptr) return false;
  const auto watch =
      std::find_if(watches->begin(), watches->end(), [&](const KeyWatch& w) {
        return w.db == db && w.dirty.get() == dirty && w.key == key;
      });
  return watch != watches->end() && watch->expired;
}

}  // namespace holdfast::server
