#ifndef HOLDFAST_SERVER_TYPES_DICT_H_
#define HOLDFAST_SERVER_TYPES_DICT_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "glog/logging.h"

namespace holdfast::server {

// A chained hash table of intrusive nodes whose order is the order of their
// hashes, grown and shrunk in pieces so that no single operation stalls.
//
// The hash space is cut by its top bits into segments (extendible hashing): a
// directory of 2^depth pointers, and segments of at most 2^kMaxBits buckets.
// A full segment doubles its buckets and, at kMaxBits, splits in two; either
// costs at most about 2^kMaxBits node moves, whatever the size of the table.
// Bucket order is hash order at every size, so a scan position is simply a
// point in hash space: what stays in the table from the first to the last call
// of a scan is seen, whatever happens to the table in between (and seen twice
// only if its segment shrank meanwhile).
//
// Thread-compatible: the owner locks (a keyspace slot's lock, for its tables).
// The table owns no node; Clear() hands each to the caller. 16 bytes when
// empty.
//
// Traits: `using Node`, `using Key`; `static Node*& Next(Node*)`,
// `static uint64_t Hash(const Node*)` (of its key, full 64 bits, top bits
// good), `static bool Matches(const Node*, const Key&)`.
template <typename Traits>
class Dict {
 public:
  using Node = typename Traits::Node;
  using Key = typename Traits::Key;

  // A scan position: the top 48 bits of a hash, so that a cursor has room for a
  // slot number above it. kScanEnd is one past the last position.
  static constexpr int kPositionBits = 48;
  static constexpr uint64_t kScanEnd = uint64_t{1} << kPositionBits;

  Dict() = default;
  ~Dict() {
    DCHECK(empty()) << "Clear() first: the nodes are the caller's";
    FreeAll();
  }
  Dict(const Dict&) = delete;
  Dict& operator=(const Dict&) = delete;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  Node* Find(const Key& key, uint64_t hash) const {
    Node** link = FindLink(key, hash);
    return link == nullptr ? nullptr : *link;
  }

  // The pointer that points at the node, for Replace() and UnlinkAt(); null
  // when the key is not there. Valid until the next change of the table.
  Node** FindLink(const Key& key, uint64_t hash) const {
    Node** link = const_cast<Node**>(BucketOf(hash));
    if (link == nullptr) return nullptr;
    while (*link != nullptr) {
      if (Traits::Matches(*link, key)) return link;
      link = &Traits::Next(*link);
    }
    return nullptr;
  }

  // Where the pointer to the first node with such a hash stands, for
  // prefetching; null while there is no table.
  Node* const* BucketOf(uint64_t hash) const {
    if (depth_ == 0) {
      // The common case needs no look at the segment's own header, which is on
      // another cache line than the bucket.
      return only_ == nullptr ? nullptr
                              : &only_->buckets[hash >> (64 - only_bits_)];
    }
    const Segment* segment = directory_[hash >> (64 - depth_)];
    return &segment->buckets[segment->IndexOf(hash)];
  }

  // REQUIRES: no node with this key is in the table.
  void Insert(Node* node, uint64_t hash) {
    Segment* segment = SegmentOf(hash);
    if (segment == nullptr) {
      segment = NewSegment(0, kMinBits);
      Store(segment, hash);
    } else if (segment->count >= (1u << segment->bits)) {
      segment = Grow(segment, hash);
    }
    Push(segment, node, hash);
    ++segment->count;
    ++size_;
  }

  // Puts `fresh`, a node with the same key, where `*link` was; returns the old
  // node.
  static Node* Replace(Node** link, Node* fresh) {
    Node* old = *link;
    Traits::Next(fresh) = Traits::Next(old);
    *link = fresh;
    return old;
  }

  // Takes the node at `link` (from FindLink with this hash) out and returns it.
  Node* UnlinkAt(Node** link, uint64_t hash) {
    Node* node = *link;
    *link = Traits::Next(node);
    --size_;
    Segment* segment = SegmentOf(hash);
    --segment->count;
    if (size_ == 0) {
      FreeAll();
    } else if (segment->bits > kMinBits &&
               segment->count < (1u << segment->bits) / 8) {
      Store(Resized(segment, segment->bits - 2 > kMinBits ? segment->bits - 2
                                                          : kMinBits),
            hash);
    }
    return node;
  }

