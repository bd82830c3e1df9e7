#include "server/persist/rdb/crc64.h"

#include <cstdint>
#include <random>
#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace holdfast::server {
namespace {

// The definition, one bit at a time: slow, and hard to get wrong.
uint64_t BitwiseCrc(absl::string_view data) {
  uint64_t crc = 0;
  for (char c : data) {
    for (int bit = 0; bit < 8; ++bit) {
      const uint64_t in = (static_cast<uint8_t>(c) >> bit) & 1;
      const uint64_t top = crc >> 63;
      crc = (crc << 1) ^ ((in ^ top) != 0 ? 0xad93d23594c935a9 : 0);
    }
  }
  uint64_t reflected = 0;
  for (int bit = 0; bit < 64; ++bit) {
    reflected |= ((crc >> bit) & 1) << (63 - bit);
  }
  return reflected;
}

TEST(Crc64Test, PublishedCheckValue) {
  EXPECT_EQ(Crc64(0, "123456789"), 0xe9c6d914c4b8d9ca);
}

TEST(Crc64Test, EmptyInputChangesNothing) {
  EXPECT_EQ(Crc64(0, ""), 0u);
  EXPECT_EQ(Crc64(42, ""), 42u);
}

TEST(Crc64Test, AgreesWithTheBitwiseDefinitionAtEveryLengthAndAlignment) {
  std::mt19937_64 rng(7);
  std::string data(80, '\0');
  for (char& c : data) c = static_cast<char>(rng());
  for (size_t start = 0; start < 9; ++start) {
    for (size_t len = 0; start + len <= data.size(); ++len) {
      const auto piece = absl::string_view(data).substr(start, len);
      ASSERT_EQ(Crc64(0, piece), BitwiseCrc(piece)) << start << "+" << len;
    }
  }
}

TEST(Crc64Test, IncrementalAtEveryCut) {
  const absl::string_view data = "REDIS0010 and some forty bytes after it....";
  for (size_t cut = 0; cut <= data.size(); ++cut) {
    EXPECT_EQ(Crc64(Crc64(0, data.substr(0, cut)), data.substr(cut)),
              Crc64(0, data));
  }
}

}  // namespace
}  // namespace holdfast::server
