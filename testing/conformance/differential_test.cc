// Generated commands against Holdfast and the real redis-server.
//
//   HOLDFAST_SEED=n HOLDFAST_STEPS=n  one seed, so many steps
//   HOLDFAST_GENERATOR=name           only this one

#include <stdlib.h>

#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "testing/conformance/comparison.h"
#include "testing/conformance/differ.h"
#include "testing/conformance/generator.h"
#include "testing/conformance/target.h"
#include "testing/harness/server_process.h"
#include "testing/support/environment.h"

namespace holdfast::test {
namespace {

#ifdef HOLDFAST_UNDER_TEST
constexpr ServerKind kUnderTest = ServerKind::kHoldfast;
#else
// The machinery itself: a server never differs from its like.
constexpr ServerKind kUnderTest = ServerKind::kRedis;
#endif

constexpr int kSeeds = 4;
constexpr int kSteps = 2100;  // 100,000 commands with twelve families.

// Whether the server has the command (that this makes an error is no matter).
bool Knows(Target* target, const std::vector<std::string>& args) {
  const absl::StatusOr<RawReply> reply = target->Call(1, args);
  return reply.ok() &&
         reply->value.str().find("unknown command") == std::string::npos;
}

TEST(DifferentialTest, GeneratedCommandsAnswerTheSame) {
  if (!RealRedisAvailable()) GTEST_SKIP() << "no redis-server here";
  auto ours = ServerProcess::Start({.kind = kUnderTest});
  ASSERT_TRUE(ours.ok()) << ours.status();
  auto theirs = ServerProcess::Start({.kind = ServerKind::kRedis});
  ASSERT_TRUE(theirs.ok()) << theirs.status();
  Target target("holdfast", (*ours)->port());
  Target reference("reference", (*theirs)->port());
  GeneratorOptions options;
  options.lists = Knows(&target, {"LPUSH"});
  options.sets = Knows(&target, {"SADD"});
  options.hashes = Knows(&target, {"HSET"});
  options.bitmaps = Knows(&target, {"SETBIT"});
  options.hyperloglogs = Knows(&target, {"PFADD"});
  options.move_db = Knows(&target, {"SWAPDB"});

  const char* const only = getenv("HOLDFAST_GENERATOR");
  const bool one_seed = getenv("HOLDFAST_SEED") != nullptr;
  const uint64_t first = static_cast<uint64_t>(Setting("HOLDFAST_SEED", 1));
  const uint64_t last = one_seed ? first : first + kSeeds - 1;
  const int steps = static_cast<int>(Setting("HOLDFAST_STEPS", kSteps));
  for (size_t i = 0; i < AllGenerators(options).size(); ++i) {
    for (uint64_t seed = first; seed <= last; ++seed) {
      // Its state is part of the run.
      std::unique_ptr<Generator> generator =
          std::move(AllGenerators(options)[i]);
      if (only != nullptr && generator->name() != only) continue;
      const std::string difference =
          DiffGenerated(generator.get(), seed, steps, &target, &reference);
      EXPECT_TRUE(difference.empty()) << difference;
      if (!difference.empty()) break;  // One of a family is enough to read.
    }
  }
  std::cerr << "seeds " << first << " to " << last << ", " << steps
            << " steps each" << (options.lists ? "" : ", without lists")
            << (options.sets ? "" : ", without sets")
            << (options.move_db ? "" : ", without MOVE") << "\n";
}

}  // namespace
}  // namespace holdfast::test
