#include "net/resp/value.h"

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace holdfast::net {
namespace {

TEST(ValueTest, AccessorsOfAnotherTypeAreEmpty) {
  const Value v = Value::Bulk("12");
  EXPECT_EQ(v.integer(), 0);
  EXPECT_EQ(v.dbl(), 0);
  EXPECT_FALSE(v.boolean());
  EXPECT_TRUE(v.elements().empty());
  EXPECT_EQ(v.format(), "");
  EXPECT_EQ(Value::Double(1.5).integer(), 0);
  EXPECT_EQ(Value::Integer(7).dbl(), 0);
  EXPECT_EQ(Value::Integer(7).str(), "");
}

TEST(ValueTest, CopiesAreDeep) {
  Value a = Value::Array({Value::Bulk("x"), Value::Double(2.5)});
  a.set_attributes(Value::Map({Value::Bulk("k"), Value::Integer(1)}));
  Value b = a;
  EXPECT_EQ(a, b);
  b.mutable_elements()[0] = Value::Bulk("y");
  EXPECT_FALSE(a == b);
  EXPECT_EQ(a[0].str(), "x");
  EXPECT_EQ(a[1].dbl(), 2.5);
  a = a[0];  // Out of itself.
  EXPECT_EQ(a, Value::Bulk("x"));
}

TEST(ValueTest, TypesTellEqualContentsApart) {
  EXPECT_FALSE(Value::Bulk("a") == Value::SimpleString("a"));
  EXPECT_FALSE(Value::Bulk("") == Value::Null());
  EXPECT_FALSE(Value::Integer(1) == Value::Bool(true));
  EXPECT_FALSE(Value::Array({}) == Value::Set({}));
  EXPECT_FALSE(Value::Verbatim("txt", "a") == Value::Verbatim("mkd", "a"));
  EXPECT_EQ(Value::Null(), Value::NullArray());
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(Value::Double(nan), Value::Double(nan));
}

TEST(ValueTest, FindsInMapsAndFlatArrays) {
  const std::vector<Value> pairs = {Value::Bulk("a"), Value::Integer(1),
                                    Value::Bulk("b"), Value::Integer(2),
                                    Value::Bulk("odd")};
  EXPECT_EQ(Value::Map(pairs).Find("b")->integer(), 2);
  EXPECT_EQ(Value::Array(pairs).Find("a")->integer(), 1);
  EXPECT_EQ(Value::Map(pairs).Find("odd"), nullptr);
  EXPECT_EQ(Value::Set(pairs).Find("a"), nullptr);
  EXPECT_EQ(Value::Integer(3).Find("a"), nullptr);
}

TEST(ValueTest, DebugStringIsOneEscapedLine) {
  Value v =
      Value::Array({Value::Bulk("a\r\n"), Value::Integer(-1), Value::Null(),
                    Value::Map({Value::SimpleString("k"), Value::Bool(true)}),
                    Value::Error("ERR x"), Value::Verbatim("txt", "v")});
  v.set_attributes(Value::Map({Value::Bulk("ttl"), Value::Integer(3)}));
  EXPECT_EQ(v.DebugString(),
            "|{\"ttl\": 3}| [\"a\\r\\n\", -1, (nil), {+k: (true)}, -ERR x, "
            "txt:\"v\"]");
}

}  // namespace
}  // namespace holdfast::net
