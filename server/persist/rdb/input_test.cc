#include "server/persist/rdb/input.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "server/persist/rdb/byte_source.h"
#include "server/persist/rdb/crc64.h"
#include "server/persist/rdb/rdb_testing.h"

namespace holdfast::server {
namespace {

absl::Status ReadStringError(absl::string_view hex, std::string* scratch,
                             uint64_t limit = RdbInput::kMaxStringBytes) {
  const std::string bytes = absl::HexStringToBytes(hex);
  StringSource source(bytes);
  RdbInput input(&source, limit);
  return input.ReadString(scratch, "a test").status();
}

TEST(RdbInputTest, LyingLengthsTakeNoMemory) {
  // 2^60 bytes; 2^32 bytes; 1 GiB and 3 bytes of it; 1 GiB packed to three
  // bytes; two packed bytes said to be 1 GiB when unpacked.
  for (const char* hex :
       {"811000000000000000", "810000000100000000", "8040000000616263",
        "c3804000000005616263", "c3028040000000ffff", "c302804000000000ff",
        "c3811000000000000000811000000000000000", "81ffffffffffffffff"}) {
    std::string scratch;
    const absl::Status status = ReadStringError(hex, &scratch);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << hex;
    EXPECT_LE(scratch.capacity(), 128u * 1024) << hex;
  }
}

TEST(RdbInputTest, LimitOnStringsIsExactAndCountsUnpackedBytes) {
  std::string scratch;
  EXPECT_TRUE(ReadStringError("03616263", &scratch, 3).ok());
  EXPECT_EQ(ReadStringError("0461626364", &scratch, 3).code(),
            absl::StatusCode::kDataLoss);
  // "a" and a copy of 20 more from one byte back.
  EXPECT_TRUE(ReadStringError("c305150061e00b00", &scratch, 21).ok());
  EXPECT_EQ(scratch, std::string(21, 'a'));
  EXPECT_EQ(ReadStringError("c305150061e00b00", &scratch, 20).code(),
            absl::StatusCode::kDataLoss);
}

TEST(RdbInputTest, RefusesBadEncodings) {
  struct Case {
    const char* hex;
    const char* says;
  };
  for (const Case& c : {
           Case{"c4", "Unknown RDB string encoding type 4"},
           Case{"ff", "Unknown RDB string encoding type 63"},
           Case{"82", "Unknown length encoding 130"},
           Case{"bf", "Unknown length encoding 191"},
           Case{"c3c000", "Unknown length encoding 192"},
           Case{"c305140061e00b00", "it holds 21 bytes, not 20"},
           Case{"c305160061e00b00", "it holds 21 bytes, not 22"},
           Case{"c304150061e00b", "Invalid LZF compressed string"},
           Case{"", "Unexpected EOF"},
           Case{"c1ff", "Unexpected EOF"},
           Case{"0361", "Unexpected EOF"},
           Case{"8000", "Unexpected EOF"},
       }) {
    std::string scratch;
    const absl::Status status = ReadStringError(c.hex, &scratch);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << c.hex;
    EXPECT_TRUE(absl::StrContains(status.message(), c.says)) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), "at offset")) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), "a test")) << status;
  }
}

TEST(RdbInputTest, RefusesTextDoublesThatAreNone) {
  for (const char* hex : {"00", "0178", "03312e78", "0331"}) {
    const std::string bytes = absl::HexStringToBytes(hex);
    StringSource source(bytes);
    RdbInput input(&source);
    const absl::Status status = input.ReadTextDouble("a test").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << hex;
  }
}

TEST(RdbInputTest, ChecksumAndOffsetDoNotDependOnHowBytesArrive) {
  std::string bytes;
  for (int i = 0; i < 5000; ++i) bytes.push_back(static_cast<char>(i * 7));
  for (size_t step : {1u, 2u, 7u, 4096u}) {
    TricklingSource source(bytes, step, 333);
    RdbInput input(&source);
    char buffer[100];
    ASSERT_TRUE(input.ReadBytes(buffer, 100, "a test").ok());
    ASSERT_TRUE(input.SkipBytes(3000, "a test").ok());
    ASSERT_TRUE(input.ReadByte("a test").ok());
    EXPECT_EQ(input.offset(), 3101u);
    EXPECT_EQ(input.crc(), Crc64(0, absl::string_view(bytes).substr(0, 3101)));
    // The source stands at the next byte.
    EXPECT_EQ((*source.Peek(1))[0], bytes[3101]);
  }
}

TEST(RdbInputTest, SourceFailureIsPassedOnWithItsCode) {
  TricklingSource source("abc", 1);
  source.FailAtEnd(absl::DeadlineExceededError("transfer_stalled"));
  RdbInput input(&source);
  const absl::Status status = input.SkipBytes(4, "a test");
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(absl::StrContains(status.message(), "transfer_stalled"));
  EXPECT_TRUE(absl::StrContains(status.message(), "offset 3")) << status;
}

TEST(BufferedSourceTest, StartsWithWhatWasReadBefore) {
  class Tail : public BufferedSource {
   public:
    Tail() : BufferedSource("already ", 16) {}

   protected:
    absl::StatusOr<size_t> ReadSome(char* buffer, size_t) override {
      if (done_) return 0;
      done_ = true;
      *buffer = '!';
      return 1;
    }

   private:
    bool done_ = false;
  } source;
  EXPECT_EQ(*source.Peek(1), "already ");
  source.Consume(7);
  EXPECT_EQ(*source.Peek(2), " !");
  source.Consume(1);
  EXPECT_EQ(*source.Peek(5), "!");
  EXPECT_EQ(source.buffered(), "!");
  source.Consume(1);
  EXPECT_EQ(*source.Peek(1), "");
}

}  // namespace
}  // namespace holdfast::server
