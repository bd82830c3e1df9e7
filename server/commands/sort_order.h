#ifndef HOLDFAST_SERVER_COMMANDS_SORT_ORDER_H_
#define HOLDFAST_SERVER_COMMANDS_SORT_ORDER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace holdfast::server {

// One element that SORT sorts, with what it is sorted by.
struct SortItem {
  std::string element;
  // What BY found for it, or the element itself, zero bytes behind it; nothing
  // if BY found nothing. For SortOrder::by_text.
  absl::string_view weight = {};
  bool has_weight = false;
  double score = 0;  // For numbers: of what BY did not find it is 0.
};

// How SORT compares. Pure; equal ones keep what SortInOrder() leaves them.
struct SortOrder {
  bool by_text = false;  // ALPHA
  bool descending = false;
  // Text as the locale has it (LC_COLLATE), up to a zero byte; otherwise as
  // bytes. Redis stores by bytes and answers by the locale.
  bool collate = false;
  // Elements of a set come in no order. What else is equal is then ordered by
  // the element, so that a replica that sorts its own copy gets the same.
  bool settle_by_element = false;

  int Compare(const SortItem& a, const SortItem& b) const;
};

// Whether texts of this process's locale are in the order of their bytes.
bool LocaleIsPlain();

// Reads a weight as SORT does, by strtod(3): spaces may come first, no digits
// at all are 0, a zero byte ends the text. False for what else is there, for
// NaN and for what a double cannot hold.
bool ParseSortScore(absl::string_view text, double* score);

// The items that are at `first` to `end` - 1 when all are in order. `window`:
// only those are needed, and Redis then sorts in another way, which shows in
// the order of what is equal. REQUIRES: first < end <= items.size().
std::vector<const SortItem*> SortInOrder(const std::vector<SortItem>& items,
                                         const SortOrder& order, size_t first,
                                         size_t end, bool window);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_SORT_ORDER_H_
