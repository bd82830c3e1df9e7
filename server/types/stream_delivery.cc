// A Stream's consumer groups: what was delivered, and how much is left.

#include <algorithm>
#include <memory>

#include "server/types/stream.h"
#include "server/types/stream_rep.h"

namespace holdfast::server {

const Stream::Groups& Stream::groups() const { return rep_->groups; }

StreamGroup* Stream::FindGroup(absl::string_view name) const {
  const auto at = rep_->groups.find(name);
  return at == rep_->groups.end() ? nullptr : at->get();
}

StreamGroup* Stream::CreateGroup(absl::string_view name,
                                 const StreamId& last_id,
                                 int64_t entries_read) {
  if (FindGroup(name) != nullptr) return nullptr;
  return rep_->groups
      .insert(std::make_unique<StreamGroup>(std::string(name), last_id,
                                            entries_read))
      .first->get();
}

bool Stream::DestroyGroup(absl::string_view name) {
  const auto at = rep_->groups.find(name);
  if (at == rep_->groups.end()) return false;
  rep_->groups.erase(at);
  return true;
}

absl::StatusOr<StreamGroup*> Stream::LoadGroup(absl::string_view name,
                                               const StreamId& last_id,
                                               int64_t entries_read) {
  // Below zero is where Redis gets to when it counts on from what XGROUP ...
  // ENTRIESREAD said, and what it saves then: not known is what it means.
  StreamGroup* const group = CreateGroup(
      name, last_id, std::max(entries_read, StreamGroup::kEntriesReadUnknown));
  if (group == nullptr)
    return absl::InvalidArgumentError("a stream has a group twice");
  return group;
}

bool Stream::HasDeletedFrom(const StreamId& start) const {
  const StreamMeta& meta = rep_->meta;
  return meta.length > 0 && !meta.max_deleted_id.IsZero() &&
         meta.first_id <= meta.max_deleted_id && start <= meta.max_deleted_id;
}

int64_t Stream::EstimateEntriesRead(const StreamId& id) const {
  const StreamMeta& meta = rep_->meta;
  const auto added = static_cast<int64_t>(meta.entries_added);
  const auto length = static_cast<int64_t>(meta.length);
  if (added == 0) return 0;
  if (length == 0 && id <= meta.last_id) return added;
  if (id == meta.last_id) return added;
  if (id > meta.last_id) return StreamGroup::kEntriesReadUnknown;
  // Without a gap behind the first entry, what came before it can be counted.
  if (meta.max_deleted_id.IsZero() || meta.max_deleted_id < meta.first_id) {
    if (id < meta.first_id) return added - length;
    if (id == meta.first_id) return added - length + 1;
  }
  return StreamGroup::kEntriesReadUnknown;
}

bool Stream::Lag(const StreamGroup& group, int64_t* lag) const {
  const auto added = static_cast<int64_t>(rep_->meta.entries_added);
  if (added == 0) {
    *lag = 0;
    return true;
  }
  int64_t read = group.entries_read;
  if (read == StreamGroup::kEntriesReadUnknown ||
      HasDeletedFrom(group.last_id)) {
    read = EstimateEntriesRead(group.last_id);
  }
  if (read == StreamGroup::kEntriesReadUnknown) return false;
  *lag = added - read;
  return true;
}

size_t Stream::DeliverNew(
    StreamGroup* group, StreamConsumer* consumer, size_t count, bool no_ack,
    int64_t now_ms,
    absl::FunctionRef<void(const StreamEntry&, const StreamPending*)> visit) {
  StreamId start = group->last_id;
  if (!start.Increment()) return 0;
  return Range(start, StreamId::Max(), false, count,
               [&](const StreamEntry& entry) {
                 if (group->entries_read != StreamGroup::kEntriesReadUnknown &&
                     !HasDeletedFrom(entry.id())) {
                   // XGROUP may have said that it is the highest number.
                   if (group->entries_read < INT64_MAX) ++group->entries_read;
                 } else if (rep_->meta.entries_added > 0) {
                   group->entries_read = EstimateEntriesRead(entry.id());
                 }
                 group->last_id = entry.id();
                 const StreamPending pending = {consumer, now_ms, 1};
                 // XGROUP SETID may have gone back, so it may be pending
                 // already.
                 if (!no_ack) group->Assign(entry.id(), pending);
                 visit(entry, no_ack ? nullptr : &pending);
                 return true;
               });
}

size_t Stream::DeliverAgain(
    StreamGroup* group, StreamConsumer* consumer, const StreamId& start,
    size_t count, int64_t now_ms,
    absl::FunctionRef<void(const StreamId&, const StreamEntry*)> visit) {
  size_t delivered = 0;
  const auto& ids = consumer->pending();
  for (auto at = ids.lower_bound(start);
       at != ids.end() && (count == 0 || delivered < count); ++at) {
    const size_t found =
        Range(*at, *at, false, 1, [&](const StreamEntry& entry) {
          visit(*at, &entry);
          return true;
        });
    if (found == 0) {
      visit(*at, nullptr);
    } else {
      group->Redeliver(*at, now_ms,
                       group->pending().find(*at)->second.delivery_count + 1);
    }
    ++delivered;
  }
  return delivered;
}

Stream::ClaimResult Stream::Claim(StreamGroup* group, const StreamId& id,
                                  const StreamClaim& claim,
                                  absl::FunctionRef<StreamConsumer*()> consumer,
                                  StreamPending* pending) {
  const auto at = group->pending().find(id);
  const bool was_pending = at != group->pending().end();
  if (!Contains(id)) {
    if (!was_pending) return ClaimResult::kNotPending;
    *pending = at->second;
    group->Acknowledge(id);
    return ClaimResult::kDeleted;
  }
  if (!was_pending && !claim.force) return ClaimResult::kNotPending;
  StreamPending now = {nullptr, claim.delivery_time_ms, 1};
  if (was_pending) {
    // Files may have any times in them.
    int64_t idle;
    if (__builtin_sub_overflow(claim.now_ms, at->second.delivery_time_ms,
                               &idle)) {
      idle = at->second.delivery_time_ms < 0 ? INT64_MAX : INT64_MIN;
    }
    if (claim.min_idle_ms > 0 && idle < claim.min_idle_ms)
      return ClaimResult::kNotIdle;
    now.delivery_count = at->second.delivery_count;
  }
  if (claim.retry_count >= 0) {
    now.delivery_count = static_cast<uint64_t>(claim.retry_count);
  } else if (!claim.just_id) {
    ++now.delivery_count;
  }
  now.consumer = consumer();
  group->Assign(id, now);
  *pending = now;
  return ClaimResult::kClaimed;
}

}  // namespace holdfast::server
