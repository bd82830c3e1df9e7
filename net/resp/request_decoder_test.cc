#include "net/resp/request_decoder.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "net/resp/input_buffer.h"
#include "net/resp/reply_writer.h"

namespace holdfast::net {
namespace {

using Result = RequestDecoder::Result;
using Command = std::vector<std::string>;

// What a decoder made of a stream of bytes.
struct Outcome {
  std::vector<Command> commands;
  int empties = 0;
  std::string raw;    // Of all requests, one after the other.
  std::string error;  // Empty: none.

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// Feeds `bytes` in pieces that `next_size` chooses.
template <typename NextSize>
Outcome DecodeInPieces(absl::string_view bytes, RequestLimits limits,
                       bool authenticated, NextSize next_size) {
  RequestDecoder decoder(limits);
  decoder.set_authenticated(authenticated);
  InputBuffer buf;
  Outcome outcome;
  while (true) {
    switch (decoder.Next(&buf)) {
      case Result::kCommand: {
        EXPECT_FALSE(decoder.args().empty());
        Command command;
        for (absl::string_view arg : decoder.args()) {
          command.emplace_back(arg);
        }
        outcome.commands.push_back(std::move(command));
        absl::StrAppend(&outcome.raw, decoder.raw());
        continue;
      }
      case Result::kEmpty:
        EXPECT_TRUE(decoder.args().empty());
        EXPECT_FALSE(decoder.raw().empty());
        ++outcome.empties;
        absl::StrAppend(&outcome.raw, decoder.raw());
        continue;
      case Result::kError:
        outcome.error = std::string(decoder.error_text());
        EXPECT_EQ(decoder.Next(&buf), Result::kError) << "errors are for good";
        return outcome;
      case Result::kNeedMore:
        break;
    }
    if (bytes.empty()) return outcome;
    const absl::Span<char> area = buf.WriteArea(decoder.bytes_wanted());
    const size_t n =
        std::min({std::max<size_t>(next_size(), 1), area.size(), bytes.size()});
    std::copy_n(bytes.begin(), n, area.begin());
    buf.Commit(n);
    bytes.remove_prefix(n);
  }
}

// Decodes at once and byte by byte, which must agree.
Outcome Decode(absl::string_view bytes, RequestLimits limits = {},
               bool authenticated = true) {
  Outcome whole = DecodeInPieces(bytes, limits, authenticated,
                                 [] { return size_t{1} << 30; });
  Outcome single =
      DecodeInPieces(bytes, limits, authenticated, [] { return size_t{1}; });
  EXPECT_TRUE(whole == single) << whole.error << " against " << single.error;
  return whole;
}

std::string ErrorOf(absl::string_view bytes, RequestLimits limits = {},
                    bool authenticated = true) {
  return Decode(bytes, limits, authenticated).error;
}

std::vector<Command> CommandsOf(absl::string_view bytes) {
  Outcome o = Decode(bytes);
  EXPECT_EQ(o.error, "");
  EXPECT_EQ(o.raw, bytes);
  return o.commands;
}

TEST(RequestDecoderTest, DecodesAMultibulk) {
  EXPECT_EQ(CommandsOf("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n"),
            (std::vector<Command>{{"SET", "k", ""}}));
}

TEST(RequestDecoderTest, ArgumentsAreBinary) {
  const std::string blob("\r\n$3\r\n\0\xff*", 10);
  EXPECT_EQ(CommandsOf(EncodeCommand({"ECHO", blob})),
            (std::vector<Command>{{"ECHO", blob}}));
}

TEST(RequestDecoderTest, DecodesAPipeline) {
  std::string in;
  std::vector<Command> expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string key = absl::StrCat("key:", i);
    AppendCommand(&in, {"GET", key});
    expected.push_back({"GET", key});
  }
  EXPECT_EQ(CommandsOf(in), expected);
}

TEST(RequestDecoderTest, ArgumentsAreViewsIntoTheBuffer) {
  InputBuffer buf;
  buf.Append("*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n");
  RequestDecoder decoder;
  ASSERT_EQ(decoder.Next(&buf), Result::kCommand);
  for (absl::string_view arg : decoder.args()) {
    EXPECT_GE(arg.data(), buf.data());
    EXPECT_LT(arg.data(), buf.data() + buf.size());
  }
  EXPECT_EQ(decoder.raw(), buf.readable());
  EXPECT_EQ(decoder.Next(&buf), Result::kNeedMore);
  EXPECT_TRUE(buf.empty());
}

TEST(RequestDecoderTest, EmptyRequestsAreSkippedAndCounted) {
  const absl::string_view in =
      "\r\n\n*0\r\n*-1\r\n*-9223372036854775808\r\n  \t "
      "\r\n*1\r\n$4\r\nPING\r\n\r\n";
  const Outcome o = Decode(in);
  EXPECT_EQ(o.error, "");
  EXPECT_EQ(o.empties, 7);
  EXPECT_EQ(o.commands, (std::vector<Command>{{"PING"}}));
  EXPECT_EQ(o.raw, in);
}

// Each line is what redis-server 7.0.15 answers.
TEST(RequestDecoderTest, RefusesMalformedMultibulks) {
  EXPECT_EQ(ErrorOf("*\r\n"), "Protocol error: invalid multibulk length");
  EXPECT_EQ(ErrorOf("*a\r\n"), "Protocol error: invalid multibulk length");
  EXPECT_EQ(ErrorOf("*01\r\n"), "Protocol error: invalid multibulk length");
  EXPECT_EQ(ErrorOf("*+1\r\n"), "Protocol error: invalid multibulk length");
  EXPECT_EQ(ErrorOf("*-0\r\n"), "Protocol error: invalid multibulk length");
  EXPECT_EQ(ErrorOf("* 1\r\n"), "Protocol error: invalid multibulk length");
  EXPECT_EQ(ErrorOf("*1x\r\n"), "Protocol error: invalid multibulk length");
  EXPECT_EQ(ErrorOf("*2147483648\r\n"),
            "Protocol error: invalid multibulk length");
  EXPECT_EQ(ErrorOf("*99999999999999999999\r\n"),
            "Protocol error: invalid multibulk length");
  EXPECT_EQ(ErrorOf("*1\r\nPING\r\n"), "Protocol error: expected '$', got 'P'");
  EXPECT_EQ(ErrorOf("*1\r\n\r\n"), "Protocol error: expected '$', got '\r'");
  EXPECT_EQ(ErrorOf("*2\r\n$4\r\nPING\r\n*1\r\n"),
            "Protocol error: expected '$', got '*'");
  EXPECT_EQ(ErrorOf("*1\r\n$-1\r\n"), "Protocol error: invalid bulk length");
  EXPECT_EQ(ErrorOf("*1\r\n$\r\n"), "Protocol error: invalid bulk length");
  EXPECT_EQ(ErrorOf("*1\r\n$04\r\nPING\r\n"),
            "Protocol error: invalid bulk length");
  EXPECT_EQ(ErrorOf("*1\r\n$4 \r\nPING\r\n"),
            "Protocol error: invalid bulk length");
  EXPECT_EQ(ErrorOf("*1\r\n$536870913\r\n"),
            "Protocol error: invalid bulk length");
  EXPECT_EQ(ErrorOf("*1\r\n$9223372036854775807\r\n"),
            "Protocol error: invalid bulk length");
  EXPECT_EQ(ErrorOf("*1\r\n$10000000000000000000000\r\n"),
            "Protocol error: invalid bulk length");
}

TEST(RequestDecoderTest, TheLongestAllowedLengthsAreWaitedFor) {
  EXPECT_EQ(ErrorOf("*2147483647\r\n"), "");
  EXPECT_EQ(ErrorOf("*1\r\n$536870912\r\n"), "");
}

TEST(RequestDecoderTest, LimitsCanBeSet) {
  RequestLimits limits;
  limits.max_args = 2;
  limits.max_bulk_len = 3;
  EXPECT_EQ(ErrorOf("*3\r\n", limits),
            "Protocol error: invalid multibulk length");
  EXPECT_EQ(ErrorOf("*2\r\n$3\r\nGET\r\n$4\r\n", limits),
            "Protocol error: invalid bulk length");
  InputBuffer buf;
  RequestDecoder decoder(limits);
  decoder.set_max_bulk_len(4);
  buf.Append("*1\r\n$4\r\nPING\r\n");
  EXPECT_EQ(decoder.Next(&buf), Result::kCommand);
}

TEST(RequestDecoderTest, HoldsTheUnauthenticatedShort) {
  EXPECT_EQ(ErrorOf("*10\r\n$16384\r\n", {}, false), "");
  EXPECT_EQ(ErrorOf("*11\r\n", {}, false),
            "Protocol error: unauthenticated multibulk length");
  EXPECT_EQ(ErrorOf("*2\r\n$16385\r\n", {}, false),
            "Protocol error: unauthenticated bulk length");
  // An impossible length is named before that.
  EXPECT_EQ(ErrorOf("*2147483648\r\n", {}, false),
            "Protocol error: invalid multibulk length");
  EXPECT_EQ(ErrorOf("*1\r\n$-5\r\n", {}, false),
            "Protocol error: invalid bulk length");
  // Inline is not held to it.
  EXPECT_EQ(ErrorOf("PING 1 2 3 4 5 6 7 8 9 10 11 12\r\n", {}, false), "");
}

TEST(RequestDecoderTest, AuthenticationTakesEffectBetweenRequests) {
  InputBuffer buf;
  RequestDecoder decoder;
  decoder.set_authenticated(false);
  buf.Append("*1\r\n$4\r\nPING\r\n*1\r\n$16385\r\n");
  ASSERT_EQ(decoder.Next(&buf), Result::kCommand);
  decoder.set_authenticated(true);
  EXPECT_EQ(decoder.Next(&buf), Result::kNeedMore);
  EXPECT_EQ(decoder.bytes_wanted(), 16387u);
}

TEST(RequestDecoderTest, RefusesLinesWithoutAnEnd) {
  const std::string ones(65536, '1');
  EXPECT_EQ(ErrorOf(absl::StrCat("*", ones.substr(1))), "");
  EXPECT_EQ(ErrorOf(absl::StrCat("*", ones)),
            "Protocol error: too big mbulk count string");
  EXPECT_EQ(ErrorOf(absl::StrCat("*1\r\n$", ones.substr(1))), "");
  EXPECT_EQ(ErrorOf(absl::StrCat("*1\r\n$", ones)),
            "Protocol error: too big bulk count string");
  EXPECT_EQ(ErrorOf(absl::StrCat("*1\r\n", std::string(65537, 'A'))),
            "Protocol error: too big bulk count string");
  EXPECT_EQ(ErrorOf(std::string(65536, 'x')), "");
  EXPECT_EQ(ErrorOf(std::string(65537, 'x')),
            "Protocol error: too big inline request");
  // How it is cut into packets makes no difference.
  EXPECT_EQ(ErrorOf(absl::StrCat(std::string(65537, 'x'), "\r\n")),
            "Protocol error: too big inline request");
}

// Redis steps over the two bytes behind a number and behind an argument
// without a look at them; clients that are sloppy there keep working.
TEST(RequestDecoderTest, LineEndsAreNotCheckedForClients) {
  EXPECT_EQ(CommandsOf("*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n"),
            (std::vector<Command>{{"PING"}, {"PING"}}));
  EXPECT_EQ(CommandsOf("*1\rX$4\rXPINGxx"), (std::vector<Command>{{"PING"}}));
}

TEST(RequestDecoderTest, APrimarysLinkIsStrict) {
  const RequestLimits limits = RequestLimits::ForPrimaryLink();
  EXPECT_EQ(ErrorOf("*1\r\n$4\r\nPING\r\n\n\r\n", limits), "");
  EXPECT_EQ(Decode("\n\n*1\r\n$4\r\nPING\r\n", limits).empties, 2);
  EXPECT_NE(ErrorOf("PING\r\n", limits), "");
  EXPECT_NE(ErrorOf("*1\r\n$4\r\nPING\r\nP", limits), "");
  EXPECT_NE(ErrorOf("*1\r\n$4\r\nPINGS\r\n", limits), "");
  EXPECT_NE(ErrorOf("*1\r\n$5\r\nPING\r\n*", limits), "");
  EXPECT_NE(ErrorOf("*1\rX$4\r\nPING\r\n", limits), "");
  // No limit on lengths, and no memory for them either.
  EXPECT_EQ(ErrorOf("*1\r\n$9223372036854775807\r\nabc", limits), "");
}

TEST(RequestDecoderTest, SplitsInlineRequests) {
  EXPECT_EQ(CommandsOf("PING\n"), (std::vector<Command>{{"PING"}}));
  EXPECT_EQ(CommandsOf("  SET  k\tv  \r\n"),
            (std::vector<Command>{{"SET", "k", "v"}}));
  EXPECT_EQ(CommandsOf("PING\r\r\n"), (std::vector<Command>{{"PING"}}));
  EXPECT_EQ(CommandsOf("ECHO a\rb\n"),
            (std::vector<Command>{{"ECHO", "a", "b"}}));
  // \v and \f separate words only where one has not begun.
  EXPECT_EQ(CommandsOf("\vECHO a\f\r\n"),
            (std::vector<Command>{{"ECHO", "a\f"}}));
  EXPECT_EQ(CommandsOf("$1 $2\r\n"), (std::vector<Command>{{"$1", "$2"}}));
}

TEST(RequestDecoderTest, UnquotesInlineArguments) {
  EXPECT_EQ(CommandsOf("ECHO \"a\\x41\\n\\q\\\"\\\\\"\r\n"),
            (std::vector<Command>{{"ECHO", "aA\nq\"\\"}}));
  EXPECT_EQ(CommandsOf("ECHO \"\\r\\t\\b\\a\\xzz\\x4\"\r\n"),
            (std::vector<Command>{{"ECHO", "\r\t\b\axzzx4"}}));
  EXPECT_EQ(CommandsOf("ECHO 'a\\x41\\''\r\n"),
            (std::vector<Command>{{"ECHO", "a\\x41'"}}));
  EXPECT_EQ(CommandsOf("ECHO a\"b c\" ''\r\n"),
            (std::vector<Command>{{"ECHO", "ab c", ""}}));
  EXPECT_EQ(CommandsOf("\"\" \"\" plain \"q\"\v\r\n"),
            (std::vector<Command>{{"", "", "plain", "q"}}));
}

TEST(RequestDecoderTest, RefusesUnbalancedQuotes) {
  for (absl::string_view bad :
       {"ECHO \"abc\r\n", "ECHO 'abc\r\n", "ECHO 'a'b\r\n", "ECHO \"a\"b\r\n",
        "ECHO \"a\\\r\n", "ECHO \"a\\\"\r\n", "ECHO 'a\\'\r\n", "\"\r\n", "'\n",
        "a''''\r\n"}) {
    EXPECT_EQ(ErrorOf(bad), "Protocol error: unbalanced quotes in request")
        << bad;
  }
}

TEST(RequestDecoderTest, SaysWhatIsMissing) {
  InputBuffer buf;
  RequestDecoder decoder;
  EXPECT_EQ(decoder.Next(&buf), Result::kNeedMore);
  EXPECT_FALSE(decoder.mid_request());
  buf.Append("*1\r\n$100\r\nab");
  EXPECT_EQ(decoder.Next(&buf), Result::kNeedMore);
  EXPECT_EQ(decoder.bytes_wanted(), 100u);
  EXPECT_TRUE(decoder.mid_request());
}

TEST(RequestDecoderTest, ReleaseLeavesWhatFollows) {
  InputBuffer buf;
  RequestDecoder decoder;
  buf.Append("*1\r\n$4\r\nSYNC\r\nrest");
  ASSERT_EQ(decoder.Next(&buf), Result::kCommand);
  decoder.Release(&buf);
  EXPECT_EQ(buf.readable(), "rest");
  decoder.Release(&buf);  // Nothing twice.
  EXPECT_EQ(buf.readable(), "rest");
}

TEST(RequestDecoderTest, AnAnnouncedCountTakesNoMemory) {
  InputBuffer buf;
  RequestDecoder decoder;
  buf.Append("*2147483647\r\n$536870912\r\n");
  EXPECT_EQ(decoder.Next(&buf), Result::kNeedMore);
  buf.WriteArea(decoder.bytes_wanted());
  EXPECT_LE(buf.capacity() + decoder.memory_bytes(), 64u * 1024);
}

TEST(RequestDecoderTest, ShrinkGivesBackAndGoesOn) {
  InputBuffer buf;
  RequestDecoder decoder;
  std::string big = "*5000\r\n";
  for (int i = 0; i < 5000; ++i) big += "$1\r\na\r\n";
  buf.Append(big);
  ASSERT_EQ(decoder.Next(&buf), Result::kCommand);
  EXPECT_GE(decoder.memory_bytes(), 5000 * sizeof(absl::string_view));
  EXPECT_EQ(decoder.Next(&buf), Result::kNeedMore);
  decoder.Shrink();
  EXPECT_LT(decoder.memory_bytes(), 2048u);
  buf.Append(big.substr(0, big.size() / 2));
  EXPECT_EQ(decoder.Next(&buf), Result::kNeedMore);
  decoder.Shrink();  // In the middle of a request: must keep its arguments.
  buf.Append(big.substr(big.size() / 2));
  ASSERT_EQ(decoder.Next(&buf), Result::kCommand);
  EXPECT_EQ(decoder.args().size(), 5000u);
}

// 2 MB a byte at a time; anything but linear work would take minutes.
TEST(RequestDecoderTest, ByteByByteIsLinear) {
  std::string in;
  for (int i = 0; i < 4; ++i) {
    in += "*30000\r\n";
    for (int k = 0; k < 30000; ++k) in += "$2\r\nab\r\n";
  }
  in += EncodeCommand({"SET", "k", std::string(1 << 20, 'v')});
  for (int i = 0; i < 20; ++i) {
    in += std::string(60000, ' ') + "\n";
  }
  const Outcome o = DecodeInPieces(in, {}, true, [] { return size_t{1}; });
  EXPECT_EQ(o.error, "");
  EXPECT_EQ(o.commands.size(), 5u);
  EXPECT_EQ(o.raw.size(), in.size());
}

TEST(RequestDecoderTest, RandomSplitsChangeNothing) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 rng(seed);
  for (int round = 0; round < 60; ++round) {
    std::string in;
    std::vector<Command> expected;
    for (int i = 0; i < 30; ++i) {
      if (rng() % 10 == 0) {
        in += "\r\n";
        continue;
      }
      Command command{absl::StrCat("c", rng() % 1000)};
      const int extra = rng() % 5;
      for (int k = 0; k < extra; ++k) {
        std::string arg(rng() % (rng() % 20 == 0 ? 60'000 : 30), 'x');
        for (char& c : arg) c = static_cast<char>(rng());
        command.push_back(std::move(arg));
      }
      const std::vector<absl::string_view> views(command.begin(),
                                                 command.end());
      AppendCommand(&in, views);
      expected.push_back(std::move(command));
    }
    const Outcome o = DecodeInPieces(in, {}, true, [&]() -> size_t {
      return rng() % (rng() % 3 == 0 ? 20'000 : 7);
    });
    ASSERT_EQ(o.error, "");
    ASSERT_EQ(o.commands, expected);
    ASSERT_TRUE(o.raw == in);
  }
}

// Damaged requests: whatever comes out, it is the same for every split, all
// bytes are accounted for, and nothing crashes.
TEST(RequestDecoderTest, RandomDamageNeverCrashes) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 rng(seed);
  constexpr absl::string_view kAlphabet = "*$\r\n0123456789-+\"'\\x ab\0";
  for (int round = 0; round < 3000; ++round) {
    std::string in = "*2\r\n$4\r\nECHO\r\n$3\r\nabc\r\nECHO \"x\"\r\n*0\r\n";
    in += in;
    const int damages = 1 + rng() % 4;
    for (int d = 0; d < damages; ++d) {
      const size_t at = rng() % in.size();
      const char c = kAlphabet[rng() % kAlphabet.size()];
      switch (rng() % 3) {
        case 0:
          in[at] = c;
          break;
        case 1:
          in.insert(at, 1, c);
          break;
        default:
          in.erase(at, 1);
      }
    }
    RequestLimits limits;
    if (rng() % 2 == 0) limits = RequestLimits::ForPrimaryLink();
    const Outcome whole = Decode(in, limits, rng() % 2 == 0);
    ASSERT_TRUE(absl::string_view(in).substr(0, whole.raw.size()) == whole.raw);
  }
}

}  // namespace
}  // namespace holdfast::net
