#include "server/persist/rdb/transfer.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "server/persist/rdb/byte_source.h"
#include "server/persist/rdb/rdb_testing.h"

namespace holdfast::server {
namespace {

constexpr absl::string_view kCommands = "*1\r\n$4\r\nPING\r\n";

std::string Mark() {
  return MakeEofMark(
      absl::string_view("\x00\x00\x00\x01\xab\xcd\xef\xff"
                        "holdfast\x00\x00\x00\x0f",
                        20));
}

// All that a source hands out, `bite` bytes a time.
absl::StatusOr<std::string> Drain(ByteSource* source, size_t bite,
                                  size_t min = 1) {
  std::string out;
  while (true) {
    const absl::StatusOr<absl::string_view> view = source->Peek(min);
    if (!view.ok()) return view.status();
    if (view->empty()) return out;
    const absl::string_view piece = view->substr(0, bite);
    out.append(piece.data(), piece.size());
    source->Consume(piece.size());
  }
}

// What the next reader of the stream finds.
std::string Rest(ByteSource* source) {
  return Drain(source, 1000).value_or("(error)");
}

TEST(TransferTest, HeadersReadBack) {
  EXPECT_EQ(Mark().size(), kEofMarkBytes);
  EXPECT_EQ(LengthTransferHeader(0), "$0\r\n");
  const std::string mark = Mark();
  const std::string wire = absl::StrCat("\n\n\r\n", LengthTransferHeader(175),
                                        EofTransferHeader(mark), "REDIS");
  for (size_t step : {1u, 3u, 1000u}) {
    TricklingSource source(wire, step);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(ReadTransferHeader(&source)->kind,
                TransferHeader::Kind::kKeepalive);
    }
    absl::StatusOr<TransferHeader> header = ReadTransferHeader(&source);
    EXPECT_EQ(header->kind, TransferHeader::Kind::kLength);
    EXPECT_EQ(header->length, 175u);
    header = ReadTransferHeader(&source);
    EXPECT_EQ(header->kind, TransferHeader::Kind::kEofMark);
    EXPECT_EQ(header->eof_mark, mark);
    EXPECT_EQ(Rest(&source), "REDIS");
  }
}

TEST(TransferTest, RefusesWhatIsNoHeader) {
  struct Case {
    std::string line;
    absl::StatusCode code;
    const char* says;
  };
  const auto invalid = absl::StatusCode::kInvalidArgument;
  for (const Case& c : std::vector<Case>{
           {"-NOMASTERLINK Can't SYNC", absl::StatusCode::kAborted,
            "MASTER aborted replication with an error: NOMASTERLINK"},
           {"+OK", invalid, "the first byte is not '$' (we received '+OK')"},
           {"\x01\xff", invalid, "we received '\\x01\\xff'"},
           {"$", invalid, "we received '$'"},
           {"$-1", invalid, "we received '$-1'"},
           {"$+1", invalid, ""},
           {"$ 1", invalid, ""},
           {"$1 ", invalid, ""},
           {"$1x", invalid, ""},
           {"$4611686018427387905", invalid, ""},
           {"$99999999999999999999999", invalid, ""},
           {"$EOF:", invalid, ""},
           {"$EOF:" + std::string(39, 'a'), invalid, ""},
           {"$EOF:" + std::string(41, 'a'), invalid, ""},
       }) {
    const absl::Status status = ParseTransferHeader(c.line).status();
    EXPECT_EQ(status.code(), c.code) << c.line;
    EXPECT_TRUE(absl::StrContains(status.message(), c.says)) << status;
  }
}

TEST(TransferTest, HeaderLineIsBounded) {
  const std::string wire(100000, '$');
  TricklingSource source(wire, 100);
  EXPECT_EQ(ReadTransferHeader(&source).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_GT(source.rest().size(), 98000u);
  TricklingSource cut("$12", 1);
  EXPECT_EQ(ReadTransferHeader(&cut).status().code(),
            absl::StatusCode::kDataLoss);
}

TEST(LengthSourceTest, StopsAtTheLastByte) {
  const std::string payload(1000, 'p');
  const std::string wire = absl::StrCat(payload, kCommands);
  for (size_t step : {1u, 7u, 999u, 5000u}) {
    TricklingSource below(wire, step, 256);
    LengthSource source(&below, payload.size());
    EXPECT_EQ(Drain(&source, 13, 50).value(), payload);
    EXPECT_TRUE(source.Finish().ok());
    EXPECT_EQ(Rest(&below), kCommands);
  }
}

TEST(LengthSourceTest, RefusesLeftoversAndEarlyEnds) {
  StringSource below("abcdef");
  LengthSource left(&below, 4);
  ASSERT_TRUE(left.Peek(1).ok());
  left.Consume(3);
  EXPECT_EQ(left.Finish().code(), absl::StatusCode::kDataLoss);

  StringSource cut("abc");
  LengthSource source(&cut, 4);
  EXPECT_EQ(*source.Peek(1), "abc");
  EXPECT_EQ(Drain(&source, 1).status().code(), absl::StatusCode::kDataLoss);

  StringSource nothing("rest");
  LengthSource empty(&nothing, 0);
  EXPECT_EQ(*empty.Peek(1), "");
  EXPECT_TRUE(empty.Finish().ok());
  EXPECT_EQ(nothing.rest(), "rest");
}

// Payloads that end in, hold, or nearly are the mark's beginning.
std::vector<std::string> Payloads(const std::string& mark) {
  return {
      "",
      "p",
      "some payload",
      mark.substr(0, 39),
      mark.substr(0, 39) + "x" + mark.substr(0, 20),
      mark.substr(1),
      mark.substr(0, 1),
      std::string(500, mark[0]),
      std::string(300, 'q') + mark.substr(0, 6),
      // The mark begins 000000: its beginning overlaps with itself.
      mark.substr(0, 7) + mark.substr(0, 38),
      std::string(130, 'q') + mark.substr(0, 38) + std::string(130, 'q'),
  };
}

TEST(EofMarkedSourceTest, HandsOutThePayloadAndNothingElse) {
  const std::string mark = Mark();
  for (const std::string& payload : Payloads(mark)) {
    const std::string wire = absl::StrCat(payload, mark, kCommands);
    for (size_t step = 1; step <= 90; ++step) {
      for (size_t min :
           {size_t{1}, size_t{9}, EofMarkedSource::kMaxTransferPeek}) {
        TricklingSource below(wire, step);
        EofMarkedSource source(&below, mark);
        const absl::StatusOr<std::string> got = Drain(&source, 11, min);
        ASSERT_TRUE(got.ok()) << got.status();
        ASSERT_EQ(*got, payload) << "step " << step << " min " << min;
        ASSERT_TRUE(source.Finish().ok());
        ASSERT_TRUE(source.Finish().ok());
        ASSERT_EQ(*source.Peek(1), "");
        ASSERT_EQ(Rest(&below), kCommands);
      }
    }
  }
}

TEST(EofMarkedSourceTest, CutAnywhereIsAnErrorAndNoMarkByteGetsOut) {
  const std::string mark = Mark();
  for (const std::string& payload : Payloads(mark)) {
    const std::string wire = absl::StrCat(payload, mark);
    for (size_t cut = 0; cut < wire.size(); ++cut) {
      TricklingSource below(absl::string_view(wire).substr(0, cut), 17);
      EofMarkedSource source(&below, mark);
      std::string got;
      absl::StatusOr<absl::string_view> view;
      while ((view = source.Peek(1)).ok() && !view->empty()) {
        absl::StrAppend(&got, *view);
        source.Consume(view->size());
      }
      ASSERT_EQ(view.status().code(), absl::StatusCode::kDataLoss);
      ASSERT_TRUE(absl::StartsWith(payload, got));
      ASSERT_EQ(source.Finish().code(), absl::StatusCode::kDataLoss);
    }
  }
}

// A pausing sender must not make the reader wait for bytes that cannot be part
// of the mark.
TEST(EofMarkedSourceTest, HoldsBackNothingThatIsNoBeginningOfTheMark) {
  const std::string mark = Mark();
  const std::string sent = absl::StrCat("payload", mark.substr(0, 3));
  TricklingSource below(sent, 1000);
  below.FailAtEnd(absl::DeadlineExceededError("the sender pauses"));
  EofMarkedSource source(&below, mark);
  EXPECT_EQ(*source.Peek(7), "payload");
  source.Consume(7);
  EXPECT_EQ(source.Peek(1).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST(EofMarkedSourceTest, LeftoverPayloadIsAnError) {
  const std::string mark = Mark();
  const std::string wire = absl::StrCat("RDB and more", mark);
  TricklingSource below(wire, 1000);
  EofMarkedSource source(&below, mark);
  ASSERT_TRUE(source.Peek(1).ok());
  source.Consume(3);
  EXPECT_EQ(source.Finish().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace holdfast::server
