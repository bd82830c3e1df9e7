#ifndef HOLDFAST_REPLICATION_REPLICA_PRIMARY_LINK_H_
#define HOLDFAST_REPLICATION_REPLICA_PRIMARY_LINK_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "net/client/resp_client.h"
#include "net/socket/stop_signal.h"
#include "net/time/backoff.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"
#include "replication/events/link_events.h"
#include "replication/handshake/replica_handshake.h"
#include "replication/replica/link_failure.h"
#include "replication/replica/link_writer.h"
#include "server/engine/engine.h"

namespace holdfast::replication {

// A replica's link to its primary: dial, handshake, full or partial
// synchronisation, apply the stream, and back again, for ever, until Stop().
//
// Threads: "primary-link" does all of that and is the only one that reads;
// "link-heartbeat" (LinkWriter) sends the heartbeats. Every wait of both has a
// deadline (DESIGN.md section 6) and ends at once with Stop(). Between two
// attempts there is a pause that doubles, with full jitter, and that only a
// link which had streamed for repl-healthy-after-ms makes short again.
//
// The link sets Role::link_up, loading and async_loading; is_replica is set by
// whoever makes the link, before, with the WriteGate held exclusively. What it
// asks its primary for is the position of Engine::log(), if that is active, so
// that it goes on where any earlier link, or this server as a primary, had come
// to. Thread-safe.
class PrimaryLink {
 public:
  struct Hooks {
    // The log's history has another name or other bytes from now on: a full
    // synchronisation was installed, or the primary was promoted. Who follows
    // this server's log must have been disconnected when it returns; no byte is
    // appended before. Called by the link's thread with no lock held; must not
    // wait for long, nor for the link.
    std::function<void()> on_history_changed;
    // The port at which this replica is to be found; without it
    // replica-announce-port or the server's own.
    std::function<int()> announced_port;
    // Whether a follower of this server's log needs PINGs in the stream, which
    // only the primary can put there; null: none does. Must not block.
    std::function<bool()> wants_pings;
  };

  enum class Phase {
    kConnecting,
    kHandshake,
    kTransfer,   // The primary was asked for a snapshot and prepares it.
    kLoading,    // The snapshot is being received and loaded.
    kStreaming,  // The link is up.
    kBackoff,    // Between two attempts.
  };
  static absl::string_view PhaseName(Phase phase);

  // What INFO and ROLE tell.
  struct State {
    Phase phase = Phase::kConnecting;
    std::string host;
    int port = 0;
    bool up = false;
    bool peer_is_holdfast = false;
    int64_t last_io_seconds =
        -1;  // Since the last byte came; -1: not connected.
    int64_t down_seconds =
        0;  // Since the link was last up, or made; 0 while up.
    int64_t up_seconds = 0;
    int64_t applied_offset = 0;  // Bytes; CommandLog::end_offset().

    // Of a full synchronisation under way (kTransfer, kLoading).
    bool sync_in_progress = false;
    int64_t sync_total_bytes = -1;  // -1: the primary has not said.
    int64_t sync_read_bytes = 0;
    int64_t sync_keys = 0;
    int64_t sync_seconds = 0;          // Since it began.
    int64_t sync_last_io_seconds = 0;  // Since its last byte.

    int64_t attempts = 0;
    int64_t failed_attempts = 0;  // Those that did not come to streaming.
    int64_t times_up = 0;
    int64_t drops = 0;  // Of a link that was up.
    int64_t full_syncs = 0;
    int64_t partial_syncs = 0;
    std::string last_cause;  // Of causes.h; empty if nothing ever failed.
    std::string last_error;  // The same in words.
  };

  // Starts the threads. Engine and events outlive the link.
  PrimaryLink(server::Engine* engine, std::string host, int port,
              LinkEvents* events, Hooks hooks);
  ~PrimaryLink() { Stop(); }
  PrimaryLink(const PrimaryLink&) = delete;
  PrimaryLink& operator=(const PrimaryLink&) = delete;

  // Ends link and threads, well within 100 ms whatever the primary does.
  // Idempotent; not to be called by the hooks, nor with a keyspace lock held.
  void Stop();

  State state() const;
  const std::string& host() const { return host_; }
  int port() const { return port_; }

 private:
  // One connection from its dialling to its end; says how long it streamed.
  LinkFailure RunConnection(absl::Duration* streamed);
  LinkFailure Connect(std::shared_ptr<net::RespClient>* connection);
  LinkFailure Handshake(net::RespClient* connection,
                        ReplicaHandshake* handshake);
  LinkFailure FullSync(net::RespClient* connection,
                       const ReplicaHandshake& handshake);
  LinkFailure Continue(const ReplicaHandshake& handshake);
  LinkFailure Stream(net::RespClient* connection);

  void Run();
  ReplicaHandshake NewHandshake();
  absl::Duration NextPause(absl::Duration streamed);
  net::Deadline ReadDeadline() const;
  void NoteBytes(size_t n);
  void SetPhase(Phase phase) ABSL_LOCKS_EXCLUDED(mu_);
  void NoteFailure(const LinkFailure& failure, absl::string_view tcp)
      ABSL_LOCKS_EXCLUDED(mu_);
  void AddEvent(LinkEventKind kind, const LinkFailure& failure,
                absl::string_view tcp) ABSL_LOCKS_EXCLUDED(mu_);
  // How the connection was lost, if a write found out first or it was killed.
  LinkFailure LossOf(const absl::Status& status, absl::string_view silent,
                     absl::string_view closed) const;

  server::Engine& engine_;
  const net::Clock* const clock_;
  const std::string host_;
  const int port_;
  const std::string peer_;  // "host:port"
  LinkEvents& events_;
  const Hooks hooks_;

  net::StopSignal stop_;
  LinkWriter writer_;

  // Of the link's thread.
  std::unique_ptr<net::Backoff> backoff_;
  int64_t backoff_base_ms_ = 0;
  int64_t backoff_cap_ms_ = 0;
  int64_t healthy_after_ms_ = 0;
  bool force_full_ =
      false;  // What was applied may differ: "PSYNC ? -1" until that is mended.
  bool killed_ = false;  // CLIENT KILL ended this connection.
  int stream_db_ = -1;   // Where the stream was when the last connection ended.
  int64_t garbled_at_ = -1;  // Offset of the last protocol error in the stream.

  std::atomic<bool> peer_is_holdfast_{false};
  std::atomic<int64_t> last_io_ns_{0};
  std::atomic<int64_t> sync_read_bytes_{0};
  std::atomic<int64_t> sync_keys_{0};

  mutable absl::Mutex mu_;
  std::shared_ptr<net::RespClient> connection_
      ABSL_GUARDED_BY(mu_);  // Null between two.
  Phase phase_ ABSL_GUARDED_BY(mu_) = Phase::kConnecting;
  net::MonoTime down_since_ ABSL_GUARDED_BY(mu_);
  net::MonoTime up_since_ ABSL_GUARDED_BY(mu_);
  net::MonoTime sync_began_ ABSL_GUARDED_BY(mu_);
  State counts_
      ABSL_GUARDED_BY(mu_);  // Its counters, last failure and total bytes.

  std::thread thread_;  // Last: it uses the others.
};

}  // namespace holdfast::replication

#endif  // HOLDFAST_REPLICATION_REPLICA_PRIMARY_LINK_H_
