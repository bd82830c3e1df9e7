#ifndef HOLDFAST_SERVER_KEYSPACE_SNAPSHOT_TURN_H_
#define HOLDFAST_SERVER_KEYSPACE_SNAPSHOT_TURN_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "net/time/deadline.h"
#include "net/time/mono_cond_var.h"

namespace holdfast::server {

// Whose snapshot it is: entries have one epoch, so the walks of two (one for
// replicas, one for a file) follow each other. Thread-safe. Take() waits for as
// long as the other's walk takes; not to be called with a keyspace lock held.
class SnapshotTurn {
 public:
  SnapshotTurn() = default;
  SnapshotTurn(const SnapshotTurn&) = delete;
  SnapshotTurn& operator=(const SnapshotTurn&) = delete;

  // False if the deadline came first.
  bool Take(net::Deadline deadline) {
    absl::MutexLock lock(&mu_);
    while (taken_) {
      if (!free_.Wait(&mu_, deadline) && taken_) return false;
    }
    taken_ = true;
    return true;
  }
  void Give() {
    absl::MutexLock lock(&mu_);
    taken_ = false;
    free_.SignalAll();
  }

 private:
  absl::Mutex mu_;
  net::MonoCondVar free_;
  bool taken_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_KEYSPACE_SNAPSHOT_TURN_H_
