#include "replication/replication.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"

namespace holdfast::replication {
namespace {

using server::ConfigId;

constexpr size_t kEventsInInfo = 5;

// The link's state as ROLE names it.
absl::string_view RoleState(const PrimaryLink::State& state) {
  switch (state.phase) {
    case PrimaryLink::Phase::kConnecting:
      return "connecting";
    case PrimaryLink::Phase::kHandshake:
      return "handshake";
    case PrimaryLink::Phase::kTransfer:
    case PrimaryLink::Phase::kLoading:
      return "sync";
    case PrimaryLink::Phase::kStreaming:
      return "connected";
    case PrimaryLink::Phase::kBackoff:
      return "connect";
  }
  return "none";
}

void Line(std::string* out, absl::string_view name,
          const absl::AlphaNum& value) {
  absl::StrAppend(out, name, ":", value, "\r\n");
}

}  // namespace

Replication::Replication(server::Engine* engine)
    : engine_(*engine), events_(engine->clock()), primary_(engine, &events_) {
  engine_.replication_service = this;
  engine_.replication().good_replicas = [this](int64_t lag_seconds) {
    return primary_.GoodReplicas(lag_seconds);
  };
  engine_.replication().connected_replicas = [this] {
    return primary_.ReplicaCount();
  };
  engine_.replication().info = [this](std::string* out) { AppendInfo(out); };
}

Replication::~Replication() {
  Stop();
  engine_.replication() = server::ReplicationHooks();
  engine_.replication_service = nullptr;
}

void Replication::Start() {
  const auto address = engine_.config().ReplicaOf();
  if (address.has_value()) Follow(address->host, address->port);
}

std::unique_ptr<PrimaryLink> Replication::TakeLink() {
  absl::MutexLock lock(&link_mu_);
  return std::move(link_);
}

void Replication::Stop() {
  absl::MutexLock lock(&mu_);
  TakeLink().reset();
}

std::unique_ptr<PrimaryLink> Replication::NewLink(const std::string& host,
                                                  int port) {
  PrimaryLink::Hooks hooks;
  hooks.on_history_changed = [this] {
    // Those who follow us must ask again, and learn the new name of what they
    // have.
    primary_.snapshots().Abandon("the dataset was replaced by the primary's");
    primary_.DropAll(cause::kAdmin);
  };
  hooks.wants_pings = [this] { return primary_.WantsPings(); };
  return std::make_unique<PrimaryLink>(&engine_, host, port, &events_,
                                       std::move(hooks));
}

bool Replication::Follow(const std::string& host, int port) {
  absl::MutexLock lock(&mu_);
  {
    absl::MutexLock link_lock(&link_mu_);
    if (link_ != nullptr && link_->host() == host && link_->port() == port)
      return false;
  }
  TakeLink().reset();
  {
    const server::ExclusiveGate gate(&engine_.keyspace().gate());
    engine_.role().is_replica.store(true, std::memory_order_relaxed);
    engine_.role().link_up.store(false, std::memory_order_relaxed);
  }
  primary_.WakeWaiters();
  engine_.pause().WakeAll();
  for (const auto& session : engine_.sessions().All()) {
    session->Unblock(
        "UNBLOCKED force unblock from blocking operation, instance state "
        "changed (master -> replica?)");
  }
  std::unique_ptr<PrimaryLink> link = NewLink(host, port);
  LOG(INFO) << "Following the primary at " << host << ":" << port;
  absl::MutexLock link_lock(&link_mu_);
  link_ = std::move(link);
  return true;
}

bool Replication::Promote() {
  absl::MutexLock lock(&mu_);
  if (!engine_.is_replica()) return false;
  TakeLink().reset();
  {
    const server::ExclusiveGate gate(&engine_.keyspace().gate());
    // First, so that nothing of ours, not even a PING, is in the old history.
    engine_.log().ShiftReplicationId();
    engine_.role().is_replica.store(false, std::memory_order_relaxed);
    engine_.role().link_up.store(false, std::memory_order_relaxed);
    // Our replicas are to learn the new id and go on from where they are:
    // before a write of ours can reach them under the old one.
    primary_.DropAll(cause::kAdmin);
  }
  LOG(INFO) << "Promoted: replication id " << engine_.log().replication_id().id
            << ", the old one good up to "
            << engine_.log().replication_id().second_offset;
  return true;
}

void Replication::AppendRole(net::ReplyWriter* reply) {
  if (engine_.is_replica()) {
    absl::MutexLock lock(&link_mu_);
    const PrimaryLink::State state =
        link_ == nullptr ? PrimaryLink::State() : link_->state();
    reply->ArrayHeader(5);
    reply->Bulk("slave");
    reply->Bulk(state.host);
    reply->Integer(state.port);
    reply->Bulk(link_ == nullptr ? "none" : RoleState(state));
    reply->Integer(state.up ? state.applied_offset : -1);
    return;
  }
  std::vector<Primary::ReplicaInfo> replicas = primary_.Replicas();
  replicas.erase(
      std::remove_if(replicas.begin(), replicas.end(),
                     [](const auto& r) { return r.state != "online"; }),
      replicas.end());
  reply->ArrayHeader(3);
  reply->Bulk("master");
  reply->Integer(engine_.log().end_offset());
  reply->ArrayHeader(replicas.size());
  for (const Primary::ReplicaInfo& replica : replicas) {
    reply->ArrayHeader(3);
    reply->Bulk(replica.ip);
    reply->BulkInteger(replica.port);
    reply->BulkInteger(replica.acked_offset);
  }
}

void Replication::AppendLinkInfo(std::string* out) {
  absl::MutexLock lock(&link_mu_);
  const PrimaryLink::State state =
      link_ == nullptr ? PrimaryLink::State() : link_->state();
  const int64_t offset = engine_.log().end_offset();
  Line(out, "master_host", state.host);
  Line(out, "master_port", state.port);
  Line(out, "master_link_status", state.up ? "up" : "down");
  Line(out, "master_last_io_seconds_ago",
       state.up ? state.last_io_seconds : -1);
  Line(out, "master_sync_in_progress", state.sync_in_progress ? 1 : 0);
  Line(out, "slave_read_repl_offset", offset);
  Line(out, "slave_repl_offset", offset);
  if (state.sync_in_progress) {
    const bool total_known = state.sync_total_bytes > 0;
    Line(out, "master_sync_total_bytes",
         total_known ? state.sync_total_bytes : 0);
    Line(out, "master_sync_read_bytes", state.sync_read_bytes);
    Line(out, "master_sync_left_bytes",
         total_known ? state.sync_total_bytes - state.sync_read_bytes : 0);
    Line(out, "master_sync_perc",
         total_known
             ? absl::StrCat(100.0 * static_cast<double>(state.sync_read_bytes) /
                            static_cast<double>(state.sync_total_bytes))
             : "0.00");
    Line(out, "master_sync_last_io_seconds_ago", state.sync_last_io_seconds);
    Line(out, "master_sync_keys", state.sync_keys);
  }
  if (!state.up)
    Line(out, "master_link_down_since_seconds", state.down_seconds);
  Line(out, "master_link_phase", PrimaryLink::PhaseName(state.phase));
  Line(out, "master_link_is_holdfast", state.peer_is_holdfast ? 1 : 0);
  Line(out, "master_link_drops", state.drops);
  Line(out, "master_full_syncs", state.full_syncs);
  Line(out, "master_partial_syncs", state.partial_syncs);
  if (!state.last_cause.empty())
    Line(out, "master_link_last_cause", state.last_cause);
  Line(out, "slave_priority", engine_.config().Int(ConfigId::kReplicaPriority));
  Line(out, "slave_read_only", 1);
  Line(out, "replica_announced",
       engine_.config().Bool(ConfigId::kReplicaAnnounced) ? 1 : 0);
}

void Replication::AppendInfo(std::string* out) {
  const server::Config& config = engine_.config();
  const server::CommandLog& log = engine_.log();
  const bool is_replica = engine_.is_replica();
  if (is_replica) AppendLinkInfo(out);
  const std::vector<Primary::ReplicaInfo> replicas = primary_.Replicas();
  Line(out, "connected_slaves", replicas.size());
  if (config.Int(ConfigId::kMinReplicasToWrite) > 0 &&
      config.Int(ConfigId::kMinReplicasMaxLag) > 0) {
    Line(out, "min_slaves_good_slaves",
         primary_.GoodReplicas(config.Int(ConfigId::kMinReplicasMaxLag)));
  }
  for (size_t i = 0; i < replicas.size(); ++i) {
    const Primary::ReplicaInfo& r = replicas[i];
    absl::StrAppend(out, "slave", i, ":ip=", r.ip, ",port=", r.port,
                    ",state=", r.state, ",offset=", r.acked_offset,
                    ",lag=", r.lag_seconds, "\r\n");
  }
  const server::ReplicationId id = log.replication_id();
  Line(out, "master_failover_state", "no-failover");
  Line(out, "master_replid", id.id);
  Line(out, "master_replid2", id.id2);
  Line(out, "master_repl_offset", log.end_offset());
  Line(out, "second_repl_offset", id.second_offset);
  Line(out, "repl_backlog_active", log.active() ? 1 : 0);
  Line(out, "repl_backlog_size", log.limits().window_bytes);
  const int64_t held = log.active() ? log.size_bytes() : 0;
  Line(out, "repl_backlog_first_byte_offset",
       log.active() ? log.first_offset() + 1 : 0);
  Line(out, "repl_backlog_histlen", held);
  Line(out, "repl_backlog_pinned_bytes", log.pinned_bytes());
  events_.AppendInfo(out, kEventsInInfo);
}

}  // namespace holdfast::replication
