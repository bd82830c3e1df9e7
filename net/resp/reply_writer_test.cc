#include "net/resp/reply_writer.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <limits>
#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "net/resp/value.h"

namespace holdfast::net {
namespace {

std::string Written(int protocol, const std::function<void(ReplyWriter&)>& f) {
  std::string out;
  ReplyWriter w(&out, protocol);
  f(w);
  return out;
}

// Checks both protocols at once.
void Expect(absl::string_view resp2, absl::string_view resp3,
            const std::function<void(ReplyWriter&)>& f) {
  EXPECT_EQ(Written(2, f), resp2);
  EXPECT_EQ(Written(3, f), resp3);
}

TEST(ReplyWriterTest, WritesScalars) {
  Expect("+OK\r\n", "+OK\r\n", [](auto& w) { w.Ok(); });
  Expect("+PONG\r\n", "+PONG\r\n", [](auto& w) { w.SimpleString("PONG"); });
  Expect(":-9223372036854775808\r\n", ":-9223372036854775808\r\n",
         [](auto& w) { w.Integer(std::numeric_limits<int64_t>::min()); });
  Expect("$3\r\na\r\n\r\n", "$3\r\na\r\n\r\n",
         [](auto& w) { w.Bulk("a\r\n"); });
  Expect("$0\r\n\r\n", "$0\r\n\r\n", [](auto& w) { w.Bulk(""); });
  Expect("$3\r\n-12\r\n", "$3\r\n-12\r\n", [](auto& w) { w.BulkInteger(-12); });
  Expect("$-1\r\n", "_\r\n", [](auto& w) { w.Null(); });
  Expect("*-1\r\n", "_\r\n", [](auto& w) { w.NullArray(); });
  Expect(":1\r\n", "#t\r\n", [](auto& w) { w.Bool(true); });
  Expect(":0\r\n", "#f\r\n", [](auto& w) { w.Bool(false); });
  Expect("$2\r\n42\r\n", "(42\r\n", [](auto& w) { w.BigNumber("42"); });
  Expect("$3\r\nabc\r\n", "=7\r\ntxt:abc\r\n",
         [](auto& w) { w.Verbatim("txt", "abc"); });
}

TEST(ReplyWriterTest, WritesHeaders) {
  Expect("*2\r\n", "*2\r\n", [](auto& w) { w.ArrayHeader(2); });
  Expect("*4\r\n", "%2\r\n", [](auto& w) { w.MapHeader(2); });
  Expect("*2\r\n", "~2\r\n", [](auto& w) { w.SetHeader(2); });
  Expect("*3\r\n", ">3\r\n", [](auto& w) { w.PushHeader(3); });
  Expect("", "|1\r\n",
         [](auto& w) { EXPECT_EQ(w.AttributeHeader(1), w.resp3()); });
}

TEST(ReplyWriterTest, NoTextForgesAReply) {
  Expect("-ERR a  +OK b\r\n", "-ERR a  +OK b\r\n",
         [](auto& w) { w.Error("ERR a\r\n+OK\nb\r\n\n"); });
  Expect("+a  b\r\n", "+a  b\r\n", [](auto& w) { w.SimpleString("a\r\nb"); });
  Expect("-\r\n", "-\r\n", [](auto& w) { w.Error("\r\n"); });
}

TEST(ReplyWriterTest, WritesDoublesAsRedisDoes) {
  Expect("$3\r\n1.5\r\n", ",1.5\r\n", [](auto& w) { w.Double(1.5); });
  Expect("$18\r\n3.1000000000000001\r\n", ",3.1000000000000001\r\n",
         [](auto& w) { w.Double(3.1); });
  Expect("$1\r\n3\r\n", ",3\r\n", [](auto& w) { w.Double(3); });
  Expect("$2\r\n-0\r\n", ",-0\r\n", [](auto& w) { w.Double(-0.0); });
  Expect("$3\r\ninf\r\n", ",inf\r\n", [](auto& w) { w.Double(HUGE_VAL); });
  Expect("$4\r\n-inf\r\n", ",-inf\r\n", [](auto& w) { w.Double(-HUGE_VAL); });
  Expect("$3\r\nnan\r\n", ",nan\r\n", [](auto& w) { w.Double(-std::nan("")); });
}

TEST(ReplyWriterTest, WholeDoublesPrintAsPrintfDoes) {
  for (double d :
       {0.0, 1.0, -1.0, 1e15, 1e16, 99999999999999984.0, -1e16, 1e17, 1e18,
        -1e17, 9007199254740993.0, 1e22, 1e300, 5e-324, 123456789.125}) {
    char buf[64];
    std::snprintf(buf, sizeof(buf), "%.17g", d);
    EXPECT_EQ(FormatDouble(d), buf);
  }
}

TEST(ReplyWriterTest, DeferredLengthsNest) {
  Expect("+a\r\n*2\r\n:1\r\n*2\r\n:2\r\n:3\r\n",
         "+a\r\n*2\r\n:1\r\n%1\r\n:2\r\n:3\r\n", [](auto& w) {
           w.SimpleString("a");
           const size_t outer = w.BeginDeferred();
           w.Integer(1);
           const size_t inner = w.BeginDeferred();
           w.Integer(2);
           w.Integer(3);
           w.EndDeferredMap(inner, 1);
           w.EndDeferredArray(outer, 2);
         });
  Expect("*0\r\n", "~0\r\n",
         [](auto& w) { w.EndDeferredSet(w.BeginDeferred(), 0); });
  Expect("+x\r\n", "+x\r\n", [](auto& w) {
    w.SimpleString("x");
    const size_t mark = w.BeginDeferred();
    w.Integer(1);
    w.Rewind(mark);
  });
}

TEST(ReplyWriterTest, WritesTrees) {
  const Value v = Value::Map({Value::Bulk("k"), Value::Set({Value::Null()})});
  Expect("*2\r\n$1\r\nk\r\n*1\r\n$-1\r\n", "%1\r\n$1\r\nk\r\n~1\r\n_\r\n",
         [&](auto& w) { w.Write(v); });
  Expect("-ERR a  b\r\n", "!8\r\nERR a\r\nb\r\n",
         [&](auto& w) { w.Write(Value::BlobError("ERR a\r\nb")); });
}

TEST(ReplyWriterTest, EncodesCommands) {
  EXPECT_EQ(EncodeCommand({"SET", "k", ""}),
            "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n");
  std::string out = "x";
  AppendCommand(&out, {"PING"});
  EXPECT_EQ(out, "x*1\r\n$4\r\nPING\r\n");
}

}  // namespace
}  // namespace holdfast::net
