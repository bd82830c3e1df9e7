#ifndef HOLDFAST_REPLICATION_REPLICA_LINK_WRITER_H_
#define HOLDFAST_REPLICATION_REPLICA_LINK_WRITER_H_

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "net/client/resp_client.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"
#include "net/time/mono_cond_var.h"
#include "server/engine/engine.h"

namespace holdfast::replication {

// The one writer of a replica's link: everything that goes to the primary goes
// through it, whole message by whole message, under one mutex. Its thread
// "link-heartbeat" sends the heartbeats: empty lines while a snapshot is
// loaded, REPLCONF ACK while the stream is applied.
//
// A heartbeat takes no keyspace lock and has a fresh deadline of its own
// (repl-write-timeout-ms). Those that could not be sent are counted in a row;
// the first and the recovery are logged; after repl-heartbeat-failures of them,
// or when one was cut part way, the connection is shut down. A write that finds
// the connection broken only notes it: the reader is to take first what had
// arrived, and then sees the end itself.
//
// Thread-safe. Lives as long as its link; connections come and go.
class LinkWriter {
 public:
  enum class Beat { kNone, kNewline, kAck };

  // Starts the thread. `wants_pings` (may be null): whether our ACKs are to ask
  // for PINGs in the stream; called by the thread, must not block.
  explicit LinkWriter(server::Engine* engine,
                      std::function<bool()> wants_pings = nullptr);
  ~LinkWriter() { Stop(); }
  LinkWriter(const LinkWriter&) = delete;
  LinkWriter& operator=(const LinkWriter&) = delete;

  // From now on this is the connection, without heartbeats. `peer`: for the
  // log.
  void Attach(std::shared_ptr<net::RespClient> connection,
              absl::string_view peer);
  void Detach();
  // The first heartbeat goes out at once.
  void SetBeat(Beat beat);

  // Sends one command. Blocks until the deadline.
  absl::Status Send(absl::Span<const std::string> args, net::Deadline deadline);

  // Sends REPLCONF ACK from the calling thread if that does not block, else
  // leaves it to the heartbeat thread, at once.
  void AckNow();

  // Why a write found this connection broken or shut it down; OK if none did.
  absl::Status failure() const;

  // Ends the thread; blocked writes end with Shutdown() of the connection,
  // which this calls. Idempotent.
  void Stop();

 private:
  struct Due {
    std::shared_ptr<net::RespClient> connection;  // Null: stop.
    Beat beat = Beat::kNone;
  };

  void Run();
  Due WaitUntilDue() ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status SendBeat(const Due& due) ABSL_LOCKS_EXCLUDED(write_mu_, mu_);
  void NoteOutcome(const net::RespClient* connection,
                   const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);
  std::string AckCommand() const;
  net::Deadline WriteDeadline() const;

  server::Engine& engine_;
  const net::Clock* const clock_;
  const std::function<bool()> wants_pings_;

  absl::Mutex write_mu_
      ABSL_ACQUIRED_BEFORE(mu_);  // Held while bytes are written.

  mutable absl::Mutex mu_;
  net::MonoCondVar changed_;
  std::shared_ptr<net::RespClient> connection_ ABSL_GUARDED_BY(mu_);
  std::string peer_ ABSL_GUARDED_BY(mu_);
  Beat beat_ ABSL_GUARDED_BY(mu_) = Beat::kNone;
  net::MonoTime next_beat_ ABSL_GUARDED_BY(mu_);
  int failures_in_a_row_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status failure_ ABSL_GUARDED_BY(mu_);
  bool stop_ ABSL_GUARDED_BY(mu_) = false;

  std::thread thread_;  // Last: it uses the others.
};

}  // namespace holdfast::replication

#endif  // HOLDFAST_REPLICATION_REPLICA_LINK_WRITER_H_
