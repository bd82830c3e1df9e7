#ifndef HOLDFAST_SERVER_PERSIST_RDB_TRANSFER_H_
#define HOLDFAST_SERVER_PERSIST_RDB_TRANSFER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/persist/rdb/byte_source.h"

namespace holdfast::server {

// How an RDB travels on a replication link, after the answer to PSYNC. Either
//   $<length>\r\n          then exactly `length` bytes, and no \r\n after them
// or, when the length is not known beforehand,
//   $EOF:<40 bytes>\r\n    then the RDB, then the same 40 bytes
// Before it come empty lines ("\n"), by which a primary that still prepares the
// RDB says that it is alive. What follows it is the command stream.
//
// All of this file is pure: no socket, no clock. A source is used by one
// thread.

constexpr size_t kEofMarkBytes = 40;
constexpr uint64_t kMaxTransferBytes = uint64_t{1} << 62;

// The sending side. The mark is 20 unguessable bytes in hex, new for each
// transfer: who can guess it could put it in a value and cut the RDB there.
std::string MakeEofMark(absl::string_view entropy);  // REQUIRES: 20 bytes.
std::string LengthTransferHeader(uint64_t length);
std::string EofTransferHeader(absl::string_view mark);  // REQUIRES: 40 bytes.

struct TransferHeader {
  enum class Kind { kKeepalive, kLength, kEofMark };
  Kind kind = Kind::kKeepalive;
  uint64_t length = 0;   // kLength
  std::string eof_mark;  // kEofMark: 40 bytes.
};

// One line, without its line end. kAborted if it is the primary's error reply,
// kInvalidArgument if it is anything else that is no header (with Redis's
// words).
absl::StatusOr<TransferHeader> ParseTransferHeader(absl::string_view line);

// Reads one line and parses it, and takes no byte after it. Blocks where the
// source blocks. Returns at every keepalive: the caller renews its deadline and
// calls again. kDataLoss if the source ends; kInvalidArgument also for a line
// of more than 1024 bytes.
absl::StatusOr<TransferHeader> ReadTransferHeader(ByteSource* source);

// The payload inside of a transfer, as a stream that ends where the payload
// ends. The underlying source then stands at the first byte of what follows.
class TransferSource : public ByteSource {
 public:
  // The largest Peek() of a transfer: its end must be seen within kMaxPeek of
  // the underlying source.
  static constexpr size_t kMaxTransferPeek = kMaxPeek - kEofMarkBytes;

  // Call when the reader of the payload has read what it wanted. OK: that was
  // all of it, and the end of the transfer was read too. kDataLoss: payload
  // bytes are left over, or the stream ends before the transfer does. May
  // block.
  virtual absl::Status Finish() = 0;
};

// A payload of known length.
class LengthSource : public TransferSource {
 public:
  // `source` outlives this object. REQUIRES: length <= kMaxTransferBytes.
  LengthSource(ByteSource* source, uint64_t length);

  absl::StatusOr<absl::string_view> Peek(size_t min) override;
  void Consume(size_t n) override;
  absl::Status Finish() override;

  uint64_t remaining() const { return remaining_; }

 private:
  ByteSource* const source_;
  const uint64_t length_;
  uint64_t remaining_;
};

// A payload up to a mark. No byte of the mark is ever handed out, however it is
// split over reads: bytes that could be its beginning are held back until the
// following ones have decided, and no others are (a payload that pauses is
// handed out up to its last byte).
class EofMarkedSource : public TransferSource {
 public:
  // `source` outlives this object. REQUIRES: mark.size() == kEofMarkBytes.
  EofMarkedSource(ByteSource* source, absl::string_view mark);

  absl::StatusOr<absl::string_view> Peek(size_t min) override;
  void Consume(size_t n) override;
  absl::Status Finish() override;

 private:
  // Looks for the mark in `view` and sets clear_ and mark_follows_.
  void Search(absl::string_view view);

  ByteSource* const source_;
  const std::string mark_;
  // The next bytes of the source that are known to be payload; searched once.
  size_t clear_ = 0;
  bool mark_follows_ = false;  // The whole mark stands right after them.
  bool finished_ = false;      // The mark was consumed.
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_RDB_TRANSFER_H_
