#include "server/command/blocked.h"

#include <algorithm>
#include <utility>

#include "server/command/call_time.h"
#include "server/engine/engine.h"
#include "server/session/session.h"

namespace holdfast::server {

namespace {

// The name is asked for now: who serves may not lock the session.
SlowLog::Entry SlowLogEntryOf(CommandContext& ctx) {
  SlowLog::Entry entry;
  entry.args = SlowLog::Trimmed(ctx.args());
  entry.address = ctx.session().address;
  entry.name = ctx.session().name();
  return entry;
}

}  // namespace

BlockedClient::BlockedClient(CommandContext& ctx, Request request)
    : session_(ctx.session()),
      spec_(ctx.spec()),
      db_(ctx.db_index()),
      request_(std::move(request)),
      slow_log_entry_(SlowLogEntryOf(ctx)) {}

bool BlockedClient::Block(CommandContext& ctx, Request request) {
  if (!ctx.may_block()) return false;
  Engine& engine = ctx.engine();
  // Each key once, whatever the client named.
  std::sort(request.keys.begin(), request.keys.end());
  request.keys.erase(std::unique(request.keys.begin(), request.keys.end()),
                     request.keys.end());
  const net::Deadline deadline =
      request.timeout == absl::ZeroDuration()
          ? net::Deadline::Never()
          : net::Deadline::After(engine.clock(), request.timeout);
  std::shared_ptr<BlockedClient> client(
      new BlockedClient(ctx, std::move(request)));
  for (const std::string& key : client->request_.keys) {
    engine.keyspace().waiters().Add(KeyRef(key), client->db_, client);
  }
  // The connection may end before it comes to wait: whatever becomes of this
  // function, the registration goes with it.
  auto registration = std::make_shared<Registration>(client, &engine);
  ctx.session().own.wait = [registration, deadline](std::string* reply) {
    registration->client->Wait(registration->engine, deadline, reply);
  };
  ctx.session().own.wait_begins = [client](int64_t nanos) {
    absl::MutexLock lock(&client->mu_);
    client->own_nanos_ = nanos;
  };
  return true;
}

BlockedClient::Outcome BlockedClient::TryServe(ExecutionUnit* unit,
                                               absl::string_view key) {
  absl::MutexLock lock(&mu_);
  if (state_ != State::kWaiting) return Outcome::kNothing;
  if (request_.has_also_key && !unit->locks().TryAlso(also_slot())) {
    return Outcome::kNeedsSlot;
  }
  std::string bytes;
  net::ReplyWriter reply(&bytes,
                         session_.protocol.load(std::memory_order_relaxed));
  CommandContext ctx(unit, &session_, &spec_, {}, &reply, db_);
  Engine& engine = unit->engine();
  const int64_t begun = engine.clock()->Now().nanos();
  if (!request_.serve(ctx, key)) return Outcome::kNothing;
  const int64_t nanos = engine.clock()->Now().nanos() - begun;
  engine.stats().Command(spec_.id).nanos.Add(nanos);
  if (ctx.failed()) CountFailure(&engine);
  NoteCallTime(&engine, spec_, own_nanos_ + nanos,
               [this] { return slow_log_entry_; });
  // In the log before the client hears of it.
  unit->FlushEffects();
  if (unit->appended()) {
    write_offset_ = engine.log().end_offset();
  }
  reply_ = std::move(bytes);
  state_ = State::kServed;
  changed_.SignalAll();
  return Outcome::kServed;
}

void BlockedClient::CountFailure(Engine* engine) const {
  engine->stats().Command(spec_.id).failed.fetch_add(1,
                                                     std::memory_order_relaxed);
}

void BlockedClient::Leave(State state, absl::string_view error) {
  if (state_ != State::kWaiting) return;
  state_ = state;
  error_ = std::string(error);
  changed_.SignalAll();
}

void BlockedClient::Cancel(Engine* engine) {
  {
    absl::MutexLock lock(&mu_);
    Leave(State::kGone, "");
  }
  for (const std::string& key : request_.keys) {
    engine->keyspace().waiters().Remove(KeyRef(key), db_, this);
  }
}

void BlockedClient::Wait(Engine* engine, net::Deadline deadline,
                         std::string* reply) {
  session_.blocked.store(true, std::memory_order_relaxed);
  session_.set_unblocker([this](absl::string_view error) {
    absl::MutexLock lock(&mu_);
    const bool waits = state_ == State::kWaiting;
    Leave(State::kUnblocked, error);
    return waits;
  });
  const uint64_t watch = engine->peer_watch().Watch(session_.fd(), [this] {
    absl::MutexLock lock(&mu_);
    Leave(State::kGone, "");
  });
  {
    absl::MutexLock lock(&mu_);
    while (state_ == State::kWaiting && !session_.killed()) {
      if (!changed_.Wait(&mu_, deadline)) Leave(State::kTimedOut, "");
    }
  }
  Cancel(engine);
  engine->peer_watch().Unwatch(watch);
  session_.set_unblocker(nullptr);
  session_.blocked.store(false, std::memory_order_relaxed);

  absl::MutexLock lock(&mu_);
  net::ReplyWriter writer(reply,
                          session_.protocol.load(std::memory_order_relaxed));
  switch (state_) {
    case State::kServed:
      reply->append(reply_);
      if (write_offset_ >= 0) session_.own.write_offset = write_offset_;
      break;
    case State::kUnblocked:
      if (!error_.empty()) {
        engine->stats().CountError(error_);
        CountFailure(engine);
        writer.Error(error_);
        break;
      }
      request_.on_timeout(&writer);
      break;
    case State::kTimedOut:
      request_.on_timeout(&writer);
      break;
    case State::kWaiting:
    case State::kGone:
      break;  // There is nobody to reply to.
  }
}

void ExecutionUnit::ServeReadyClients() {
  WaiterTable& waiters = engine_->keyspace().waiters();
  // A long transaction may have outlived a key that it made.
  now_ms_ = engine_->WallMs();
  // What is served may make further keys ready.
  for (size_t i = 0; i < ready_.size(); ++i) {
    const NamedKey ready = ready_[i];
    to_serve_.erase(ready);  // It may become ready once more.
    const KeyRef key(ready.name);
    if (!locks_.Holds(key.slot, true)) continue;
    for (const auto& waiter : waiters.WaitersFor(key, ready.db)) {
      auto* client = static_cast<BlockedClient*>(waiter.get());
      if (!client->serves_missing_keys() &&
          engine_->keyspace().db(ready.db).Find(key) == nullptr)
        continue;
      const BlockedClient::Outcome outcome = client->TryServe(this, ready.name);
      if (outcome == BlockedClient::Outcome::kServed) {
        waiters.Remove(key, ready.db, client);
      } else if (outcome == BlockedClient::Outcome::kNeedsSlot) {
        later_.push_back({ready, client->also_slot()});
        break;  // Those behind it are not to come first.
      }
    }
  }
  ready_.clear();
}

void ExecutionUnit::ServeLaterClients() {
  // A slot that could not be had in the wrong order is taken in the right one.
  std::vector<Later> later;
  later.swap(later_);
  for (Later& l : later) {
    changes_ = 0;
    const SlotUse slots[] = {{SlotOfKey(l.key.name), true}, {l.slot, true}};
    locks_.LockMany(slots, true);
    if (!engine_->is_replica()) NoteReady(l.key.db, l.key.name);
    End();
  }
}

}  // namespace holdfast::server
