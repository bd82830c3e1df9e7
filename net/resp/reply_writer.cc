#include "net/resp/reply_writer.h"

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "glog/logging.h"
#include "net/resp/value.h"

namespace holdfast::net {
namespace {

// "<type><20 digits and a sign>\r\n".
constexpr size_t kMaxHeader = 24;

// Writes a header to `buf` and returns its length.
template <typename Integer>
size_t FormatHeader(char* buf, char type, Integer n) {
  char* p = buf;
  *p++ = type;
  p = std::to_chars(p, buf + kMaxHeader, n).ptr;
  *p++ = '\r';
  *p++ = '\n';
  return static_cast<size_t>(p - buf);
}

void AppendBulk(std::string* out, absl::string_view s) {
  char header[kMaxHeader];
  out->append(header, FormatHeader(header, '$', s.size()));
  out->append(s.data(), s.size());
  out->append("\r\n", 2);
}

}  // namespace

ReplyWriter::ReplyWriter(std::string* out, int protocol) : out_(out) {
  set_protocol(protocol);
}

void ReplyWriter::set_protocol(int protocol) {
  CHECK(protocol == 2 || protocol == 3) << protocol;
  protocol_ = protocol;
}

void ReplyWriter::Header(char type, uint64_t n) {
  char header[kMaxHeader];
  out_->append(header, FormatHeader(header, type, n));
}

void ReplyWriter::Insert(size_t mark, char type, uint64_t n) {
  DCHECK_LE(mark, out_->size());
  char header[kMaxHeader];
  out_->insert(mark, header, FormatHeader(header, type, n));
}

void ReplyWriter::Line(char type, absl::string_view text) {
  out_->push_back(type);
  const size_t start = out_->size();
  out_->append(text.data(), text.size());
  for (size_t i = start; i < out_->size(); ++i) {
    if ((*out_)[i] == '\r' || (*out_)[i] == '\n') (*out_)[i] = ' ';
  }
  out_->append("\r\n", 2);
}

void ReplyWriter::SimpleString(absl::string_view s) { Line('+', s); }

void ReplyWriter::Error(absl::string_view text) {
  while (!text.empty() && (text.back() == '\r' || text.back() == '\n')) {
    text.remove_suffix(1);
  }
  Line('-', text);
}

void ReplyWriter::Integer(int64_t i) {
  char header[kMaxHeader];
  out_->append(header, FormatHeader(header, ':', i));
}

void ReplyWriter::Bulk(absl::string_view s) { AppendBulk(out_, s); }

void ReplyWriter::BulkInteger(int64_t i) {
  char digits[kMaxHeader];
  const char* end = std::to_chars(digits, digits + sizeof(digits), i).ptr;
  Bulk(absl::string_view(digits, static_cast<size_t>(end - digits)));
}

void ReplyWriter::Null() { Raw(resp3() ? "_\r\n" : "$-1\r\n"); }

void ReplyWriter::NullArray() { Raw(resp3() ? "_\r\n" : "*-1\r\n"); }

bool ReplyWriter::AttributeHeader(size_t pairs) {
  if (!resp3()) return false;
  Header('|', pairs);
  return true;
}

void ReplyWriter::Double(double d) {
  const std::string text = FormatDouble(d);
  if (resp3()) {
    Line(',', text);
  } else {
    Bulk(text);
  }
}

void ReplyWriter::Bool(bool b) {
  if (resp3()) {
    Raw(b ? "#t\r\n" : "#f\r\n");
  } else {
    Raw(b ? ":1\r\n" : ":0\r\n");
  }
}

void ReplyWriter::BigNumber(absl::string_view digits) {
  if (resp3()) {
    Line('(', digits);
  } else {
    Bulk(digits);
  }
}

void ReplyWriter::Verbatim(absl::string_view ext, absl::string_view text) {
  if (!resp3()) {
    Bulk(text);
    return;
  }
  Header('=', text.size() + 4);
  for (size_t i = 0; i < 3; ++i) out_->push_back(i < ext.size() ? ext[i] : ' ');
  out_->push_back(':');
  Raw(text);
  Raw("\r\n");
}

void ReplyWriter::Write(const Value& value) {
  if (const Value* attributes = value.attributes();
      attributes != nullptr && AttributeHeader(attributes->size() / 2)) {
    for (const Value& v : attributes->elements()) Write(v);
  }
  switch (value.type()) {
    case Value::Type::kNull:
      if (value.null_array()) {
        NullArray();
      } else {
        Null();
      }
      return;
    case Value::Type::kSimpleString:
      SimpleString(value.str());
      return;
    case Value::Type::kError:
      Error(value.str());
      return;
    case Value::Type::kBlobError:
      if (!resp3()) {
        Error(value.str());
        return;
      }
      Header('!', value.str().size());
      Raw(value.str());
      Raw("\r\n");
      return;
    case Value::Type::kInteger:
      Integer(value.integer());
      return;
    case Value::Type::kBulk:
      Bulk(value.str());
      return;
    case Value::Type::kDouble:
      Double(value.dbl());
      return;
    case Value::Type::kBool:
      Bool(value.boolean());
      return;
    case Value::Type::kBigNumber:
      BigNumber(value.str());
      return;
    case Value::Type::kVerbatim:
      Verbatim(value.format(), value.str());
      return;
    case Value::Type::kArray:
      ArrayHeader(value.size());
      break;
    case Value::Type::kMap:
      MapHeader(value.size() / 2);
      break;
    case Value::Type::kSet:
      SetHeader(value.size());
      break;
    case Value::Type::kPush:
      PushHeader(value.size());
      break;
  }
  for (const Value& v : value.elements()) Write(v);
}

void AppendCommand(std::string* out, absl::Span<const absl::string_view> args) {
  char header[kMaxHeader];
  out->append(header, FormatHeader(header, '*', args.size()));
  for (absl::string_view arg : args) AppendBulk(out, arg);
}

std::string EncodeCommand(absl::Span<const absl::string_view> args) {
  std::string out;
  AppendCommand(&out, args);
  return out;
}

std::string FormatDouble(double d) {
  if (std::isnan(d)) return "nan";
  if (std::isinf(d)) return d > 0 ? "inf" : "-inf";
  char buf[40];
  // Below 10^17 a whole number's %.17g is its digits, and these are quick.
  // (Minus zero is "-0", which an integer is not.)
  if (std::fabs(d) < 1e17 && d == std::trunc(d) &&
      !(d == 0 && std::signbit(d))) {
    return std::string(
        buf,
        std::to_chars(buf, buf + sizeof(buf), static_cast<int64_t>(d)).ptr);
  }
  const int n = std::snprintf(buf, sizeof(buf), "%.17g", d);
  return std::string(buf, static_cast<size_t>(n));
}

}  // namespace holdfast::net
