#ifndef HOLDFAST_SERVER_PERSIST_RDB_LZF_H_
#define HOLDFAST_SERVER_PERSIST_RDB_LZF_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace holdfast::server {

// The LZF format, in which Redis compresses strings in RDB files. A stream of
//   000LLLLL                    L+1 literal bytes follow (1..32)
//   LLLooooo oooooooo           copy L+2 bytes (3..8) from o+1 back (1..8192)
//   111ooooo LLLLLLLL oooooooo  copy L+9 bytes (9..264) from o+1 back
// with no header, so that the length of the output must be stored elsewhere.
//
// Why this is not liblzf: its lzf_compress() keeps a table of 256 KiB on the
// stack, which is all of the stack that a client thread has (and a client
// thread serialises what it is about to overwrite during a snapshot). This one
// takes at most 16 KiB, less for short input, and gives the same output for the
// same input. The test holds it against liblzf both ways.
//
// All are pure and thread-safe; nothing allocates.

// Compresses `in` to at most `capacity` bytes at `out`. Returns the number of
// bytes written, or 0 if they do not fit, `in` is empty or 4 GiB or more.
size_t LzfCompress(absl::string_view in, char* out, size_t capacity);

// Walks a compressed stream and returns the exact length of what it unpacks to,
// without unpacking; kDataLoss if the stream is malformed (cut short, or refers
// to bytes before its start). So a lying length costs no memory.
absl::StatusOr<uint64_t> LzfMeasure(absl::string_view in);

// Unpacks `in` to `out`. REQUIRES: LzfMeasure(in) succeeded, and `out` has room
// for what it returned (a lesser `capacity` is a CHECK failure).
void LzfDecompress(absl::string_view in, char* out, size_t capacity);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_RDB_LZF_H_
