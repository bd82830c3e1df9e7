#ifndef HOLDFAST_SERVER_TYPES_LIST_RING_H_
#define HOLDFAST_SERVER_TYPES_LIST_RING_H_

#include <cstddef>
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "net/resp/integer.h"
#include "server/types/lent.h"
#include "server/types/limits.h"
#include "server/types/listpack.h"
#include "server/types/tagged.h"

namespace holdfast::server {

// ListLimits, worked out.
class NodeRoom {
 public:
  explicit NodeRoom(const ListLimits& limits);
  // For two nodes that became small: what they may come to together. Half a
  // node, so that what is merged is not split again by the next insertion.
  NodeRoom ForShrunken() const;

  // Whether an element of this length is kept by itself.
  bool IsPlain(size_t length) const { return length >= plain_from_; }
  // Whether a node of so many bytes and elements may get one more.
  bool TakesOneMore(size_t bytes, size_t count, size_t length) const;
  // Whether one node may have all that two have.
  bool TakesBoth(size_t bytes, size_t other_bytes, size_t count) const;
  bool TakesBytes(size_t bytes) const { return bytes <= max_bytes_; }

 private:
  size_t max_bytes_;
  size_t max_count_;
  size_t plain_from_;
};

// A value to be compared with many elements.
class ListNeedle {
 public:
  explicit ListNeedle(absl::string_view value)
      : value_(value), is_integer_(net::ParseInteger(value, &integer_)) {}
  bool Matches(const Listpack::Item& item) const {
    return item.is_integer ? is_integer_ && item.integer == integer_
                           : item.text == value_;
  }

 private:
  absl::string_view value_;
  int64_t integer_ = 0;
  bool is_integer_;
};

// Removes up to `max` elements that are like `needle` from a block, from its
// begin or its end on. Returns how many.
size_t RemoveFromBlock(Listpack* block, const ListNeedle& needle, size_t max,
                       bool backwards);

// Puts `value` in the place of an element, if the block, of `count` elements,
// stays within `room` or does not grow; whether it did.
bool ReplaceInBlock(Listpack* block, size_t count, Listpack::Position at,
                    absl::string_view value, const NodeRoom& room);

// Calls fn(Position, Item) for the elements of a block from `at` on, both ways,
// until it returns false; whether it never did.
template <typename Fn>
bool WalkBlock(const Listpack& block, Listpack::Position at, bool backwards,
               Fn&& fn) {
  for (; at != Listpack::kEnd;
       at = backwards ? block.Previous(at) : block.Next(at)) {
    if (!fn(at, block.Get(at))) return false;
  }
  return true;
}

// Some elements of a list: a listpack, or one large element by itself.
struct ListNode {
  enum class Kind : uintptr_t { kPacked, kPlain };
  struct Plain {
    size_t length;
    char* data() { return reinterpret_cast<char*>(this + 1); }
  };

  ListNode* previous;
  ListNode* next;
  Tagged<Kind> content;
  size_t count;

  bool is_plain() const { return content.tag() == Kind::kPlain; }
  absl::string_view plain() const {
    return {content.as<Plain>()->data(), content.as<Plain>()->length};
  }
  Reading<Listpack> block() const {
    return Reading<Listpack>(content);
  }  // REQUIRES: !is_plain().
};

// The large form of a List: its nodes in a ring. Thread-compatible; owns all.
// Values that are passed in must not be of its own memory.
class ListRing {
 public:
  // An element: its node, and where it is in the node's block (1 if it is
  // plain).
  struct Place {
    ListNode* node = nullptr;
    Listpack::Position at = Listpack::kEnd;
  };

  ListRing() = default;
  ~ListRing();
  ListRing(const ListRing&) = delete;
  ListRing& operator=(const ListRing&) = delete;
  ListRing* Clone() const;

  size_t size() const { return size_; }
  size_t nodes() const { return nodes_; }
  ListNode* first() const { return first_; }
  ListNode* last() const { return first_->previous; }
  size_t MemoryUsage(size_t samples) const;

  // REQUIRES: index < size().
  Place Seek(size_t index) const;
  // fn(Place, Item) until it returns false; `from` must be an element.
  template <typename Fn>
  void Walk(Place from, bool backwards, Fn&& fn) const;

  void Push(bool at_head, absl::string_view value, const NodeRoom& room);
  // REQUIRES: size() > 0.
  void Pop(bool at_head, absl::FunctionRef<void(absl::string_view)> taken);
  // Every one of these makes all places invalid.
  void Insert(Place beside, bool after, absl::string_view value,
              const NodeRoom& room);
  void Replace(Place place, absl::string_view value, const NodeRoom& room);
  size_t Remove(const ListNeedle& needle, size_t max, bool backwards,
                const NodeRoom& room);
  // REQUIRES: count <= size().
  void DropFront(size_t count);
  void DropBack(size_t count);

  // A node of this block, behind all others; or the last of these takes it in.
  void AppendBlock(Listpack block, const NodeRoom& room);
  // The block of the only node, which is packed; the ring is empty afterwards.
  Listpack TakeOnlyBlock();

 private:
  static ListNode* NewNode(Listpack block);
  static ListNode* NewPlainNode(absl::string_view value);
  static ListNode* NewNode(absl::string_view value, const NodeRoom& room);
  static void FreeNode(ListNode* node);

  // Before or after `beside` (any node if the ring is empty); a node before the
  // first becomes the first.
  void Link(ListNode* beside, bool after, ListNode* fresh);
  void Unlink(ListNode* node);  // And frees it.
  void SetCount(ListNode* node, size_t count);
  static bool TakesOneMore(const ListNode* node, size_t length,
                           const NodeRoom& room);
  void PushInto(ListNode* node, bool at_head, absl::string_view value);
  // Moves the elements from `at` on, not the first, to a new node behind;
  // returns that.
  ListNode* Split(ListNode* node, Listpack::Position at);
  // Moves all of the next node into this one, if both fit into `room` and it is
  // not the last. Whether it did.
  bool MergeWithNext(ListNode* node, const NodeRoom& room);
  void MergeAround(ListNode* node, const NodeRoom& room);

  ListNode* first_ = nullptr;
  size_t size_ = 0;  // Elements.
  size_t nodes_ = 0;
};

template <typename Fn>
void ListRing::Walk(Place from, bool backwards, Fn&& fn) const {
  ListNode* const end =
      backwards ? last() : first_;  // Not to be come to again.
  ListNode* node = from.node;
  Listpack::Position at = from.at;
  do {
    if (node->is_plain()) {
      if (!fn(Place{node, 1}, Listpack::Item{false, 0, node->plain()})) return;
    } else {
      const Reading<Listpack> block(node->content);
      if (at == Listpack::kEnd) at = backwards ? block->Last() : block->First();
      const auto in_block = [&](Listpack::Position p,
                                const Listpack::Item& item) {
        return fn(Place{node, p}, item);
      };
      if (!WalkBlock(*block, at, backwards, in_block)) return;
    }
    at = Listpack::kEnd;
    node = backwards ? node->previous : node->next;
  } while (node != end);
}

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TYPES_LIST_RING_H_
