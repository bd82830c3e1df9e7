#include "server/app/limits.h"

#include <sys/resource.h>

#include "gtest/gtest.h"

namespace holdfast::server {
namespace {

TEST(LimitsTest, TheTightestLimitIsNamed) {
  SystemLimits limits;
  limits.open_files = 20032;
  limits.pid_max = 32768;
  EXPECT_EQ(CapacityOf(limits).clients, 20000);
  EXPECT_EQ(CapacityOf(limits).tightest, "open files (ulimit -n 20032)");
  limits.threads_max = 5064;
  EXPECT_EQ(CapacityOf(limits).clients, 5000);
  EXPECT_EQ(CapacityOf(limits).tightest, "kernel.threads-max 5064");
  limits.max_map_count = 2128;  // Two mappings a stack.
  EXPECT_EQ(CapacityOf(limits).clients, 1000);
  limits.user_processes = 74;
  EXPECT_EQ(CapacityOf(limits).clients, 10);
}

TEST(LimitsTest, LimitsBelowTheReserveHoldNobody) {
  SystemLimits limits;
  limits.open_files = 8;
  EXPECT_EQ(CapacityOf(limits).clients, 0);
  limits.open_files = 100;
  limits.pid_max = 3;
  EXPECT_EQ(CapacityOf(limits).clients, 0);
}

TEST(LimitsTest, UnknownLimitsBindNothing) {
  SystemLimits limits;
  limits.open_files = 1032;
  EXPECT_EQ(CapacityOf(limits).clients, 1000);
}

TEST(LimitsTest, ReadsThoseOfThisSystem) {
  const SystemLimits limits = ReadSystemLimits();
  EXPECT_GT(limits.open_files, 0);
  EXPECT_GT(limits.pid_max, 0);
  EXPECT_GT(limits.threads_max, 0);
}

TEST(LimitsTest, RaisesTheSoftLimitAndNeverLowersIt) {
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = 100;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(RaiseOpenFilesFor(100), 100);
  rlimit now = {};
  getrlimit(RLIMIT_NOFILE, &now);
  EXPECT_EQ(now.rlim_cur, 132u);
  EXPECT_EQ(RaiseOpenFilesFor(1), 1);
  getrlimit(RLIMIT_NOFILE, &now);
  EXPECT_EQ(now.rlim_cur, 132u);
  setrlimit(RLIMIT_NOFILE, &before);
}

TEST(LimitsTest, AnImpossibleNumberIsCutToWhatTheSystemHas) {
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int64_t most = RaiseOpenFilesFor(INT64_MAX);
  EXPECT_LT(most, INT64_MAX);
  EXPECT_GT(most, 0);
  setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace holdfast::server
