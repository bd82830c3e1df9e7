#ifndef HOLDFAST_NET_RESP_VALUE_H_
#define HOLDFAST_NET_RESP_VALUE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace holdfast::net {

// One reply of RESP2 or RESP3, as a tree that owns its bytes. A plain value
// type. The accessors of another type than type() return an empty or zero
// value, so that a caller that only prints needs no switch; callers that
// decide something ask is_...() first.
class Value {
 public:
  enum class Type : uint8_t {
    kNull,          // "$-1", "*-1", "_"
    kSimpleString,  // "+OK"
    kError,         // "-ERR ..."; str() has no dash
    kInteger,       // ":1"
    kBulk,          // "$3"
    kArray,         // "*2"
    kDouble,        // ",1.5"
    kBool,          // "#t"
    kBigNumber,     // "(123"; str() has the digits
    kBlobError,     // "!10"
    kVerbatim,      // "=7"; str() without the "txt:" prefix, format() has it
    kMap,           // "%1"; elements() is key, value, key, value ...
    kSet,           // "~2"
    kPush,          // ">2"
  };

  Value() = default;  // Null.
  Value(const Value& other);
  Value& operator=(const Value& other);
  Value(Value&&) noexcept = default;
  Value& operator=(Value&&) noexcept = default;

  static Value Null() { return Value(); }
  static Value NullArray();  // Equal to Null(), but null_array().
  static Value SimpleString(absl::string_view s) {
    return OfString(Type::kSimpleString, s);
  }
  static Value Error(absl::string_view s) { return OfString(Type::kError, s); }
  static Value Integer(int64_t i);
  static Value Bulk(absl::string_view s) { return OfString(Type::kBulk, s); }
  static Value Double(double d);
  static Value Bool(bool b);
  static Value BigNumber(absl::string_view digits) {
    return OfString(Type::kBigNumber, digits);
  }
  static Value BlobError(absl::string_view s) {
    return OfString(Type::kBlobError, s);
  }
  static Value Verbatim(absl::string_view format, absl::string_view s);
  static Value Array(std::vector<Value> elements) {
    return OfElements(Type::kArray, std::move(elements));
  }
  static Value Map(std::vector<Value> keys_and_values) {
    return OfElements(Type::kMap, std::move(keys_and_values));
  }
  static Value Set(std::vector<Value> elements) {
    return OfElements(Type::kSet, std::move(elements));
  }
  static Value Push(std::vector<Value> elements) {
    return OfElements(Type::kPush, std::move(elements));
  }

  Type type() const { return type_; }
  bool is_null() const { return type_ == Type::kNull; }
  bool is_error() const {
    return type_ == Type::kError || type_ == Type::kBlobError;
  }
  bool is_integer() const { return type_ == Type::kInteger; }
  bool is_array() const { return type_ == Type::kArray; }
  bool is_map() const { return type_ == Type::kMap; }
  bool is_push() const { return type_ == Type::kPush; }
  // Simple, bulk or verbatim string.
  bool is_string() const {
    return type_ == Type::kSimpleString || type_ == Type::kBulk ||
           type_ == Type::kVerbatim;
  }
  // "+OK".
  bool is_ok() const { return type_ == Type::kSimpleString && str_ == "OK"; }
  bool null_array() const { return null_array_; }

  const std::string& str() const { return str_; }
  std::string&& TakeStr() && { return std::move(str_); }
  int64_t integer() const { return type_ == Type::kInteger ? integer_ : 0; }
  bool boolean() const { return type_ == Type::kBool && integer_ != 0; }
  double dbl() const { return type_ == Type::kDouble ? double_ : 0; }
  // Of a verbatim string: three characters, "txt" or "mkd"; else empty.
  absl::string_view format() const {
    return absl::string_view(format_, type_ == Type::kVerbatim ? 3 : 0);
  }

  // Of an array, set, push or map (flattened); empty for others.
  const std::vector<Value>& elements() const { return elements_; }
  std::vector<Value>& mutable_elements() { return elements_; }
  size_t size() const { return elements_.size(); }
  // REQUIRES: i < size().
  const Value& operator[](size_t i) const { return elements_[i]; }

  // The value of a string key in a map, or in the flat array that RESP2 sends
  // for one; null pointer when there is none.
  const Value* Find(absl::string_view key) const;

  // RESP3's attribute ("|") that came before this value; null without one.
  const Value* attributes() const { return attributes_.get(); }
  void set_attributes(Value map);

  // One line for logs and test failures, e.g. ["a", 1, (nil)]. Strings are
  // escaped.
  std::string DebugString() const;

  friend bool operator==(const Value& a, const Value& b);
  friend std::ostream& operator<<(std::ostream& os, const Value& v);

 private:
  friend class ReplyDecoder;

  static Value OfString(Type type, absl::string_view s);
  static Value OfElements(Type type, std::vector<Value> elements);
  void AppendDebug(std::string* out) const;

  // Small, since a hostile reply may be a million of these: 80 bytes.
  Type type_ = Type::kNull;
  bool null_array_ = false;
  char format_[3] = {};
  union {
    int64_t integer_ = 0;  // Also the bool.
    double double_;
  };
  std::string str_;
  std::vector<Value> elements_;
  std::unique_ptr<Value> attributes_;
};

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_RESP_VALUE_H_
