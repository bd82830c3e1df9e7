#ifndef HOLDFAST_SERVER_PERSIST_RDB_BYTE_SOURCE_H_
#define HOLDFAST_SERVER_PERSIST_RDB_BYTE_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace holdfast::server {

// A stream of bytes to be read: look first, then take exactly what is yours.
//
// Only what was consumed is gone: who parses a snapshot off a replication link
// stops at its last byte, and whoever comes next finds the byte after it. Used
// by one thread at a time. Peek() may block, as long as the implementation's
// own deadline allows.
class ByteSource {
 public:
  // The most that Peek() may be asked for.
  static constexpr size_t kMaxPeek = 128;

  virtual ~ByteSource() = default;

  // Returns a view of the next bytes: at least `min`, and as many more as are
  // at hand without blocking; fewer than `min` (none, at last) only if the
  // stream ends there. What was at hand once stays at hand until it is
  // consumed. The view is good until the next call of any member. REQUIRES: 1
  // <= min <= kMaxPeek.
  virtual absl::StatusOr<absl::string_view> Peek(size_t min) = 0;

  // Takes `n` bytes off the front. REQUIRES: the last Peek() returned as many,
  // and no more were consumed since.
  virtual void Consume(size_t n) = 0;
};

// A string as a stream. The string outlives this object.
class StringSource : public ByteSource {
 public:
  explicit StringSource(absl::string_view contents) : rest_(contents) {}

  absl::StatusOr<absl::string_view> Peek(size_t min) override;
  void Consume(size_t n) override;

  absl::string_view rest() const { return rest_; }

 private:
  absl::string_view rest_;
};

// The base of sources that read from something without a buffer of its own, a
// socket or a file: it adds a buffer of fixed size. A subclass is one function.
class BufferedSource : public ByteSource {
 public:
  static constexpr size_t kDefaultBufferBytes = 64 * 1024;

  // Starts with `already_read`, which stood in another buffer before the hand
  // over (the end of what a link's decoder had read). The buffer holds
  // `buffer_bytes`, or more if that does not fit.
  explicit BufferedSource(absl::string_view already_read = "",
                          size_t buffer_bytes = kDefaultBufferBytes);

  absl::StatusOr<absl::string_view> Peek(size_t min) override;
  void Consume(size_t n) override;

  // What was read from below and not consumed: to be handed to the next reader
  // of the stream. Does not block; good until the next call of any member.
  absl::string_view buffered() const {
    return absl::string_view(buffer_.get() + begin_, end_ - begin_);
  }

 protected:
  // Reads 1 to `size` bytes to `buffer` and returns how many; 0 at the end of
  // the stream. Blocks until there is at least one.
  virtual absl::StatusOr<size_t> ReadSome(char* buffer, size_t size) = 0;

 private:
  const size_t capacity_;
  const std::unique_ptr<char[]> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool at_end_ = false;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_RDB_BYTE_SOURCE_H_
