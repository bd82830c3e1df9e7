#include "net/resp/input_buffer.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "glog/logging.h"

namespace holdfast::net {
namespace {

// Less room than this is not worth a system call, unless it is all that is
// wanted.
constexpr size_t kMinRoom = 4 * 1024;

}  // namespace

InputBuffer::InputBuffer(InputBuffer&& other) noexcept {
  *this = std::move(other);
}

InputBuffer& InputBuffer::operator=(InputBuffer&& other) noexcept {
  data_ = std::move(other.data_);
  capacity_ = std::exchange(other.capacity_, 0);
  begin_ = std::exchange(other.begin_, 0);
  end_ = std::exchange(other.end_, 0);
  return *this;
}

absl::Span<char> InputBuffer::WriteArea(size_t wanted) {
  if (empty()) begin_ = end_ = 0;
  const size_t min_room = wanted == 0 ? kMinRoom : std::min(wanted, kMinRoom);
  if (capacity_ - end_ < min_room) {
    // Each move costs size() and is paid for by at least half as many bytes of
    // room, so moving is constant time a byte. A want within that is granted
    // exactly: a big argument ends where its memory does.
    const size_t room =
        std::clamp(wanted == 0 ? size() : wanted,
                   std::max(size() / 2, min_room), std::max(size(), min_room));
    if (begin_ > 0 && capacity_ - size() >= room) {
      std::memmove(data_.get(), data(), size());
      end_ -= begin_;
      begin_ = 0;
    } else {
      Reallocate(std::max(kMinCapacity, size() + room));
    }
  }
  return absl::MakeSpan(data_.get() + end_, capacity_ - end_);
}

void InputBuffer::Commit(size_t n) {
  DCHECK_LE(n, capacity_ - end_);
  end_ += n;
}

void InputBuffer::Consume(size_t n) {
  DCHECK_LE(n, size());
  begin_ += n;
}

void InputBuffer::Append(absl::string_view bytes) {
  while (!bytes.empty()) {
    const absl::Span<char> area = WriteArea(bytes.size());
    const size_t n = std::min(area.size(), bytes.size());
    std::memcpy(area.data(), bytes.data(), n);
    Commit(n);
    bytes.remove_prefix(n);
  }
}

void InputBuffer::Clear() { begin_ = end_ = 0; }

void InputBuffer::Shrink() {
  if (empty()) {
    data_.reset();
    capacity_ = begin_ = end_ = 0;
  } else if (capacity_ > kMinCapacity && capacity_ / 2 > size()) {
    Reallocate(std::max(size(), kMinCapacity));
  }
}

void InputBuffer::Reallocate(size_t capacity) {
  const size_t n = size();
  char* memory;
  if (begin_ == 0) {
    // Large blocks are remapped rather than copied.
    memory = static_cast<char*>(std::realloc(data_.get(), capacity));
    CHECK(memory != nullptr) << "out of memory: input buffer of " << capacity;
    (void)data_.release();  // realloc() has freed or kept it.
  } else {
    memory = static_cast<char*>(std::malloc(capacity));
    CHECK(memory != nullptr) << "out of memory: input buffer of " << capacity;
    std::memcpy(memory, data(), n);
  }
  data_.reset(memory);
  capacity_ = capacity;
  begin_ = 0;
  end_ = n;
}

}  // namespace holdfast::net
