#include "net/resp/value.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace holdfast::net {

Value::Value(const Value& other)
    : type_(other.type_),
      null_array_(other.null_array_),
      integer_(other.integer_),
      str_(other.str_),
      elements_(other.elements_),
      attributes_(other.attributes_ == nullptr
                      ? nullptr
                      : std::make_unique<Value>(*other.attributes_)) {
  if (type_ == Type::kDouble) double_ = other.double_;
  std::copy(std::begin(other.format_), std::end(other.format_), format_);
}

Value& Value::operator=(const Value& other) {
  if (this != &other) *this = Value(other);
  return *this;
}

Value Value::NullArray() {
  Value v;
  v.null_array_ = true;
  return v;
}

Value Value::OfString(Type type, absl::string_view s) {
  Value v;
  v.type_ = type;
  v.str_.assign(s.data(), s.size());
  return v;
}

Value Value::OfElements(Type type, std::vector<Value> elements) {
  Value v;
  v.type_ = type;
  v.elements_ = std::move(elements);
  return v;
}

Value Value::Integer(int64_t i) {
  Value v;
  v.type_ = Type::kInteger;
  v.integer_ = i;
  return v;
}

Value Value::Double(double d) {
  Value v;
  v.type_ = Type::kDouble;
  v.double_ = d;
  return v;
}

Value Value::Bool(bool b) {
  Value v;
  v.type_ = Type::kBool;
  v.integer_ = b ? 1 : 0;
  return v;
}

Value Value::Verbatim(absl::string_view format, absl::string_view s) {
  Value v = OfString(Type::kVerbatim, s);
  for (size_t i = 0; i < sizeof(v.format_); ++i) {
    v.format_[i] = i < format.size() ? format[i] : ' ';
  }
  return v;
}

const Value* Value::Find(absl::string_view key) const {
  if (type_ != Type::kMap && type_ != Type::kArray) return nullptr;
  for (size_t i = 0; i + 1 < elements_.size(); i += 2) {
    if (elements_[i].is_string() && elements_[i].str() == key) {
      return &elements_[i + 1];
    }
  }
  return nullptr;
}

void Value::set_attributes(Value map) {
  attributes_ = std::make_unique<Value>(std::move(map));
}

void Value::AppendDebug(std::string* out) const {
  if (attributes_ != nullptr) {
    absl::StrAppend(out, "|");
    attributes_->AppendDebug(out);
    absl::StrAppend(out, "| ");
  }
  switch (type_) {
    case Type::kNull:
      absl::StrAppend(out, "(nil)");
      return;
    case Type::kSimpleString:
      absl::StrAppend(out, "+", absl::CHexEscape(str_));
      return;
    case Type::kError:
    case Type::kBlobError:
      absl::StrAppend(out, "-", absl::CHexEscape(str_));
      return;
    case Type::kInteger:
      absl::StrAppend(out, integer_);
      return;
    case Type::kBulk:
      absl::StrAppend(out, "\"", absl::CHexEscape(str_), "\"");
      return;
    case Type::kDouble:
      absl::StrAppend(out, "(double) ", double_);
      return;
    case Type::kBool:
      absl::StrAppend(out, integer_ != 0 ? "(true)" : "(false)");
      return;
    case Type::kBigNumber:
      absl::StrAppend(out, "(", str_, ")");
      return;
    case Type::kVerbatim:
      absl::StrAppend(out, absl::CHexEscape(format()), ":\"",
                      absl::CHexEscape(str_), "\"");
      return;
    case Type::kArray:
    case Type::kMap:
    case Type::kSet:
    case Type::kPush:
      break;
  }
  const char* open = type_ == Type::kArray ? "["
                     : type_ == Type::kMap ? "{"
                     : type_ == Type::kSet ? "~{"
                                           : ">[";
  const bool square = type_ == Type::kArray || type_ == Type::kPush;
  absl::StrAppend(out, open);
  for (size_t i = 0; i < elements_.size(); ++i) {
    if (i > 0) {
      absl::StrAppend(out, type_ == Type::kMap && i % 2 == 1 ? ": " : ", ");
    }
    elements_[i].AppendDebug(out);
  }
  absl::StrAppend(out, square ? "]" : "}");
}

std::string Value::DebugString() const {
  std::string out;
  AppendDebug(&out);
  return out;
}

bool operator==(const Value& a, const Value& b) {
  if (a.type_ != b.type_) return false;
  if ((a.attributes_ == nullptr) != (b.attributes_ == nullptr)) return false;
  if (a.attributes_ != nullptr && !(*a.attributes_ == *b.attributes_)) {
    return false;
  }
  if (a.type_ == Value::Type::kDouble) {
    // One NaN is as good as another: this compares replies, not numbers.
    return a.double_ == b.double_ ||
           (std::isnan(a.double_) && std::isnan(b.double_));
  }
  return a.integer_ == b.integer_ && a.format() == b.format() &&
         a.str_ == b.str_ && a.elements_ == b.elements_;
}

std::ostream& operator<<(std::ostream& os, const Value& v) {
  return os << v.DebugString();
}

}  // namespace holdfast::net
