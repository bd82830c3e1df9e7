// Does a configuration of .bazelrc keep its promise? BUILD.bazel says by
// HOLDFAST_EXPECT_* which one this is; the tests commit the very error it
// exists to catch and want to die of it.

#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "gtest/gtest.h"

#ifdef HOLDFAST_JEMALLOC
#include <jemalloc/jemalloc.h>
#endif

#ifndef __has_feature
#define __has_feature(feature) 0
#endif

namespace holdfast::selftest {
namespace {

static_assert(__cplusplus >= 202002L, "Holdfast is C++20");

#ifdef HOLDFAST_EXPECT_OPT
#ifndef NDEBUG
#error "-c opt without NDEBUG"
#endif
#ifndef __OPTIMIZE__
#error "-c opt without optimisation"
#endif
#endif

#ifdef HOLDFAST_EXPECT_CLANG
static_assert(__clang__ == 1, "--config=clang-safety is built by clang");
#endif

#ifdef HOLDFAST_EXPECT_ASAN
#if !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer)
#error "--config=asan without AddressSanitizer"
#endif

TEST(AsanDeathTest, DiesOfAUseAfterFreeAndNamesTheLine) {
  // Through volatile pointers, or the compiler refuses what the sanitizer is to
  // find.
  auto read_freed = [] {
    int* volatile stale = new int(7);
    delete stale;
    std::exit(*stale);
  };
  EXPECT_DEATH(read_freed(), "heap-use-after-free(.|\n)*toolchain_test\\.cc:");
}

TEST(AsanDeathTest, DiesOfALeakAtTheEnd) {
  auto leak = [] {
    char* volatile lost = new char[1234];
    lost[0] = 'x';
    lost = nullptr;
    std::exit(lost == nullptr ? 0 : 1);
  };
  EXPECT_EXIT(
      leak(), [](int status) { return status != 0; }, "LeakSanitizer");
}
#endif

#ifdef HOLDFAST_EXPECT_UBSAN
TEST(UbsanDeathTest, DiesOfASignedOverflowAndNamesTheLine) {
  volatile int32_t most = std::numeric_limits<int32_t>::max();
  EXPECT_DEATH(most = most + 1,
               "toolchain_test\\.cc:.*signed integer overflow");
}
#endif

#ifdef HOLDFAST_EXPECT_TSAN
#if !defined(__SANITIZE_THREAD__) && !__has_feature(thread_sanitizer)
#error "--config=tsan without ThreadSanitizer"
#endif

TEST(TsanDeathTest, DiesOfADataRaceAndNamesTheLine) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto race = [] {
    int shared = 0;
    std::thread other([&shared] { ++shared; });
    ++shared;
    other.join();
    std::exit(0);
  };
  EXPECT_DEATH(race(), "data race(.|\n)*toolchain_test\\.cc:");
}
#endif

void LockInBothOrders() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  absl::Mutex first;
  absl::Mutex second;
  {
    absl::MutexLock outer(&first);
    absl::MutexLock inner(&second);
  }
  absl::MutexLock outer(&second);
  absl::MutexLock inner(&first);
}

// The search for cycles is worth its price in a test and not in the server
// (third_party/system_libraries.bzl has the figures); Abseil leaves it out
// under TSan.
#if defined(HOLDFAST_EXPECT_OPT) || defined(HOLDFAST_EXPECT_TSAN)
TEST(MutexTest, DoesNotPayForTheSearchForLockOrderCycles) {
  LockInBothOrders();
}
#else
TEST(MutexDeathTest, DiesOfALockOrderCycle) {
  EXPECT_DEATH(LockInBothOrders(), "Potential Mutex deadlock");
}
#endif

// The allocator of the server binary: BUILD.bazel links this test as it does
// that.
TEST(AllocatorTest, IsJemallocUnlessASanitizerBringsItsOwn) {
#ifdef HOLDFAST_JEMALLOC
  const char* version = nullptr;
  size_t size = sizeof(version);
  ASSERT_EQ(mallctl("version", &version, &size, nullptr, 0), 0);
  EXPECT_EQ(std::string(version).substr(0, 2), "5.");

  // Not just linked but in use: operator new's memory is counted by it.
  uint64_t before = 0;
  uint64_t after = 0;
  size_t width = sizeof(before);
  ASSERT_EQ(mallctl("thread.allocated", &before, &width, nullptr, 0), 0);
  auto block = std::make_unique<volatile char[]>(1 << 20);
  ASSERT_EQ(mallctl("thread.allocated", &after, &width, nullptr, 0), 0);
  EXPECT_GE(after - before, uint64_t{1} << 20);
#else
#if !defined(HOLDFAST_EXPECT_ASAN) && !defined(HOLDFAST_EXPECT_UBSAN) && \
    !defined(HOLDFAST_EXPECT_TSAN)
  FAIL() << "neither jemalloc nor a sanitizer";
#endif
#endif
}

}  // namespace
}  // namespace holdfast::selftest
