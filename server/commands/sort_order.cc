#include "server/commands/sort_order.h"

#include <cerrno>
#include <charconv>
#include <clocale>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "absl/types/span.h"
#include "server/commands/redis_order.h"

namespace holdfast::server {
namespace {

absl::string_view UpToZero(absl::string_view text) {
  return text.substr(0, text.find('\0'));
}

int Collate(absl::string_view a, absl::string_view b) {
  static const bool plain = LocaleIsPlain();
  if (plain) return UpToZero(a).compare(UpToZero(b));
  return strcoll(std::string(a).c_str(), std::string(b).c_str());
}

}  // namespace

bool LocaleIsPlain() {
  const char* const name = setlocale(LC_COLLATE, nullptr);
  return name == nullptr || strcmp(name, "C") == 0 ||
         strcmp(name, "POSIX") == 0;
}

bool ParseSortScore(absl::string_view text, double* score) {
  const auto quick =
      std::from_chars(text.data(), text.data() + text.size(), *score);
  // What has no denormal form strtod() reads the same.
  if (quick.ec == std::errc() && quick.ptr == text.data() + text.size() &&
      (*score == 0 || std::isnormal(*score)))
    return true;
  const std::string terminated(text);
  char* end = nullptr;
  errno = 0;
  *score = strtod(terminated.c_str(), &end);
  return *end == '\0' && errno != ERANGE && !std::isnan(*score);
}

int SortOrder::Compare(const SortItem& a, const SortItem& b) const {
  int order = 0;
  if (!by_text) {
    order = a.score > b.score   ? 1
            : a.score < b.score ? -1
                                : a.element.compare(b.element);
  } else if (!a.has_weight || !b.has_weight) {
    order = static_cast<int>(a.has_weight) - static_cast<int>(b.has_weight);
  } else {
    order = collate ? Collate(a.weight, b.weight) : a.weight.compare(b.weight);
  }
  if (order == 0 && settle_by_element) order = a.element.compare(b.element);
  // Not -order, which INT_MIN has not.
  if (!descending) return order;
  return order < 0 ? 1 : order > 0 ? -1 : 0;
}

std::vector<const SortItem*> SortInOrder(const std::vector<SortItem>& items,
                                         const SortOrder& order, size_t first,
                                         size_t end, bool window) {
  std::vector<const SortItem*> sorted;
  sorted.reserve(items.size());
  for (const SortItem& item : items) sorted.push_back(&item);
  const auto compare = [&order](const SortItem* a, const SortItem* b) {
    return order.Compare(*a, *b);
  };
  if (window) {
    SortPartAsRedis(absl::MakeSpan(sorted), first, end, compare);
  } else {
    SortAsQsort(absl::MakeSpan(sorted), compare);
  }
  return {sorted.begin() + static_cast<std::ptrdiff_t>(first),
          sorted.begin() + static_cast<std::ptrdiff_t>(end)};
}

}  // namespace holdfast::server
