#ifndef HOLDFAST_SERVER_SESSION_SESSION_H_
#define HOLDFAST_SERVER_SESSION_SESSION_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "net/socket/stream.h"
#include "server/session/mailbox.h"

namespace holdfast::server {

struct CommandSpec;

// A command kept by MULTI: owned copies of its arguments.
struct QueuedCommand {
  const CommandSpec* spec;
  std::vector<std::string> args;
};

struct WatchedKey {
  int db;
  std::string key;
};

// What a client may subscribe to: a channel, all channels that match a pattern,
// a shard channel.
enum class Topic : uint8_t { kChannel, kPattern, kShardChannel };
inline constexpr int kTopics = 3;

// What CLIENT KILL's TYPE and CLIENT LIST's TYPE tell apart.
enum class SessionKind : uint8_t { kNormal, kReplica, kPrimary, kPubsub };

// What the server knows of one client connection.
//
// Three kinds of members: fixed ones; atomics and those under mu_, which any
// thread may read (CLIENT LIST, INFO) or use (Kill()); and `own`, which only
// the connection's own thread touches. Owned by shared_ptr, by its connection
// and whoever found it in the registry.
class Session {
 public:
  // `stream` outlives the session's connection; null for one without a socket
  // (the replication link's applier, tests).
  Session(uint64_t id, net::Stream* stream, std::string address,
          std::string local_address, int64_t now_ms);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const uint64_t id;
  const std::string address;  // "127.0.0.1:5021", "/path:0" for a unix socket.
  const std::string local_address;  // The server's end.
  const int64_t created_ms;         // Monotonic, as the next.

  std::atomic<int64_t> last_interaction_ms;
  std::atomic<int> db{0};
  std::atomic<int> protocol{2};
  std::atomic<SessionKind> kind{SessionKind::kNormal};
  std::atomic<int> queued{-1};  // Commands in MULTI; -1 outside of it.
  std::atomic<int> watching{0};
  std::atomic<int> subscriptions{0};  // Channels, patterns, shard channels.
  std::atomic<int> pattern_subscriptions{0};
  std::atomic<int> shard_subscriptions{0};
  std::atomic<bool> monitor{false};
  std::atomic<bool> no_evict{false};
  std::atomic<bool> no_touch{false};
  std::atomic<bool> unix_socket{false};
  std::atomic<bool> dirty_exec{false};  // For CLIENT LIST's 'd'.
  std::atomic<bool> blocked{false};     // Waits in CLIENT PAUSE, or for a key.
  std::atomic<bool> closing{
      false};  // CLIENT LIST's 'c': closes after its reply.
  std::atomic<const CommandSpec*> last_command{nullptr};
  std::atomic<size_t> query_bytes{0};     // Waiting in the input buffer.
  std::atomic<size_t> query_capacity{0};  // Its free room.
  std::atomic<size_t> argv_bytes{0};      // Of the command being executed.
  std::atomic<size_t> queued_bytes{0};    // Of the transaction's queue.
  std::atomic<size_t> output_bytes{0};    // Formatted and not sent yet.
  std::atomic<size_t> output_capacity{0};
  std::atomic<int64_t> bytes_in{0};
  std::atomic<int64_t> bytes_out{0};
  std::atomic<int64_t> commands{0};

  std::string name() const;
  void set_name(absl::string_view name);
  std::string user() const;
  void set_user(absl::string_view user);
  std::string library_name() const;
  std::string library_version() const;
  void set_library(absl::string_view name, absl::string_view version);

  // How CLIENT UNBLOCK reaches a client that waits for a key: whoever makes it
  // wait sets a function, which is called with the session's lock held, says
  // whether the client was still waiting, and may lock nothing but a leaf of
  // its own; null when the wait is over. `error`: what it gets; empty: as if
  // its time were over.
  using Unblocker = std::function<bool(absl::string_view error)>;
  void set_unblocker(Unblocker unblocker);
  bool Unblock(absl::string_view error);

  // Where other threads leave messages for the client; null until it was
  // opened, which the connection's own thread does, for good. Fails when the
  // process has no descriptor left.
  Mailbox* mailbox() const { return mailbox_.load(std::memory_order_acquire); }
  absl::Status OpenMailbox();

  // Closes the connection from any thread: its reads and writes fail from now
  // on. `killed()` tells its thread why.
  void Kill();
  bool killed() const { return killed_.load(std::memory_order_acquire); }
  // The stream, for options; null after the connection has ended it.
  int fd() const;
  // The connection's end: after this, Kill() finds no stream any more.
  void DetachStream();

  // Only the connection's own thread.
  struct Own {
    bool authenticated = false;
    bool close_after_reply = false;
    bool reply_off = false;        // CLIENT REPLY OFF.
    bool skip_next_reply = false;  // CLIENT REPLY SKIP: the next command's.
    bool skip_this_reply = false;
    bool told =
        false;  // The reply is none, but news that are sent all the same.
    bool asking = false;
    bool readonly_mode = false;    // Cluster's READONLY.
    bool is_primary_link = false;  // Applies what a primary sends.

    bool in_multi = false;
    bool multi_failed = false;  // A command was refused while queueing.
    std::vector<QueuedCommand> queue;
    std::vector<WatchedKey> watched;
    // Set by whoever changes a watched key.
    std::shared_ptr<std::atomic<bool>> watch_dirty;

    // The names it is subscribed to, by topic; PubSub keeps them.
    absl::flat_hash_set<std::string> subscribed[kTopics];

    // Set by a command that takes the connection over (PSYNC): once the replies
    // so far are sent, the connection's thread calls it and then closes.
    std::function<void()> takeover;

    // Set by a command of a transaction: called once its locks are released.
    // The last one counts.
    std::function<void()> after_unit;

    // Set by a command that makes the client wait for keys: called when its
    // unit is over and the replies so far are sent; appends the reply.
    std::function<void(std::string* reply)> wait;
    // Set with it: told, before the unit's locks are released, how long the
    // command took so far.
    std::function<void(int64_t nanos)> wait_begins;

    // The log's end after this session's last write: what WAIT waits for.
    int64_t write_offset = 0;

    // REPLCONF's news about a replica, before PSYNC.
    int replica_port = 0;
    std::string replica_ip;
    bool capa_eof = false;
    bool capa_psync2 = false;
    bool capa_holdfast = false;
  } own;

 private:
  mutable absl::Mutex mu_;
  net::Stream* stream_ ABSL_GUARDED_BY(mu_);
  std::string name_ ABSL_GUARDED_BY(mu_);
  std::string user_ ABSL_GUARDED_BY(mu_) = "default";
  std::string library_name_ ABSL_GUARDED_BY(mu_);
  std::string library_version_ ABSL_GUARDED_BY(mu_);
  Unblocker unblocker_ ABSL_GUARDED_BY(mu_);
  std::atomic<bool> killed_{false};
  std::unique_ptr<Mailbox> owned_mailbox_;
  std::atomic<Mailbox*> mailbox_{nullptr};
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_SESSION_SESSION_H_
