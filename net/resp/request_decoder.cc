#include "net/resp/request_decoder.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "net/resp/input_buffer.h"
#include "net/resp/integer.h"

namespace holdfast::net {
namespace {

// Redis's words, which clients and their tests match on.
constexpr absl::string_view kTooBigInline =
    "Protocol error: too big inline request";
constexpr absl::string_view kUnbalancedQuotes =
    "Protocol error: unbalanced quotes in request";
constexpr absl::string_view kTooBigCount =
    "Protocol error: too big mbulk count string";
constexpr absl::string_view kInvalidCount =
    "Protocol error: invalid multibulk length";
constexpr absl::string_view kUnauthenticatedCount =
    "Protocol error: unauthenticated multibulk length";
constexpr absl::string_view kTooBigBulkCount =
    "Protocol error: too big bulk count string";
constexpr absl::string_view kInvalidBulk =
    "Protocol error: invalid bulk length";
constexpr absl::string_view kUnauthenticatedBulk =
    "Protocol error: unauthenticated bulk length";
// Ours; Redis does not check.
constexpr absl::string_view kMissingCrlf =
    "Protocol error: expected CRLF at the end of an argument";

constexpr size_t kMaxLine = 64 * 1024;  // Redis: PROTO_INLINE_MAX_SIZE.
constexpr int64_t kUnauthenticatedArgs = 10;
constexpr int64_t kUnauthenticatedBulkLen = 16384;
// Argument vectors and scratch above this are given back by Shrink().
constexpr size_t kKeepBytes = 1024;

// isspace() of the C locale.
bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// What ends an unquoted word: fewer than what separates words.
bool EndsWord(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char Unescape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

// Reads one word with quotes in it at line[*i], appends what it means to `out`
// and moves *i behind it. False when quotes are unbalanced.
bool ReadQuotedWord(absl::string_view line, size_t* i, std::string* out) {
  size_t p = *i;
  const size_t end = line.size();
  for (; p < end && !EndsWord(line[p]); ++p) {
    const char quote = line[p];
    if (quote != '"' && quote != '\'') {
      out->push_back(line[p]);
      continue;
    }
    for (++p;; ++p) {
      if (p == end) return false;
      if (line[p] == quote) break;
      if (line[p] != '\\' || p + 1 == end) {
        out->push_back(line[p]);
      } else if (quote == '\'') {
        // Inside single quotes only the quote itself can be escaped.
        if (line[p + 1] == '\'') ++p;
        out->push_back(line[p]);
      } else if (p + 3 < end && line[p + 1] == 'x' &&
                 HexDigit(line[p + 2]) >= 0 && HexDigit(line[p + 3]) >= 0) {
        out->push_back(static_cast<char>(HexDigit(line[p + 2]) * 16 +
                                         HexDigit(line[p + 3])));
        p += 3;
      } else {
        ++p;
        out->push_back(Unescape(line[p]));
      }
    }
    ++p;  // The closing quote ends the word: a separator must follow.
    if (p < end && !IsSpace(line[p])) return false;
    break;
  }
  *i = p;
  return true;
}

}  // namespace

RequestLimits RequestLimits::ForPrimaryLink() {
  RequestLimits limits;
  limits.max_bulk_len = std::numeric_limits<int64_t>::max();
  limits.allow_inline = false;
  limits.strict_crlf = true;
  return limits;
}

RequestDecoder::RequestDecoder(RequestLimits limits) : limits_(limits) {}

RequestDecoder::Result RequestDecoder::Next(InputBuffer* buf) {
  if (consumed_on_next_ > 0) {
    buf->Consume(consumed_on_next_);
    consumed_on_next_ = 0;
  }
  const char* const base = buf->data();
  const size_t size = buf->size();
  switch (mode_) {
    case Mode::kStart:
      if (size == 0) {
        wanted_ = 0;
        return Result::kNeedMore;
      }
      args_.clear();
      pos_ = scan_ = 0;
      base_ = base;
      if (*base == '*') {
        mode_ = Mode::kMultibulk;
        args_left_ = -1;
        bulk_len_ = -1;
        return NextMultibulk(base, size);
      }
      if (!limits_.allow_inline && *base != '\r' && *base != '\n') {
        return Fail("Protocol error: inline request on a primary's link");
      }
      mode_ = Mode::kInline;
      return NextInline(base, size);
    case Mode::kMultibulk:
      if (base != base_) Rebase(base);
      return NextMultibulk(base, size);
    case Mode::kInline:
      return NextInline(base, size);
    case Mode::kFailed:
      break;
  }
  return Result::kError;
}

RequestDecoder::Result RequestDecoder::NextMultibulk(const char* base,
                                                     size_t size) {
  wanted_ = 0;
  if (args_left_ < 0) {
    int64_t count;
    switch (ReadHeader(base, size, '*', &count)) {
      case Line::kNeedMore:
        return Result::kNeedMore;
      case Line::kError:
        return Result::kError;
      case Line::kOk:
        break;
    }
    if (count > limits_.max_args) return Fail(kInvalidCount);
    if (count > kUnauthenticatedArgs && !authenticated_) {
      return Fail(kUnauthenticatedCount);
    }
    if (count <= 0) return Done(Result::kEmpty, base);
    args_left_ = count;
  }
  do {
    if (bulk_len_ < 0) {
      int64_t length;
      switch (ReadHeader(base, size, '$', &length)) {
        case Line::kNeedMore:
          return Result::kNeedMore;
        case Line::kError:
          return Result::kError;
        case Line::kOk:
          break;
      }
      if (length < 0 || length > limits_.max_bulk_len) {
        return Fail(kInvalidBulk);
      }
      if (length > kUnauthenticatedBulkLen && !authenticated_) {
        return Fail(kUnauthenticatedBulk);
      }
      bulk_len_ = length;
    }
    const size_t with_crlf = static_cast<size_t>(bulk_len_) + 2;
    if (size - pos_ < with_crlf) {
      wanted_ = with_crlf - (size - pos_);
      return Result::kNeedMore;
    }
    const char* const arg = base + pos_;
    if (limits_.strict_crlf &&
        (arg[bulk_len_] != '\r' || arg[bulk_len_ + 1] != '\n')) {
      return Fail(kMissingCrlf);
    }
    args_.emplace_back(arg, static_cast<size_t>(bulk_len_));
    pos_ += with_crlf;
    bulk_len_ = -1;
  } while (--args_left_ > 0);
  return Done(Result::kCommand, base);
}

inline RequestDecoder::Line RequestDecoder::ReadHeader(const char* base,
                                                       size_t size, char type,
                                                       int64_t* value) {
  // The short positive numbers that nearly every header is made of; whatever
  // else there is, also a line that is not all here, takes the slow way.
  const char* p = base + pos_;
  const char* const end = base + size;
  if (end - p >= 4 && *p == type && p[1] >= '1' && p[1] <= '9') {
    int64_t n = p[1] - '0';
    const char* const stop = std::min(end - 1, p + 10);
    for (p += 2; p < stop; ++p) {
      const unsigned digit = static_cast<unsigned char>(*p) - unsigned{'0'};
      if (digit > 9) {
        if (*p != '\r' || p[1] != '\n') break;
        pos_ = static_cast<size_t>(p + 2 - base);
        *value = n;
        return Line::kOk;
      }
      n = n * 10 + digit;
    }
  }
  return ReadHeaderSlow(base, size, type, value);
}

RequestDecoder::Line RequestDecoder::ReadHeaderSlow(const char* base,
                                                    size_t size, char type,
                                                    int64_t* value) {
  const bool count = type == '*';
  const size_t from = std::max(scan_, pos_);
  const size_t to = std::min(size, pos_ + kMaxLine + 1);
  const void* found =
      from < to ? std::memchr(base + from, '\r', to - from) : nullptr;
  if (found == nullptr) {
    scan_ = to;
    if (size - pos_ > kMaxLine) {
      Fail(count ? kTooBigCount : kTooBigBulkCount);
      return Line::kError;
    }
    return Line::kNeedMore;
  }
  const char* const cr = static_cast<const char*>(found);
  scan_ = static_cast<size_t>(cr - base);
  if (scan_ + 1 >= size) return Line::kNeedMore;  // The LF is still missing.
  const char* const line = base + pos_;
  if (*line != type) {
    Fail(absl::StrCat("Protocol error: expected '$', got '",
                      absl::string_view(line, 1), "'"));
    return Line::kError;
  }
  if (!ParseInteger(absl::string_view(line + 1, cr - line - 1), value) ||
      (limits_.strict_crlf && cr[1] != '\n')) {
    Fail(count ? kInvalidCount : kInvalidBulk);
    return Line::kError;
  }
  pos_ = scan_ + 2;  // Redis does not look at the byte behind the CR either.
  scan_ = pos_;
  return Line::kOk;
}

RequestDecoder::Result RequestDecoder::NextInline(const char* base,
                                                  size_t size) {
  wanted_ = 0;
  const size_t to = std::min(size, kMaxLine + 1);
  const void* found =
      scan_ < to ? std::memchr(base + scan_, '\n', to - scan_) : nullptr;
  if (found == nullptr) {
    scan_ = to;
    if (size > kMaxLine) return Fail(kTooBigInline);
    return Result::kNeedMore;
  }
  size_t length = static_cast<size_t>(static_cast<const char*>(found) - base);
  pos_ = length + 1;
  if (length > 0 && base[length - 1] == '\r') --length;
  if (!SplitInline(absl::string_view(base, length))) {
    return Fail(kUnbalancedQuotes);
  }
  return Done(args_.empty() ? Result::kEmpty : Result::kCommand, base);
}

bool RequestDecoder::SplitInline(absl::string_view line) {
  // A word never means more bytes than it is written with, so the scratch does
  // not move while views into it are made.
  scratch_.clear();
  size_t p = 0;
  while (true) {
    while (p < line.size() && IsSpace(line[p])) ++p;
    if (p == line.size()) return true;
    size_t q = p;
    while (q < line.size() && !EndsWord(line[q]) && line[q] != '"' &&
           line[q] != '\'') {
      ++q;
    }
    if (q == line.size() || EndsWord(line[q])) {
      args_.push_back(line.substr(p, q - p));
      p = q;
      continue;
    }
    if (scratch_.empty()) scratch_.reserve(line.size());
    const size_t start = scratch_.size();
    if (!ReadQuotedWord(line, &p, &scratch_)) return false;
    args_.emplace_back(scratch_.data() + start, scratch_.size() - start);
  }
}

RequestDecoder::Result RequestDecoder::Done(Result result, const char* base) {
  raw_ = absl::string_view(base, pos_);
  consumed_on_next_ = pos_;
  mode_ = Mode::kStart;
  return result;
}

RequestDecoder::Result RequestDecoder::Fail(absl::string_view text) {
  mode_ = Mode::kFailed;
  error_ = std::string(text);
  args_.clear();
  raw_ = {};
  return Result::kError;
}

void RequestDecoder::Rebase(const char* base) {
  // The buffer has moved. Happens once for each doubling of what has arrived.
  for (absl::string_view& arg : args_) {
    const auto offset = reinterpret_cast<uintptr_t>(arg.data()) -
                        reinterpret_cast<uintptr_t>(base_);
    arg = absl::string_view(base + offset, arg.size());
  }
  base_ = base;
}

void RequestDecoder::Release(InputBuffer* buf) {
  CHECK(mode_ == Mode::kStart);
  buf->Consume(consumed_on_next_);
  consumed_on_next_ = 0;
}

size_t RequestDecoder::memory_bytes() const {
  return args_.capacity() * sizeof(args_[0]) + scratch_.capacity() +
         error_.capacity();
}

void RequestDecoder::Shrink() {
  if (mode_ == Mode::kMultibulk) return;  // The vector is in use.
  if (args_.capacity() * sizeof(args_[0]) > kKeepBytes) {
    std::vector<absl::string_view>().swap(args_);
  }
  if (scratch_.capacity() > kKeepBytes) std::string().swap(scratch_);
}

}  // namespace holdfast::net
