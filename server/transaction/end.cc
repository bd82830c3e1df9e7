#include "server/transaction/end.h"

#include "absl/synchronization/mutex.h"

namespace holdfast::server {

void DiscardQueue(Session* session) {
  session->own.in_multi = false;
  session->own.multi_failed = false;
  session->own.queue.clear();
  session->queued.store(-1, std::memory_order_relaxed);
  session->queued_bytes.store(0, std::memory_order_relaxed);
}

void UnwatchAll(Keyspace* keyspace, Session* session) {
  for (const WatchedKey& watched : session->own.watched) {
    const Slot slot = SlotOfKey(watched.key);
    absl::MutexLock lock(&keyspace->slots()[slot].mu);
    keyspace->RemoveWatch(slot, watched.db, watched.key,
                          session->own.watch_dirty.get());
  }
  session->own.watched.clear();
  session->own.watch_dirty.reset();
  session->watching.store(0, std::memory_order_relaxed);
}

void EndTransaction(Keyspace* keyspace, Session* session) {
  DiscardQueue(session);
  UnwatchAll(keyspace, session);
}

}  // namespace holdfast::server
