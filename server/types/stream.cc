#include "server/types/stream.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "server/types/stream_rep.h"

namespace holdfast::server {

Stream::Stream() : rep_(new Rep) {}

Stream::~Stream() { delete rep_; }

Stream Stream::Clone() const {
  Stream copy;
  for (const auto& [master, node] : rep_->nodes)
    copy.rep_->nodes.emplace_hint(copy.rep_->nodes.end(), master, node.Clone());
  copy.rep_->meta = rep_->meta;
  for (const auto& [master, node] : copy.rep_->nodes)
    copy.rep_->node_bytes += node.MemoryUsage();
  for (const auto& group : rep_->groups)
    copy.rep_->groups.insert(copy.rep_->groups.end(), group->Clone());
  return copy;
}

const StreamMeta& Stream::meta() const { return rep_->meta; }
const Stream::Nodes& Stream::nodes() const { return rep_->nodes; }

size_t Stream::MemoryUsage() const {
  // A B-tree's nodes are about three quarters full.
  size_t bytes = sizeof(Rep) + rep_->node_bytes +
                 rep_->nodes.size() * sizeof(Nodes::value_type) * 4 / 3;
  for (const auto& group : rep_->groups) bytes += group->MemoryUsage();
  return bytes;
}

size_t Stream::FreeEffort() const {
  size_t effort = rep_->nodes.size();
  // As Redis does, the first group's entries stand for all the others'.
  if (!rep_->groups.empty()) {
    effort +=
        rep_->groups.size() * (1 + (*rep_->groups.begin())->pending().size());
  }
  return effort;
}

Stream::AppendResult Stream::Append(const StreamNewId& new_id, int64_t now_ms,
                                    absl::Span<const absl::string_view> fields,
                                    const StreamLimits& limits, StreamId* id) {
  StreamMeta& meta = rep_->meta;
  if (meta.last_id == StreamId::Max()) return AppendResult::kIdsExhausted;
  StreamId next = new_id.id;
  switch (new_id.kind) {
    case StreamNewId::Kind::kAuto:
      next = {static_cast<uint64_t>(now_ms), 0};
      if (next.ms <= meta.last_id.ms) {
        next = meta.last_id;
        next.Increment();
      }
      break;
    case StreamNewId::Kind::kAutoSequence:
      next.seq = 0;
      if (next.ms == meta.last_id.ms) {
        if (meta.last_id.seq == UINT64_MAX)
          return AppendResult::kSequenceExhausted;
        next.seq = meta.last_id.seq + 1;
      }
      break;
    case StreamNewId::Kind::kGiven:
      break;
  }
  if (next <= meta.last_id) return AppendResult::kNotGreater;

  size_t raw = 0;
  size_t encoded = kStreamEntryOverhead;
  for (const absl::string_view field : fields) {
    // Each on its own, so that no sum can overflow.
    if (field.size() > Listpack::kMaxBytes || encoded > Listpack::kMaxBytes)
      return AppendResult::kTooLarge;
    raw += field.size();
    encoded += Listpack::EncodedSize(field);
  }
  if (encoded > Listpack::kMaxBytes) return AppendResult::kTooLarge;

  auto at = rep_->nodes.end();
  if (!rep_->nodes.empty()) {
    --at;
    const StreamNodeCounts counts = CountsOf(at->second);
    const size_t max_bytes =
        limits.max_bytes == 0 ? Listpack::kMaxBytes
                              : std::min(limits.max_bytes, Listpack::kMaxBytes);
    if (at->second.byte_size() + raw >= max_bytes ||
        !at->second.FitsAnother(encoded) ||
        (limits.max_entries > 0 &&
         counts.live + counts.deleted >= limits.max_entries)) {
      rep_->node_bytes -= at->second.MemoryUsage();
      at->second.ShrinkToFit();
      rep_->node_bytes += at->second.MemoryUsage();
      at = rep_->nodes.end();
    }
  }
  if (at == rep_->nodes.end()) {
    // There can be a node of this id, if XSETID went back behind deleted
    // entries.
    at = rep_->nodes.try_emplace(next).first;
    if (!at->second.empty()) {
      rep_->node_bytes -= at->second.MemoryUsage();
      meta.length -= CountsOf(at->second).live;
      at->second = Listpack();
    }
  } else {
    rep_->node_bytes -= at->second.MemoryUsage();
  }
  AppendToStreamNode(at->first, next, fields, &at->second);
  rep_->node_bytes += at->second.MemoryUsage();
  ++meta.length;
  // XSETID may have brought it to the end of what a reply can show; it stays
  // there (Redis goes on below zero).
  if (meta.entries_added < INT64_MAX) ++meta.entries_added;
  meta.last_id = next;
  if (meta.length == 1) meta.first_id = next;
  *id = next;
  return AppendResult::kAppended;
}

bool Stream::Delete(const StreamId& id) {
  auto found = rep_->nodes.end();
  StreamEntry entry;
  rep_->Walk(id, id, false, [&](Nodes::iterator at, const StreamEntry& e) {
    found = at;
    entry = e;
    return false;
  });
  if (found == rep_->nodes.end()) return false;
  Listpack& node = found->second;
  rep_->node_bytes -= node.MemoryUsage();
  const StreamNodeCounts counts = CountsOf(node);
  if (counts.live == 1) {
    rep_->nodes.erase(found);
  } else {
    MarkDeleted(entry, &node);
    SetCounts({counts.live - 1, counts.deleted + 1}, &node);
    rep_->node_bytes += node.MemoryUsage();
  }
  StreamMeta& meta = rep_->meta;
  --meta.length;
  meta.max_deleted_id = std::max(meta.max_deleted_id, id);
  if (meta.length == 0 || meta.first_id == id) FindFirstId();
  return true;
}

uint64_t Stream::Trim(const StreamTrim& trim) {
  StreamMeta& meta = rep_->meta;
  uint64_t deleted = 0;
  while (!rep_->nodes.empty()) {
    if (trim.by == StreamTrim::By::kLength && meta.length <= trim.length) break;
    const auto at = rep_->nodes.begin();
    const uint64_t live = CountsOf(at->second).live;
    if (trim.limit > 0 && deleted + live > trim.limit) break;
    bool whole;
    if (trim.by == StreamTrim::By::kLength) {
      whole = meta.length - live >= trim.length;
    } else {
      // A deleted entry at the end counts as well.
      StreamEntry last;
      whole = StreamNodeCursor(at->first, at->second, true).Next(&last) &&
              last.id() < trim.min_id;
    }
    if (whole) {
      rep_->node_bytes -= at->second.MemoryUsage();
      rep_->nodes.erase(at);
      meta.length -= live;
      deleted += live;
      continue;
    }
    if (!trim.approximate) deleted += TrimNode(at, trim);
    break;
  }
  if (deleted > 0 || meta.length == 0) FindFirstId();
  return deleted;
}

uint64_t Stream::TrimNode(Nodes::iterator at, const StreamTrim& trim) {
  Listpack& node = at->second;
  rep_->node_bytes -= node.MemoryUsage();
  uint64_t deleted = 0;
  StreamNodeCursor cursor(at->first, node, false);
  StreamEntry entry;
  while (cursor.Next(&entry)) {
    if (trim.by == StreamTrim::By::kLength ? rep_->meta.length <= trim.length
                                           : entry.id() >= trim.min_id)
      break;
    if (entry.deleted()) continue;
    MarkDeleted(entry, &node);
    ++deleted;
    --rep_->meta.length;
  }
  const StreamNodeCounts counts = CountsOf(node);
  SetCounts({counts.live - deleted, counts.deleted + deleted}, &node);
  rep_->node_bytes += node.MemoryUsage();
  return deleted;
}

void Stream::FindFirstId() {
  rep_->meta.first_id = {};
  if (rep_->meta.length == 0) return;
  Range(StreamId::Min(), StreamId::Max(), false, 1,
        [&](const StreamEntry& entry) {
          rep_->meta.first_id = entry.id();
          return true;
        });
}

size_t Stream::Range(const StreamId& start, const StreamId& end, bool reverse,
                     size_t count, Visitor visit) const {
  size_t visited = 0;
  rep_->Walk(start, end, reverse,
             [&](Nodes::iterator, const StreamEntry& entry) {
               ++visited;
               return visit(entry) && visited != count;
             });
  return visited;
}

bool Stream::Contains(const StreamId& id) const {
  return Range(id, id, false, 1, [](const StreamEntry&) { return true; }) > 0;
}

StreamId Stream::LastEntryId() const {
  StreamId last;
  Range(StreamId::Min(), StreamId::Max(), true, 1,
        [&](const StreamEntry& entry) {
          last = entry.id();
          return true;
        });
  return last;
}

StreamId Stream::FirstIdWithDeleted() const {
  StreamEntry entry;
  if (rep_->nodes.empty()) return StreamId::Max();
  const auto first = rep_->nodes.begin();
  CHECK(StreamNodeCursor(first->first, first->second, false).Next(&entry))
      << "a node without entries";
  return entry.id();
}

Stream::SetIdResult Stream::SetId(const StreamId& last_id,
                                  int64_t entries_added,
                                  const StreamId& max_deleted_id) {
  StreamMeta& meta = rep_->meta;
  if (meta.length > 0) {
    if (last_id < LastEntryId()) return SetIdResult::kBelowLastEntry;
    if (entries_added >= 0 &&
        static_cast<uint64_t>(entries_added) < meta.length) {
      return SetIdResult::kAddedBelowLength;
    }
  }
  meta.last_id = last_id;
  if (entries_added >= 0)
    meta.entries_added = static_cast<uint64_t>(entries_added);
  if (!max_deleted_id.IsZero()) meta.max_deleted_id = max_deleted_id;
  return SetIdResult::kOk;
}

absl::Status Stream::LoadNode(const StreamId& master, Listpack node) {
  const auto last =
      rep_->nodes.empty() ? rep_->nodes.end() : std::prev(rep_->nodes.end());
  if (last != rep_->nodes.end() && master <= last->first) {
    return absl::InvalidArgumentError("a stream's nodes do not rise");
  }
  size_t live;
  StreamId last_id;
  // Until the meta is known, last_id is that of the last entry.
  const absl::Status status =
      CheckStreamNode(master, node, rep_->meta.last_id, &live, &last_id);
  if (!status.ok()) return status;
  rep_->meta.last_id = last_id;
  rep_->meta.length += live;
  rep_->node_bytes += node.MemoryUsage();
  rep_->nodes.emplace_hint(rep_->nodes.end(), master, std::move(node));
  return absl::OkStatus();
}

absl::Status Stream::LoadMeta(const StreamMeta& meta,
                              bool only_length_and_last_id) {
  if (meta.length != rep_->meta.length) {
    return absl::InvalidArgumentError(
        absl::StrCat("a stream of ", rep_->meta.length,
                     " entries says that it has ", meta.length));
  }
  if (meta.last_id < rep_->meta.last_id) {
    return absl::InvalidArgumentError(
        "a stream's last id is below that of its last entry");
  }
  rep_->meta.last_id = meta.last_id;
  FindFirstId();
  if (only_length_and_last_id) {
    rep_->meta.entries_added = meta.length;
    return absl::OkStatus();
  }
  if (meta.first_id != rep_->meta.first_id) {
    return absl::InvalidArgumentError(
        "a stream's first id is not that of its first entry");
  }
  if (meta.entries_added < meta.length) {
    return absl::InvalidArgumentError(
        "a stream was never given as many entries as it has");
  }
  rep_->meta = meta;
  // Redis counts beyond that after XSETID ... ENTRIESADDED, and saves it.
  rep_->meta.entries_added =
      std::min<uint64_t>(rep_->meta.entries_added, INT64_MAX);
  return absl::OkStatus();
}

}  // namespace holdfast::server
