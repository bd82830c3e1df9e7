#include "testing/conformance/comparison.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "net/resp/value.h"

namespace holdfast::test {

using net::Value;

namespace {

// All of a reply, with its type, in one string that keeps apart what differs on
// the wire; `sort`: elements in an order of their own, in groups of `group`.
std::string Key(const Value& v, bool sort, size_t group) {
  std::string key = absl::StrCat(
      static_cast<int>(v.type()), v.null_array(), ":", v.str().size(), ":",
      v.str(), ":", v.integer(), ":", v.dbl(), ":", v.boolean(), "[");
  std::vector<std::string> parts;
  const size_t step = v.is_map() ? 2 : group;
  for (size_t i = 0; i < v.size(); i += step) {
    std::string part;
    for (size_t j = i; j < std::min(i + step, v.size()); ++j) {
      absl::StrAppend(&part, Key(v[j], sort, 1), ",");
    }
    parts.push_back(std::move(part));
  }
  if (sort) std::sort(parts.begin(), parts.end());
  for (const std::string& part : parts) absl::StrAppend(&key, part, ";");
  return key + "]";
}

bool SameValue(const Value& a, const Value& b, const Comparison& how) {
  using Kind = Comparison::Kind;
  switch (how.kind) {
    case Kind::kIgnore:
      return true;
    case Kind::kUnordered:
      return Key(a, true, 1) == Key(b, true, 1);
    case Kind::kPairs:
      return Key(a, true, 2) == Key(b, true, 2);
    case Kind::kNear:
      if (a.is_integer() && b.is_integer()) {
        if (a.integer() < 0 || b.integer() < 0) {
          return a.integer() == b.integer();
        }
        return std::abs(a.integer() - b.integer()) <= how.tolerance;
      }
      break;
    case Kind::kType:
      if (!a.is_error()) return a.type() == b.type();
      break;
    case Kind::kEach:
      if (a.size() != how.each.size() || b.size() != a.size() ||
          a.type() != b.type()) {
        break;
      }
      for (size_t i = 0; i < a.size(); ++i) {
        if (!SameValue(a[i], b[i], how.each[i])) return false;
      }
      return true;
    case Kind::kExact:
      break;
  }
  return Key(a, false, 1) == Key(b, false, 1);
}

}  // namespace

bool SameReply(const RawReply& a, const RawReply& b, const Comparison& how) {
  return a.bytes == b.bytes || (how.kind != Comparison::Kind::kExact &&
                                SameValue(a.value, b.value, how));
}

Comparison Comparison::For(const std::vector<std::string>& args) {
  if (args.empty()) return Exact();
  const std::string name = absl::AsciiStrToLower(args[0]);
  // Two seconds between the two servers' clock readings, on a busy machine.
  if (name == "ttl" || name == "expiretime") return Near(2);
  if (name == "pttl" || name == "pexpiretime") return Near(2000);
  if (name == "keys" || name == "smembers" || name == "sinter" ||
      name == "sunion" || name == "sdiff" || name == "hkeys" ||
      name == "hvals" || name == "scan" || name == "sscan") {
    return Unordered();
  }
  if (name == "hgetall") return Pairs();
  if (name == "randomkey" || name == "srandmember" || name == "hrandfield" ||
      name == "zrandmember" || name == "time" || name == "lastsave") {
    return Type();
  }
  return Exact();
}

}  // namespace holdfast::test
