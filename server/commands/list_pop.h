#ifndef HOLDFAST_SERVER_COMMANDS_LIST_POP_H_
#define HOLDFAST_SERVER_COMMANDS_LIST_POP_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "server/command/context.h"
#include "server/types/list.h"

namespace holdfast::server {

inline absl::string_view PopEvent(ListEnd end) {
  return end == ListEnd::kHead ? "lpop" : "rpop";
}

// Replies `n` elements from this end as bulk strings, with no header, and
// removes them, with their events; the key goes with the last one. Counts no
// change. REQUIRES: n <= list->size(), and 0 < n.
void ReplyAndPop(CommandContext& ctx, Db& db, absl::string_view key, List* list,
                 ListEnd end, size_t n);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_LIST_POP_H_
