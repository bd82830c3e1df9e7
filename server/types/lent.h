#ifndef HOLDFAST_SERVER_TYPES_LENT_H_
#define HOLDFAST_SERVER_TYPES_LENT_H_

#include <cstddef>

#include "server/types/tagged.h"

namespace holdfast::server {

// A packed block (Listpack, Intset) whose owner keeps only the pointer of it,
// as an object for the length of a scope. Block has Release() and Adopt(). A
// null pointer must not be lent.

// To look at.
template <typename Block>
class Reading {
 public:
  template <typename Tag>
  explicit Reading(Tagged<Tag> home)
      : block_(Block::Adopt(home.template as<unsigned char>())) {}
  ~Reading() { block_.Release(); }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

  const Block* operator->() const { return &block_; }
  const Block& operator*() const { return block_; }

 private:
  Block block_;
};

// To change: the owner's pointer follows, at the end of the scope, where the
// block went.
template <typename Block, typename Tag>
class Writing {
 public:
  explicit Writing(Tagged<Tag>* home)
      : home_(home), block_(Block::Adopt(home->template as<unsigned char>())) {}
  ~Writing() { *home_ = Tagged<Tag>(home_->tag(), block_.Release()); }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;

  Block* operator->() { return &block_; }
  Block& operator*() { return block_; }

 private:
  Tagged<Tag>* const home_;
  Block block_;
};

// To be called after elements were removed, with the number of those left:
// gives spare memory of the block back, seldom enough that it costs nothing,
// often enough that it does not stay idle.
template <typename Block>
void GiveBackSpare(Block* block, size_t count) {
  if ((count & (count - 1)) != 0) return;
  const size_t needed = block->byte_size();
  if (block->MemoryUsage() > needed + needed / 2 + 16) block->ShrinkToFit();
}

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TYPES_LENT_H_
