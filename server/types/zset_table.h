#ifndef HOLDFAST_SERVER_TYPES_ZSET_TABLE_H_
#define HOLDFAST_SERVER_TYPES_ZSET_TABLE_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "server/text/hash.h"
#include "server/types/dict.h"
#include "server/types/dict_tools.h"

namespace holdfast::server {

// The large form of a sorted set: elements found by member in a Dict, and kept
// in the order of (score, member) in a skiplist whose links know how many
// elements they pass over (Pugh, "A Skip List Cookbook", 1990, section 3.4), so
// that a rank is found, or counted, in O(log n).
//
// One allocation per element holds everything about it. How high it stands in
// the skiplist follows from its member's hash, which is seeded: no random
// numbers are drawn, and nobody outside can make the list degenerate.
//
// Owns its elements. Thread-compatible. Views given must not be into the table.
class ZsetTable {
 public:
  class Node;

  // A link of a higher level than the lowest, and how many elements on it
  // leads; with no next element, how many there are behind.
  struct Link {
    Node* next;
    size_t span;
  };

  // An element. Its links but the lowest stand before it in memory, the highest
  // first, so that the member's place is the same in all.
  class Node {
   public:
    absl::string_view member() const {
      return {reinterpret_cast<const char*>(&levels_) + 1, size_};
    }
    double score() const { return score_; }
    const Node* next() const { return next_; }  // Null behind the last.
    const Node* back() const { return back_; }  // Null before the first.

   private:
    friend class ZsetTable;
    Node() = default;
    Link& link(int level) { return reinterpret_cast<Link*>(this)[-level]; }

    Node* chain_ = nullptr;  // The Dict's.
    double score_ = 0;
    Node* back_ = nullptr;
    Node* next_ = nullptr;
    uint32_t size_ = 0;
    uint8_t levels_ = 1;  // Links, with the lowest. The member follows at once.
  };

  ZsetTable();
  ~ZsetTable();
  ZsetTable(const ZsetTable&) = delete;
  ZsetTable& operator=(const ZsetTable&) = delete;

  size_t size() const { return size_; }
  size_t MemoryUsage() const;

  Node* Find(absl::string_view member) const {
    return by_member_.Find(member, HashOfBytes(member));
  }
  // REQUIRES: no such member; at most kMaxElementBytes of it; a score that is a
  // number.
  void Insert(absl::string_view member, double score);
  // The same for an element behind all others, without looking for its place;
  // the cursor begins as Appender() of the table and is for one row of appends.
  class Appender;
  void SetScore(Node* node, double score);
  void Erase(Node* node);
  // Erases `count` elements from this rank on. REQUIRES: there are that many.
  void EraseRange(size_t first, size_t count);

  const Node* At(size_t rank) const;  // REQUIRES: rank < size().
  size_t RankOf(const Node* node) const;
  // How many elements there are for which `before(node)` is true. REQUIRES:
  // they are the first ones.
  template <typename Before>
  size_t CountWhile(Before&& before) const {
    return const_cast<ZsetTable*>(this)->Descend(before, nullptr);
  }

  // As ScanDict(), over const Node*.
  template <typename Fn>
  uint64_t Scan(uint64_t cursor, size_t count, Fn&& fn) const {
    return ScanDict(by_member_, cursor, count, fn);
  }

 private:
  // With a chance of one in four for each further level, enough for 4^16
  // elements.
  static constexpr int kMaxLevels = 16;

  struct Traits {
    using Node = ZsetTable::Node;
    using Key = absl::string_view;
    static Node*& Next(Node* n) { return n->chain_; }
    static uint64_t Hash(const Node* n) { return HashOfBytes(n->member()); }
    static bool Matches(const Node* n, absl::string_view key) {
      return n->member() == key;
    }
  };

  // Where a place in the order is: on each level the last node before it (or
  // the head), and how many elements come up to and with that.
  struct Path {
    Node* before[kMaxLevels];
    size_t rank[kMaxLevels];
  };

  static Node* NewNode(absl::string_view member, double score, uint64_t hash);
  static void FreeNode(Node* node);
  static size_t NodeBytes(const Node* node);

  Node* head() { return reinterpret_cast<Node*>(head_ + kHeadLinkBytes); }
  // Goes on while `before(next)` is true, from the highest level down. Returns
  // how many elements it left behind; fills in *path if that is not null.
  template <typename Before>
  size_t Descend(Before&& before, Path* path) {
    Node* at = head();
    size_t rank = 0;
    const Node* refused = nullptr;  // Need not be asked again a level below.
    for (int level = levels_ - 1; level > 0; --level) {
      for (Node* next;
           (next = at->link(level).next) != nullptr && next != refused;
           at = next) {
        if (!before(next)) {
          refused = next;
          break;
        }
        rank += at->link(level).span;
      }
      if (path != nullptr) {
        path->before[level] = at;
        path->rank[level] = rank;
      }
    }
    for (Node* next;
         (next = at->next_) != nullptr && next != refused && before(next);
         at = next)
      ++rank;
    if (path != nullptr) {
      path->before[0] = at;
      path->rank[0] = rank;
    }
    return rank;
  }
  void FindPath(double score, absl::string_view member, Path* path);
  void PathToRank(size_t rank, Path* path);
  void LinkIn(Node* node, Path* path);
  void LinkOut(Node* node, const Path& path);
  void Discard(
      Node* node);  // One that is linked out: from the Dict, and freed.

  // A node of all levels, its links before it as in any.
  static constexpr size_t kHeadLinkBytes = sizeof(Link) * (kMaxLevels - 1);
  alignas(Node) char head_[kHeadLinkBytes + sizeof(Node)] = {};
  Node* tail_ = nullptr;
  int levels_ = 1;
  size_t size_ = 0;
  size_t node_bytes_ = 0;
  Dict<Traits> by_member_;
};

class ZsetTable::Appender {
 public:
  explicit Appender(ZsetTable* table);
  void Append(absl::string_view member, double score);

 private:
  ZsetTable* const table_;
  Path path_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TYPES_ZSET_TABLE_H_
