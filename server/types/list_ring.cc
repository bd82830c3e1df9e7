#include "server/types/list_ring.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "glog/logging.h"

namespace holdfast::server {
namespace {

using Position = Listpack::Position;
using BlockWriting = Writing<Listpack, ListNode::Kind>;

// What a listpack has besides its elements, and the most that an element has
// besides its bytes.
constexpr size_t kBlockOverhead = 7;
constexpr size_t kElementOverhead = 10;
// What Redis reckons with for an element's overhead.
constexpr size_t kEstimatedOverhead = 8;
// Bound in bytes of nodes that are bounded in elements.
constexpr size_t kCountedNodeBytes = 8192;

}  // namespace

NodeRoom::NodeRoom(const ListLimits& limits)
    : plain_from_(
          std::min(limits.plain_from,
                   Listpack::kMaxBytes - kBlockOverhead - kElementOverhead)) {
  const int64_t fill = std::clamp<int64_t>(limits.fill, -5, INT16_MAX);
  max_bytes_ = fill < 0 ? size_t{2048} << -fill : kCountedNodeBytes;
  max_count_ = fill < 0 ? SIZE_MAX : static_cast<size_t>(fill);
}

NodeRoom NodeRoom::ForShrunken() const {
  NodeRoom room = *this;
  room.max_bytes_ /= 2;
  room.max_count_ /= 2;
  return room;
}

bool NodeRoom::TakesOneMore(size_t bytes, size_t count, size_t length) const {
  return bytes + length + kEstimatedOverhead <= max_bytes_ &&
         count < max_count_;
}

bool NodeRoom::TakesBoth(size_t bytes, size_t other_bytes, size_t count) const {
  return bytes + other_bytes - kBlockOverhead <= max_bytes_ &&
         count <= max_count_;
}

size_t RemoveFromBlock(Listpack* block, const ListNeedle& needle, size_t max,
                       bool backwards) {
  size_t removed = 0;
  Position at = backwards ? block->Last() : block->First();
  while (at != Listpack::kEnd && removed < max) {
    if (!needle.Matches(block->Get(at))) {
      at = backwards ? block->Previous(at) : block->Next(at);
      continue;
    }
    // Elements of a run go together, for one move of what is behind them.
    size_t run = 1;
    for (Position more = at; removed + run < max; ++run) {
      more = backwards ? block->Previous(more) : block->Next(more);
      if (more == Listpack::kEnd || !needle.Matches(block->Get(more))) break;
      if (backwards) at = more;
    }
    at = block->Erase(at, run);
    removed += run;
    // Of kEnd it is the last; of the first element it is kEnd, as it is in an
    // empty block.
    if (backwards) at = block->Previous(at);
  }
  return removed;
}

bool ReplaceInBlock(Listpack* block, size_t count, Position at,
                    absl::string_view value, const NodeRoom& room) {
  if (room.IsPlain(value.size())) return false;
  const Position next = block->Next(at);
  const size_t old_bytes =
      (next == Listpack::kEnd ? block->byte_size() - 1 : next) - at;
  const size_t new_bytes = Listpack::EncodedSize(value);
  // An element that is alone may be as large as it likes.
  if (count > 1 && new_bytes > old_bytes &&
      !room.TakesBytes(block->byte_size() - old_bytes + new_bytes))
    return false;
  block->Replace(at, value);
  return true;
}

ListRing::~ListRing() {
  while (first_ != nullptr) Unlink(first_);
}

ListNode* ListRing::NewNode(Listpack block) {
  auto* node = new ListNode;
  node->count = block.size();
  node->content = {ListNode::Kind::kPacked, block.Release()};
  return node;
}

ListNode* ListRing::NewPlainNode(absl::string_view value) {
  auto* plain = static_cast<ListNode::Plain*>(
      malloc(sizeof(ListNode::Plain) + value.size()));
  CHECK(plain != nullptr) << "out of memory for an element of " << value.size()
                          << " bytes";
  plain->length = value.size();
  if (!value.empty()) memcpy(plain->data(), value.data(), value.size());
  auto* node = new ListNode;
  node->count = 1;
  node->content = {ListNode::Kind::kPlain, plain};
  return node;
}

ListNode* ListRing::NewNode(absl::string_view value, const NodeRoom& room) {
  if (room.IsPlain(value.size())) return NewPlainNode(value);
  Listpack block;
  block.Append(value);
  return NewNode(std::move(block));
}

void ListRing::FreeNode(ListNode* node) {
  if (node->is_plain()) {
    free(node->content.as<void>());
  } else {
    Listpack::Adopt(node->content.as<unsigned char>());
  }
  delete node;
}

ListRing* ListRing::Clone() const {
  auto* copy = new ListRing;
  for (ListNode* node = first_; node != nullptr;
       node = node->next == first_ ? nullptr : node->next) {
    ListNode* fresh = node->is_plain() ? NewPlainNode(node->plain())
                                       : NewNode(node->block()->Clone());
    copy->Link(copy->nodes_ == 0 ? nullptr : copy->last(), true, fresh);
  }
  return copy;
}

size_t ListRing::MemoryUsage(size_t samples) const {
  size_t bytes = 0;
  size_t seen = 0;
  for (ListNode* node = first_;
       seen < nodes_ && (samples == 0 || seen < samples); node = node->next) {
    bytes +=
        malloc_usable_size(node) + malloc_usable_size(node->content.as<void>());
    ++seen;
  }
  if (seen < nodes_) {
    bytes = static_cast<size_t>(static_cast<double>(bytes) /
                                static_cast<double>(seen) *
                                static_cast<double>(nodes_));
  }
  return sizeof(*this) + bytes;
}

void ListRing::Link(ListNode* beside, bool after, ListNode* fresh) {
  if (first_ == nullptr) {
    fresh->previous = fresh->next = first_ = fresh;
  } else {
    ListNode* before = after ? beside : beside->previous;
    fresh->previous = before;
    fresh->next = before->next;
    before->next->previous = fresh;
    before->next = fresh;
    if (!after && beside == first_) first_ = fresh;
  }
  ++nodes_;
  size_ += fresh->count;
}

void ListRing::Unlink(ListNode* node) {
  if (node->next == node) {
    first_ = nullptr;
  } else {
    node->previous->next = node->next;
    node->next->previous = node->previous;
    if (first_ == node) first_ = node->next;
  }
  --nodes_;
  size_ -= node->count;
  FreeNode(node);
}

void ListRing::SetCount(ListNode* node, size_t count) {
  size_ = size_ - node->count + count;
  node->count = count;
}

ListRing::Place ListRing::Seek(size_t index) const {
  ListNode* node = first_;
  if (index < size_ / 2) {
    while (index >= node->count) {
      index -= node->count;
      node = node->next;
    }
  } else {
    size_t from_back = size_ - index;  // 1 is the last one.
    node = last();
    while (from_back > node->count) {
      from_back -= node->count;
      node = node->previous;
    }
    index = node->count - from_back;
  }
  return {node, node->is_plain()
                    ? 1
                    : node->block()->Seek(static_cast<int64_t>(index))};
}

bool ListRing::TakesOneMore(const ListNode* node, size_t length,
                            const NodeRoom& room) {
  return !node->is_plain() &&
         room.TakesOneMore(node->block()->byte_size(), node->count, length);
}

void ListRing::PushInto(ListNode* node, bool at_head, absl::string_view value) {
  BlockWriting block(&node->content);
  block->Insert(at_head ? block->First() : Listpack::kEnd, value);
  SetCount(node, node->count + 1);
}

void ListRing::Push(bool at_head, absl::string_view value,
                    const NodeRoom& room) {
  ListNode* end = first_ == nullptr || at_head ? first_ : last();
  if (end != nullptr && !room.IsPlain(value.size()) &&
      TakesOneMore(end, value.size(), room)) {
    PushInto(end, at_head, value);
  } else {
    Link(end, !at_head, NewNode(value, room));
  }
}

void ListRing::Pop(bool at_head,
                   absl::FunctionRef<void(absl::string_view)> taken) {
  ListNode* node = at_head ? first_ : last();
  if (node->is_plain()) {
    taken(node->plain());
    Unlink(node);
    return;
  }
  {
    BlockWriting block(&node->content);
    const Position at = at_head ? block->First() : block->Last();
    char scratch[Listpack::Item::kScratch];
    taken(block->Get(at).Bytes(scratch));
    if (node->count > 1) {
      block->Erase(at);
      SetCount(node, node->count - 1);
      GiveBackSpare(&*block, node->count);
      return;
    }
  }
  Unlink(node);
}

ListNode* ListRing::Split(ListNode* node, Position at) {
  Listpack behind;
  {
    BlockWriting block(&node->content);
    size_t kept = 0;
    for (Position p = block->First(); p != at; p = block->Next(p)) ++kept;
    behind = block->Clone();
    behind.Erase(behind.First(), kept);
    block->Erase(at, node->count - kept);
    block->ShrinkToFit();
    SetCount(node, kept);
  }
  behind.ShrinkToFit();
  ListNode* fresh = NewNode(std::move(behind));
  Link(node, true, fresh);
  return fresh;
}

bool ListRing::MergeWithNext(ListNode* node, const NodeRoom& room) {
  ListNode* next = node->next;
  if (next == first_ || node->is_plain() || next->is_plain()) return false;
  {
    BlockWriting block(&node->content);
    const Reading<Listpack> other(next->content);
    if (!room.TakesBoth(block->byte_size(), other->byte_size(),
                        node->count + next->count))
      return false;
    block->AppendAll(*other);
  }
  SetCount(node, node->count + next->count);
  SetCount(next, 0);
  Unlink(next);
  return true;
}

void ListRing::MergeAround(ListNode* node, const NodeRoom& room) {
  if (node != first_ && node->previous != first_)
    MergeWithNext(node->previous->previous, room);
  if (node != last()) MergeWithNext(node->next, room);
  if (node != first_) {
    ListNode* previous = node->previous;
    if (MergeWithNext(previous, room)) node = previous;
  }
  MergeWithNext(node, room);
}

void ListRing::Insert(Place beside, bool after, absl::string_view value,
                      const NodeRoom& room) {
  ListNode* node = beside.node;
  const bool plain = room.IsPlain(value.size());
  if (!plain && TakesOneMore(node, value.size(), room)) {
    BlockWriting block(&node->content);
    block->Insert(after ? block->Next(beside.at) : beside.at, value);
    SetCount(node, node->count + 1);
    return;
  }
  // Where the elements begin that stand behind the new one.
  Position cut = beside.at;
  bool at_edge = true;
  if (!node->is_plain()) {
    if (after) cut = node->block()->Next(cut);
    at_edge = after ? cut == Listpack::kEnd : cut == node->block()->First();
  }
  if (at_edge) {
    ListNode* neighbour = after ? node->next : node->previous;
    const bool is_end = after ? node == last() : node == first_;
    if (!plain && !is_end && TakesOneMore(neighbour, value.size(), room)) {
      PushInto(neighbour, after, value);
    } else {
      Link(node, after, NewNode(value, room));
    }
    return;
  }
  ListNode* behind = Split(node, cut);
  if (!plain && TakesOneMore(node, value.size(), room)) {
    PushInto(node, false, value);
  } else if (!plain && TakesOneMore(behind, value.size(), room)) {
    PushInto(behind, true, value);
  } else {
    Link(node, true, NewNode(value, room));
  }
  MergeAround(node, room);
}

void ListRing::Replace(Place place, absl::string_view value,
                       const NodeRoom& room) {
  ListNode* node = place.node;
  const bool packed = !node->is_plain();
  if (packed && ReplaceInBlock(&*BlockWriting(&node->content), node->count,
                               place.at, value, room))
    return;
  // The new one gets a node of its own, and the old one, now the first of its
  // node, goes.
  if (packed && place.at != node->block()->First())
    node = Split(node, place.at);
  ListNode* fresh = NewNode(value, room);
  Link(node, false, fresh);
  if (node->count == 1) {
    Unlink(node);
  } else {
    BlockWriting block(&node->content);
    block->Erase(block->First());
    SetCount(node, node->count - 1);
  }
  MergeAround(fresh, room);
}

size_t ListRing::Remove(const ListNeedle& needle, size_t max, bool backwards,
                        const NodeRoom& room) {
  const NodeRoom shrunken = room.ForShrunken();
  size_t removed = 0;
  ListNode* node = backwards ? last() : first_;
  bool neighbour_changed = false;  // The node that was visited before this one.
  for (size_t left = nodes_; left > 0; --left) {
    ListNode* const following = backwards ? node->previous : node->next;
    const size_t before = node->count;
    size_t gone = 0;
    if (removed == max) {
      // Only here for its neighbour's sake.
    } else if (node->is_plain()) {
      gone = needle.Matches({false, 0, node->plain()}) ? 1 : 0;
    } else {
      BlockWriting block(&node->content);
      gone = RemoveFromBlock(&*block, needle, max - removed, backwards);
      if (gone > 0) GiveBackSpare(&*block, before - gone);
    }
    removed += gone;
    if (gone == before) {
      SetCount(node, 0);
      Unlink(node);
      node = following;
      neighbour_changed = true;
      continue;
    }
    SetCount(node, before - gone);
    if (gone > 0 || neighbour_changed) {
      // With the one that was visited before; `node` stays the one that is
      // left.
      if (backwards) {
        if (node != last()) MergeWithNext(node, shrunken);
      } else if (node != first_) {
        ListNode* previous = node->previous;
        if (MergeWithNext(previous, shrunken)) node = previous;
      }
    }
    if (removed == max && gone == 0) break;
    neighbour_changed = gone > 0;
    node = following;
  }
  return removed;
}

void ListRing::DropFront(size_t count) {
  while (count > 0 && first_->count <= count) {
    count -= first_->count;
    Unlink(first_);
  }
  if (count == 0) return;
  BlockWriting block(&first_->content);
  block->Erase(block->First(), count);
  SetCount(first_, first_->count - count);
  block->ShrinkToFit();
}

void ListRing::DropBack(size_t count) {
  while (count > 0 && last()->count <= count) {
    count -= last()->count;
    Unlink(last());
  }
  if (count == 0) return;
  ListNode* node = last();
  BlockWriting block(&node->content);
  block->Erase(block->Seek(-static_cast<int64_t>(count)), count);
  SetCount(node, node->count - count);
  block->ShrinkToFit();
}

void ListRing::AppendBlock(Listpack block, const NodeRoom& room) {
  ListNode* fresh = NewNode(std::move(block));
  Link(first_ == nullptr ? nullptr : last(), true, fresh);
  if (fresh != first_) MergeWithNext(fresh->previous, room);
}

Listpack ListRing::TakeOnlyBlock() {
  CHECK(nodes_ == 1 && !first_->is_plain());
  Listpack block = Listpack::Adopt(first_->content.as<unsigned char>());
  delete first_;
  first_ = nullptr;
  nodes_ = size_ = 0;
  return block;
}

}  // namespace holdfast::server
