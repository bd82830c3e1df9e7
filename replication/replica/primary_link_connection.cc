// One connection of a PrimaryLink: dial, handshake, synchronisation, stream.

#include <memory>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "net/dial/dial.h"
#include "net/socket/address.h"
#include "net/socket/options.h"
#include "replication/events/causes.h"
#include "replication/replica/dataset_loader.h"
#include "replication/replica/link_source.h"
#include "replication/replica/primary_link.h"
#include "replication/replica/stream_applier.h"
#include "server/config/config.h"
#include "server/persist/load/load_file.h"
#include "server/persist/rdb/reader.h"
#include "server/persist/rdb/transfer.h"
#include "server/session/session.h"

namespace holdfast::replication {
namespace {

using server::ConfigId;

// The input buffer is made this large at once: one system call then brings what
// a fast primary sends in a few hundred microseconds.
constexpr size_t kInputBytes = 64 * 1024;
// A buffer that a large command has made larger than this is given back.
constexpr size_t kKeptInputBytes = 1 << 20;

bool Failed(const LinkFailure& failure) { return !failure.cause.empty(); }

net::TcpOptions LinkOptions(const server::Config& config) {
  const server::KeepaliveSettings keepalive = config.LinkKeepalive();
  net::TcpOptions options;
  options.no_delay = !config.Bool(ConfigId::kReplDisableTcpNodelay);
  options.keep_alive = keepalive.enabled;
  options.keep_alive_times = {keepalive.idle, keepalive.interval,
                              keepalive.count};
  // Whether the peer is a Holdfast shows later, and may shorten it.
  options.user_timeout = config.EffectiveReplTimeout(false);
  return options;
}

// What the RDB reader found, when the connection was not to blame.
LinkFailure RdbFailure(const absl::Status& status) {
  absl::string_view cause = cause::kRdbCorrupt;
  if (absl::IsCancelled(status)) {
    cause = cause::kStopped;
  } else if (absl::IsUnimplemented(status)) {
    cause = cause::kRdbUnsupported;
  } else if (absl::IsOutOfRange(status)) {
    cause = cause::kTooFewDatabases;
  } else if (absl::IsInvalidArgument(status) &&
             absl::StrContains(status.message(), "version")) {
    cause = cause::kRdbVersion;
  }
  return MakeFailure(
      cause, absl::StrCat("the snapshot was refused: ", status.message()));
}

}  // namespace

LinkFailure PrimaryLink::RunConnection(absl::Duration* streamed) {
  killed_ = false;
  peer_is_holdfast_.store(false, std::memory_order_relaxed);
  std::shared_ptr<net::RespClient> connection;
  LinkFailure failure = Connect(&connection);
  if (Failed(failure)) {
    NoteFailure(failure, "");
    SetPhase(Phase::kBackoff);
    return failure;
  }
  ReplicaHandshake handshake = NewHandshake();
  failure = Handshake(connection.get(), &handshake);
  if (!Failed(failure)) {
    failure = handshake.full_resync() ? FullSync(connection.get(), handshake)
                                      : Continue(handshake);
  }
  if (!Failed(failure)) {
    const net::MonoTime began = clock_->Now();
    failure = Stream(connection.get());
    *streamed = std::max(clock_->Now() - began, absl::Nanoseconds(1));
  }
  const absl::StatusOr<net::TcpInfo> tcp =
      net::GetTcpInfo(connection->stream().fd());
  NoteFailure(failure, tcp.ok() ? tcp->ToString() : "");
  SetPhase(Phase::kBackoff);
  writer_.Detach();
  connection
      ->Shutdown();  // The heartbeat thread may still hold it for a moment.
  absl::MutexLock lock(&mu_);
  connection_.reset();
  return failure;
}

LinkFailure PrimaryLink::Connect(std::shared_ptr<net::RespClient>* connection) {
  const server::Config& config = engine_.config();
  net::DialOptions options;
  options.clock = clock_;
  options.timeout = config.Duration(ConfigId::kReplConnectTimeoutMs);
  options.source_address = config.String(ConfigId::kBindSourceAddr);
  options.tcp = LinkOptions(config);
  options.stop = &stop_;
  absl::StatusOr<std::unique_ptr<net::Stream>> stream =
      net::Dial(host_, port_, options);
  if (!stream.ok()) return DialFailure(stream.status());
  *connection = std::make_shared<net::RespClient>(*std::move(stream));
  (*connection)->buffer().Append(std::string(kInputBytes, '\0'));
  (*connection)->buffer().Clear();
  NoteBytes(0);
  writer_.Attach(*connection, peer_);
  absl::MutexLock lock(&mu_);
  connection_ = *connection;
  if (stop_.stopped()) connection_->Shutdown();
  return {};
}

ReplicaHandshake PrimaryLink::NewHandshake() {
  const server::Config& config = engine_.config();
  HandshakeParams params;
  params.password = config.String(ConfigId::kMasterAuth);
  params.user = config.String(ConfigId::kMasterUser);
  params.announce_ip = config.String(ConfigId::kReplicaAnnounceIp);
  if (hooks_.announced_port != nullptr) {
    params.port = hooks_.announced_port();
  } else {
    const auto announced =
        static_cast<int>(config.Int(ConfigId::kReplicaAnnouncePort));
    params.port = announced != 0 ? announced : engine_.port();
  }
  // An inactive log has not recorded every write: its offset says nothing.
  if (!force_full_ && engine_.log().active()) {
    params.replication_id = engine_.log().replication_id().id;
    params.offset = engine_.log().end_offset();
  }
  return ReplicaHandshake(std::move(params));
}

LinkFailure PrimaryLink::Handshake(net::RespClient* connection,
                                   ReplicaHandshake* handshake) {
  SetPhase(Phase::kHandshake);
  using Progress = ReplicaHandshake::Progress;
  Progress progress = Progress::kSend;
  while (progress != Progress::kDone) {
    const auto deadline = [this] {
      return net::Deadline::After(
          clock_, engine_.config().Duration(ConfigId::kReplHandshakeTimeoutMs));
    };
    const std::string timeout =
        cause::WithStep(cause::kHandshakeTimeout, handshake->step());
    const auto lost = [&](const absl::Status& status) {
      LinkFailure failure = LossOf(status, timeout, cause::kPrimaryClosed);
      failure.text = absl::StrCat("in the handshake's step '",
                                  handshake->step(), "': ", failure.text);
      return failure;
    };
    if (progress == Progress::kSend) {
      const absl::Status sent = writer_.Send(handshake->command(), deadline());
      if (!sent.ok()) return lost(sent);
    }
    const absl::StatusOr<std::string> line = connection->ReadLine(deadline());
    if (!line.ok()) return lost(line.status());
    NoteBytes(line->size() + 1);
    progress = handshake->OnLine(*line);
    if (progress == Progress::kFailed)
      return MakeFailure(handshake->cause(), handshake->error());
  }
  if (handshake->peer_is_holdfast()) {
    peer_is_holdfast_.store(true, std::memory_order_relaxed);
    net::SetUserTimeout(connection->stream().fd(),
                        engine_.config().EffectiveReplTimeout(true));
  }
  return {};
}

LinkFailure PrimaryLink::Continue(const ReplicaHandshake& handshake) {
  server::CommandLog& log = engine_.log();
  const std::string& id = handshake.replication_id();
  const bool renamed = !id.empty() && id != log.replication_id().id;
  if (renamed) log.RenameHistory(id);
  LOG(INFO) << "Primary " << peer_ << " continues the stream at offset "
            << log.end_offset()
            << (renamed ? absl::StrCat(", now as history ", id) : "");
  AddEvent(LinkEventKind::kSyncPartial, {}, "");
  {
    absl::MutexLock lock(&mu_);
    ++counts_.partial_syncs;
  }
  if (renamed && hooks_.on_history_changed != nullptr)
    hooks_.on_history_changed();
  return {};
}

LinkFailure PrimaryLink::FullSync(net::RespClient* connection,
                                  const ReplicaHandshake& handshake) {
  LOG(INFO) << "Full synchronisation with primary " << peer_ << ", history "
            << handshake.replication_id() << ", offset " << handshake.offset();
  sync_keys_.store(0, std::memory_order_relaxed);
  sync_read_bytes_.store(static_cast<int64_t>(connection->buffer().size()),
                         std::memory_order_relaxed);
  {
    absl::MutexLock lock(&mu_);
    counts_.sync_total_bytes = -1;
  }
  SetPhase(Phase::kTransfer);
  writer_.SetBeat(LinkWriter::Beat::kNewline);

  LinkSource source(
      connection, [this] { return ReadDeadline(); },
      [this](size_t n) {
        NoteBytes(n);
        sync_read_bytes_.fetch_add(static_cast<int64_t>(n),
                                   std::memory_order_relaxed);
      });
  const auto lost = [&] {
    LinkFailure failure =
        LossOf(source.failure(), cause::kTransferStalled, cause::kTransferCut);
    if (failure.cause == cause::kReset)
      failure.cause = std::string(cause::kTransferCut);
    failure.text =
        absl::StrCat("after ", source.consumed(),
                     " bytes of the snapshot's transfer: ", failure.text);
    return failure;
  };

  server::TransferHeader header;
  while (header.kind == server::TransferHeader::Kind::kKeepalive) {
    absl::StatusOr<server::TransferHeader> next =
        server::ReadTransferHeader(&source);
    if (!next.ok()) {
      if (!source.failure().ok()) return lost();
      return MakeFailure(absl::IsAborted(next.status())
                             ? cause::kTransferAborted
                             : cause::kProtocolError,
                         next.status().message());
    }
    header = *std::move(next);
  }
  std::unique_ptr<server::TransferSource> payload;
  if (header.kind == server::TransferHeader::Kind::kLength) {
    payload = std::make_unique<server::LengthSource>(&source, header.length);
    absl::MutexLock lock(&mu_);
    counts_.sync_total_bytes = static_cast<int64_t>(header.length);
  } else {
    payload =
        std::make_unique<server::EofMarkedSource>(&source, header.eof_mark);
  }
  SetPhase(Phase::kLoading);

  DatasetLoader loader(
      &engine_, [this] { return stop_.stopped(); }, &sync_keys_);
  absl::Status read = server::RdbReader(payload.get(), &loader,
                                        server::RdbReadOptionsOf(&engine_))
                          .Read();
  if (read.ok()) read = payload->Finish();
  if (!read.ok()) return source.failure().ok() ? RdbFailure(read) : lost();

  const server::ReplicationId ours = engine_.log().replication_id();
  const bool other_history = handshake.replication_id() != ours.id &&
                             handshake.replication_id() != ours.id2;
  if (loader.empty() && other_history &&
      engine_.config().Bool(ConfigId::kReplRefuseEmptyPrimary)) {
    size_t kept = 0;
    for (int i = 0; i < engine_.keyspace().database_count(); ++i)
      kept += engine_.keyspace().SizeOf(i);
    if (kept > 0) {
      return MakeFailure(
          cause::kRefusedEmptyMaster,
          absl::StrCat("the primary has no data and a history unknown here; ",
                       kept, " keys are kept"));
    }
  }
  if (stop_.stopped())
    return MakeFailure(cause::kStopped, "the link was stopped");
  loader.Install(
      {handshake.replication_id(), std::string(server::kNoReplicationId), -1},
      handshake.offset());
  force_full_ = false;
  stream_db_ = -1;
  garbled_at_ = -1;
  LOG(INFO) << "Full synchronisation with primary " << peer_
            << " is complete: " << loader.keys() << " keys, "
            << source.consumed() << " bytes";
  AddEvent(LinkEventKind::kSyncFull, {}, "");
  {
    absl::MutexLock lock(&mu_);
    ++counts_.full_syncs;
  }
  if (hooks_.on_history_changed != nullptr) hooks_.on_history_changed();
  return {};
}

LinkFailure PrimaryLink::Stream(net::RespClient* connection) {
  const int fd = connection->stream().fd();
  const auto session = std::make_shared<server::Session>(
      engine_.sessions().NextId(), &connection->stream(), net::PeerAddress(fd),
      net::LocalAddress(fd), clock_->Now().nanos() / 1000000);
  session->kind.store(server::SessionKind::kPrimary, std::memory_order_relaxed);
  session->own.authenticated = true;
  session->own.is_primary_link = true;
  StreamApplier applier(&engine_, session.get(),
                        peer_is_holdfast_.load(std::memory_order_relaxed),
                        stream_db_);
  engine_.sessions().Add(session);
  SetPhase(Phase::kStreaming);
  engine_.role().link_up.store(true, std::memory_order_relaxed);
  const auto end = absl::MakeCleanup([&] {
    stream_db_ = applier.db();
    engine_.role().link_up.store(false, std::memory_order_relaxed);
    engine_.sessions().Remove(session->id);
    session->DetachStream();
  });
  AddEvent(LinkEventKind::kUp, {}, "");
  LOG(INFO) << "The link to primary " << peer_ << " is up at offset "
            << engine_.log().end_offset();
  writer_.SetBeat(LinkWriter::Beat::kAck);

  const std::function<bool()> stopped = [&] {
    return session->killed() || stop_.stopped();
  };
  net::InputBuffer& input = connection->buffer();
  for (;;) {
    switch (applier.Run(&input, stopped)) {
      case StreamApplier::Result::kAckWanted:
        writer_.AckNow();
        continue;
      case StreamApplier::Result::kStopped:
        killed_ = session->killed();
        return LossOf(absl::CancelledError("closed"), cause::kPrimarySilent,
                      cause::kPrimaryClosed);
      case StreamApplier::Result::kDiverged: {
        // Nobody, and no later link of ours, may go on from here.
        force_full_ = true;
        engine_.log().NewReplicationId();
        LinkFailure failure = MakeFailure(cause::kApplyError, applier.error());
        failure.diverged = true;
        return failure;
      }
      case StreamApplier::Result::kProtocolError:
        // Once the way may be to blame; twice at the same place, the bytes.
        force_full_ = std::exchange(garbled_at_, engine_.log().end_offset()) ==
                      engine_.log().end_offset();
        return MakeFailure(cause::kProtocolError, applier.error());
      case StreamApplier::Result::kNeedMore:
        break;
    }
    if (input.capacity() > kKeptInputBytes && input.size() < kInputBytes)
      input.Shrink();
    const absl::StatusOr<size_t> n =
        connection->Fill(ReadDeadline(), applier.bytes_wanted());
    if (!n.ok() || *n == 0) {
      killed_ = session->killed();
      return LossOf(
          n.ok() ? absl::UnavailableError("the primary closed the connection")
                 : n.status(),
          cause::kPrimarySilent, cause::kPrimaryClosed);
    }
    NoteBytes(*n);
    session->bytes_in.fetch_add(static_cast<int64_t>(*n),
                                std::memory_order_relaxed);
    session->last_interaction_ms.store(
        last_io_ns_.load(std::memory_order_relaxed) / 1000000,
        std::memory_order_relaxed);
  }
}

}  // namespace holdfast::replication
