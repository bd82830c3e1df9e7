#ifndef HOLDFAST_NET_RESP_INPUT_BUFFER_H_
#define HOLDFAST_NET_RESP_INPUT_BUFFER_H_

#include <cstddef>
#include <cstdlib>
#include <memory>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace holdfast::net {

// Bytes that have arrived and have not been consumed, contiguous in memory.
//
//   absl::Span<char> area = buf.WriteArea(decoder.bytes_wanted());
//   n = stream->ReadSome(area, deadline);  buf.Commit(n);
//   ... decoder.Next(&buf) ...
//
// Takes no memory until the first WriteArea(). Grows to at most twice what has
// arrived (but never below kMinCapacity), however large a length the peer has
// announced; moves bytes in amortised constant time a byte. The caller bounds
// size() (client-query-buffer-limit). Thread-compatible.
//
// Views into readable() are valid until the next call of WriteArea(), Shrink(),
// Append() or Clear(); Consume() leaves them valid.
class InputBuffer {
 public:
  static constexpr size_t kMinCapacity = 16 * 1024;

  InputBuffer() = default;
  InputBuffer(InputBuffer&& other) noexcept;
  InputBuffer& operator=(InputBuffer&& other) noexcept;

  absl::string_view readable() const {
    return absl::string_view(data_.get() + begin_, end_ - begin_);
  }
  const char* data() const { return data_.get() + begin_; }
  size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  size_t capacity() const { return capacity_; }

  // Room to receive into, never empty. `wanted` is a hint of how many bytes
  // are still missing (0: unknown); the room is at most what the growth rule
  // allows. Invalidates views.
  absl::Span<char> WriteArea(size_t wanted = 0);

  // The first `n` bytes of the last WriteArea() have been filled.
  void Commit(size_t n);

  // Drops the first `n` bytes. REQUIRES: n <= size(). Moves nothing.
  void Consume(size_t n);

  // Copies `bytes` to the end; for tests and for bytes that came another way.
  void Append(absl::string_view bytes);

  void Clear();

  // For an idle connection: gives back what is not needed; all of it when
  // empty. Invalidates views.
  void Shrink();

 private:
  struct Free {
    void operator()(char* p) const { std::free(p); }
  };

  // Makes capacity_ `capacity` and the bytes start at 0.
  void Reallocate(size_t capacity);

  std::unique_ptr<char, Free> data_;
  size_t capacity_ = 0;
  size_t begin_ = 0;  // 0 <= begin_ <= end_ <= capacity_
  size_t end_ = 0;
};

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_RESP_INPUT_BUFFER_H_
