#include "replication/primary/replica_session.h"

#include <pthread.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "net/resp/integer.h"
#include "net/socket/address.h"
#include "net/socket/errors.h"
#include "net/socket/options.h"
#include "replication/events/causes.h"
#include "replication/primary/primary.h"
#include "server/keyspace/entry.h"
#include "server/persist/rdb/transfer.h"

namespace holdfast::replication {
namespace {

using server::ConfigId;

constexpr size_t kSnapshotPiece = 64 * 1024;
constexpr size_t kMostBlocksAWrite = 16;
constexpr absl::Duration kNewlinePeriod = absl::Seconds(1);
// A write that takes longer holds the others up at last, or the replica would
// wait for ever.
constexpr absl::Duration kCutPatience = absl::Seconds(10);

std::string ReplicaIp(const server::Session& session, int fd) {
  return session.own.replica_ip.empty() ? net::PeerHostPort(fd).host
                                        : session.own.replica_ip;
}

// Why the replica's end of the connection is gone, of what a read said.
absl::string_view CauseOfLoss(const absl::Status& read) {
  if (absl::IsDeadlineExceeded(read)) return cause::kReplicaSilent;
  if (absl::IsInvalidArgument(read)) return cause::kProtocolError;
  const int error = net::ErrnoOf(read);
  if (error == ETIMEDOUT) return cause::kTimedOut;
  return error != 0 ? cause::kReset : cause::kReplicaClosed;
}

std::string RandomEntropy(server::Engine& engine) {
  std::string entropy;
  while (entropy.size() < 20) {
    const uint64_t random = engine.RandomU64();
    entropy.append(reinterpret_cast<const char*>(&random),
                   std::min<size_t>(sizeof(random), 20 - entropy.size()));
  }
  return entropy;
}

}  // namespace

ReplicaSession::ReplicaSession(server::Engine* engine, Primary* primary,
                               server::Connection* connection,
                               ReplicaRequest request)
    : engine_(*engine),
      primary_(*primary),
      connection_(*connection),
      session_(connection->shared_session()),
      partial_(request.partial),
      history_(std::move(request.history)),
      speaks_psync_(request.speaks_psync),
      is_holdfast_(session_->own.capa_holdfast),
      takes_eof_mark_(session_->own.capa_eof),
      ip_(ReplicaIp(*session_, connection->stream().fd())),
      port_(session_->own.replica_port),
      last_ack_ns_(engine->clock()->Now().nanos()),
      wants_pings_(!is_holdfast_),
      pin_(std::move(request.pin)),
      cursor_(request.offset) {
  const server::KeepaliveSettings keepalive = engine_.config().LinkKeepalive();
  net::TcpOptions options;
  options.keep_alive = keepalive.enabled;
  options.keep_alive_times = {keepalive.idle, keepalive.interval,
                              keepalive.count};
  options.user_timeout = engine_.config().EffectiveReplTimeout(is_holdfast_);
  net::ApplyOptions(connection_.stream().fd(), options);
}

ReplicaSession::~ReplicaSession() = default;

void ReplicaSession::Run() {
  primary_.Add(this);
  session_->kind.store(server::SessionKind::kReplica,
                       std::memory_order_relaxed);
  LOG(INFO) << "Replica " << ip_ << ":" << port_
            << (partial_ ? " continues partially"
                         : " asks for a full synchronisation")
            << (is_holdfast_ ? " (Holdfast)" : "");
  LinkEvent begun =
      Event(partial_ ? LinkEventKind::kSyncPartial : LinkEventKind::kSyncFull);
  begun.text = partial_ ? absl::StrCat("continues from offset ", cursor_)
                        : "a full synchronisation begins";
  primary_.events().Add(std::move(begun));
  std::thread sender([this] { SenderThread(); });
  const absl::Status read = ReadAcks();
  if (session_->killed()) {
    SetCause(cause::kKilled,
             absl::CancelledError("closed by CLIENT KILL or shutdown"));
  } else {
    SetCause(CauseOfLoss(read), read);
  }
  const auto tcp_info = net::GetTcpInfo(connection_.stream().fd());
  std::string tcp = tcp_info.ok() ? tcp_info->ToString() : std::string();
  stop_.store(true, std::memory_order_release);
  connection_.stream().Shutdown();
  engine_.log().WakeAll();
  {
    absl::MutexLock lock(&mu_);
    acked_cv_.SignalAll();
  }
  sender.join();
  pin_.reset();
  primary_.Remove(this);
  LinkEvent event = Event(LinkEventKind::kDrop);
  absl::MutexLock lock(&mu_);
  event.cause = cause_;
  event.error = net::ErrnoOf(cause_status_);
  event.tcp = std::move(tcp);
  event.text = std::string(cause_status_.message());
  LOG(INFO) << "Replica " << ip_ << ":" << port_ << " ended: cause=" << cause_
            << " (" << cause_status_.message() << ") acked=" << acked_offset()
            << " sent=" << sent_offset()
            << " log_end=" << engine_.log().end_offset();
  primary_.events().Add(std::move(event));
}

LinkEvent ReplicaSession::Event(LinkEventKind kind) const {
  LinkEvent event;
  event.direction = LinkDirection::kFromReplica;
  event.kind = kind;
  event.peer = net::JoinHostPort(ip_, port_);
  event.phase = state() == State::kOnline ? "streaming" : "transfer";
  event.our_offset = engine_.log().end_offset();
  event.peer_offset =
      first_ack_.load(std::memory_order_relaxed) ? acked_offset() : -1;
  return event;
}

void ReplicaSession::SetCause(absl::string_view cause,
                              const absl::Status& status) {
  absl::MutexLock lock(&mu_);
  if (!cause_.empty()) return;
  cause_ = std::string(cause);
  cause_status_ = status;
}

void ReplicaSession::Drop(absl::string_view cause) {
  SetCause(cause, absl::CancelledError("dropped by this server"));
  session_->Kill();
}

absl::Duration ReplicaSession::SinceAck() const {
  return engine_.clock()->Now() -
         net::MonoTime::FromNanos(last_ack_ns_.load(std::memory_order_relaxed));
}

absl::Status ReplicaSession::Write(absl::string_view bytes) {
  const iovec part = {const_cast<char*>(bytes.data()), bytes.size()};
  return Write(absl::MakeConstSpan(&part, 1));
}

absl::Status ReplicaSession::Write(absl::Span<const iovec> parts) {
  const absl::Status status = connection_.stream().WriteAllWithProgress(
      parts, engine_.config().Duration(ConfigId::kReplWriteTimeoutMs),
      engine_.clock());
  if (!status.ok()) return status;
  int64_t bytes = 0;
  for (const iovec& part : parts) bytes += static_cast<int64_t>(part.iov_len);
  session_->bytes_out.fetch_add(bytes, std::memory_order_relaxed);
  engine_.stats().net_repl_output_bytes.Add(bytes);
  return absl::OkStatus();
}

void ReplicaSession::SenderThread() {
  pthread_setname_np(pthread_self(), "replica-sender");
  absl::Status status = partial_ ? ConfirmHistory() : SendSnapshot();
  if (status.ok()) {
    state_.store(State::kOnline, std::memory_order_release);
    primary_.WakeWaiters();  // What it has acknowledged counts from now on.
    if (speaks_psync_) JudgeSilence();
    status = StreamLog();
  }
  if (absl::IsDeadlineExceeded(status)) {
    SetCause(cause::kReplicaStuck, status);
  } else if (absl::IsOutOfRange(status)) {
    SetCause(cause::kReplicaLagging, status);
  } else if (absl::IsAborted(status)) {
    SetCause(cause::kSnapshotFailed, status);
  } else if (!status.ok() && !stop_.load(std::memory_order_relaxed) &&
             !session_->killed()) {
    SetCause(
        net::ErrnoOf(status) == ETIMEDOUT ? cause::kTimedOut : cause::kReset,
        status);
  }
  // The reader wakes and ends the session.
  connection_.stream().Shutdown();
}

absl::Status ReplicaSession::ConfirmHistory() {
  // Between the check and our joining the sessions nobody knew of us. Whoever
  // changes the history drops all sessions after it: us too from now on, and if
  // that is over, we see the new name.
  if (engine_.log().replication_id().id == history_) return absl::OkStatus();
  const absl::Status ended = absl::CancelledError(
      "the history it was to continue has ended meanwhile");
  SetCause(cause::kAdmin, ended);
  return ended;
}

absl::Status ReplicaSession::SendSnapshot() {
  const net::Deadline patient_until =
      net::Deadline::After(engine_.clock(), kCutPatience);
  absl::StatusOr<std::shared_ptr<server::Snapshot>> snapshot = nullptr;
  for (;;) {
    snapshot = primary_.snapshots().StartOrJoin(
        net::Deadline::After(engine_.clock(), kNewlinePeriod),
        patient_until.Remaining());
    if (!absl::IsDeadlineExceeded(snapshot.status())) break;
    // A write that takes long; empty lines say meanwhile that we live.
    if (stop_.load(std::memory_order_relaxed))
      return absl::CancelledError("stopped");
    const absl::Status status = Write("\n");
    if (!status.ok()) return status;
  }
  if (!snapshot.ok()) return absl::AbortedError(snapshot.status().message());
  cursor_ = (*snapshot)->offset();
  pin_ = engine_.log().PinAt(cursor_);
  sent_.store(cursor_, std::memory_order_relaxed);
  absl::Status status = SendHeaderAndBody(snapshot->get());
  primary_.snapshots().Release(*std::move(snapshot));
  if (status.ok() && speaks_psync_) status = AwaitFirstAck();
  return status;
}

absl::Status ReplicaSession::SendHeaderAndBody(server::Snapshot* snapshot) {
  if (speaks_psync_) {
    const absl::Status status =
        Write(absl::StrCat("+FULLRESYNC ", snapshot->replication_id(), " ",
                           snapshot->offset(), "\r\n"));
    if (!status.ok()) return status;
  }
  std::string mark;
  if (takes_eof_mark_) {
    mark = server::MakeEofMark(RandomEntropy(engine_));
    const absl::Status status = Write(server::EofTransferHeader(mark));
    if (!status.ok()) return status;
  } else {
    // The length must be known first; empty lines say meanwhile that we live.
    for (;;) {
      const auto all = snapshot->WaitForBytes(
          std::numeric_limits<int64_t>::max(),
          net::Deadline::After(engine_.clock(), kNewlinePeriod));
      if (!all.ok()) return all.status();
      if (stop_.load(std::memory_order_relaxed))
        return absl::CancelledError("stopped");
      const absl::Status status = Write(
          all->complete
              ? server::LengthTransferHeader(static_cast<uint64_t>(all->bytes))
              : std::string("\n"));
      if (!status.ok()) return status;
      if (all->complete) break;
    }
  }
  state_.store(State::kSendBulk, std::memory_order_release);
  const std::unique_ptr<char[]> piece(new char[kSnapshotPiece]);
  for (int64_t position = 0;;) {
    const auto readable = snapshot->WaitForBytes(
        position, net::Deadline::After(engine_.clock(), kNewlinePeriod));
    if (!readable.ok()) return readable.status();
    if (stop_.load(std::memory_order_relaxed))
      return absl::CancelledError("stopped");
    if (readable->bytes == position && readable->complete) break;
    while (position < readable->bytes) {
      const size_t want = static_cast<size_t>(
          std::min<int64_t>(kSnapshotPiece, readable->bytes - position));
      const auto n = snapshot->ReadAt(position, piece.get(), want);
      if (!n.ok()) return absl::AbortedError(n.status().message());
      if (*n == 0)
        return absl::AbortedError(
            "the snapshot's temporary file is shorter than it was");
      const absl::Status status = Write({piece.get(), *n});
      if (!status.ok()) return status;
      position += static_cast<int64_t>(*n);
    }
  }
  return mark.empty() ? absl::OkStatus() : Write(mark);
}

absl::Status ReplicaSession::AwaitFirstAck() {
  // A replica that looks for the mark in whole reads (Redis) would miss it if
  // the stream followed at once; its ACK says that it has found it. It may load
  // for long meanwhile, and tells by empty lines that it lives.
  JudgeSilence();
  if (!takes_eof_mark_) return absl::OkStatus();
  absl::MutexLock lock(&mu_);
  while (!first_ack_.load(std::memory_order_acquire) &&
         !stop_.load(std::memory_order_relaxed)) {
    acked_cv_.Wait(&mu_, net::Deadline::After(engine_.clock(), kNewlinePeriod));
  }
  return stop_.load(std::memory_order_relaxed) ? absl::CancelledError("stopped")
                                               : absl::OkStatus();
}

absl::Status ReplicaSession::StreamLog() {
  server::CommandLog& log = engine_.log();
  sent_.store(cursor_, std::memory_order_relaxed);
  std::vector<server::CommandLog::Chunk> chunks;
  std::vector<iovec> parts;
  while (!stop_.load(std::memory_order_relaxed)) {
    const net::Deadline next_keepalive = net::Deadline::After(
        engine_.clock(), engine_.config().EffectivePingPeriod());
    if (!log.WaitForBytes(cursor_, next_keepalive, &stop_)) {
      if (stop_.load(std::memory_order_relaxed)) break;
      const absl::Status status = SendKeepalive();
      if (!status.ok()) return status;
      continue;
    }
    chunks.clear();
    parts.clear();
    int64_t end = cursor_;
    while (chunks.size() < kMostBlocksAWrite) {
      absl::StatusOr<server::CommandLog::Chunk> chunk = log.Read(end);
      if (!chunk.ok()) return chunk.status();
      if (chunk->bytes().empty()) break;
      end += static_cast<int64_t>(chunk->bytes().size());
      parts.push_back(
          {const_cast<char*>(chunk->bytes().data()), chunk->bytes().size()});
      chunks.push_back(*std::move(chunk));
    }
    // Before the write: its acknowledgement can be back before the write
    // returns.
    sent_.store(end, std::memory_order_release);
    const absl::Status status = Write(parts);
    if (!status.ok()) return status;
    cursor_ = end;
    pin_->Advance(cursor_);
  }
  return absl::CancelledError("stopped");
}

absl::Status ReplicaSession::SendKeepalive() {
  // Outside the offset, so it can go only to who knows that; others are pinged
  // in the stream (Primary::PingReplicas).
  return is_holdfast_ ? Write("\n") : absl::OkStatus();
}

void ReplicaSession::JudgeSilence() {
  int64_t never = kNotJudged;
  judged_from_ns_.compare_exchange_strong(never, engine_.clock()->Now().nanos(),
                                          std::memory_order_relaxed);
}

absl::Status ReplicaSession::ReadAcks() {
  net::MonoTime heard = engine_.clock()->Now();
  net::InputBuffer& input = connection_.input();
  net::RequestDecoder& decoder = connection_.decoder();
  for (;;) {
    for (bool more = true; more;) {
      switch (decoder.Next(&input)) {
        case net::RequestDecoder::Result::kCommand:
          OnRequest(decoder.args());
          break;
        case net::RequestDecoder::Result::kEmpty:  // "\n": the replica is
                                                   // loading.
          break;
        case net::RequestDecoder::Result::kNeedMore:
          more = false;
          break;
        case net::RequestDecoder::Result::kError:
          return absl::InvalidArgumentError(decoder.error_text());
      }
    }
    const absl::Duration timeout =
        engine_.config().EffectiveReplTimeout(is_holdfast_);
    // What came before it was to speak is no silence of its own.
    const auto silent_from = [&] {
      const int64_t judged_from =
          judged_from_ns_.load(std::memory_order_relaxed);
      return judged_from == kNotJudged
                 ? engine_.clock()->Now()
                 : std::max(heard, net::MonoTime::FromNanos(judged_from));
    };
    const net::Deadline deadline =
        net::Deadline::At(engine_.clock(), silent_from() + timeout);
    const absl::StatusOr<size_t> n = connection_.stream().ReadSome(
        input.WriteArea(decoder.bytes_wanted()), deadline);
    if (!n.ok()) {
      if (!absl::IsDeadlineExceeded(n.status())) return n.status();
      if (engine_.clock()->Now() < silent_from() + timeout) continue;
      return absl::DeadlineExceededError(absl::StrCat(
          "nothing from the replica for ", absl::FormatDuration(timeout)));
    }
    if (*n == 0)
      return absl::UnavailableError("the replica closed the connection");
    heard = engine_.clock()->Now();
    input.Commit(*n);
    session_->bytes_in.fetch_add(static_cast<int64_t>(*n),
                                 std::memory_order_relaxed);
    session_->last_interaction_ms.store(heard.nanos() / 1000000,
                                        std::memory_order_relaxed);
    engine_.stats().net_repl_input_bytes.Add(static_cast<int64_t>(*n));
  }
}

void ReplicaSession::OnRequest(absl::Span<const absl::string_view> args) {
  int64_t offset = 0;
  if (args.size() < 3 || !absl::EqualsIgnoreCase(args[0], "REPLCONF") ||
      !absl::EqualsIgnoreCase(args[1], "ACK") ||
      !net::ParseInteger(args[2], &offset)) {
    return;  // Nothing else that a replica may say at this point needs an
             // answer.
  }
  // An offset beyond what was sent would make WAIT lie.
  offset = std::min(offset, sent_.load(std::memory_order_acquire));
  last_ack_ns_.store(engine_.clock()->Now().nanos(), std::memory_order_relaxed);
  if (is_holdfast_) {
    const bool wanted = args.size() >= 5 &&
                        absl::EqualsIgnoreCase(args[3], "PINGS") &&
                        args[4] == "1";
    wants_pings_.store(wanted, std::memory_order_relaxed);
  }
  const bool news = offset > acked_.load(std::memory_order_relaxed);
  if (news) acked_.store(offset, std::memory_order_release);
  if (!first_ack_.exchange(true, std::memory_order_acq_rel)) {
    absl::MutexLock lock(&mu_);
    acked_cv_.SignalAll();
  }
  if (news) primary_.WakeWaiters();
}

}  // namespace holdfast::replication
