#ifndef HOLDFAST_SERVER_TYPES_STREAM_ID_H_
#define HOLDFAST_SERVER_TYPES_STREAM_ID_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace holdfast::server {

// The id of an entry of a stream: a time in milliseconds since the Unix epoch,
// and a number among the entries of that millisecond. 0-0 is no entry's id.
struct StreamId {
  uint64_t ms = 0;
  uint64_t seq = 0;

  static constexpr StreamId Min() { return {0, 0}; }
  static constexpr StreamId Max() { return {UINT64_MAX, UINT64_MAX}; }

  bool IsZero() const { return ms == 0 && seq == 0; }
  // To the next or previous id. False, and nothing done, at the end of all ids.
  bool Increment();
  bool Decrement();

  std::string ToString() const;  // "ms-seq".

  // As in RDB files: both numbers, 64 bits each, big endian.
  static constexpr size_t kPackedBytes = 16;
  void Pack(char (&bytes)[kPackedBytes]) const;
  static StreamId Unpack(const char (&bytes)[kPackedBytes]);

  friend auto operator<=>(const StreamId&, const StreamId&) = default;
};

// How ids are read from arguments, with what Redis 7.0.15 lets pass ("007-+5").
// A text without '-' and a sequence number gets `missing_seq`. False, and
// nothing written, if it is none.

// Of XDEL, XACK, XSETID ...: a whole id or "ms".
bool ParseStreamId(absl::string_view text, uint64_t missing_seq, StreamId* id);
// Of XADD: also "ms-*", which sets *seq_given to false.
bool ParseNewStreamId(absl::string_view text, StreamId* id, bool* seq_given);
// Of XGROUP SETID: also "-" and "+", the first and the last of all ids.
bool ParseStreamIdOrEnd(absl::string_view text, uint64_t missing_seq,
                        StreamId* id);
// An end of a range, of XRANGE, XPENDING, XAUTOCLAIM: "-", "+", an id, or '('
// and an id that is not itself in the range.
bool ParseStreamRangeEnd(absl::string_view text, uint64_t missing_seq,
                         StreamId* id, bool* exclusive);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_TYPES_STREAM_ID_H_
