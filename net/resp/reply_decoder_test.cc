#include "net/resp/reply_decoder.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "net/resp/input_buffer.h"
#include "net/resp/reply_writer.h"
#include "net/resp/value.h"

namespace holdfast::net {
namespace {

using Result = ReplyDecoder::Result;

struct Outcome {
  std::vector<Value> values;
  std::string error;
  size_t left = 0;  // Bytes in the buffer at the end.
};

template <typename NextSize>
Outcome DecodeInPieces(absl::string_view bytes, ReplyLimits limits,
                       NextSize next_size) {
  ReplyDecoder decoder(limits);
  InputBuffer buf;
  Outcome o;
  while (true) {
    const Result r = decoder.Next(&buf);
    if (r == Result::kValue) {
      o.values.push_back(decoder.TakeValue());
      continue;
    }
    if (r == Result::kError) {
      o.error = std::string(decoder.error_text());
      EXPECT_EQ(decoder.Next(&buf), Result::kError);
      return o;
    }
    o.left = buf.size();
    if (bytes.empty()) return o;
    const size_t n = std::min(std::max<size_t>(next_size(), 1), bytes.size());
    buf.Append(bytes.substr(0, n));
    bytes.remove_prefix(n);
  }
}

// At once and byte by byte, which must agree.
Outcome Decode(absl::string_view bytes, ReplyLimits limits = {}) {
  Outcome whole = DecodeInPieces(bytes, limits, [] { return size_t{1} << 30; });
  const Outcome single =
      DecodeInPieces(bytes, limits, [] { return size_t{1}; });
  EXPECT_EQ(whole.values, single.values);
  EXPECT_EQ(whole.error, single.error);
  return whole;
}

Value One(absl::string_view bytes) {
  const Outcome o = Decode(bytes);
  EXPECT_EQ(o.error, "") << bytes;
  EXPECT_EQ(o.values.size(), 1u) << bytes;
  EXPECT_EQ(o.left, 0u);
  return o.values.empty() ? Value() : o.values[0];
}

TEST(ReplyDecoderTest, DecodesRESP2) {
  EXPECT_TRUE(One("+OK\r\n").is_ok());
  EXPECT_EQ(One("-ERR no\r\n"), Value::Error("ERR no"));
  EXPECT_EQ(One(":-42\r\n"), Value::Integer(-42));
  EXPECT_EQ(One("$3\r\na\r\n\r\n"), Value::Bulk("a\r\n"));
  EXPECT_EQ(One("$0\r\n\r\n"), Value::Bulk(""));
  EXPECT_EQ(One("$-1\r\n"), Value::Null());
  EXPECT_FALSE(One("$-1\r\n").null_array());
  EXPECT_TRUE(One("*-1\r\n").null_array());
  EXPECT_EQ(One("*0\r\n"), Value::Array({}));
  EXPECT_EQ(
      One("*2\r\n*1\r\n:1\r\n*0\r\n"),
      Value::Array({Value::Array({Value::Integer(1)}), Value::Array({})}));
}

TEST(ReplyDecoderTest, DecodesRESP3) {
  EXPECT_EQ(One("_\r\n"), Value::Null());
  EXPECT_EQ(One("#t\r\n"), Value::Bool(true));
  EXPECT_EQ(One("#f\r\n"), Value::Bool(false));
  EXPECT_EQ(One(",1.5\r\n"), Value::Double(1.5));
  EXPECT_EQ(One(",-1e300\r\n"), Value::Double(-1e300));
  EXPECT_EQ(One(",inf\r\n"),
            Value::Double(std::numeric_limits<double>::infinity()));
  EXPECT_EQ(One(",-inf\r\n"),
            Value::Double(-std::numeric_limits<double>::infinity()));
  EXPECT_EQ(One(",nan\r\n"),
            Value::Double(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_EQ(One("(-123456789012345678901234567890\r\n"),
            Value::BigNumber("-123456789012345678901234567890"));
  EXPECT_EQ(One("!5\r\nERR x\r\n"), Value::BlobError("ERR x"));
  EXPECT_EQ(One("=7\r\ntxt:abc\r\n"), Value::Verbatim("txt", "abc"));
  EXPECT_EQ(One("%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n").Find("b")->integer(), 2);
  EXPECT_EQ(One("~1\r\n:1\r\n"), Value::Set({Value::Integer(1)}));
  EXPECT_EQ(One(">2\r\n+message\r\n+x\r\n").type(), Value::Type::kPush);
}

TEST(ReplyDecoderTest, AttributesBelongToTheNextValue) {
  const Value v =
      One("|1\r\n+ttl\r\n:5\r\n*2\r\n:1\r\n|1\r\n+a\r\n+b\r\n:2\r\n");
  ASSERT_EQ(v.size(), 2u);
  ASSERT_NE(v.attributes(), nullptr);
  EXPECT_EQ(v.attributes()->Find("ttl")->integer(), 5);
  EXPECT_EQ(v[0].attributes(), nullptr);
  ASSERT_NE(v[1].attributes(), nullptr);
  EXPECT_EQ(v[1].attributes()->Find("a")->str(), "b");
  EXPECT_EQ(One("|0\r\n:1\r\n"), Value::Integer(1));
  // One alone is no reply yet.
  EXPECT_TRUE(Decode("|1\r\n+a\r\n+b\r\n").values.empty());
}

TEST(ReplyDecoderTest, LeavesWhatFollowsAReply) {
  InputBuffer buf;
  buf.Append("+FULLRESYNC abc 0\r\n$9\r\nREDIS0009");
  ReplyDecoder decoder;
  ASSERT_EQ(decoder.Next(&buf), Result::kValue);
  EXPECT_EQ(decoder.TakeValue().str(), "FULLRESYNC abc 0");
  EXPECT_EQ(buf.readable(), "$9\r\nREDIS0009");
  EXPECT_FALSE(decoder.mid_reply());
}

TEST(ReplyDecoderTest, RefusesMalformedReplies) {
  for (absl::string_view bad : {"\r\n",
                                "\n",
                                "x\r\n",
                                "OK\r\n",
                                "+OK\n",
                                ":\r\n",
                                ":1.5\r\n",
                                ":01\r\n",
                                ":9223372036854775808\r\n",
                                "$\r\n",
                                "$-2\r\n",
                                "$+1\r\n",
                                "$?\r\n",
                                "$3\r\nabcde",
                                "$3\r\nabcxy",
                                "!-1\r\n",
                                "=-1\r\n",
                                "=3\r\ntxt\r\n",
                                "=4\r\ntxtx\r\n",
                                "*-2\r\n",
                                "*?\r\n",
                                "%-1\r\n",
                                "~-1\r\n",
                                ">-1\r\n",
                                "|-1\r\n",
                                "#\r\n",
                                "#x\r\n",
                                "#true\r\n",
                                ",\r\n",
                                ",abc\r\n",
                                ",1x\r\n",
                                ", 1\r\n",
                                ",infinity\r\n",
                                ",+1\r\n",
                                "(\r\n",
                                "(-\r\n",
                                "(1a\r\n",
                                "_x\r\n",
                                "*1\r\n\r\n",
                                "*99999999999999999999\r\n",
                                "%9223372036854775807\r\n"}) {
    const Outcome o = Decode(bad);
    EXPECT_TRUE(o.values.empty()) << bad;
    EXPECT_NE(o.error, "") << bad;
  }
}

TEST(ReplyDecoderTest, HoldsLimits) {
  ReplyLimits limits;
  limits.max_bulk_len = 10;
  limits.max_line_len = 20;
  limits.max_depth = 3;
  limits.max_elements = 8;
  limits.max_total_bytes = 60;
  EXPECT_NE(Decode("$11\r\n", limits).error, "");
  EXPECT_NE(Decode("+" + std::string(30, 'a') + "\r\n", limits).error, "");
  EXPECT_NE(Decode("+" + std::string(30, 'a'), limits).error, "");
  EXPECT_EQ(Decode("*1\r\n*1\r\n*1\r\n:1\r\n", limits).error, "");
  EXPECT_NE(Decode("*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", limits).error, "");
  EXPECT_NE(Decode("|1\r\n|1\r\n|1\r\n|1\r\n", limits).error, "");
  EXPECT_NE(Decode("*9\r\n", limits).error, "");
  EXPECT_NE(Decode("%5\r\n", limits).error, "");
  EXPECT_NE(Decode("*7\r\n*2\r\n", limits).error, "");
  EXPECT_NE(Decode("*5\r\n$10\r\n0123456789\r\n$10\r\n0123456789\r\n"
                   "$10\r\n0123456789\r\n$10\r\n",
                   limits)
                .error,
            "");
  // They are of one reply, not of the connection.
  std::string many;
  for (int i = 0; i < 50; ++i) many += "*3\r\n:1\r\n:2\r\n:3\r\n";
  EXPECT_EQ(Decode(many, limits).values.size(), 50u);
}

TEST(ReplyDecoderTest, AnAnnouncedLengthTakesNoMemory) {
  InputBuffer buf;
  buf.Append("*16000000\r\n$500000000\r\n");
  ReplyDecoder decoder;
  EXPECT_EQ(decoder.Next(&buf), Result::kNeedMore);
  EXPECT_EQ(decoder.bytes_wanted(), 500000002u);
  buf.WriteArea(decoder.bytes_wanted());
  EXPECT_LE(buf.capacity(), 64u * 1024);
}

TEST(ReplyDecoderTest, DeepNestingIsFineUpToTheLimit) {
  std::string in;
  for (int i = 0; i < 128; ++i) in += "*1\r\n";
  in += ":1\r\n";
  EXPECT_EQ(Decode(in).values.size(), 1u);
  EXPECT_NE(Decode("*1\r\n" + in).error, "");
}

Value RandomValue(std::mt19937& rng, int depth) {
  switch (rng() % (depth > 0 ? 14 : 10)) {
    case 0:
      return Value::Null();
    case 1:
      return Value::SimpleString("ok");
    case 2:
      return Value::Error("ERR bad");
    case 3:
      return Value::Integer(static_cast<int64_t>(rng()) - 2'000'000'000);
    case 4:
      return Value::Double(static_cast<double>(rng()) / 7);
    case 5:
      return Value::Bool(rng() % 2 == 0);
    case 6:
      return Value::BigNumber("123456789012345678901");
    case 7:
      return Value::BlobError("ERR\r\nblob");
    case 8:
      return Value::Verbatim("mkd", "# hi\r\n");
    case 9: {
      std::string s(rng() % 300, 'x');
      for (char& c : s) c = static_cast<char>(rng());
      return Value::Bulk(s);
    }
    default:
      break;
  }
  std::vector<Value> elements(2 * (rng() % 4));
  for (Value& v : elements) {
    v = RandomValue(rng, depth - 1);
    if (rng() % 10 == 0) {
      v.set_attributes(Value::Map({Value::Bulk("k"), Value::Integer(1)}));
    }
  }
  switch (rng() % 4) {
    case 0:
      return Value::Array(std::move(elements));
    case 1:
      return Value::Map(std::move(elements));
    case 2:
      return Value::Set(std::move(elements));
    default:
      return Value::Push(std::move(elements));
  }
}

TEST(ReplyDecoderTest, ReadsBackWhatTheWriterWroteForEverySplit) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 rng(seed);
  for (int round = 0; round < 200; ++round) {
    std::string wire;
    ReplyWriter writer(&wire, 3);
    std::vector<Value> values;
    for (int i = 0; i < 5; ++i) {
      values.push_back(RandomValue(rng, 4));
      writer.Write(values.back());
    }
    const Outcome o = DecodeInPieces(
        wire, {}, [&]() -> size_t { return rng() % (rng() % 2 ? 5 : 400); });
    ASSERT_EQ(o.error, "");
    ASSERT_EQ(o.values, values);
  }
}

TEST(ReplyDecoderTest, RandomDamageNeverCrashes) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 rng(seed);
  constexpr absl::string_view kAlphabet = "*$%~>|+-:,#(_!=\r\n0123456789tx?";
  for (int round = 0; round < 3000; ++round) {
    std::string wire;
    ReplyWriter(&wire, 3).Write(RandomValue(rng, 3));
    for (int d = rng() % 4; d >= 0; --d) {
      wire[rng() % wire.size()] = kAlphabet[rng() % kAlphabet.size()];
    }
    Decode(wire);
  }
}

TEST(ReplyDecoderTest, ByteByByteIsLinear) {
  std::string in = "*60000\r\n";
  for (int i = 0; i < 60000; ++i) in += "$1\r\na\r\n";
  in += "$600000\r\n" + std::string(600000, 'b') + "\r\n";
  const Outcome o = DecodeInPieces(in, {}, [] { return size_t{1}; });
  EXPECT_EQ(o.error, "");
  EXPECT_EQ(o.values.size(), 2u);
}

}  // namespace
}  // namespace holdfast::net
