#include "server/types/stream_groups.h"

#include "absl/strings/str_cat.h"
#include "glog/logging.h"

namespace holdfast::server {
namespace {

// A B-tree keeps its nodes at least half full; three quarters is what they
// usually are.
template <typename Tree>
size_t TreeBytes(const Tree& tree) {
  return tree.size() * sizeof(typename Tree::value_type) * 4 / 3;
}

// What a string has outside of itself.
size_t StringBytes(const std::string& s) {
  return s.capacity() < sizeof(std::string) / 2 ? 0 : s.capacity() + 1;
}

}  // namespace

std::unique_ptr<StreamGroup> StreamGroup::Clone() const {
  auto copy = std::make_unique<StreamGroup>(name_, last_id, entries_read);
  copy->pending_ = pending_;
  for (const auto& consumer : consumers_) {
    auto fresh = std::make_unique<StreamConsumer>(consumer->name_,
                                                  consumer->seen_time_ms);
    fresh->pending_ = consumer->pending_;
    for (const StreamId& id : fresh->pending_)
      copy->pending_.find(id)->second.consumer = fresh.get();
    copy->consumers_.insert(copy->consumers_.end(), std::move(fresh));
  }
  return copy;
}

StreamConsumer* StreamGroup::FindConsumer(absl::string_view name) const {
  const auto at = consumers_.find(name);
  return at == consumers_.end() ? nullptr : at->get();
}

StreamConsumer* StreamGroup::CreateConsumer(absl::string_view name,
                                            int64_t now_ms) {
  if (FindConsumer(name) != nullptr) return nullptr;
  return consumers_
      .insert(std::make_unique<StreamConsumer>(std::string(name), now_ms))
      .first->get();
}

void StreamGroup::DeleteConsumer(StreamConsumer* consumer) {
  for (const StreamId& id : consumer->pending_) pending_.erase(id);
  consumers_.erase(consumers_.find(absl::string_view(consumer->name_)));
}

void StreamGroup::Assign(const StreamId& id, const StreamPending& delivery) {
  const auto [at, is_new] = pending_.try_emplace(id, delivery);
  if (!is_new) {
    at->second.consumer->pending_.erase(id);
    at->second = delivery;
  }
  delivery.consumer->pending_.insert(id);
}

void StreamGroup::Redeliver(const StreamId& id, int64_t time_ms,
                            uint64_t count) {
  const auto at = pending_.find(id);
  CHECK(at != pending_.end());
  at->second.delivery_time_ms = time_ms;
  at->second.delivery_count = count;
}

bool StreamGroup::Acknowledge(const StreamId& id) {
  const auto at = pending_.find(id);
  if (at == pending_.end()) return false;
  at->second.consumer->pending_.erase(id);
  pending_.erase(at);
  return true;
}

absl::Status StreamGroup::LoadPending(const StreamId& id, int64_t time_ms,
                                      uint64_t count) {
  const StreamPending delivery = {nullptr, time_ms, count};
  if (pending_.try_emplace(id, delivery).second) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "a stream's group has the pending entry ", id.ToString(), " twice"));
}

absl::StatusOr<StreamConsumer*> StreamGroup::LoadConsumer(
    absl::string_view name, int64_t seen_time_ms) {
  StreamConsumer* const consumer = CreateConsumer(name, seen_time_ms);
  if (consumer != nullptr) return consumer;
  return absl::InvalidArgumentError("Duplicate stream consumer detected");
}

absl::Status StreamGroup::LoadConsumerPending(StreamConsumer* consumer,
                                              const StreamId& id) {
  const auto at = pending_.find(id);
  if (at == pending_.end() || at->second.consumer != nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("a stream's consumer has the entry ", id.ToString(),
                     at == pending_.end() ? ", which is not pending"
                                          : ", which a consumer has already"));
  }
  at->second.consumer = consumer;
  consumer->pending_.insert(id);
  return absl::OkStatus();
}

absl::Status StreamGroup::FinishLoading() const {
  for (const auto& [id, delivery] : pending_) {
    if (delivery.consumer == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("a stream's group has the pending entry ", id.ToString(),
                       ", which is no consumer's"));
    }
  }
  return absl::OkStatus();
}

size_t StreamGroup::MemoryUsage() const {
  size_t bytes = sizeof(*this) + StringBytes(name_) + TreeBytes(pending_) +
                 TreeBytes(consumers_);
  for (const auto& consumer : consumers_) {
    bytes += sizeof(*consumer) + StringBytes(consumer->name_) +
             TreeBytes(consumer->pending_);
  }
  return bytes;
}

}  // namespace holdfast::server
