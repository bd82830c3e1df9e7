#ifndef HOLDFAST_REPLICATION_EVENTS_LINK_EVENTS_H_
#define HOLDFAST_REPLICATION_EVENTS_LINK_EVENTS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "net/resp/reply_writer.h"
#include "net/time/clock.h"

namespace holdfast::replication {

enum class LinkDirection : uint8_t { kToPrimary, kFromReplica };

enum class LinkEventKind : uint8_t {
  kConnect,        // A connection was made, or a replica came.
  kConnectFailed,  // It was not; `cause` says why. Also a handshake that
                   // failed.
  kSyncFull,       // A full synchronisation was completed (primary: began).
  kSyncPartial,    // The stream went on from where it was.
  kSyncFailed,     // A full synchronisation came to nothing.
  kRefused,        // One side did not want what the other one offered.
  kUp,             // The link streams.
  kDrop,           // A link that streamed is gone.
};
absl::string_view LinkEventKindName(LinkEventKind kind);

// Something that happened to a replication link. What is not known stays at its
// default.
struct LinkEvent {
  LinkDirection direction = LinkDirection::kToPrimary;
  LinkEventKind kind = LinkEventKind::kConnect;
  std::string peer;   // "host:port"
  std::string phase;  // "connect", "handshake", "transfer", "streaming", ...
  std::string cause;  // One of causes.h; empty for what is no fault.
  int error = 0;      // errno, 0 if the kernel had no part in it.
  int64_t our_offset = -1;
  int64_t peer_offset = -1;
  std::string tcp;   // net::TcpInfo::ToString() of the connection at its end.
  std::string text;  // What happened, for a human; no line ends.

  // Filled in by LinkEvents.
  int64_t id = 0;      // Counts from 1.
  int64_t count = 0;   // How often in a row.
  absl::Time when;     // The last time.
  net::MonoTime mono;  // The same.
  absl::Time first;    // The first time of this row.
};

// The last events of all replication links of a server, so that somebody who
// comes an hour later can still tell why a link dropped.
//
// An event like the newest one or the one before it (same link, kind and cause)
// does not take a place of its own but raises its count: an outage of hours
// with an attempt every 30 seconds must not push out how it began. Counters by
// cause survive the ring. Thread-safe; its lock is a leaf and is held for
// copies only.
class LinkEvents {
 public:
  static constexpr size_t kCapacity = 32;
  static constexpr size_t kMaxCauses = 64;  // Distinct ones that are counted.

  explicit LinkEvents(const net::Clock* clock) : clock_(clock) {}
  LinkEvents(const LinkEvents&) = delete;
  LinkEvents& operator=(const LinkEvents&) = delete;

  void Add(LinkEvent event);

  // Newest first.
  std::vector<LinkEvent> Recent(size_t most = kCapacity) const;
  // How often each cause was noted since the start; also those the ring forgot.
  std::map<std::string, int64_t> Causes() const;
  // Events ever added.
  int64_t total() const;

  // For INFO replication, newest first:
  //   link_events:<total>
  //   link_causes:<cause>=<n>,...          (left out when there are none)
  //   link_event_<n>:time=...,dir=...,...  for n from 0 to most - 1
  void AppendInfo(std::string* out, size_t most) const;
  // For REPLICATION EVENTS: an array of maps, newest first.
  void AppendReply(net::ReplyWriter* reply, size_t most = kCapacity) const;

 private:
  const net::Clock* const clock_;
  mutable absl::Mutex mu_;
  std::deque<LinkEvent> ring_ ABSL_GUARDED_BY(mu_);  // Oldest first.
  std::map<std::string, int64_t> causes_ ABSL_GUARDED_BY(mu_);
  int64_t last_id_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t total_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace holdfast::replication

#endif  // HOLDFAST_REPLICATION_EVENTS_LINK_EVENTS_H_
