#ifndef HOLDFAST_SERVER_TYPES_LIST_H_
#define HOLDFAST_SERVER_TYPES_LIST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "server/types/limits.h"
#include "server/types/listpack.h"
#include "server/types/tagged.h"

namespace holdfast::server {

class ListRing;
struct ListNode;

enum class ListEnd : uint8_t { kHead, kTail };

// A list of byte strings: one listpack as long as one node of this size holds
// it (ListLimits), a ring of such nodes otherwise; back again when one node is
// left. It calls itself "quicklist" always, as Redis 7.0 does.
//
// What happens at the ends and inside of a node is O(bytes of a node), finding
// an index O(nodes), the rest as said. Eight bytes, owns its memory, null when
// it is empty. Thread-compatible. Values that are passed in must not be of this
// list's own memory; views that are passed out are good until the next change.
// REQUIRES of elements: at most kMaxElementBytes. The destructor is O(nodes):
// see FreeEffort().
class List {
 public:
  using Visitor = absl::FunctionRef<void(absl::string_view element)>;
  static constexpr size_t kScratch = Listpack::Item::kScratch;

  // Where an element is, until the list changes. Made by List alone.
  class Cursor {
   public:
    Cursor() = default;
    bool valid() const {
      return at_ != Listpack::kEnd;
    }  // Whether there is one.

   private:
    friend class List;
    Cursor(ListNode* node, Listpack::Position at) : node_(node), at_(at) {}
    ListNode* node_ = nullptr;  // Null in the small form.
    Listpack::Position at_ = Listpack::kEnd;
  };

  List() = default;
  ~List() { Free(); }
  List(List&& other) noexcept : rep_(std::exchange(other.rep_, {})) {}
  List& operator=(List&& other) noexcept {
    std::swap(rep_, other.rep_);
    return *this;
  }
  List Clone() const;

  size_t size() const;
  bool empty() const { return rep_.as<void>() == nullptr; }
  absl::string_view EncodingName() const { return "quicklist"; }
  // Bytes owned; in the large form reckoned from `samples` nodes, 0: all.
  size_t MemoryUsage(size_t samples = 0) const;
  size_t FreeEffort() const;  // Nodes, as Redis counts it.

  void Push(ListEnd end, absl::string_view value, const ListLimits& limits);
  void PushFront(absl::string_view value, const ListLimits& limits) {
    Push(ListEnd::kHead, value, limits);
  }
  void PushBack(absl::string_view value, const ListLimits& limits) {
    Push(ListEnd::kTail, value, limits);
  }

  // Shows the element and removes it. False if there is none.
  bool Pop(ListEnd end, Visitor taken);
  bool PopFront(std::string* element);
  bool PopBack(std::string* element);

  // An index counts from 0, or from the back: -1 is the last. Not valid if
  // there is none.
  Cursor Seek(int64_t index) const;
  // The first element like `value`; O(bytes).
  Cursor Find(absl::string_view value) const;
  // REQUIRES: valid. The bytes may be in `scratch`.
  absl::string_view Get(Cursor cursor, char (&scratch)[kScratch]) const;
  // Both at once; false if there is none.
  bool At(int64_t index, char (&scratch)[kScratch],
          absl::string_view* element) const;

  // False if there is no such index.
  bool SetAt(int64_t index, absl::string_view value, const ListLimits& limits);
  // REQUIRES: valid.
  void Insert(Cursor beside, bool after, absl::string_view value,
              const ListLimits& limits);
  // Removes the first `max` elements like `value` (0: all) that are met from
  // this end on; returns how many. O(bytes).
  size_t Remove(absl::string_view value, size_t max, ListEnd from,
                const ListLimits& limits);
  // Keeps up to `count` elements from `start` on. O(nodes that go).
  void Trim(size_t start, size_t count);

  // Shows up to `count` elements, from this index on, towards the tail or the
  // head. fn must not change the list, here and below.
  void Visit(int64_t index, size_t count, bool backwards, Visitor fn) const;
  void ForEach(Visitor fn) const { Visit(0, SIZE_MAX, false, fn); }
  // LPOS: looks at up to `max_compared` elements (0: all) from this end on, and
  // calls found(index from the head) for those like `value` until it returns
  // false.
  void Search(absl::string_view value, ListEnd from, size_t max_compared,
              absl::FunctionRef<bool(size_t index)> found) const;

  // RDB's view of a list, node by node: a listpack's bytes, or one plain
  // element.
  void ForEachNode(
      absl::FunctionRef<void(bool is_plain, absl::string_view bytes)> fn) const;
  // Appends all elements of a loader's listpack, as one node if it is not too
  // large for one.
  void AppendBlock(Listpack block, const ListLimits& limits);
  // Appends an element by itself, whatever its length.
  void AppendPlain(absl::string_view value);

 private:
  enum class Form : uintptr_t { kPacked, kRing };

  bool is_ring() const { return rep_.tag() == Form::kRing; }
  ListRing* ring() const { return rep_.as<ListRing>(); }
  template <typename Fn>
  void Walk(Cursor from, bool backwards, Fn&& fn) const;
  // Makes it a ring, of one node or of none.
  ListRing* ToRing();
  // Makes it small again if it can be.
  void Settle();
  void Free();

  Tagged<Form> rep_;
};

static_assert(sizeof(List) == 8);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TYPES_LIST_H_
