#ifndef HOLDFAST_SERVER_TYPES_DICT_TOOLS_H_
#define HOLDFAST_SERVER_TYPES_DICT_TOOLS_H_

#include <malloc.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "server/types/dict.h"

namespace holdfast::server {

// What collections do with the Dict of their large form besides finding.

// A node of `dict`, every one with the same chance, however the nodes are
// spread over chains, and the table over segments: what SRANDMEMBER, SPOP and
// HRANDFIELD promise. Each `random()` gives 64 random bits.
//
// Hash space is cut into 2^bits cells of equal width, of a half to one node
// each on average. A random cell and a random one of kPlaces places in it are
// chosen; if the cell has a node at this place, it is the one, else the dice
// are thrown again: about 8 to 16 throws, which look at 8 nodes. REQUIRES:
// !dict.empty().
template <typename Traits>
typename Traits::Node* PickFairly(const Dict<Traits>& dict,
                                  absl::FunctionRef<uint64_t()> random) {
  using Node = typename Traits::Node;
  using Table = Dict<Traits>;
  constexpr size_t kPlaces = 8;
  constexpr size_t kFew = 16;  // Up to so many are simply listed.
  constexpr int kMaxThrows =
      10000;  // Never reached but with dice that always fall the same.

  Node* found[kFew];
  if (dict.size() <= kFew) {
    size_t count = 0;
    dict.ForEach([&](Node* node) { found[count++] = node; });
    return found[random() % count];
  }
  const int bits =
      std::min<int>(std::bit_width(dict.size()), Table::kPositionBits);
  const uint64_t width = Table::kScanEnd >> bits;
  for (int i = 0; i < kMaxThrows; ++i) {
    const uint64_t dice = random();
    const uint64_t begin = (dice >> (64 - bits)) * width;
    size_t count = 0;
    for (uint64_t position = begin; position < begin + width;) {
      position = dict.Scan(position, 1, 1, [&](Node* node) {
        // A bucket may be wider than the cell.
        const uint64_t at = Traits::Hash(node) >> (64 - Table::kPositionBits);
        if (at < begin || at >= begin + width) return;
        // More than kPlaces are in a cell once in a million times: they share
        // the last place.
        const size_t place = std::min(count, kPlaces - 1);
        if (count < kPlaces || (dice >> 4) % (count + 2 - kPlaces) == 0)
          found[place] = node;
        ++count;
      });
    }
    const size_t place = dice % kPlaces;
    if (place < count) return found[place];
  }
  return dict.RandomNode(random);
}

// A call of HSCAN, SSCAN or ZSCAN: cursor 0 begins, 0 is returned at the end.
// Any cursor is taken. About `count` nodes, and never more than 10 * count
// buckets.
template <typename Traits, typename Fn>
uint64_t ScanDict(const Dict<Traits>& dict, uint64_t cursor, size_t count,
                  Fn&& fn) {
  constexpr size_t kMaxCount = size_t{1} << 40;
  const size_t want = std::clamp<size_t>(count, 1, kMaxCount);
  const uint64_t next = dict.Scan(cursor, want, 10 * want, fn);
  return next < Dict<Traits>::kScanEnd ? next : 0;
}

// Bytes that the table and its nodes have; the nodes' are those of the first
// `samples` (0: of all of them), taken for the average.
template <typename Traits>
size_t DictMemory(const Dict<Traits>& dict, size_t samples) {
  if (dict.empty()) return dict.TableBytes();
  size_t bytes = 0;
  size_t count = 0;
  dict.Scan(0, samples == 0 ? ~size_t{0} : samples, ~size_t{0},
            [&](typename Traits::Node* node) {
              bytes += malloc_usable_size(node);
              ++count;
            });
  if (count < dict.size()) {
    bytes = static_cast<size_t>(static_cast<double>(bytes) /
                                static_cast<double>(count) *
                                static_cast<double>(dict.size()));
  }
  return dict.TableBytes() + bytes;
}

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TYPES_DICT_TOOLS_H_
