#ifndef HOLDFAST_SERVER_COMMAND_BLOCKED_H_
#define HOLDFAST_SERVER_COMMAND_BLOCKED_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "net/time/deadline.h"
#include "net/time/mono_cond_var.h"
#include "server/command/context.h"
#include "server/keyspace/waiter_table.h"
#include "server/stats/slow_log.h"

namespace holdfast::server {

// A client that waits for keys to become ready (BLPOP, XREAD BLOCK, ...).
//
// Its command's handler finds nothing to take, registers the client while it
// holds the keys' slots, and returns. The unit ends, and the client's thread
// waits, holding nothing. A unit that has changed a key somebody waits for
// serves the waiters before it gives the key's slot up, in the order of their
// arrival (ServeReadyClients()): what each takes is in the log behind the
// unit's own effects, and nobody else sees the key in between.
//
// A call is counted when it begins to wait. Into the latency statistics and the
// slow log it comes when it is served, with the time of both parts; one whose
// time runs out does not come there, as in Redis.
class BlockedClient final : public KeyWaiter {
 public:
  // Does for the waiting client what its command does when the key is ready:
  // replies and returns true, or leaves everything as it is. Called by other
  // threads, with the slot of the key (and of `also_key`) held exclusively.
  // `ctx` is of the waiting client but has no arguments; effects by
  // ReplaceEffect().
  using Serve = std::function<bool(CommandContext& ctx, absl::string_view key)>;

  struct Request {
    std::vector<std::string> keys;
    absl::Duration timeout;  // Zero: none.
    Serve serve;
    // Serves also when the key is gone, which is news for whoever waits for
    // something in it (XREADGROUP). Others wait until it is back.
    bool serves_missing_keys = false;
    // A further key that serving changes (BLMOVE's destination); may be empty.
    bool has_also_key = false;
    std::string also_key;
    // The reply when the time is over.
    void (*on_timeout)(net::ReplyWriter* reply);
  };

  // Registers the client of `ctx` and arranges for its thread to wait once the
  // unit is over. Returns false, and the handler replies as after a timeout,
  // where nothing may block (inside a transaction). REQUIRES: the slots of all
  // keys held, at least shared.
  static bool Block(CommandContext& ctx, Request request);

  // For a unit that holds the key's slot exclusively. `also_slot` is locked too
  // if that can be had at once.
  enum class Outcome { kServed, kNothing, kNeedsSlot };
  Outcome TryServe(ExecutionUnit* unit, absl::string_view key);
  Slot also_slot() const { return SlotOfKey(request_.also_key); }
  bool serves_missing_keys() const { return request_.serves_missing_keys; }

 private:
  enum class State { kWaiting, kServed, kTimedOut, kUnblocked, kGone };

  BlockedClient(CommandContext& ctx, Request request);

  // Lives as long as the client may still come to wait; then it is out of the
  // tables, and nobody serves it any more.
  struct Registration {
    std::shared_ptr<BlockedClient> client;
    Engine* engine;
    Registration(std::shared_ptr<BlockedClient> c, Engine* e)
        : client(std::move(c)), engine(e) {}
    ~Registration() { client->Cancel(engine); }
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;
  };

  void Cancel(Engine* engine);
  // The client's own thread; appends the reply.
  void Wait(Engine* engine, net::Deadline deadline, std::string* reply);
  // The call ended with an error after all.
  void CountFailure(Engine* engine) const;
  void Leave(State state, absl::string_view error)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Session& session_;  // Alive while its thread waits.
  const CommandSpec& spec_;
  const int db_;
  const Request request_;
  const SlowLog::Entry slow_log_entry_;  // If serving makes it one.

  // Below the slots, held while it is served (server/LOCKS.md).
  absl::Mutex mu_;
  net::MonoCondVar changed_;
  State state_ ABSL_GUARDED_BY(mu_) = State::kWaiting;
  std::string reply_ ABSL_GUARDED_BY(mu_);
  std::string error_ ABSL_GUARDED_BY(mu_);  // Of kUnblocked; empty: a timeout.
  int64_t write_offset_ ABSL_GUARDED_BY(mu_) = -1;
  int64_t own_nanos_ ABSL_GUARDED_BY(mu_) = 0;  // Until it began to wait.
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMAND_BLOCKED_H_
