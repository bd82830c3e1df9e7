#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/commands/debug_handlers.h"

namespace holdfast::server {
namespace {

void Numbers(net::ReplyWriter& reply) {
  for (int i = 0; i < 3; ++i) reply.Integer(i);
}

void TestMap(net::ReplyWriter& reply) {
  reply.MapHeader(3);
  for (int i = 0; i < 3; ++i) {
    reply.Integer(i);
    reply.Bool(i == 1);
  }
}

void TestAttribute(net::ReplyWriter& reply) {
  if (reply.AttributeHeader(1)) {
    reply.Bulk("key-popularity");
    reply.ArrayHeader(2);
    reply.Bulk("key:123");
    reply.Integer(90);
  }
  reply.Bulk("Some real reply following the attribute");
}

void TestPush(net::ReplyWriter& reply) {
  reply.PushHeader(2);
  reply.Bulk("server-cpu-usage");
  reply.Integer(42);
  // A push is no reply to anything, so one has to follow.
  reply.Bulk("Some real reply following the push reply");
}

}  // namespace

void DebugProtocol(CommandContext& ctx) {
  net::ReplyWriter& reply = ctx.reply();
  const auto is = [&](absl::string_view type) { return ctx.ArgIs(2, type); };
  if (is("string")) return reply.Bulk("Hello World");
  if (is("integer")) return reply.Integer(12345);
  if (is("double")) return reply.Double(3.141);
  if (is("bignum"))
    return reply.BigNumber("1234567999999999999999999999999999999");
  if (is("null")) return reply.Null();
  if (is("array")) return reply.ArrayHeader(3), Numbers(reply);
  if (is("set")) return reply.SetHeader(3), Numbers(reply);
  if (is("map")) return TestMap(reply);
  if (is("attrib")) return TestAttribute(reply);
  if (is("push") && !reply.resp3())
    return ctx.Error("ERR RESP2 is not supported by this command");
  if (is("push")) return TestPush(reply);
  if (is("verbatim"))
    return reply.Verbatim("txt", "This is a verbatim\nstring");
  if (is("true")) return reply.Bool(true);
  if (is("false")) return reply.Bool(false);
  ctx.Error(
      "ERR Wrong protocol type name. Please use one of the following: "
      "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|"
      "true|false");
}

// The text is the whole of it: no code is put before it.
void DebugError(CommandContext& ctx) { ctx.Error(ctx.arg(2)); }

}  // namespace holdfast::server
