#ifndef HOLDFAST_REPLICATION_EVENTS_CAUSES_H_
#define HOLDFAST_REPLICATION_EVENTS_CAUSES_H_

#include <string>

#include "absl/strings/string_view.h"

// Why a replication link was not made, or was lost: one word each, the same in
// the log, in INFO and in REPLICATION EVENTS, so that operators can count and
// search them. DESIGN.md section 6 says which phase gives which.
namespace holdfast::replication::cause {

// Resolving and connecting.
inline constexpr absl::string_view kConnectTimeout = "connect_timeout";
inline constexpr absl::string_view kConnectRefused = "connect_refused";
inline constexpr absl::string_view kConnectFailed =
    "connect_failed";  // No route, no descriptors, bad source address.
inline constexpr absl::string_view kResolveFailed = "resolve_failed";

// Handshake; each is followed by ":<step>".
inline constexpr absl::string_view kHandshakeTimeout = "handshake_timeout";
inline constexpr absl::string_view kHandshakeRefused = "handshake_refused";

// Full synchronisation.
inline constexpr absl::string_view kTransferStalled = "transfer_stalled";
inline constexpr absl::string_view kTransferCut = "transfer_cut";
inline constexpr absl::string_view kTransferAborted =
    "transfer_aborted";  // The primary said so.
inline constexpr absl::string_view kRdbCorrupt = "rdb_corrupt";
inline constexpr absl::string_view kRdbVersion = "rdb_version";
inline constexpr absl::string_view kRdbUnsupported = "rdb_unsupported";
inline constexpr absl::string_view kTooFewDatabases = "too_few_databases";
inline constexpr absl::string_view kRefusedEmptyMaster = "refused_empty_master";

// Streaming, replica side.
inline constexpr absl::string_view kPrimarySilent = "primary_silent";
inline constexpr absl::string_view kPrimaryClosed = "primary_closed";
inline constexpr absl::string_view kHeartbeatFailed = "heartbeat_failed";
inline constexpr absl::string_view kApplyError = "apply_error";

// Streaming, primary side.
inline constexpr absl::string_view kReplicaSilent = "replica_silent";
inline constexpr absl::string_view kReplicaClosed = "replica_closed";
inline constexpr absl::string_view kReplicaStuck = "replica_stuck";
inline constexpr absl::string_view kReplicaLagging =
    "replica_lagging";  // Fell out of the log's window.

inline constexpr absl::string_view kSnapshotFailed =
    "snapshot_failed";  // We could not make one.

// Any phase.
inline constexpr absl::string_view kProtocolError = "protocol_error";
inline constexpr absl::string_view kReset =
    "reset";  // ECONNRESET, EPIPE and their like.
inline constexpr absl::string_view kTimedOut =
    "timed_out";  // The kernel: keepalive or TCP_USER_TIMEOUT.
inline constexpr absl::string_view kKilled = "killed";  // CLIENT KILL.
inline constexpr absl::string_view kStopped =
    "stopped";  // This server ends, or the link is not wanted any more.
inline constexpr absl::string_view kAdmin = "admin";  // REPLICAOF, FAILOVER.

// "handshake_timeout:psync".
std::string WithStep(absl::string_view cause, absl::string_view step);

// What an operator can do about it, in a sentence; empty if there is nothing to
// be done. A ":<step>" is passed over.
absl::string_view Advice(absl::string_view cause);

}  // namespace holdfast::replication::cause

#endif  // HOLDFAST_REPLICATION_EVENTS_CAUSES_H_
