#ifndef HOLDFAST_SERVER_PERSIST_RDB_INPUT_H_
#define HOLDFAST_SERVER_PERSIST_RDB_INPUT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/persist/rdb/byte_source.h"

namespace holdfast::server {

// The primitives of an RDB record, read from a source: the inverse of
// encoding.h. It counts the offset and keeps the running checksum.
//
// Not thread-safe. Calls block where the source blocks. From the source it
// takes no byte more than what was read here; between calls the source may lag
// behind (a run of small reads is handed back as one), until Sync() or
// destruction.
//
// Trust: the input may be anything. A length is a claim: memory grows with the
// bytes that arrive (at most to twice as much), and a compressed string is
// measured before its memory is taken (LZF packs 88 to 1 at best, so a true
// length can still be large: max_string_bytes is the bound on that). Failures
// are kDataLoss with the offset and `what` was being read, or the source's own
// status; the object is of no use after one. `what` completes "while reading
// ..." and is a literal.
class RdbInput {
 public:
  // A string longer than this, packed or not, is refused. (Redis's own bound on
  // a value, proto-max-bulk-len, is 512 MiB by default and can be raised.)
  static constexpr uint64_t kMaxStringBytes = (uint64_t{1} << 32) - 1;

  // `source` outlives this object.
  explicit RdbInput(ByteSource* source,
                    uint64_t max_string_bytes = kMaxStringBytes);
  ~RdbInput();
  RdbInput(const RdbInput&) = delete;
  RdbInput& operator=(const RdbInput&) = delete;

  absl::StatusOr<uint8_t> ReadByte(const char* what);
  absl::Status ReadBytes(char* out, size_t n, const char* what);
  absl::Status SkipBytes(uint64_t n, const char* what);

  // A length or count; the caller decides what is too much.
  absl::StatusOr<uint64_t> ReadLength(const char* what);

  // A string in any encoding. The result is a view of `*scratch` or of the
  // source's buffer: good until the next read here or change of *scratch.
  absl::StatusOr<absl::string_view> ReadString(std::string* scratch,
                                               const char* what);
  // Reads past a string without unpacking it.
  absl::Status SkipString(const char* what);

  // Unix times: milliseconds in 8 bytes; seconds in 4 (up to version 2).
  absl::StatusOr<int64_t> ReadMillis(const char* what);
  absl::StatusOr<int64_t> ReadSeconds(const char* what);

  absl::StatusOr<double> ReadDouble(const char* what);      // binary64
  absl::StatusOr<double> ReadTextDouble(const char* what);  // up to version 7

  // Bytes read so far, and the CRC-64 of all of them.
  uint64_t offset() const { return offset_ + position_; }
  uint64_t crc();

  // Makes the source stand at offset().
  void Sync();

  // kDataLoss: `problem` and the present offset.
  absl::Status Corrupt(absl::string_view problem) const;

 private:
  struct StringHead {
    enum class Form { kPlain, kInteger, kLzf };
    Form form;
    uint64_t length;           // Of the bytes that follow.
    uint64_t unpacked_length;  // kLzf only.
    int64_t integer;           // kInteger only.
  };

  // Makes at least one byte available in view_.
  absl::Status Fill(const char* what);
  absl::string_view available() const { return view_.substr(position_); }
  absl::StatusOr<uint64_t> ReadBigEndian(size_t bytes, const char* what);
  absl::StatusOr<uint64_t> ReadLittleEndian(size_t bytes, const char* what);
  absl::StatusOr<uint64_t> ReadLengthAfter(uint8_t first, const char* what);
  absl::StatusOr<StringHead> ReadStringHead(const char* what);
  // `n` bytes, from the source's buffer if they are all there, else gathered in
  // *scratch.
  absl::StatusOr<absl::string_view> Gather(uint64_t n, std::string* scratch,
                                           const char* what);

  ByteSource* const source_;
  const uint64_t max_string_bytes_;
  absl::string_view view_;  // The source's last Peek().
  size_t position_ = 0;     // Read from view_, not yet consumed at the source.
  uint64_t offset_ = 0;     // Consumed at the source, and in crc_.
  uint64_t crc_ = 0;
  std::string packed_;  // An LZF string as it arrived, if in pieces.
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_RDB_INPUT_H_