  // Calls fn(Node*) for all nodes of the buckets from `position` on, bucket by
  // bucket, until at least `want` nodes were seen or `max_buckets` buckets were
  // passed, and returns where to go on, or kScanEnd. fn must not change the
  // table.
  template <typename Fn>
  uint64_t Scan(uint64_t position, size_t want, size_t max_buckets,
                Fn&& fn) const {
    size_t seen = 0;
    while (position < kScanEnd) {
      const uint64_t hash = position << (64 - kPositionBits);
      const Segment* segment = SegmentOf(hash);
      if (segment == nullptr) return kScanEnd;
      const int prefix = segment->depth + segment->bits;
      for (Node* node = segment->buckets[segment->IndexOf(hash)];
           node != nullptr;) {
        Node* next = Traits::Next(node);
        // A position inside a bucket (the table was smaller when it was made,
        // or is now) still means "this whole bucket": seen twice beats missed.
        fn(node);
        ++seen;
        node = next;
      }
      position = ((position >> (kPositionBits - prefix)) + 1)
                 << (kPositionBits - prefix);
      if (seen >= want || --max_buckets == 0) return position;
    }
    return kScanEnd;
  }

  template <typename Fn>
  void ForEach(Fn&& fn) const {
    if (size_ > 0) Scan(0, ~size_t{0}, ~size_t{0}, fn);
  }

  // A node chosen by the random 64-bit numbers of `random()`: a random
  // non-empty bucket, then a random member of it (near uniform: chains are
  // short). Null only when the table is empty.
  template <typename Random>
  Node* RandomNode(Random&& random) const {
    if (size_ == 0) return nullptr;
    for (int tries = 0;; ++tries) {
      const uint64_t hash = random();
      const Segment* segment = SegmentOf(hash);
      Node* first = segment->buckets[segment->IndexOf(hash)];
      if (first == nullptr && tries < kRandomTries) continue;
      if (first ==
          nullptr) {  // A nearly empty directory: take the next one in order.
        Scan(hash >> (64 - kPositionBits), 1, ~size_t{0},
             [&](Node* n) { first = n; });
        if (first == nullptr)
          Scan(0, 1, ~size_t{0}, [&](Node* n) { first = n; });
      }
      size_t length = 0;
      for (Node* n = first; n != nullptr; n = Traits::Next(n)) ++length;
      size_t pick = length == 1 ? 0 : random() % length;
      while (pick-- > 0) first = Traits::Next(first);
      return first;
    }
  }

  // Empties the table; fn(Node*) receives every node, and may free it.
  template <typename Fn>
  void Clear(Fn&& fn) {
    if (size_ > 0) Scan(0, ~size_t{0}, ~size_t{0}, fn);
    size_ = 0;
    FreeAll();
  }

  // Moves the content of `other` here. REQUIRES: this table is empty.
  void TakeFrom(Dict& other) {
    DCHECK(empty());
    FreeAll();
    only_ = other.only_;
    size_ = other.size_;
    only_bits_ = other.only_bits_;
    depth_ = other.depth_;
    other.only_ = nullptr;
    other.size_ = 0;
    other.depth_ = 0;
  }

  // Bytes of the directory and its segments (not of the nodes); O(segments).
  size_t TableBytes() const {
    if (only_ == nullptr) return 0;
    size_t bytes = depth_ == 0 ? 0 : sizeof(Segment*) << depth_;
    ForEachSegment([&](const Segment* s) { bytes += SegmentBytes(s->bits); });
    return bytes;
  }

  size_t BucketCount() const {
    size_t buckets = 0;
    if (only_ != nullptr)
      ForEachSegment(
          [&](const Segment* s) { buckets += size_t{1} << s->bits; });
    return buckets;
  }

 private:
  static constexpr int kMinBits = 2;
  static constexpr int kMaxBits = 10;
  static constexpr int kMaxDepth =
      30;  // 2^30 segments of 2^10 buckets: more than memory holds.
  static constexpr int kRandomTries = 256;

  struct Segment {
    uint32_t count;
    uint8_t depth;  // Top hash bits that all of its nodes share.
    uint8_t bits;   // log2 of the number of buckets.
    Node* buckets[1];

    size_t IndexOf(uint64_t hash) const {
      return (hash << depth) >> (64 - bits);
    }
  };

  static size_t SegmentBytes(int bits) {
    return offsetof(Segment, buckets) + (sizeof(Node*) << bits);
  }

