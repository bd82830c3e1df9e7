// Compiles against, links and calls once every third-party library of
// WORKSPACE: a package that tools/setup.sh lost, or two copies of one library,
// show here and not in some far test.

#include <liblzf/lzf.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstdint>
#include <lua5.1/lua.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/cleanup/cleanup.h"
#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/hash/hash.h"
#include "absl/numeric/bits.h"
#include "absl/numeric/int128.h"
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "benchmark/benchmark.h"
#include "gflags/gflags.h"
#include "glog/logging.h"
#include "gtest/gtest.h"

DEFINE_int32(selftest_answer, 42, "A flag of the toolchain's own test.");

namespace holdfast::selftest {
namespace {

TEST(AbseilTest, ContainersStringsAndStatusLink) {
  absl::flat_hash_map<std::string, int> table;
  absl::btree_map<std::string, int> tree;
  for (int i = 0; i < 100; ++i) {
    table[absl::StrCat("key", i)] = i;
    tree[absl::StrFormat("%03d", i)] = i;
  }
  EXPECT_EQ(table.at("key77"), 77);
  EXPECT_EQ(tree.begin()->first, "000");
  absl::flat_hash_set<absl::string_view> parts = absl::StrSplit("a,b,c", ',');
  EXPECT_EQ(parts.size(), 3u);
  absl::InlinedVector<int, 4> sorted = {3, 1, 2};
  absl::c_sort(sorted);
  EXPECT_EQ(absl::MakeConstSpan(sorted)[2], 3);
  int64_t number = 0;
  EXPECT_FALSE(absl::SimpleAtoi("12x", &number));
  EXPECT_EQ(absl::countr_zero(8u), 3);
  EXPECT_NE(absl::HashOf(1), absl::HashOf(2));
  EXPECT_EQ(absl::Uint128High64(absl::uint128(1) << 64), 1u);
  EXPECT_EQ(std::string(absl::Cord("cord")), "cord");

  absl::StatusOr<int> refused = absl::OutOfRangeError("too far");
  EXPECT_EQ(refused.status().ToString(), "OUT_OF_RANGE: too far");
  absl::BitGen gen;
  EXPECT_LT(absl::Uniform(gen, 0, 10), 10);
  EXPECT_GT(absl::Now(), absl::UnixEpoch());

  int runs = 0;
  absl::AnyInvocable<void()> any = [&runs] { ++runs; };
  auto call = [&any] { any(); };
  absl::FunctionRef<void()> ref = call;
  {
    absl::Cleanup at_end = [&runs] { ++runs; };
    ref();
  }
  EXPECT_EQ(runs, 2);
}

TEST(GlogTest, TwoThreadsMayLog) {
  auto log = [](int who) {
    for (int i = 0; i < 20; ++i) LOG(INFO) << "thread " << who << " line " << i;
    LOG_EVERY_N(WARNING, 7) << "now and then";
  };
  std::thread first(log, 1);
  std::thread second(log, 2);
  first.join();
  second.join();
}

TEST(GlogDeathTest, ACheckThatFailsSaysWhat) {
  EXPECT_DEATH(CHECK_EQ(1 + 1, 3) << "sum", "Check failed.*sum");
}

TEST(GflagsTest, OneRegistryForOurFlagsAndGlogs) {
  std::string value;
  ASSERT_TRUE(gflags::GetCommandLineOption("selftest_answer", &value));
  EXPECT_EQ(value, "42");
  EXPECT_TRUE(gflags::GetCommandLineOption("logtostderr", &value));
  EXPECT_EQ(gflags::SetCommandLineOption("selftest_answer", "many"), "");
  EXPECT_NE(gflags::SetCommandLineOption("selftest_answer", "43"), "");
  EXPECT_EQ(FLAGS_selftest_answer, 43);
}

TEST(OpensslTest, HashesAndMakesAContext) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  ASSERT_EQ(EVP_Digest("abc", 3, digest, &length, EVP_sha256(), nullptr), 1);
  EXPECT_EQ(length, 32u);
  EXPECT_EQ(digest[0], 0xba);
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(
      SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  EXPECT_NE(context, nullptr);
}

TEST(LzfTest, GivesBackWhatItWasGiven) {
  const std::string text(1000, 'x');
  std::vector<char> packed(text.size());
  const unsigned int size =
      lzf_compress(text.data(), text.size(), packed.data(), packed.size());
  ASSERT_GT(size, 0u);
  std::string out(text.size(), '\0');
  EXPECT_EQ(lzf_decompress(packed.data(), size, out.data(), out.size()),
            text.size());
  EXPECT_EQ(out, text);
}

TEST(LuaTest, Is51) {
  std::unique_ptr<lua_State, decltype(&lua_close)> lua(luaL_newstate(),
                                                       &lua_close);
  ASSERT_NE(lua, nullptr);
  luaL_openlibs(lua.get());
  ASSERT_EQ(luaL_dostring(lua.get(), "return _VERSION"), 0);
  EXPECT_STREQ(lua_tostring(lua.get(), -1), "Lua 5.1");
}

void BM_Nothing(benchmark::State& state) {
  for (auto _ : state) benchmark::ClobberMemory();
}
BENCHMARK(BM_Nothing);

}  // namespace
}  // namespace holdfast::selftest
