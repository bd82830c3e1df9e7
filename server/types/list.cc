#include "server/types/list.h"

#include <algorithm>

#include "glog/logging.h"
#include "server/types/lent.h"
#include "server/types/list_ring.h"

namespace holdfast::server {
namespace {

using Position = Listpack::Position;

// Blocks from outside that are larger than the largest node of ours, with more
// than one element, are taken apart: work inside of a node has to stay bounded.
constexpr size_t kMaxAdoptedBytes = 65536;

}  // namespace

void List::Free() {
  if (is_ring()) {
    delete ring();
  } else {
    Listpack::Adopt(rep_.as<unsigned char>());
  }
}

List List::Clone() const {
  List copy;
  if (is_ring()) {
    copy.rep_ = {Form::kRing, ring()->Clone()};
  } else if (!empty()) {
    copy.rep_ = {Form::kPacked, Reading<Listpack>(rep_)->Clone().Release()};
  }
  return copy;
}

size_t List::size() const {
  if (is_ring()) return ring()->size();
  return empty() ? 0 : Reading<Listpack>(rep_)->size();
}

size_t List::MemoryUsage(size_t samples) const {
  if (is_ring()) return ring()->MemoryUsage(samples);
  return empty() ? 0 : Reading<Listpack>(rep_)->MemoryUsage();
}

size_t List::FreeEffort() const { return is_ring() ? ring()->nodes() : 1; }

ListRing* List::ToRing() {
  if (is_ring()) return ring();
  auto* ring = new ListRing;
  if (!empty())
    ring->AppendBlock(Listpack::Adopt(rep_.as<unsigned char>()),
                      NodeRoom(ListLimits{0}));
  rep_ = {Form::kRing, ring};
  return ring;
}

void List::Settle() {
  if (is_ring()) {
    ListRing* const old = ring();
    if (old->nodes() > 1 || (old->nodes() == 1 && old->first()->is_plain()))
      return;
    rep_ = {};
    if (old->nodes() == 1)
      rep_ = {Form::kPacked, old->TakeOnlyBlock().Release()};
    delete old;
  } else if (!empty() && Reading<Listpack>(rep_)->empty()) {
    Free();
    rep_ = {};
  }
}

void List::Push(ListEnd end, absl::string_view value,
                const ListLimits& limits) {
  const NodeRoom room(limits);
  const bool at_head = end == ListEnd::kHead;
  if (!is_ring() && !room.IsPlain(value.size())) {
    if (empty()) {
      Listpack block;
      block.Append(value);
      rep_ = {Form::kPacked, block.Release()};
      return;
    }
    Writing<Listpack, Form> block(&rep_);
    if (room.TakesOneMore(block->byte_size(), block->size(), value.size())) {
      block->Insert(at_head ? block->First() : Listpack::kEnd, value);
      return;
    }
  }
  ToRing()->Push(at_head, value, room);
}

bool List::Pop(ListEnd end, Visitor taken) {
  if (empty()) return false;
  const bool at_head = end == ListEnd::kHead;
  if (is_ring()) {
    ring()->Pop(at_head, taken);
  } else {
    Writing<Listpack, Form> block(&rep_);
    const Position at = at_head ? block->First() : block->Last();
    char scratch[kScratch];
    taken(block->Get(at).Bytes(scratch));
    block->Erase(at);
    if (!block->empty()) GiveBackSpare(&*block, block->size());
  }
  Settle();
  return true;
}

bool List::PopFront(std::string* element) {
  return Pop(ListEnd::kHead, [element](absl::string_view e) {
    element->assign(e.data(), e.size());
  });
}

bool List::PopBack(std::string* element) {
  return Pop(ListEnd::kTail, [element](absl::string_view e) {
    element->assign(e.data(), e.size());
  });
}

List::Cursor List::Seek(int64_t index) const {
  if (empty()) return {};
  if (!is_ring()) return {nullptr, Reading<Listpack>(rep_)->Seek(index)};
  const auto count = static_cast<int64_t>(ring()->size());
  if (index >= count || index < -count) return {};
  const ListRing::Place place =
      ring()->Seek(static_cast<size_t>(index < 0 ? index + count : index));
  return {place.node, place.at};
}

// fn(Cursor, Item) until it returns false.
template <typename Fn>
void List::Walk(Cursor from, bool backwards, Fn&& fn) const {
  if (!from.valid()) return;
  if (is_ring()) {
    ring()->Walk({from.node_, from.at_}, backwards,
                 [&](ListRing::Place place, const Listpack::Item& item) {
                   return fn(Cursor(place.node, place.at), item);
                 });
  } else {
    WalkBlock(*Reading<Listpack>(rep_), from.at_, backwards,
              [&](Position at, const Listpack::Item& item) {
                return fn(Cursor(nullptr, at), item);
              });
  }
}

List::Cursor List::Find(absl::string_view value) const {
  const ListNeedle needle(value);
  Cursor found;
  Walk(Seek(0), false, [&](Cursor cursor, const Listpack::Item& item) {
    if (!needle.Matches(item)) return true;
    found = cursor;
    return false;
  });
  return found;
}

absl::string_view List::Get(Cursor cursor, char (&scratch)[kScratch]) const {
  CHECK(cursor.valid());
  if (!is_ring())
    return Reading<Listpack>(rep_)->Get(cursor.at_).Bytes(scratch);
  if (cursor.node_->is_plain()) return cursor.node_->plain();
  return cursor.node_->block()->Get(cursor.at_).Bytes(scratch);
}

bool List::At(int64_t index, char (&scratch)[kScratch],
              absl::string_view* element) const {
  const Cursor cursor = Seek(index);
  if (!cursor.valid()) return false;
  *element = Get(cursor, scratch);
  return true;
}

bool List::SetAt(int64_t index, absl::string_view value,
                 const ListLimits& limits) {
  const Cursor cursor = Seek(index);
  if (!cursor.valid()) return false;
  const NodeRoom room(limits);
  if (!is_ring()) {
    Writing<Listpack, Form> block(&rep_);
    if (ReplaceInBlock(&*block, block->size(), cursor.at_, value, room))
      return true;
  }
  // Where it was in the block it is in the only node's.
  const bool was_ring = is_ring();
  ListRing* const ring = ToRing();
  ring->Replace({was_ring ? cursor.node_ : ring->first(), cursor.at_}, value,
                room);
  Settle();
  return true;
}

void List::Insert(Cursor beside, bool after, absl::string_view value,
                  const ListLimits& limits) {
  CHECK(beside.valid());
  const NodeRoom room(limits);
  if (!is_ring() && !room.IsPlain(value.size())) {
    Writing<Listpack, Form> block(&rep_);
    if (room.TakesOneMore(block->byte_size(), block->size(), value.size())) {
      block->Insert(after ? block->Next(beside.at_) : beside.at_, value);
      return;
    }
  }
  const bool was_ring = is_ring();
  ListRing* const ring = ToRing();
  ring->Insert({was_ring ? beside.node_ : ring->first(), beside.at_}, after,
               value, room);
  Settle();
}

size_t List::Remove(absl::string_view value, size_t max, ListEnd from,
                    const ListLimits& limits) {
  if (empty()) return 0;
  if (max == 0) max = SIZE_MAX;
  const bool backwards = from == ListEnd::kTail;
  const ListNeedle needle(value);
  size_t removed = 0;
  if (is_ring()) {
    removed = ring()->Remove(needle, max, backwards, NodeRoom(limits));
  } else {
    Writing<Listpack, Form> block(&rep_);
    removed = RemoveFromBlock(&*block, needle, max, backwards);
    if (removed > 0) GiveBackSpare(&*block, block->size());
  }
  Settle();
  return removed;
}

void List::Trim(size_t start, size_t count) {
  const size_t all = size();
  if (start >= all || count == 0) {
    Free();
    rep_ = {};
    return;
  }
  const size_t behind = all - start - std::min(count, all - start);
  if (is_ring()) {
    ring()->DropBack(behind);
    ring()->DropFront(start);
    Settle();
  } else if (behind > 0 || start > 0) {
    Writing<Listpack, Form> block(&rep_);
    if (behind > 0)
      block->Erase(block->Seek(-static_cast<int64_t>(behind)), behind);
    if (start > 0) block->Erase(block->First(), start);
    GiveBackSpare(&*block, block->size());
  }
}

void List::Visit(int64_t index, size_t count, bool backwards,
                 Visitor fn) const {
  if (count == 0) return;
  char scratch[kScratch];
  Walk(Seek(index), backwards, [&](Cursor, const Listpack::Item& item) {
    fn(item.Bytes(scratch));
    return --count > 0;
  });
}

void List::Search(absl::string_view value, ListEnd from, size_t max_compared,
                  absl::FunctionRef<bool(size_t index)> found) const {
  const ListNeedle needle(value);
  const bool backwards = from == ListEnd::kTail;
  size_t left = max_compared == 0 ? SIZE_MAX : max_compared;
  size_t index = backwards ? size() - 1 : 0;
  Walk(Seek(backwards ? -1 : 0), backwards,
       [&](Cursor, const Listpack::Item& item) {
         if (needle.Matches(item) && !found(index)) return false;
         index += backwards ? size_t{0} - 1 : 1;
         return --left > 0;
       });
}

void List::ForEachNode(
    absl::FunctionRef<void(bool is_plain, absl::string_view bytes)> fn) const {
  if (empty()) return;
  if (!is_ring()) {
    fn(false, Reading<Listpack>(rep_)->bytes());
    return;
  }
  const ListNode* node = ring()->first();
  for (size_t left = ring()->nodes(); left > 0; --left, node = node->next) {
    fn(node->is_plain(),
       node->is_plain() ? node->plain() : node->block()->bytes());
  }
}

void List::AppendBlock(Listpack block, const ListLimits& limits) {
  if (block.empty()) return;
  if (block.byte_size() > kMaxAdoptedBytes &&
      block.Next(block.First()) != Listpack::kEnd) {
    char scratch[kScratch];
    WalkBlock(block, block.First(), false,
              [&](Position, const Listpack::Item& item) {
                PushBack(item.Bytes(scratch), limits);
                return true;
              });
    return;
  }
  ToRing()->AppendBlock(std::move(block), NodeRoom(limits));
  Settle();
}

void List::AppendPlain(absl::string_view value) {
  ToRing()->Push(false, value, NodeRoom(ListLimits{0, 0}));
  Settle();
}

}  // namespace holdfast::server
