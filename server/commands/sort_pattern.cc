#include "server/commands/sort_pattern.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "server/keyspace/entry.h"
#include "server/types/hash.h"
#include "server/types/object.h"

namespace holdfast::server {
namespace {

// `value`, or a copy of it in `made` if it is in `scratch`, which ends soon.
template <size_t N>
absl::string_view Kept(absl::string_view value, const char (&scratch)[N],
                       std::deque<std::string>* made) {
  const bool is_in_scratch =
      value.data() >= scratch && value.data() < scratch + N;
  return is_in_scratch ? made->emplace_back(value) : value;
}

}  // namespace

SortPattern::SortPattern(absl::string_view text) {
  const absl::string_view searched = text.substr(0, text.find('\0'));
  const size_t star = searched.find('*');
  if (searched == "#") {
    kind_ = Kind::kElement;
  } else if (star != absl::string_view::npos) {
    kind_ = Kind::kString;
    before_ = text.substr(0, star);
    after_ = text.substr(star + 1);
    const size_t arrow = searched.find("->", star + 1);
    // A field without a name is none: the arrow is part of the key.
    if (arrow != absl::string_view::npos && arrow + 2 < searched.size()) {
      kind_ = Kind::kField;
      after_ = text.substr(star + 1, arrow - star - 1);
      field_ = text.substr(arrow + 2);
    }
  }
}

bool SortPattern::Find(Db& db, absl::string_view element,
                       std::deque<std::string>* made,
                       absl::string_view* value) const {
  if (kind_ == Kind::kNothing) return false;
  if (kind_ == Kind::kElement) {
    *value = element;
    return true;
  }
  const std::string key = absl::StrCat(before_, element, after_);
  const Entry* const entry = db.Find(key);
  if (entry == nullptr) return false;
  if (kind_ == Kind::kString) {
    if (entry->type() != ValueType::kString) return false;
    char scratch[Entry::kScratch];
    *value = Kept(entry->StringBytes(scratch), scratch, made);
    return true;
  }
  if (entry->type() != ValueType::kHash) return false;
  char scratch[Hash::kScratch];
  absl::string_view found;
  if (!entry->As<Hash>()->Get(field_, scratch, &found)) return false;
  *value = Kept(found, scratch, made);
  return true;
}

}  // namespace holdfast::server
