#ifndef HOLDFAST_REPLICATION_PRIMARY_REPLICA_SESSION_H_
#define HOLDFAST_REPLICATION_PRIMARY_REPLICA_SESSION_H_

#include <sys/uio.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "net/time/clock.h"
#include "net/time/mono_cond_var.h"
#include "replication/events/link_events.h"
#include "server/connection/connection.h"
#include "server/engine/engine.h"
#include "server/persist/snapshot/snapshot.h"
#include "server/write_stream/command_log.h"

namespace holdfast::replication {

class Primary;

// How a replica came in.
struct ReplicaRequest {
  bool partial = false;      // Continue from `offset`; otherwise a full sync.
  int64_t offset = 0;        // Partial: of the next byte it needs.
  bool speaks_psync = true;  // False: SYNC, which never acknowledges.
  std::string history;       // Partial: the replication id that was continued.
  // Partial: holds the log from `offset`, taken before it was checked.
  std::unique_ptr<server::CommandLog::Pin> pin;
};

// One replica of ours, from its PSYNC to the end of its connection.
//
// Two threads: the connection's own one reads what the replica sends (ACKs) and
// judges its silence; a sender thread, started here, is the only one to write
// to the socket: the snapshot if it is to be a full synchronisation, then the
// log from its cursor on. Neither takes a keyspace lock (the snapshot's cut
// apart), and no one ever waits for them: a replica that cannot keep up falls
// out of the log's window and is dropped with that cause.
class ReplicaSession {
 public:
  // All outlive the session; the connection is the calling thread's.
  ReplicaSession(server::Engine* engine, Primary* primary,
                 server::Connection* connection, ReplicaRequest request);
  ~ReplicaSession();
  ReplicaSession(const ReplicaSession&) = delete;
  ReplicaSession& operator=(const ReplicaSession&) = delete;

  // Serves the replica until its connection ends.
  void Run();

  // For the replica's end from another thread, with the cause to record.
  void Drop(absl::string_view cause);

  // As INFO replication prints it.
  enum class State { kWaitBgsave, kSendBulk, kOnline };
  State state() const { return state_.load(std::memory_order_acquire); }
  const std::string& ip() const { return ip_; }
  int port() const { return port_; }
  bool is_holdfast() const { return is_holdfast_; }
  // Bytes of the stream that the replica says it has applied; 0 before the
  // first ACK.
  int64_t acked_offset() const {
    return acked_.load(std::memory_order_acquire);
  }
  int64_t sent_offset() const { return sent_.load(std::memory_order_relaxed); }
  // Since the last ACK, or since the connection when there was none.
  absl::Duration SinceAck() const;
  bool acknowledges() const { return speaks_psync_; }
  // Whether it needs PINGs in the stream: it is no Holdfast, or a Holdfast that
  // says so in its ACKs because of a replica of its own.
  bool wants_pings() const {
    return wants_pings_.load(std::memory_order_relaxed);
  }

 private:
  void SenderThread();
  // Whether the history that the replica was told to continue is still ours.
  absl::Status ConfirmHistory();
  absl::Status SendSnapshot();
  absl::Status SendHeaderAndBody(server::Snapshot* snapshot);
  absl::Status AwaitFirstAck();
  absl::Status StreamLog();
  absl::Status SendKeepalive();
  // From now on the replica has to be heard from. Idempotent.
  void JudgeSilence();
  // Reads and digests what the replica sends, until the end.
  absl::Status ReadAcks();
  void OnRequest(absl::Span<const absl::string_view> args);
  // Records why the session ends; the first reason counts.
  void SetCause(absl::string_view cause, const absl::Status& status);
  absl::Status Write(absl::string_view bytes);
  absl::Status Write(absl::Span<const iovec> parts);
  // An event of this link, with what is known now.
  LinkEvent Event(LinkEventKind kind) const;

  server::Engine& engine_;
  Primary& primary_;
  server::Connection& connection_;
  const std::shared_ptr<server::Session> session_;  // Of the connection.
  const bool partial_;
  const std::string history_;  // Of a partial one.
  const bool speaks_psync_;
  const bool is_holdfast_;
  const bool takes_eof_mark_;
  const std::string ip_;
  const int port_;

  std::atomic<State> state_{State::kWaitBgsave};
  std::atomic<bool> stop_{false};
  std::atomic<int64_t> acked_{0};
  std::atomic<int64_t> sent_{0};  // Or about to be: no ACK can be beyond it.
  std::atomic<int64_t> last_ack_ns_;
  std::atomic<bool> first_ack_{false};
  std::atomic<bool> wants_pings_;
  // Silence counts only since the replica owes us something.
  static constexpr int64_t kNotJudged = -1;
  std::atomic<int64_t> judged_from_ns_{kNotJudged};

  // The sender's.
  std::unique_ptr<server::CommandLog::Pin> pin_;
  int64_t cursor_ = 0;

  absl::Mutex mu_;
  net::MonoCondVar acked_cv_;
  std::string cause_ ABSL_GUARDED_BY(mu_);
  absl::Status cause_status_ ABSL_GUARDED_BY(mu_);
};

}  // namespace holdfast::replication

#endif  // HOLDFAST_REPLICATION_PRIMARY_REPLICA_SESSION_H_
