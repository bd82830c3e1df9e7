#ifndef HOLDFAST_REPLICATION_HANDSHAKE_REPLICA_HANDSHAKE_H_
#define HOLDFAST_REPLICATION_HANDSHAKE_REPLICA_HANDSHAKE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace holdfast::replication {

// What a replica tells its primary about itself.
struct HandshakeParams {
  std::string password;     // masterauth; empty: no AUTH.
  std::string user;         // masteruser; empty: the default user.
  int port = 0;             // Where clients find this replica.
  std::string announce_ip;  // replica-announce-ip; empty: not sent.
  // The history to continue and the bytes of it that were applied; an empty id
  // asks for a full synchronisation.
  std::string replication_id;
  int64_t offset = 0;
};

// The replica's side of PING / AUTH / REPLCONF / PSYNC (redis.io/docs/manual/
// replication, and what Redis 7.0.15 answers), as a state machine without I/O:
// it says which command to send and is given the lines that come back.
//
//   while (true) {
//     if (Send(h.command()) failed) ...
//     do progress = h.OnLine(ReadLine(a fresh deadline)); while (kWait);
//     if (progress != kSend) break;
//   }
//
// A primary that is a Holdfast shows itself by "+OK holdfast" to the step
// "capa". Thread-compatible.
class ReplicaHandshake {
 public:
  enum class Progress {
    kSend,  // command() is to be sent next.
    kWait,  // A keepalive of a primary that is still busy: wait as long again.
    kDone,  // The primary has accepted; see below.
    kFailed,  // cause() and error(); the connection is of no more use.
  };

  explicit ReplicaHandshake(HandshakeParams params);

  // The command of the present step. Never empty before kDone or kFailed.
  const std::vector<std::string>& command() const { return command_; }
  // "ping", "auth", "listening-port", "ip-address", "capa", "psync".
  absl::string_view step() const;

  // One line of the primary, without its line end.
  Progress OnLine(absl::string_view line);

  // After kDone. The primary's name for the history; empty in the rare answer
  // that continues without one. Of a full synchronisation also the offset that
  // its snapshot stands for, in bytes.
  bool full_resync() const { return full_resync_; }
  const std::string& replication_id() const { return replication_id_; }
  int64_t offset() const { return offset_; }

  // From the step "capa" on.
  bool peer_is_holdfast() const { return peer_is_holdfast_; }

  // After kFailed. `transient`: the primary says that it will be ready later.
  const std::string& cause() const { return cause_; }
  const std::string& error() const { return error_; }
  bool transient() const { return transient_; }

 private:
  enum class Step { kPing, kAuth, kPort, kIp, kCapa, kPsync };

  Progress Enter(Step step);
  Progress OnReplconf(absl::string_view line);
  Progress OnPsync(absl::string_view line);
  // The primary answered with an error that ends it.
  Progress Refused(absl::string_view reply);
  Progress Protocol(absl::string_view line);
  Progress Fail(std::string cause, std::string error);

  const HandshakeParams params_;
  Step step_ = Step::kPing;
  std::vector<std::string> command_;
  bool full_resync_ = false;
  bool peer_is_holdfast_ = false;
  bool transient_ = false;
  std::string replication_id_;
  int64_t offset_ = 0;
  std::string cause_;
  std::string error_;
};

}  // namespace holdfast::replication

#endif  // HOLDFAST_REPLICATION_HANDSHAKE_REPLICA_HANDSHAKE_H_
