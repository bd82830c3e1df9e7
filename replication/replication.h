#ifndef HOLDFAST_REPLICATION_REPLICATION_H_
#define HOLDFAST_REPLICATION_REPLICATION_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "net/resp/reply_writer.h"
#include "replication/events/causes.h"
#include "replication/events/link_events.h"
#include "replication/primary/primary.h"
#include "replication/replica/primary_link.h"
#include "server/engine/engine.h"

namespace holdfast::replication {

// A server's replication, both sides: its replicas, and the link to its own
// primary if it has one. Hooks itself into the engine. Thread-safe.
//
// Role changes take their turn on mu_; the role itself changes only while the
// WriteGate is held exclusively, and no thread is joined under that.
class Replication final : public server::ReplicationService {
 public:
  explicit Replication(server::Engine* engine);
  // REQUIRES: all client connections have ended.
  ~Replication() override;
  Replication(const Replication&) = delete;
  Replication& operator=(const Replication&) = delete;

  static Replication& Of(server::Engine& engine) {
    return static_cast<Replication&>(*engine.replication_service);
  }

  // Follows the primary of the configuration, if it names one.
  void Start();
  // Ends the link to the primary. The role stays.
  void Stop();

  // REPLICAOF host port: from now on a replica of that primary. False if it was
  // one already. Returns in bounded time, whatever state the old link is in.
  bool Follow(const std::string& host, int port);
  // REPLICAOF NO ONE: a primary with what data there is. False if it was one.
  bool Promote();

  Primary& primary() { return primary_; }
  LinkEvents& events() { return events_; }

  // ROLE's reply, and the lines of INFO replication.
  void AppendRole(net::ReplyWriter* reply);
  void AppendInfo(std::string* out);

 private:
  void AppendLinkInfo(std::string* out) ABSL_LOCKS_EXCLUDED(link_mu_);
  std::unique_ptr<PrimaryLink> TakeLink();
  std::unique_ptr<PrimaryLink> NewLink(const std::string& host, int port);

  server::Engine& engine_;
  LinkEvents events_;
  Primary primary_;

  absl::Mutex mu_;  // Role changes; held while a link is joined, so nothing
                    // else waits for it.
  // Held for pointer changes and reading the link's state; after mu_.
  mutable absl::Mutex link_mu_;
  std::unique_ptr<PrimaryLink> link_ ABSL_GUARDED_BY(link_mu_);
};

}  // namespace holdfast::replication

#endif  // HOLDFAST_REPLICATION_REPLICATION_H_
