#ifndef HOLDFAST_SERVER_TYPES_STREAM_REP_H_
#define HOLDFAST_SERVER_TYPES_STREAM_REP_H_

#include "server/types/stream.h"

namespace holdfast::server {

// What a Stream owns; only for its own source files.
struct Stream::Rep {
  Nodes nodes;
  StreamMeta meta;
  size_t node_bytes = 0;  // Of the listpacks.
  Groups groups;

  // Where entries from `start` to `end` begin to be looked for. A node's
  // entries are not above the next node's; but they may be below their own
  // master id, if XSETID went back behind deleted ones, so the first node is
  // never passed over.
  Nodes::iterator NodeFor(const StreamId& id) {
    auto at = nodes.upper_bound(id);
    if (at != nodes.begin()) --at;
    return at;
  }

  // Calls visit(node iterator, entry) for all that are not deleted from `start`
  // to `end`, until it returns false. Nothing may change, but the node if it is
  // the end.
  template <typename Visit>
  void Walk(const StreamId& start, const StreamId& end, bool reverse,
            Visit&& visit) {
    if (nodes.empty() || start > end) return;
    auto at = NodeFor(reverse ? end : start);
    while (true) {
      StreamNodeCursor cursor(at->first, at->second, reverse);
      StreamEntry entry;
      while (cursor.Next(&entry)) {
        if (entry.deleted() ||
            (reverse ? entry.id() > end : entry.id() < start))
          continue;
        if (reverse ? entry.id() < start : entry.id() > end) return;
        if (!visit(at, entry)) return;
      }
      if (reverse) {
        if (at == nodes.begin()) return;
        --at;
      } else if (++at == nodes.end()) {
        return;
      }
    }
  }
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TYPES_STREAM_REP_H_
