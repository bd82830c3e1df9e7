#include "net/resp/reply_decoder.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "net/resp/input_buffer.h"
#include "net/resp/integer.h"
#include "net/resp/value.h"

namespace holdfast::net {
namespace {

bool ParseDouble(absl::string_view text, double* d) {
  if (text == "inf") {
    *d = std::numeric_limits<double>::infinity();
  } else if (text == "-inf") {
    *d = -std::numeric_limits<double>::infinity();
  } else if (text == "nan" || text == "-nan") {
    *d = std::numeric_limits<double>::quiet_NaN();
  } else {
    // SimpleAtod() also takes spaces, a plus sign and words.
    if (text.empty() || !(absl::ascii_isdigit(text[0]) || text[0] == '-') ||
        !absl::ascii_isdigit(text.back())) {
      return false;
    }
    return absl::SimpleAtod(text, d);
  }
  return true;
}

bool IsBigNumber(absl::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    text.remove_prefix(1);
  }
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(c);
  });
}

}  // namespace

ReplyDecoder::ReplyDecoder(ReplyLimits limits) : limits_(limits) {}

ReplyDecoder::Result ReplyDecoder::Next(InputBuffer* buf) {
  wanted_ = 0;
  if (!error_.empty()) return Result::kError;
  have_done_ = false;
  while (true) {
    const absl::string_view in = buf->readable();
    if (pending_bulk_ >= 0) {
      const auto length = static_cast<size_t>(pending_bulk_);
      if (in.size() < length + 2) {
        wanted_ = length + 2 - in.size();
        return Result::kNeedMore;
      }
      if (in[length] != '\r' || in[length + 1] != '\n') {
        Fail("expected CRLF behind a string");
        return Result::kError;
      }
      pending_bulk_ = -1;
      if (!OnBulk(in.substr(0, length))) return Result::kError;
      buf->Consume(length + 2);
    } else {
      const void* found =
          scan_ < in.size()
              ? std::memchr(in.data() + scan_, '\n', in.size() - scan_)
              : nullptr;
      const size_t end =
          found != nullptr
              ? static_cast<size_t>(static_cast<const char*>(found) - in.data())
              : in.size();
      if (end > limits_.max_line_len) {
        Fail("line too long");
        return Result::kError;
      }
      if (found == nullptr) {
        scan_ = end;
        return Result::kNeedMore;
      }
      scan_ = 0;
      if (end < 2 || in[end - 1] != '\r') {
        Fail("expected a line that ends in CRLF");
        return Result::kError;
      }
      if (!Charge(end + 1) || !OnLine(in.substr(0, end - 1))) {
        return Result::kError;
      }
      buf->Consume(end + 1);
    }
    if (have_done_) {
      elements_ = total_bytes_ = 0;
      return Result::kValue;
    }
  }
}

Value ReplyDecoder::TakeValue() {
  CHECK(have_done_);
  have_done_ = false;
  return std::move(done_);
}

bool ReplyDecoder::Fail(absl::string_view text) {
  error_ = absl::StrCat("malformed reply: ", text);
  stack_.clear();
  root_attributes_.reset();
  return false;
}

bool ReplyDecoder::Charge(size_t wire_bytes) {
  if (wire_bytes > limits_.max_total_bytes - total_bytes_) {
    return Fail("reply too large");
  }
  total_bytes_ += wire_bytes;
  return true;
}

