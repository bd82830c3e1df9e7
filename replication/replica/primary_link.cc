#include "replication/replica/primary_link.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "net/socket/address.h"
#include "replication/events/causes.h"
#include "server/config/config.h"

namespace holdfast::replication {
namespace {

using server::ConfigId;

int64_t Seconds(absl::Duration d) { return absl::ToInt64Seconds(d); }

}  // namespace

absl::string_view PrimaryLink::PhaseName(Phase phase) {
  switch (phase) {
    case Phase::kConnecting:
      return "connect";
    case Phase::kHandshake:
      return "handshake";
    case Phase::kTransfer:
      return "transfer";
    case Phase::kLoading:
      return "loading";
    case Phase::kStreaming:
      return "streaming";
    case Phase::kBackoff:
      return "backoff";
  }
  return "";
}

PrimaryLink::PrimaryLink(server::Engine* engine, std::string host, int port,
                         LinkEvents* events, Hooks hooks)
    : engine_(*engine),
      clock_(engine->clock()),
      host_(std::move(host)),
      port_(port),
      peer_(net::JoinHostPort(host_, port)),
      events_(*events),
      hooks_(std::move(hooks)),
      writer_(engine,
              [this] {
                return peer_is_holdfast_.load(std::memory_order_relaxed) &&
                       hooks_.wants_pings != nullptr && hooks_.wants_pings();
              }),
      down_since_(clock_->Now()),
      thread_([this] { Run(); }) {}

void PrimaryLink::Stop() {
  CHECK(std::this_thread::get_id() != thread_.get_id())
      << "a link cannot end itself";
  stop_.Stop();
  {
    // A connection made after this look finds the signal raised.
    absl::MutexLock lock(&mu_);
    if (connection_ != nullptr) connection_->Shutdown();
  }
  if (thread_.joinable()) thread_.join();
  writer_.Stop();
}

void PrimaryLink::Run() {
  pthread_setname_np(pthread_self(), "primary-link");
  while (!stop_.stopped()) {
    absl::Duration streamed = absl::ZeroDuration();
    SetPhase(Phase::kConnecting);
    {
      absl::MutexLock lock(&mu_);
      ++counts_.attempts;
    }
    const LinkFailure failure = RunConnection(&streamed);
    if (stop_.stopped()) break;
    const absl::Duration pause = NextPause(streamed);
    const bool was_up = streamed > absl::ZeroDuration();
    LOG(WARNING)
        << (was_up ? "Lost the link to primary " : "No link to primary ")
        << peer_ << ": " << failure.text << " (" << failure.cause
        << "), offset " << engine_.log().end_offset() << "; next attempt in "
        << absl::FormatDuration(absl::Trunc(pause, absl::Milliseconds(1)))
        << (force_full_ ? ", for a full synchronisation" : "");
    stop_.WaitUntil(net::Deadline::After(clock_, pause));
  }
}

absl::Duration PrimaryLink::NextPause(absl::Duration streamed) {
  const server::Config& config = engine_.config();
  const int64_t base = config.Int(ConfigId::kReplBackoffBaseMs);
  const int64_t cap = std::max(base, config.Int(ConfigId::kReplBackoffCapMs));
  const int64_t healthy_after = config.Int(ConfigId::kReplHealthyAfterMs);
  if (backoff_ == nullptr || base != backoff_base_ms_ ||
      cap != backoff_cap_ms_ || healthy_after != healthy_after_ms_) {
    backoff_base_ms_ = base;
    backoff_cap_ms_ = cap;
    healthy_after_ms_ = healthy_after;
    backoff_ = std::make_unique<net::Backoff>(net::BackoffOptions{
        .base = absl::Milliseconds(base),
        .cap = absl::Milliseconds(cap),
        .healthy_after = absl::Milliseconds(healthy_after)});
  }
  if (streamed > absl::ZeroDuration()) backoff_->NoteHealthy(streamed);
  return backoff_->Next([this] {
    return static_cast<double>(engine_.RandomU64() >> 11) * 0x1p-53;
  });
}

net::Deadline PrimaryLink::ReadDeadline() const {
  return net::Deadline::After(
      clock_, engine_.config().EffectiveReplTimeout(
                  peer_is_holdfast_.load(std::memory_order_relaxed)));
}

void PrimaryLink::NoteBytes(size_t n) {
  last_io_ns_.store(clock_->Now().nanos(), std::memory_order_relaxed);
  engine_.stats().net_repl_input_bytes.Add(static_cast<int64_t>(n));
}

void PrimaryLink::SetPhase(Phase phase) {
  absl::MutexLock lock(&mu_);
  const net::MonoTime now = clock_->Now();
  if (phase == Phase::kStreaming) {
    up_since_ = now;
    ++counts_.times_up;
  } else if (phase_ == Phase::kStreaming) {
    down_since_ = now;
    ++counts_.drops;
  }
  if (phase == Phase::kTransfer) sync_began_ = now;
  phase_ = phase;
}

LinkFailure PrimaryLink::LossOf(const absl::Status& status,
                                absl::string_view silent,
                                absl::string_view closed) const {
  if (stop_.stopped())
    return MakeFailure(cause::kStopped, "the link was stopped");
  if (killed_)
    return MakeFailure(cause::kKilled, "CLIENT KILL closed the link");
  const absl::Status write = writer_.failure();
  const LinkFailure loss = LossFailure(status, silent, closed);
  if (write.ok() || loss.error != 0) return loss;
  // The kernel tells only one of two threads why a connection broke.
  return LossFailure(write.code() == absl::StatusCode::kDataLoss
                         ? absl::DeadlineExceededError(write.message())
                         : write,
                     cause::kHeartbeatFailed, closed);
}

void PrimaryLink::AddEvent(LinkEventKind kind, const LinkFailure& failure,
                           absl::string_view tcp) {
  LinkEvent event;
  event.direction = LinkDirection::kToPrimary;
  event.kind = kind;
  event.peer = peer_;
  event.cause = failure.cause;
  event.error = failure.error;
  event.our_offset = engine_.log().end_offset();
  event.tcp = std::string(tcp);
  event.text = failure.text;
  {
    absl::MutexLock lock(&mu_);
    event.phase = std::string(PhaseName(phase_));
  }
  events_.Add(std::move(event));
}

void PrimaryLink::NoteFailure(const LinkFailure& failure,
                              absl::string_view tcp) {
  LinkEventKind kind = LinkEventKind::kConnectFailed;
  {
    absl::MutexLock lock(&mu_);
    if (phase_ == Phase::kStreaming) {
      kind = LinkEventKind::kDrop;
    } else if (failure.cause == cause::kRefusedEmptyMaster ||
               absl::StartsWith(failure.cause, cause::kHandshakeRefused)) {
      kind = LinkEventKind::kRefused;
    } else if (phase_ == Phase::kTransfer || phase_ == Phase::kLoading) {
      kind = LinkEventKind::kSyncFailed;
    }
    if (failure.cause == cause::kStopped && kind != LinkEventKind::kDrop)
      return;
    counts_.last_cause = failure.cause;
    counts_.last_error = failure.text;
    if (kind != LinkEventKind::kDrop) ++counts_.failed_attempts;
  }
  AddEvent(kind, failure, tcp);
}

PrimaryLink::State PrimaryLink::state() const {
  const int64_t now_ns = clock_->Now().nanos();
  const int64_t last_io_seconds = std::max<int64_t>(
      0, Seconds(absl::Nanoseconds(
             now_ns - last_io_ns_.load(std::memory_order_relaxed))));
  absl::MutexLock lock(&mu_);
  const net::MonoTime now = clock_->Now();
  State state = counts_;
  state.phase = phase_;
  state.host = host_;
  state.port = port_;
  state.up = phase_ == Phase::kStreaming;
  state.peer_is_holdfast = peer_is_holdfast_.load(std::memory_order_relaxed);
  state.last_io_seconds = connection_ == nullptr ? -1 : last_io_seconds;
  state.down_seconds = state.up ? 0 : Seconds(now - down_since_);
  state.up_seconds = state.up ? Seconds(now - up_since_) : 0;
  state.applied_offset = engine_.log().end_offset();
  state.sync_in_progress =
      phase_ == Phase::kTransfer || phase_ == Phase::kLoading;
  if (state.sync_in_progress) {
    state.sync_read_bytes = sync_read_bytes_.load(std::memory_order_relaxed);
    if (state.sync_total_bytes >= 0)
      state.sync_read_bytes =
          std::min(state.sync_read_bytes, state.sync_total_bytes);
    state.sync_keys = sync_keys_.load(std::memory_order_relaxed);
    state.sync_seconds = Seconds(now - sync_began_);
    state.sync_last_io_seconds = last_io_seconds;
  } else {
    state.sync_total_bytes = -1;
  }
  return state;
}

}  // namespace holdfast::replication
