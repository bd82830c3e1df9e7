#include "server/persist/rdb/lzf.h"

#include <liblzf/lzf.h>
#include <pthread.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace holdfast::server {
namespace {

std::string Compress(absl::string_view in, size_t capacity) {
  std::string out(capacity, '#');
  out.resize(LzfCompress(in, &out[0], capacity));
  return out;
}

std::string Unpack(absl::string_view in) {
  const absl::StatusOr<uint64_t> size = LzfMeasure(in);
  EXPECT_TRUE(size.ok()) << size.status();
  if (!size.ok()) return "";
  std::string out(*size, '#');
  LzfDecompress(in, &out[0], out.size());
  return out;
}

std::vector<std::string> Samples() {
  constexpr uint64_t kSeed = 20260711;
  std::mt19937_64 rng(kSeed);
  std::vector<std::string> samples = {std::string(21, 'a'),
                                      std::string(264, 'x'),
                                      std::string(265, 'x'),
                                      std::string(100000, '\0'),
                                      "abcabcabcabcabcabcabcabcabc",
                                      "a",
                                      "ab",
                                      "abc"};
  for (int alphabet : {2, 4, 26, 256}) {
    for (size_t size : {1u, 31u, 32u, 33u, 64u, 1000u, 8191u, 8200u, 70000u}) {
      std::string s(size, '\0');
      for (char& c : s) c = static_cast<char>(rng() % alphabet);
      samples.push_back(s);
      samples.push_back(absl::StrCat(s, s));  // A match from far back.
    }
  }
  std::string json;
  for (int i = 0; i < 2000; ++i) {
    absl::StrAppend(&json, "{\"id\":", i, ",\"name\":\"user:", rng() % 97,
                    "\",\"active\":true},");
  }
  samples.push_back(json);
  return samples;
}

TEST(LzfTest, RoundTripsAndLiblzfReadsIt) {
  for (const std::string& sample : Samples()) {
    const std::string packed = Compress(sample, sample.size() * 2 + 16);
    ASSERT_FALSE(packed.empty());
    ASSERT_EQ(Unpack(packed), sample);
    std::string other(sample.size(), '#');
    ASSERT_EQ(
        lzf_decompress(packed.data(), packed.size(), &other[0], other.size()),
        sample.size());
    ASSERT_EQ(other, sample);
  }
}

TEST(LzfTest, ReadsWhatLiblzfWrites) {
  for (const std::string& sample : Samples()) {
    std::string packed(sample.size() * 2 + 16, '#');
    const unsigned int size =
        lzf_compress(sample.data(), sample.size(), &packed[0], packed.size());
    if (size == 0) continue;
    packed.resize(size);
    ASSERT_EQ(Unpack(packed), sample);
  }
}

TEST(LzfTest, CompressesAboutAsWellAsLiblzf) {
  for (const std::string& sample : Samples()) {
    if (sample.size() < 1000) continue;
    std::string packed(sample.size() * 2 + 16, '#');
    const unsigned int theirs =
        lzf_compress(sample.data(), sample.size(), &packed[0], packed.size());
    const size_t ours = Compress(sample, packed.size()).size();
    EXPECT_LE(ours, theirs + theirs / 4 + 64) << sample.substr(0, 40);
  }
}

TEST(LzfTest, NeverWritesPastTheCapacityAndSaysWhenItDoesNotFit) {
  for (const std::string& sample : Samples()) {
    if (sample.size() > 300) continue;
    const size_t need = Compress(sample, 1000).size();
    for (size_t capacity = 0; capacity <= need + 2; ++capacity) {
      std::string out(capacity + 8, '#');
      const size_t got = LzfCompress(sample, &out[0], capacity);
      ASSERT_EQ(got, capacity >= need ? need : 0) << capacity;
      ASSERT_EQ(out.substr(capacity), "########");
    }
  }
}

TEST(LzfTest, EmptyInput) {
  char out[8];
  EXPECT_EQ(LzfCompress("", out, sizeof(out)), 0u);
  EXPECT_EQ(*LzfMeasure(""), 0u);
}

TEST(LzfTest, RefusesMalformedStreams) {
  const std::string cases[] = {
      std::string("\x00", 1),  // A literal that is missing.
      std::string("\x1f"
                  "abc",
                  4),              // 32 literals, three are there.
      std::string("\x20\x00", 2),  // A match before any output.
      std::string("\x00"
                  "a\x20\x01",
                  4),  // Two back after one byte.
      std::string("\x00"
                  "a\x20",
                  3),  // A match without its offset.
      std::string("\x00"
                  "a\xe0",
                  3),  // A long match without its length.
      std::string("\x00"
                  "a\xe0\x05",
                  4),  // ... without its offset.
      std::string("\xff\xff\xff", 3),
  };
  for (const std::string& bad : cases) {
    EXPECT_EQ(LzfMeasure(bad).status().code(), absl::StatusCode::kDataLoss);
  }
}

TEST(LzfTest, MeasureNeverAcceptsWhatLiblzfRefuses) {
  constexpr uint64_t kSeed = 99;
  SCOPED_TRACE(absl::StrCat("seed ", kSeed));
  std::mt19937_64 rng(kSeed);
  const std::string packed = Compress(Samples().back().substr(0, 600), 4000);
  int accepted = 0;
  for (int i = 0; i < 5000; ++i) {
    std::string bad = packed;
    for (int flips = 1 + rng() % 4; flips > 0; --flips) {
      bad[rng() % bad.size()] = static_cast<char>(rng());
    }
    bad.resize(1 + rng() % bad.size());
    std::string theirs(100000, '#');
    const unsigned int size =
        lzf_decompress(bad.data(), bad.size(), &theirs[0], theirs.size());
    const absl::StatusOr<uint64_t> ours = LzfMeasure(bad);
    ASSERT_EQ(ours.ok(), size != 0) << i;
    if (!ours.ok()) continue;
    ++accepted;
    ASSERT_EQ(*ours, size);
    ASSERT_EQ(Unpack(bad), theirs.substr(0, size));
  }
  EXPECT_GT(accepted, 50);
}

// The reason for this file: client threads have 256 KiB of stack.
TEST(LzfTest, WorksOnASmallStack) {
  pthread_attr_t attr;
  ASSERT_EQ(pthread_attr_init(&attr), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attr, 64 * 1024), 0);
  std::string result;
  pthread_t thread;
  ASSERT_EQ(pthread_create(
                &thread, &attr,
                [](void* out) -> void* {
                  *static_cast<std::string*>(out) =
                      Compress(std::string(50000, 'z'), 5000);
                  return nullptr;
                },
                &result),
            0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attr);
  EXPECT_EQ(Unpack(result), std::string(50000, 'z'));
}

}  // namespace
}  // namespace holdfast::server
