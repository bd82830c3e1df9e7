#include "replication/events/causes.h"

#include "absl/strings/str_cat.h"

namespace holdfast::replication::cause {
namespace {

struct Row {
  absl::string_view cause;
  absl::string_view advice;
};

constexpr Row kAdvice[] = {
    {kConnectTimeout,
     "Nothing answers there: look at the primary's host, the network and "
     "firewalls that drop packets."},
    {kConnectRefused,
     "The host answers and no server listens on that port: start the primary, "
     "or correct host and port."},
    {kConnectFailed,
     "The system could not make the connection: look at routes, "
     "bind-source-addr and the open-file limit."},
    {kResolveFailed,
     "The name has no address: look at the host name in replicaof and at the "
     "name server."},
    {kHandshakeTimeout,
     "The port accepts connections and the server behind it does not answer: "
     "it may be frozen or overloaded, or be "
     "something else than a primary (see repl-handshake-timeout-ms)."},
    {kHandshakeRefused,
     "The primary refused this replica: look at masterauth, masteruser and the "
     "user's ACL rules there."},
    {kTransferStalled,
     "The snapshot stopped arriving: the primary or the network is stuck (see "
     "repl-timeout)."},
    {kTransferCut,
     "The connection ended inside of the snapshot: the primary's log says why "
     "it closed it."},
    {kTransferAborted, "The primary gave the snapshot up: its log says why."},
    {kRdbCorrupt,
     "The snapshot did not arrive as it was sent, or the primary's memory is "
     "damaged; the old data is kept."},
    {kRdbVersion,
     "The primary is of a newer version than this server can read: upgrade "
     "this one first."},
    {kRdbUnsupported,
     "The primary holds data of a kind that this version does not have; the "
     "old data is kept."},
    {kTooFewDatabases, "Set `databases` at least as high as on the primary."},
    {kRefusedEmptyMaster,
     "The primary has no data and another history: it may have restarted "
     "without its snapshot. The data here is kept; "
     "set repl-refuse-empty-primary to no to copy the emptiness."},
    {kPrimarySilent,
     "Not one byte came for the link's timeout: the primary is frozen or "
     "unreachable (see repl-timeout)."},
    {kPrimaryClosed,
     "The primary ended the connection: it was stopped, or its log says why."},
    {kHeartbeatFailed,
     "The primary takes nothing from us any more: it or the network is stuck "
     "(see repl-write-timeout-ms)."},
    {kApplyError,
     "A command of the stream failed here, so the data differed; it is copied "
     "again in full. Report this."},
    {kReplicaSilent,
     "The replica has not reported for the link's timeout: it is frozen or "
     "unreachable (see repl-timeout)."},
    {kReplicaClosed,
     "The replica ended the connection: it was stopped, or its log says why."},
    {kReplicaStuck,
     "The replica takes nothing from us any more: it or the network is stuck "
     "(see repl-write-timeout-ms)."},
    {kReplicaLagging,
     "The replica fell further behind than the backlog reaches: raise "
     "repl-backlog-size or repl-backlog-max-bytes."},
    {kProtocolError,
     "The other end does not speak the replication protocol, or bytes were "
     "lost: check host and port."},
    {kReset,
     "The other end, or something between, reset the connection: look for a "
     "crash there or a middlebox."},
    {kTimedOut,
     "The network swallowed packets until the kernel gave up: look at the path "
     "to the other end."},
    {kKilled, "CLIENT KILL closed the link."},
};

}  // namespace

std::string WithStep(absl::string_view cause, absl::string_view step) {
  return absl::StrCat(cause, ":", step);
}

absl::string_view Advice(absl::string_view cause) {
  cause = cause.substr(0, cause.find(':'));
  for (const Row& row : kAdvice) {
    if (row.cause == cause) return row.advice;
  }
  return {};
}

}  // namespace holdfast::replication::cause
