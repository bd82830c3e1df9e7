#ifndef HOLDFAST_TESTING_SUPPORT_REPLY_MATCHERS_H_
#define HOLDFAST_TESTING_SUPPORT_REPLY_MATCHERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/resp/value.h"

// Matchers for net::Value, strict about the type on the wire: IsBulk("OK")
// does not match "+OK". Where one takes a value it takes a matcher too:
//
//   EXPECT_THAT(client.Do("SET", "k", "v"), IsOk());
//   EXPECT_THAT(client.Do("INCR", "n"), IsInt(Gt(3)));
//   EXPECT_THAT(client.Do("LPUSH", "k", 1), IsError(HasSubstr("WRONGTYPE")));
//   EXPECT_THAT(client.Do("LRANGE", "l", 0, -1), IsBulks("a", "b"));
//   EXPECT_THAT(client.Do("EXEC"),
//               IsArray(ElementsAre(IsOk(), IsNil(), IsInt(1))));
namespace holdfast::test {

using Reply = net::Value;

// "+OK".
MATCHER(IsOk, "is +OK") { return arg.is_ok(); }

// A simple string ("+...").
MATCHER_P(IsSimple, text,
          "is a simple string that " +
              ::testing::DescribeMatcher<std::string>(text)) {
  return arg.type() == Reply::Type::kSimpleString &&
         ::testing::ExplainMatchResult(text, arg.str(), result_listener);
}

// An error; its text has no dash: IsError("ERR syntax error").
MATCHER_P(IsError, text,
          "is an error that " + ::testing::DescribeMatcher<std::string>(text)) {
  return arg.is_error() &&
         ::testing::ExplainMatchResult(text, arg.str(), result_listener);
}
MATCHER(IsAnyError, "is an error") { return arg.is_error(); }

// A null bulk or, as MULTI and the blocking pops send it, a null array.
MATCHER(IsNil, "is nil") { return arg.is_null(); }
MATCHER(IsNilArray, "is a nil array (*-1)") {
  return arg.is_null() && arg.null_array();
}
MATCHER(IsNilBulk, "is a nil bulk string ($-1)") {
  return arg.is_null() && !arg.null_array();
}

MATCHER_P(IsInt, number,
          "is an integer that " + ::testing::DescribeMatcher<int64_t>(number)) {
  return arg.is_integer() &&
         ::testing::ExplainMatchResult(number, arg.integer(), result_listener);
}

MATCHER_P(IsBulk, text,
          "is a bulk string that " +
              ::testing::DescribeMatcher<std::string>(text)) {
  return arg.type() == Reply::Type::kBulk &&
         ::testing::ExplainMatchResult(text, arg.str(), result_listener);
}

// RESP3.
MATCHER_P(IsDouble, number,
          "is a double that " + ::testing::DescribeMatcher<double>(number)) {
  return arg.type() == Reply::Type::kDouble &&
         ::testing::ExplainMatchResult(number, arg.dbl(), result_listener);
}
MATCHER_P(IsBool, value, value ? "is #t" : "is #f") {
  return arg.type() == Reply::Type::kBool && arg.boolean() == value;
}

// The elements as a std::vector<Reply>: IsArray(ElementsAre(IsInt(1), ...)).
MATCHER_P(IsArray, elements,
          "is an array that " +
              ::testing::DescribeMatcher<std::vector<Reply>>(elements)) {
  return arg.is_array() && ::testing::ExplainMatchResult(
                               elements, arg.elements(), result_listener);
}
MATCHER(IsEmptyArray, "is an empty array") {
  return arg.is_array() && arg.size() == 0;
}
// RESP3: map (flattened), set, push.
MATCHER_P(IsMap, elements,
          "is a map that " +
              ::testing::DescribeMatcher<std::vector<Reply>>(elements)) {
  return arg.is_map() && ::testing::ExplainMatchResult(elements, arg.elements(),
                                                       result_listener);
}
MATCHER_P(IsSet, elements,
          "is a set that " +
              ::testing::DescribeMatcher<std::vector<Reply>>(elements)) {
  return arg.type() == Reply::Type::kSet &&
         ::testing::ExplainMatchResult(elements, arg.elements(),
                                       result_listener);
}
MATCHER_P(IsPush, elements,
          "is a push that " +
              ::testing::DescribeMatcher<std::vector<Reply>>(elements)) {
  return arg.is_push() && ::testing::ExplainMatchResult(
                              elements, arg.elements(), result_listener);
}

// An array of exactly these bulk strings (or matchers for their text).
template <typename... Texts>
auto IsBulks(const Texts&... texts) {
  return IsArray(::testing::ElementsAre(IsBulk(texts)...));
}
template <typename... Texts>
auto IsBulksInAnyOrder(const Texts&... texts) {
  return IsArray(::testing::UnorderedElementsAre(IsBulk(texts)...));
}

}  // namespace holdfast::test

#endif  // HOLDFAST_TESTING_SUPPORT_REPLY_MATCHERS_H_
