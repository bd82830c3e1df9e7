// The case files against Holdfast, and against the real redis-server, which
// shows that the expectations are right.

#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "testing/conformance/case_file.h"
#include "testing/conformance/target.h"
#include "testing/harness/server_process.h"

namespace holdfast::test {
namespace {

std::vector<std::string> CaseFiles() {
  const char* const runfiles = getenv("TEST_SRCDIR");
  const char* const workspace = getenv("TEST_WORKSPACE");
  const std::string dir =
      runfiles == nullptr
          ? "testing/conformance/cases"
          : absl::StrCat(runfiles, "/", workspace ? workspace : "holdfast",
                         "/testing/conformance/cases");
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    if (entry.path().extension() == ".txt") {
      files.push_back(entry.path().string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

void RunAll(ServerKind kind) {
  auto server = ServerProcess::Start({.kind = kind});
  ASSERT_TRUE(server.ok()) << server.status();
  Target target("server", (*server)->port());
  // What a case compares with the reference is run on both.
  std::unique_ptr<ServerProcess> redis;
  std::unique_ptr<Target> reference;
  if (kind != ServerKind::kRedis && RealRedisAvailable()) {
    auto started = ServerProcess::Start({.kind = ServerKind::kRedis});
    ASSERT_TRUE(started.ok()) << started.status();
    redis = *std::move(started);
    reference = std::make_unique<Target>("reference", redis->port());
  }
  const std::vector<std::string> files = CaseFiles();
  ASSERT_FALSE(files.empty());
  for (const std::string& file : files) {
    const absl::StatusOr<std::vector<Case>> cases = ReadCases(file);
    ASSERT_TRUE(cases.ok()) << cases.status();
    EXPECT_FALSE(cases->empty()) << file;
    const std::string name = std::filesystem::path(file).filename();
    const std::vector<std::string> failures =
        RunCases(name, *cases, &target, reference.get());
    EXPECT_TRUE(failures.empty()) << failures.size() << " failures\n"
                                  << absl::StrJoin(failures, "\n\n");
  }
}

#ifdef HOLDFAST_UNDER_TEST
TEST(ConformanceTest, HoldfastAnswersAsTheCasesSay) {
  RunAll(ServerKind::kHoldfast);
}
#else
TEST(ConformanceTest, TheCasesSayWhatRedisAnswers) {
  if (!RealRedisAvailable()) GTEST_SKIP() << "no redis-server here";
  RunAll(ServerKind::kRedis);
}
#endif

}  // namespace
}  // namespace holdfast::test
