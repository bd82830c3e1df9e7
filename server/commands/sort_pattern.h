#ifndef HOLDFAST_SERVER_COMMANDS_SORT_PATTERN_H_
#define HOLDFAST_SERVER_COMMANDS_SORT_PATTERN_H_

#include <cstdint>
#include <deque>
#include <string>

#include "absl/strings/string_view.h"
#include "server/command/db.h"

namespace holdfast::server {

// What BY and GET of SORT name (redis.io/commands/sort): a key, or a field of a
// hash, with an element of what is sorted in the place of the first '*'.
//
//   weight_*        the string at weight_<element>
//   object_*->name  the field "name" of the hash at object_<element>
//   #               the element itself
//   anything else   nothing at all
//
// Like Redis, looks for '#', '*' and "->" only before a zero byte. The views
// are into the pattern's text.
class SortPattern {
 public:
  explicit SortPattern(absl::string_view text);

  // Whether it names keys, which are not among the command's arguments.
  bool names_keys() const {
    return kind_ == Kind::kString || kind_ == Kind::kField;
  }

  // What it stands for, given an element; false if there is nothing. *value is
  // a view into the element, into the keyspace, or into a string added to
  // `made`. It stays good while no key but an expired one changes. REQUIRES:
  // the unit holds all slots if it names_keys().
  bool Find(Db& db, absl::string_view element, std::deque<std::string>* made,
            absl::string_view* value) const;

 private:
  enum class Kind : uint8_t { kElement, kNothing, kString, kField };

  Kind kind_ = Kind::kNothing;
  absl::string_view before_;  // The '*', and
  absl::string_view after_;   // it, of the key.
  absl::string_view field_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_SORT_PATTERN_H_
