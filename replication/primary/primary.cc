#include "replication/primary/primary.h"

#include <pthread.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "net/resp/reply_writer.h"
#include "replication/events/causes.h"

namespace holdfast::replication {
namespace {

using server::ConfigId;

constexpr absl::Duration kCronPeriod = absl::Milliseconds(100);
constexpr absl::Duration kWaitSlice = absl::Seconds(1);

absl::string_view StateName(ReplicaSession::State state) {
  switch (state) {
    case ReplicaSession::State::kWaitBgsave:
      return "wait_bgsave";
    case ReplicaSession::State::kSendBulk:
      return "send_bulk";
    case ReplicaSession::State::kOnline:
      return "online";
  }
  return "unknown";
}

}  // namespace

Primary::Primary(server::Engine* engine, LinkEvents* events)
    : engine_(*engine),
      events_(*events),
      snapshots_(engine),
      none_since_(engine->clock()->Now()),
      cron_([this] { CronThread(); }) {}

Primary::~Primary() {
  stop_.Stop();
  cron_.join();
  absl::MutexLock lock(&mu_);
  CHECK(sessions_.empty()) << "a replica's connection outlives replication";
}

void Primary::OnPsync(server::Connection* connection, absl::string_view replid,
                      int64_t offset, bool speaks_psync, std::string* reply) {
  ReplicaRequest request;
  request.speaks_psync = speaks_psync;
  server::CommandLog& log = engine_.log();
  if (speaks_psync && replid != "?") {
    // Held first, checked then: in between nothing can leave the window.
    request.offset = std::max<int64_t>(offset, 0) - 1;
    request.history = log.replication_id().id;
    request.pin = log.PinAt(request.offset);
    const absl::Status can_continue = log.CanContinue(replid, request.offset);
    request.partial = can_continue.ok();
    if (!request.partial) {
      LOG(INFO) << "Partial resynchronization not possible: "
                << can_continue.message();
      engine_.stats().sync_partial_err.fetch_add(1, std::memory_order_relaxed);
      request.pin.reset();
    }
  }
  if (request.partial) {
    engine_.stats().sync_partial_ok.fetch_add(1, std::memory_order_relaxed);
    if (connection->session().own.capa_psync2) {
      absl::StrAppend(reply, "+CONTINUE ", request.history, "\r\n");
    } else {
      absl::StrAppend(reply, "+CONTINUE\r\n");
    }
  } else {
    engine_.stats().sync_full.fetch_add(1, std::memory_order_relaxed);
  }
  // std::function copies; the request is moved through a shared pointer.
  auto shared = std::make_shared<ReplicaRequest>(std::move(request));
  connection->session().own.takeover = [this, connection, shared] {
    ReplicaSession(&engine_, this, connection, std::move(*shared)).Run();
  };
}

void Primary::Add(ReplicaSession* session) {
  absl::MutexLock lock(&mu_);
  sessions_.insert(session);
}

void Primary::Remove(ReplicaSession* session) {
  absl::MutexLock lock(&mu_);
  sessions_.erase(session);
  none_since_ = engine_.clock()->Now();
  acked_.SignalAll();
}

void Primary::WakeWaiters() {
  absl::MutexLock lock(&mu_);
  acked_.SignalAll();
}

int Primary::CountAckedLocked(int64_t offset) const {
  return static_cast<int>(std::count_if(
      sessions_.begin(), sessions_.end(), [&](const ReplicaSession* s) {
        return s->state() == ReplicaSession::State::kOnline &&
               s->acked_offset() >= offset;
      }));
}

int Primary::CountAcked(int64_t offset) const {
  absl::ReaderMutexLock lock(&mu_);
  return CountAckedLocked(offset);
}

int Primary::WaitForAcks(int64_t offset, int replicas, net::Deadline deadline,
                         const std::function<bool()>& give_up) {
  absl::MutexLock lock(&mu_);
  for (;;) {
    const int acked = CountAckedLocked(offset);
    if (acked >= replicas || deadline.Expired() || give_up()) return acked;
    // In slices, so that `give_up` is looked at even if nobody wakes us for it.
    acked_.Wait(
        &mu_, net::Deadline::Earlier(
                  deadline, net::Deadline::After(engine_.clock(), kWaitSlice)));
  }
}

int Primary::GoodReplicas(int64_t lag_seconds) const {
  absl::ReaderMutexLock lock(&mu_);
  return static_cast<int>(std::count_if(
      sessions_.begin(), sessions_.end(), [&](const ReplicaSession* s) {
        return s->state() == ReplicaSession::State::kOnline &&
               s->SinceAck() <= absl::Seconds(lag_seconds);
      }));
}

int Primary::ReplicaCount() const {
  absl::ReaderMutexLock lock(&mu_);
  return static_cast<int>(sessions_.size());
}

void Primary::DropAll(absl::string_view cause) {
  absl::MutexLock lock(&mu_);
  for (ReplicaSession* session : sessions_) session->Drop(cause);
}

std::vector<Primary::ReplicaInfo> Primary::Replicas() const {
  absl::ReaderMutexLock lock(&mu_);
  std::vector<ReplicaInfo> all;
  for (const ReplicaSession* s : sessions_) {
    const bool online = s->state() == ReplicaSession::State::kOnline;
    const absl::Duration lag = online ? s->SinceAck() : absl::ZeroDuration();
    all.push_back({s->ip(), s->port(), std::string(StateName(s->state())),
                   s->acked_offset(), absl::ToInt64Seconds(lag),
                   absl::ToInt64Milliseconds(lag), s->is_holdfast()});
  }
  return all;
}

void Primary::CronThread() {
  pthread_setname_np(pthread_self(), "repl-cron");
  net::MonoTime pinged = engine_.clock()->Now();
  while (!stop_.WaitUntil(net::Deadline::After(engine_.clock(), kCronPeriod))) {
    const net::MonoTime now = engine_.clock()->Now();
    if (now - pinged >= engine_.config().EffectivePingPeriod()) {
      pinged = now;
      PingReplicas();
    }
    const absl::Duration ttl =
        engine_.config().Duration(ConfigId::kReplBacklogTtl);
    bool nobody_comes_back = false;
    {
      absl::ReaderMutexLock lock(&mu_);
      nobody_comes_back = ttl > absl::ZeroDuration() && sessions_.empty() &&
                          now - none_since_ > ttl;
    }
    // A replica keeps its log: it may be promoted.
    if (nobody_comes_back && engine_.log().active() && !engine_.is_replica() &&
        !AofFollowsLog()) {
      const server::ExclusiveGate gate(&engine_.keyspace().gate());
      if (ReplicaCount() == 0 && !engine_.is_replica() && !AofFollowsLog()) {
        engine_.log().Deactivate();
        // Writes from now on are not recorded, so nobody may continue from
        // here.
        engine_.log().NewReplicationId();
        DropAll(cause::kAdmin);  // Who was let in and had not joined yet.
      }
    }
  }
}

bool Primary::AofFollowsLog() const {
  return engine_.aof_service != nullptr && engine_.aof_service->follows_log();
}

bool Primary::WantsPings() const {
  absl::ReaderMutexLock lock(&mu_);
  return std::any_of(sessions_.begin(), sessions_.end(),
                     [](const ReplicaSession* s) { return s->wants_pings(); });
}

void Primary::PingReplicas() {
  // Those below a replica get its primary's PINGs.
  if (WantsPings()) AppendOutOfBand(net::EncodeCommand({"PING"}));
}

void Primary::AppendOutOfBand(absl::string_view command) {
  absl::ReaderMutexLock lock(&mu_);
  // At the end the log stays where the file on disk has it.
  if (!engine_.is_replica() && !engine_.ending())
    engine_.log().AppendCommand(command);
}

}  // namespace holdfast::replication
