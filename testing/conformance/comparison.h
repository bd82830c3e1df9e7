#ifndef HOLDFAST_TESTING_CONFORMANCE_COMPARISON_H_
#define HOLDFAST_TESTING_CONFORMANCE_COMPARISON_H_

#include <cstdint>
#include <string>
#include <vector>

#include "net/resp/value.h"

namespace holdfast::test {

// One reply: the bytes on the wire and what they mean.
struct RawReply {
  std::string bytes;
  net::Value value;
};

// When two replies to the same command count as the same. A value type.
struct Comparison {
  enum class Kind {
    kExact,      // Byte for byte.
    kUnordered,  // Byte for byte once the elements are sorted, at every depth.
    kPairs,      // The same for a flat list of key, value, key, value.
    kNear,       // Integers, not further apart than `tolerance`; negative ones
                 // (no key, no expiry) exactly. Other types: byte for byte.
    kType,       // Of the same type; errors byte for byte.
    kEach,       // EXEC: element i by `each[i]`; when the sizes differ from
                 // each.size(), byte for byte.
    kIgnore,     // Always.
  };

  Kind kind = Kind::kExact;
  int64_t tolerance = 0;
  std::vector<Comparison> each = {};

  static Comparison Exact() { return {}; }
  static Comparison Unordered() { return {.kind = Kind::kUnordered}; }
  static Comparison Pairs() { return {.kind = Kind::kPairs}; }
  static Comparison Near(int64_t tolerance) {
    return {.kind = Kind::kNear, .tolerance = tolerance};
  }
  static Comparison Type() { return {.kind = Kind::kType}; }
  static Comparison Ignore() { return {.kind = Kind::kIgnore}; }

  // What fits the command by its name: KEYS has no order, TTL has a clock, ...
  static Comparison For(const std::vector<std::string>& args);
};

bool SameReply(const RawReply& a, const RawReply& b, const Comparison& how);

}  // namespace holdfast::test

#endif  // HOLDFAST_TESTING_CONFORMANCE_COMPARISON_H_