  static Segment* NewSegment(int depth, int bits) {
    auto* segment = static_cast<Segment*>(calloc(1, SegmentBytes(bits)));
    CHECK(segment != nullptr) << "out of memory for a hash table segment";
    segment->depth = static_cast<uint8_t>(depth);
    segment->bits = static_cast<uint8_t>(bits);
    return segment;
  }

  Segment* SegmentOf(uint64_t hash) const {
    return depth_ == 0 ? only_ : directory_[hash >> (64 - depth_)];
  }

  static void Push(Segment* segment, Node* node, uint64_t hash) {
    Node*& head = segment->buckets[segment->IndexOf(hash)];
    Traits::Next(node) = head;
    head = node;
  }

  // Frees `segment` after its nodes moved to a new one with 2^bits buckets.
  static Segment* Resized(Segment* segment, int bits) {
    Segment* fresh = NewSegment(segment->depth, bits);
    fresh->count = segment->count;
    MoveNodes(segment, [&](Node* n, uint64_t hash) { Push(fresh, n, hash); });
    free(segment);
    return fresh;
  }

  template <typename Fn>
  static void MoveNodes(Segment* segment, Fn&& fn) {
    for (size_t i = 0; i < size_t{1} << segment->bits; ++i) {
      for (Node* node = segment->buckets[i]; node != nullptr;) {
        Node* next = Traits::Next(node);
        fn(node, Traits::Hash(node));
        node = next;
      }
    }
  }

  // Makes `fresh` the segment of `hash` and of all hashes with its prefix.
  void Store(Segment* fresh, uint64_t hash) {
    if (depth_ == 0) {
      only_ = fresh;
      only_bits_ = fresh->bits;
      return;
    }
    const size_t span = size_t{1} << (depth_ - fresh->depth);
    const size_t first = (hash >> (64 - depth_)) & ~(span - 1);
    for (size_t i = 0; i < span; ++i) directory_[first + i] = fresh;
  }

  // Makes room in the segment of `hash`; returns the segment that now has it.
  Segment* Grow(Segment* segment, uint64_t hash) {
    if (segment->bits < kMaxBits) {
      Segment* fresh = Resized(segment, segment->bits + 1);
      Store(fresh, hash);
      return fresh;
    }
    if (segment->depth == kMaxDepth)
      return segment;  // Longer chains are all that is left.
    if (segment->depth == depth_) DoubleDirectory();
    Segment* halves[2] = {NewSegment(segment->depth + 1, kMaxBits),
                          NewSegment(segment->depth + 1, kMaxBits)};
    const int shift = 63 - segment->depth;
    MoveNodes(segment, [&](Node* n, uint64_t h) {
      Segment* half = halves[(h >> shift) & 1];
      Push(half, n, h);
      ++half->count;
    });
    const uint64_t bit = uint64_t{1} << shift;
    free(segment);
    Store(halves[0], hash & ~bit);
    Store(halves[1], hash | bit);
    return halves[(hash >> shift) & 1];
  }

  void DoubleDirectory() {
    const size_t old_size = size_t{1} << depth_;
    auto** fresh =
        static_cast<Segment**>(malloc(sizeof(Segment*) * old_size * 2));
    CHECK(fresh != nullptr) << "out of memory for a hash table directory";
    for (size_t i = 0; i < old_size; ++i) {
      fresh[2 * i] = fresh[2 * i + 1] = depth_ == 0 ? only_ : directory_[i];
    }
    if (depth_ > 0) free(directory_);
    directory_ = fresh;
    ++depth_;
  }

  template <typename Fn>
  void ForEachSegment(Fn&& fn) const {
    if (depth_ == 0) {
      fn(only_);
      return;
    }
    for (size_t i = 0; i < size_t{1} << depth_;) {
      Segment* segment = directory_[i];
      i += size_t{1} << (depth_ - segment->depth);
      fn(segment);
    }
  }

  void FreeAll() {
    if (only_ == nullptr) return;
    ForEachSegment([](Segment* s) { free(s); });
    if (depth_ > 0) free(directory_);
    only_ = nullptr;
    depth_ = 0;
  }

  union {
    Segment* only_ =
        nullptr;           // When depth_ == 0; null while nothing was inserted.
    Segment** directory_;  // 2^depth_ entries; neighbours may share a segment.
  };
  uint64_t size_ : 48 = 0;
  uint64_t only_bits_ : 8 = 0;  // only_->bits, when depth_ == 0.
  uint64_t depth_ : 8 = 0;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TYPES_DICT_H_
