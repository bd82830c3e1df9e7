#ifndef HOLDFAST_SERVER_COMMANDS_REDIS_ORDER_H_
#define HOLDFAST_SERVER_COMMANDS_REDIS_ORDER_H_

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/numeric/bits.h"
#include "absl/types/span.h"

// Redis sorts a whole result with the C library's qsort(), which is a merge
// sort in glibc, and the first part of one with a quicksort of its own (Bentley
// and McIlroy, "Engineering a Sort Function", 1993). What counts as equal comes
// out in an order that follows from the method; these two have the same.
//
// compare(a, b) is less than, equal to or greater than 0. It need not be
// consistent (distances may be NaN): the order is any then, but memory is safe.
namespace holdfast::server {

namespace redis_order_internal {

// `spare` has room for as many.
template <typename T, typename Compare>
void MergeSort(absl::Span<T> items, T* spare, const Compare& compare) {
  if (items.size() <= 1) return;
  const size_t half = items.size() / 2;
  MergeSort(items.subspan(0, half), spare, compare);
  MergeSort(items.subspan(half), spare, compare);
  size_t left = 0;
  size_t right = half;
  T* merged = spare;
  while (left < half && right < items.size()) {
    const bool takes_left = compare(items[left], items[right]) <= 0;
    *merged++ = std::move(items[takes_left ? left++ : right++]);
  }
  while (left < half) *merged++ = std::move(items[left++]);
  // What is left of the right half stands where it belongs.
  std::move(spare, merged, items.begin());
}

}  // namespace redis_order_internal

// Stable. O(n log n).
template <typename T, typename Compare>
void SortAsQsort(absl::Span<T> items, const Compare& compare) {
  std::vector<T> spare(items.size());
  redis_order_internal::MergeSort(items, spare.data(), compare);
}

namespace redis_order_internal {

template <typename T, typename Compare>
size_t MedianOf(absl::Span<T> items, size_t a, size_t b, size_t c,
                const Compare& compare) {
  const auto cmp = [&](size_t i, size_t j) {
    return compare(items[i], items[j]);
  };
  if (cmp(a, b) < 0) return cmp(b, c) < 0 ? b : cmp(a, c) < 0 ? c : a;
  return cmp(b, c) > 0 ? b : cmp(a, c) < 0 ? a : c;
}

template <typename T, typename Compare>
size_t Pivot(absl::Span<T> items, const Compare& compare) {
  const size_t n = items.size();
  size_t middle = n / 2;
  if (n <= 7) return middle;
  size_t low = 0;
  size_t high = n - 1;
  if (n > 40) {
    const size_t d = n / 8;
    low = MedianOf(items, low, low + d, low + 2 * d, compare);
    middle = MedianOf(items, middle - d, middle, middle + d, compare);
    high = MedianOf(items, high - 2 * d, high - d, high, compare);
  }
  return MedianOf(items, low, middle, high, compare);
}

template <typename T, typename Compare>
void InsertionSort(absl::Span<T> items, const Compare& compare) {
  for (size_t i = 1; i < items.size(); ++i) {
    for (size_t j = i; j > 0 && compare(items[j - 1], items[j]) > 0; --j)
      std::swap(items[j - 1], items[j]);
  }
}

// Puts what is less than the pivot first and what is greater last; returns how
// many these are.
struct Parts {
  size_t less;
  size_t greater;
};
template <typename T, typename Compare>
Parts Partition(absl::Span<T> items, const Compare& compare) {
  const size_t n = items.size();
  std::swap(items[0], items[Pivot(items, compare)]);
  const T& pivot = items[0];
  // Equal ones gather at both ends: [0, left_equal), [right_equal, n).
  size_t left_equal = 1;
  size_t left = 1;
  size_t right = n;  // Behind the last that is not known yet.
  size_t right_equal = n;
  for (;;) {
    int order = 0;
    while (left < right && (order = compare(items[left], pivot)) <= 0) {
      if (order == 0) std::swap(items[left_equal++], items[left]);
      ++left;
    }
    while (left < right && (order = compare(items[right - 1], pivot)) >= 0) {
      if (order == 0) std::swap(items[right - 1], items[--right_equal]);
      --right;
    }
    if (left >= right) break;
    std::swap(items[left++], items[--right]);
  }
  const Parts parts = {left - left_equal, right_equal - left};
  // To the middle with them, by as few exchanges as it takes.
  const size_t from_left = std::min(left_equal, parts.less);
  std::swap_ranges(items.begin(), items.begin() + from_left,
                   items.begin() + (left - from_left));
  const size_t from_right = std::min(parts.greater, n - right_equal);
  std::swap_ranges(items.begin() + left, items.begin() + left + from_right,
                   items.end() - from_right);
  return parts;
}

template <typename T, typename Compare>
void SortWindow(absl::Span<T> items, size_t first, size_t end, int patience,
                const Compare& compare) {
  // `first` and `end` are as seen from items[0], and may lie outside.
  while (items.size() >= 7) {
    if (patience-- == 0) return SortAsQsort(items, compare);
    const Parts parts = Partition(items, compare);
    const size_t greater_at = items.size() - parts.greater;
    const bool less_matters = parts.less > 1 && first < parts.less;
    const bool greater_matters = parts.greater > 1 && end > greater_at;
    const absl::Span<T> less = items.subspan(0, parts.less);
    const absl::Span<T> greater = items.subspan(greater_at);
    const size_t greater_first = first > greater_at ? first - greater_at : 0;
    const size_t greater_end = end > greater_at ? end - greater_at : 0;
    if (!less_matters && !greater_matters) return;
    // The smaller half by recursion: its depth is log(n) at most.
    const bool goes_on_with_less =
        less_matters && (!greater_matters || less.size() >= greater.size());
    if (goes_on_with_less) {
      if (greater_matters)
        SortWindow(greater, greater_first, greater_end, patience, compare);
      items = less;
    } else {
      if (less_matters) SortWindow(less, first, end, patience, compare);
      items = greater;
      first = greater_first;
      end = greater_end;
    }
  }
  InsertionSort(items, compare);
}

}  // namespace redis_order_internal

// Sorts so far that items[first] to items[end - 1] are what they are in the
// whole order. O(n log n) at worst: where Redis's would be quadratic, for
// orders made to that end, it goes on as SortAsQsort(). REQUIRES: first < end
// <= items.size().
template <typename T, typename Compare>
void SortPartAsRedis(absl::Span<T> items, size_t first, size_t end,
                     const Compare& compare) {
  const int patience = 8 + 4 * static_cast<int>(absl::bit_width(items.size()));
  redis_order_internal::SortWindow(items, first, end, patience, compare);
}

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_REDIS_ORDER_H_