bool ReplyDecoder::OnLine(absl::string_view line) {
  const absl::string_view rest = line.substr(1);
  switch (line[0]) {
    case '+':
      Add(Value::SimpleString(rest));
      return true;
    case '-':
      Add(Value::Error(rest));
      return true;
    case ':': {
      int64_t i;
      if (!ParseInteger(rest, &i)) return Fail("invalid integer");
      Add(Value::Integer(i));
      return true;
    }
    case ',': {
      double d;
      if (!ParseDouble(rest, &d)) return Fail("invalid double");
      Add(Value::Double(d));
      return true;
    }
    case '#':
      if (rest != "t" && rest != "f") return Fail("invalid boolean");
      Add(Value::Bool(rest == "t"));
      return true;
    case '(':
      if (!IsBigNumber(rest)) return Fail("invalid big number");
      Add(Value::BigNumber(rest));
      return true;
    case '_':
      if (!rest.empty()) return Fail("invalid null");
      Add(Value::Null());
      return true;
    case '$':
      return OnBulkHeader(Value::Type::kBulk, rest);
    case '=':
      return OnBulkHeader(Value::Type::kVerbatim, rest);
    case '!':
      return OnBulkHeader(Value::Type::kBlobError, rest);
    case '*':
      return OnAggregate(Value::Type::kArray, false, rest);
    case '%':
      return OnAggregate(Value::Type::kMap, false, rest);
    case '~':
      return OnAggregate(Value::Type::kSet, false, rest);
    case '>':
      return OnAggregate(Value::Type::kPush, false, rest);
    case '|':
      return OnAggregate(Value::Type::kMap, true, rest);
    default:
      return Fail(absl::StrCat("unknown type '",
                               absl::CHexEscape(line.substr(0, 1)), "'"));
  }
}

bool ReplyDecoder::OnBulkHeader(Value::Type type, absl::string_view length) {
  int64_t n;
  if (!ParseInteger(length, &n)) return Fail("invalid string length");
  if (n == -1 && type == Value::Type::kBulk) {
    Add(Value::Null());
    return true;
  }
  if (n < 0) return Fail("invalid string length");
  if (n > limits_.max_bulk_len) return Fail("string too long");
  // Before the bytes come, so that they are never waited for in vain.
  if (!Charge(static_cast<size_t>(n) + 2)) return false;
  pending_bulk_ = n;
  pending_type_ = type;
  return true;
}

bool ReplyDecoder::OnBulk(absl::string_view bytes) {
  if (pending_type_ != Value::Type::kVerbatim) {
    Add(Value::OfString(pending_type_, bytes));
    return true;
  }
  if (bytes.size() < 4 || bytes[3] != ':') {
    return Fail("invalid verbatim string");
  }
  Add(Value::Verbatim(bytes.substr(0, 3), bytes.substr(4)));
  return true;
}

bool ReplyDecoder::OnAggregate(Value::Type type, bool is_attribute,
                               absl::string_view text) {
  int64_t announced;
  if (!ParseInteger(text, &announced)) return Fail("invalid count");
  if (announced == -1 && type == Value::Type::kArray) {
    Add(Value::NullArray());
    return true;
  }
  if (announced < 0) return Fail("invalid count");
  auto n = static_cast<size_t>(announced);
  const size_t room = limits_.max_elements - elements_;
  if (n > room || (type == Value::Type::kMap && n > room / 2)) {
    return Fail("too many elements");
  }
  if (type == Value::Type::kMap) n *= 2;
  elements_ += n;
  if (n > 0 && stack_.size() >= limits_.max_depth) {
    return Fail("nested too deeply");
  }
  Value value = Value::OfElements(type, {});
  if (n > 0) {
    // No reserve(): the elements are only announced.
    stack_.push_back({std::move(value), n, is_attribute, nullptr});
  } else if (!is_attribute) {
    Add(std::move(value));
  }
  return true;
}

void ReplyDecoder::Add(Value v) {
  while (true) {
    std::unique_ptr<Value>& attributes =
        stack_.empty() ? root_attributes_ : stack_.back().attributes;
    if (attributes != nullptr) v.attributes_ = std::move(attributes);
    if (stack_.empty()) {
      done_ = std::move(v);
      have_done_ = true;
      return;
    }
    Frame& parent = stack_.back();
    parent.value.elements_.push_back(std::move(v));
    if (--parent.left > 0) return;
    Frame full = std::move(parent);
    stack_.pop_back();
    if (full.is_attribute) {
      (stack_.empty() ? root_attributes_ : stack_.back().attributes) =
          std::make_unique<Value>(std::move(full.value));
      return;  // Its value is still to come.
    }
    v = std::move(full.value);
  }
}

}  // namespace holdfast::net
