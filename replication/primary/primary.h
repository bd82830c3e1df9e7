#ifndef HOLDFAST_REPLICATION_PRIMARY_PRIMARY_H_
#define HOLDFAST_REPLICATION_PRIMARY_PRIMARY_H_

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "net/socket/stop_signal.h"
#include "net/time/deadline.h"
#include "net/time/mono_cond_var.h"
#include "replication/events/link_events.h"
#include "replication/primary/replica_session.h"
#include "server/engine/engine.h"
#include "server/persist/snapshot/snapshot.h"

namespace holdfast::replication {

// The server as somebody's primary: all its replicas, what they have
// acknowledged, and the periodic work that they need (PINGs in the stream for
// those that are no Holdfast, the backlog's end when nobody comes back).
// Thread-safe.
class Primary {
 public:
  // Both outlive it.
  Primary(server::Engine* engine, LinkEvents* events);
  // All sessions have ended (their connections were joined).
  ~Primary();
  Primary(const Primary&) = delete;
  Primary& operator=(const Primary&) = delete;

  // Decides between a partial and a full synchronisation for a connection that
  // sent PSYNC (or SYNC, speaks_psync false) and appends the reply of a partial
  // one to `reply`; then serves it in Connection::Run()'s takeover. `offset` as
  // on the wire: the first byte wanted, counted from 1.
  void OnPsync(server::Connection* connection, absl::string_view replid,
               int64_t offset, bool speaks_psync, std::string* reply);

  // Blocks until `replicas` replicas have acknowledged `offset`, the deadline,
  // or `give_up` (looked at when woken by WakeWaiters()). Returns how many
  // have.
  int WaitForAcks(int64_t offset, int replicas, net::Deadline deadline,
                  const std::function<bool()>& give_up);
  int CountAcked(int64_t offset) const;
  // For WaitForAcks(): something was acknowledged, or a give_up may be due.
  // Also the end of any AppendOutOfBand() under way: after a change of role.
  void WakeWaiters();

  // Appends a command of the protocol itself (PING, REPLCONF GETACK) to the
  // stream, unless this server has become a replica: it would shift the offsets
  // of a stream that is the primary's. Unlike a write it takes no gate, so that
  // no long command holds heartbeats up.
  void AppendOutOfBand(absl::string_view command);

  // Replicas online whose last ACK is at most so old (min-replicas-max-lag).
  int GoodReplicas(int64_t lag_seconds) const;
  int ReplicaCount() const;
  bool AofFollowsLog() const;
  // Whether anybody below needs PINGs in the stream. A replica passes that on
  // to its primary, who alone may put them there.
  bool WantsPings() const;

  // Ends all sessions, which will ask again: the history or the role changed.
  void DropAll(absl::string_view cause);

  // "slave0:ip=...,port=...,state=online,offset=...,lag=..." lines, and the
  // replicas of ROLE.
  struct ReplicaInfo {
    std::string ip;
    int port;
    std::string state;
    int64_t acked_offset;
    int64_t lag_seconds;
    int64_t lag_ms;
    bool is_holdfast;
  };
  std::vector<ReplicaInfo> Replicas() const;

  server::SnapshotMaker& snapshots() { return snapshots_; }

  // For sessions.
  LinkEvents& events() { return events_; }
  void Add(ReplicaSession* session);
  void Remove(ReplicaSession* session);

 private:
  void CronThread();
  void PingReplicas();
  int CountAckedLocked(int64_t offset) const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  server::Engine& engine_;
  LinkEvents& events_;
  server::SnapshotMaker snapshots_;
  mutable absl::Mutex mu_;
  net::MonoCondVar acked_;
  std::set<ReplicaSession*> sessions_ ABSL_GUARDED_BY(mu_);
  net::MonoTime none_since_
      ABSL_GUARDED_BY(mu_);  // When the last replica left.
  net::StopSignal stop_;
  std::thread cron_;  // Last: it uses the others.
};

}  // namespace holdfast::replication

#endif  // HOLDFAST_REPLICATION_PRIMARY_PRIMARY_H_
