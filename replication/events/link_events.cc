#include "replication/events/link_events.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "replication/events/causes.h"

namespace holdfast::replication {
namespace {

// How far back an event may find its like: two that alternate (a drop, a failed
// attempt) are two rows, not the whole ring.
constexpr size_t kLookBack = 2;
// Texts come from peers, too (error replies).
constexpr size_t kMaxTextBytes = 512;

absl::string_view DirectionName(LinkDirection direction) {
  return direction == LinkDirection::kToPrimary ? "to-primary" : "from-replica";
}

bool Alike(const LinkEvent& a, const LinkEvent& b) {
  return a.direction == b.direction && a.kind == b.kind && a.peer == b.peer &&
         a.cause == b.cause;
}

void Clean(std::string* text) {
  if (text->size() > kMaxTextBytes) text->resize(kMaxTextBytes);
  for (char& c : *text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
}

std::string UtcSeconds(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

}  // namespace

absl::string_view LinkEventKindName(LinkEventKind kind) {
  switch (kind) {
    case LinkEventKind::kConnect:
      return "connect";
    case LinkEventKind::kConnectFailed:
      return "connect_failed";
    case LinkEventKind::kSyncFull:
      return "sync_full";
    case LinkEventKind::kSyncPartial:
      return "sync_partial";
    case LinkEventKind::kSyncFailed:
      return "sync_failed";
    case LinkEventKind::kRefused:
      return "refused";
    case LinkEventKind::kUp:
      return "up";
    case LinkEventKind::kDrop:
      return "drop";
  }
  return "unknown";
}

void LinkEvents::Add(LinkEvent event) {
  Clean(&event.text);
  Clean(&event.peer);
  event.when = clock_->WallNow();
  event.mono = clock_->Now();
  event.first = event.when;
  event.count = 1;
  absl::MutexLock lock(&mu_);
  ++total_;
  if (!event.cause.empty()) {
    const auto it = causes_.find(event.cause);
    if (it != causes_.end()) {
      ++it->second;
    } else if (causes_.size() < kMaxCauses) {
      causes_.emplace(event.cause, 1);
    }
  }
  for (size_t back = 1; back <= std::min(kLookBack, ring_.size()); ++back) {
    LinkEvent& like = ring_[ring_.size() - back];
    if (!Alike(like, event)) continue;
    event.id = like.id;
    event.count = like.count + 1;
    event.first = like.first;
    like = std::move(event);
    return;
  }
  event.id = ++last_id_;
  ring_.push_back(std::move(event));
  if (ring_.size() > kCapacity) ring_.pop_front();
}

std::vector<LinkEvent> LinkEvents::Recent(size_t most) const {
  absl::MutexLock lock(&mu_);
  most = std::min(most, ring_.size());
  return std::vector<LinkEvent>(ring_.rbegin(),
                                ring_.rbegin() + static_cast<ptrdiff_t>(most));
}

std::map<std::string, int64_t> LinkEvents::Causes() const {
  absl::MutexLock lock(&mu_);
  return causes_;
}

int64_t LinkEvents::total() const {
  absl::MutexLock lock(&mu_);
  return total_;
}

void LinkEvents::AppendInfo(std::string* out, size_t most) const {
  absl::StrAppend(out, "link_events:", total(), "\r\n");
  const auto causes = Causes();
  if (!causes.empty())
    absl::StrAppend(out, "link_causes:",
                    absl::StrJoin(causes, ",", absl::PairFormatter("=")),
                    "\r\n");
  size_t n = 0;
  for (const LinkEvent& e : Recent(most)) {
    absl::StrAppend(out, "link_event_", n++, ":time=", UtcSeconds(e.when),
                    ",dir=", DirectionName(e.direction), ",peer=", e.peer,
                    ",event=", LinkEventKindName(e.kind));
    if (!e.phase.empty()) absl::StrAppend(out, ",phase=", e.phase);
    if (!e.cause.empty()) absl::StrAppend(out, ",cause=", e.cause);
    if (e.error != 0) absl::StrAppend(out, ",errno=", e.error);
    if (e.our_offset >= 0) absl::StrAppend(out, ",offset=", e.our_offset);
    if (e.peer_offset >= 0)
      absl::StrAppend(out, ",peer_offset=", e.peer_offset);
    if (e.count > 1) absl::StrAppend(out, ",count=", e.count);
    absl::StrAppend(out, "\r\n");
  }
}

void LinkEvents::AppendReply(net::ReplyWriter* reply, size_t most) const {
  const std::vector<LinkEvent> events = Recent(most);
  const net::MonoTime now = clock_->Now();
  reply->ArrayHeader(events.size());
  for (const LinkEvent& e : events) {
    constexpr size_t kFields = 15;
    reply->MapHeader(kFields);
    const auto text = [reply](absl::string_view name, absl::string_view value) {
      reply->Bulk(name);
      reply->Bulk(value);
    };
    const auto number = [reply](absl::string_view name, int64_t value) {
      reply->Bulk(name);
      reply->Integer(value);
    };
    number("id", e.id);
    number("unix-ms", absl::ToUnixMillis(e.when));
    number("age-ms", absl::ToInt64Milliseconds(now - e.mono));
    number("count", e.count);
    number("first-unix-ms", absl::ToUnixMillis(e.first));
    text("direction", DirectionName(e.direction));
    text("peer", e.peer);
    text("event", LinkEventKindName(e.kind));
    text("phase", e.phase);
    text("cause", e.cause);
    number("errno", e.error);
    number("offset", e.our_offset);
    number("peer-offset", e.peer_offset);
    text("tcp", e.tcp);
    text("text", e.cause.empty() || cause::Advice(e.cause).empty()
                     ? e.text
                     : absl::StrCat(e.text, ". ", cause::Advice(e.cause)));
  }
}

}  // namespace holdfast::replication
