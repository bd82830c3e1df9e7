#include "server/persist/rdb/byte_source.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"

namespace holdfast::server {

absl::StatusOr<absl::string_view> StringSource::Peek(size_t min) {
  CHECK(min >= 1 && min <= kMaxPeek) << min;
  return rest_;
}

void StringSource::Consume(size_t n) {
  CHECK_LE(n, rest_.size());
  rest_.remove_prefix(n);
}

BufferedSource::BufferedSource(absl::string_view already_read,
                               size_t buffer_bytes)
    : capacity_(std::max({buffer_bytes, already_read.size(), kMaxPeek})),
      buffer_(new char[capacity_]),
      end_(already_read.size()) {
  std::copy(already_read.begin(), already_read.end(), buffer_.get());
}

absl::StatusOr<absl::string_view> BufferedSource::Peek(size_t min) {
  CHECK(min >= 1 && min <= kMaxPeek) << min;
  while (end_ - begin_ < min && !at_end_) {
    if (begin_ == end_) {
      begin_ = end_ = 0;
    } else if (capacity_ - begin_ < min) {
      // At most kMaxPeek - 1 bytes move, once a bufferful.
      std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    const size_t room = capacity_ - end_;
    const absl::StatusOr<size_t> got = ReadSome(buffer_.get() + end_, room);
    if (!got.ok()) return got.status();
    CHECK_LE(*got, room);
    end_ += *got;
    at_end_ = *got == 0;
  }
  return buffered();
}

void BufferedSource::Consume(size_t n) {
  CHECK_LE(n, end_ - begin_);
  begin_ += n;
}

}  // namespace holdfast::server
