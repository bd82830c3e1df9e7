#include "server/types/zset_table.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>

#include "glog/logging.h"
#include "server/types/limits.h"

namespace holdfast::server {
namespace {

// Of the hash, the bits that the Dict uses last: two for each level.
int LevelsFor(uint64_t hash, int most) {
  return std::min(1 + std::countr_zero(hash) / 2, most);
}

// What an allocator with four size classes to a doubling, and steps of 16 bytes
// below that, gives for a request.
size_t SizeClass(size_t bytes) {
  const size_t step = std::max<size_t>(16, std::bit_floor(bytes - 1) / 4);
  return (bytes + step - 1) / step * step;
}

}  // namespace

ZsetTable::ZsetTable() { new (head()) Node(); }

ZsetTable::~ZsetTable() {
  by_member_.Clear([](Node* node) { FreeNode(node); });
}

size_t ZsetTable::MemoryUsage() const {
  return sizeof(*this) + node_bytes_ + by_member_.TableBytes();
}

size_t ZsetTable::NodeBytes(const Node* node) {
  const size_t links = sizeof(Link) * (node->levels_ - 1u);
  const auto header = static_cast<size_t>(node->member().data() -
                                          reinterpret_cast<const char*>(node));
  // Never less than the type's size, padding and all.
  return links + std::max(sizeof(Node), header + node->size_);
}

ZsetTable::Node* ZsetTable::NewNode(absl::string_view member, double score,
                                    uint64_t hash) {
  CHECK_LE(member.size(), kMaxElementBytes);
  Node shape;
  shape.levels_ = static_cast<uint8_t>(LevelsFor(hash, kMaxLevels));
  shape.size_ = static_cast<uint32_t>(member.size());
  shape.score_ = score;
  auto* block = static_cast<char*>(malloc(NodeBytes(&shape)));
  CHECK(block != nullptr) << "out of memory for a member of " << member.size()
                          << " bytes";
  Node* node = new (block + sizeof(Link) * (shape.levels_ - 1u)) Node(shape);
  // The data of an empty view may be null.
  if (!member.empty())
    memcpy(const_cast<char*>(node->member().data()), member.data(),
           member.size());
  return node;
}

void ZsetTable::FreeNode(Node* node) {
  free(reinterpret_cast<char*>(node) - sizeof(Link) * (node->levels_ - 1u));
}

void ZsetTable::FindPath(double score, absl::string_view member, Path* path) {
  Descend(
      [&](const Node* node) {
        return node->score_ < score ||
               (node->score_ == score && node->member() < member);
      },
      path);
}

void ZsetTable::LinkIn(Node* node, Path* path) {
  for (; levels_ < node->levels_; ++levels_) {
    path->before[levels_] = head();
    path->rank[levels_] = 0;
    head()->link(levels_) = {nullptr, size_};
  }
  const size_t rank = path->rank[0];
  Node* const before = path->before[0];
  node->next_ = before->next_;
  node->back_ = before == head() ? nullptr : before;
  before->next_ = node;
  (node->next_ == nullptr ? tail_ : node->next_->back_) = node;
  for (int level = 1; level < levels_; ++level) {
    Link& link = path->before[level]->link(level);
    const size_t passed = rank - path->rank[level];
    if (level < node->levels_) {
      node->link(level) = {link.next, link.span - passed};
      link = {node, passed + 1};
    } else {
      ++link.span;
    }
  }
  ++size_;
}

void ZsetTable::LinkOut(Node* node, const Path& path) {
  path.before[0]->next_ = node->next_;
  (node->next_ == nullptr ? tail_ : node->next_->back_) = node->back_;
  for (int level = 1; level < levels_; ++level) {
    Link& link = path.before[level]->link(level);
    if (link.next == node) {
      link = {node->link(level).next, link.span + node->link(level).span - 1};
    } else {
      --link.span;
    }
  }
  while (levels_ > 1 && head()->link(levels_ - 1).next == nullptr) --levels_;
  --size_;
}

void ZsetTable::Insert(absl::string_view member, double score) {
  const uint64_t hash = HashOfBytes(member);
  Node* node = NewNode(member, score, hash);
  Path path;
  FindPath(score, member, &path);
  LinkIn(node, &path);
  by_member_.Insert(node, hash);
  node_bytes_ += SizeClass(NodeBytes(node));
}

void ZsetTable::SetScore(Node* node, double score) {
  if ((node->back_ != nullptr && node->back_->score_ >= score) ||
      (node->next_ != nullptr && node->next_->score_ <= score)) {
    // It may have to move. Its links and its place in the Dict go with it.
    Path path;
    FindPath(node->score_, node->member(), &path);
    LinkOut(node, path);
    FindPath(score, node->member(), &path);
    LinkIn(node, &path);
  }
  node->score_ = score;
}

void ZsetTable::Discard(Node* node) {
  const uint64_t hash = HashOfBytes(node->member());
  by_member_.UnlinkAt(by_member_.FindLink(node->member(), hash), hash);
  node_bytes_ -= SizeClass(NodeBytes(node));
  FreeNode(node);
}

void ZsetTable::Erase(Node* node) {
  Path path;
  FindPath(node->score_, node->member(), &path);
  LinkOut(node, path);
  Discard(node);
}

void ZsetTable::PathToRank(size_t rank, Path* path) {
  Node* at = head();
  size_t passed = 0;
  for (int level = levels_ - 1; level > 0; --level) {
    while (at->link(level).next != nullptr &&
           passed + at->link(level).span <= rank) {
      passed += at->link(level).span;
      at = at->link(level).next;
    }
    path->before[level] = at;
    path->rank[level] = passed;
  }
  for (; passed < rank; ++passed) at = at->next_;
  path->before[0] = at;
  path->rank[0] = passed;
}

void ZsetTable::EraseRange(size_t first, size_t count) {
  DCHECK_LE(first + count, size_);
  Path path;
  PathToRank(first, &path);
  for (; count > 0; --count) {
    Node* node = path.before[0]->next_;
    LinkOut(node, path);
    Discard(node);
  }
}

const ZsetTable::Node* ZsetTable::At(size_t rank) const {
  DCHECK_LT(rank, size_);
  Path path;
  const_cast<ZsetTable*>(this)->PathToRank(rank, &path);
  return path.before[0]->next_;
}

size_t ZsetTable::RankOf(const Node* node) const {
  const double score = node->score_;
  const absl::string_view member = node->member();
  return CountWhile([&](const Node* other) {
    return other->score_ < score || (other->score_ == score && other != node &&
                                     other->member() < member);
  });
}

ZsetTable::Appender::Appender(ZsetTable* table) : table_(table) {
  table_->PathToRank(table_->size_, &path_);
}

void ZsetTable::Appender::Append(absl::string_view member, double score) {
  const uint64_t hash = HashOfBytes(member);
  Node* node = NewNode(member, score, hash);
  table_->LinkIn(node, &path_);
  table_->by_member_.Insert(node, hash);
  table_->node_bytes_ += SizeClass(NodeBytes(node));
  for (int level = 0; level < node->levels_; ++level) {
    path_.before[level] = node;
    path_.rank[level] = table_->size_;
  }
}

}  // namespace holdfast::server
