// The main job: replication links that are cut again and again under load come
// back where they were. A primary and two replicas, each behind a proxy; a
// stream of SETs and EXPIREs through redis-benchmark; for each share of it one
// cut, by CLIENT KILL or at a random byte of either direction. In the end all
// three hold the same, after one full synchronisation a replica.

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/resp/value.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"
#include "testing/harness/child_process.h"
#include "testing/harness/server_process.h"
#include "testing/harness/test_client.h"
#include "testing/integration/interop_support.h"
#include "testing/proxy/fault_proxy.h"
#include "testing/support/dice.h"
#include "testing/support/environment.h"
#include "testing/support/reply_matchers.h"
#include "testing/support/wait_for.h"

namespace holdfast::test {
namespace {

using ::testing::Eq;
using ::testing::Ge;

constexpr char kBenchmark[] = "/usr/bin/redis-benchmark";

// The load: `count` commands on keys of a range, a few clients, pipelined.
// Half of them SET with an expiry of a day, a quarter plain SETs, a quarter
// EXPIREs of other keys.
class Load {
 public:
  Load(Node& primary, int share, int64_t count) {
    ChildProcessOptions options;
    options.argv = {kBenchmark,
                    "-p",
                    absl::StrCat(primary.server->port()),
                    "-n",
                    absl::StrCat(count),
                    "-r",
                    "50000",
                    "-c",
                    "8",
                    "-P",
                    "8",
                    "-d",
                    "32",
                    "-q"};
    for (const std::string& word : Command(share)) options.argv.push_back(word);
    options.log_file = log_file_ = primary.server->dir() + "/load.log";
    absl::StatusOr<std::unique_ptr<ChildProcess>> child =
        ChildProcess::Start(options);
    EXPECT_TRUE(child.ok()) << child.status();
    if (child.ok()) child_ = *std::move(child);
  }
  void Finish() {
    if (child_ == nullptr) return;
    const auto end = child_->WaitForExit(
        net::Deadline::After(net::Clock::Real(), absl::Seconds(60)));
    ASSERT_TRUE(end.ok()) << end.status();
    EXPECT_TRUE(end->ok()) << *end << ", see " << log_file_;
  }

 private:
  static std::vector<std::string> Command(int share) {
    switch (share % 4) {
      case 0:
        return {"SET", "key:__rand_int__", absl::StrCat("share ", share), "EX",
                "86400"};
      case 1:
        return {"SET", "key:__rand_int__", absl::StrCat(share * 1000)};
      // Not in the odd rounds, which cut at a byte that must come.
      case 2:
        return {"EXPIRE", "key:__rand_int__", absl::StrCat(90000 + share)};
      default:
        return {"SET", "key:__rand_int__", absl::StrCat("share ", share), "PX",
                "100000000"};
    }
  }

  std::unique_ptr<ChildProcess> child_;
  std::string log_file_;
};

// Ends links of the primary's: both of them in the even rounds, one at a random
// byte in the odd ones. Returns how many.
int64_t Cut(int round, int64_t share_bytes, Node& primary,
            std::vector<std::unique_ptr<FaultProxy>>* proxies, Dice* dice) {
  if (round % 2 == 0) {
    const net::Value killed = primary->Do("CLIENT", "KILL", "TYPE", "replica");
    EXPECT_THAT(killed, IsInt(Ge(1)));
    return killed.is_integer() ? killed.integer() : 0;
  }
  FaultProxy& proxy = *(*proxies)[static_cast<size_t>(dice->Below(2))];
  const int64_t cuts = proxy.stats().cuts;
  const CutKind kind = dice->Pick({CutKind::kRst, CutKind::kFin});
  // An acknowledgement a second goes the other way: some 40 bytes each.
  if (dice->OneIn(4)) {
    proxy.CutAfter(Direction::kToServer, dice->Below(40), kind);
  } else {
    proxy.CutAfter(Direction::kToClient, dice->Below(share_bytes), kind);
  }
  EXPECT_TRUE(proxy.WaitFor([&](const ProxyStats& stats) {
    return stats.cuts > cuts;
  })) << "no byte to cut at: "
      << proxy.stats();
  return 1;
}

TEST(MainJobTest, LinksThatAreCutUnderLoadGoOnWhereTheyWere) {
  if (access(kBenchmark, X_OK) != 0) {
    GTEST_SKIP() << "no " << kBenchmark << " (apt install redis-tools)";
  }
  const int64_t commands = Setting("HOLDFAST_MAIN_JOB_COMMANDS", 50000);
  const int rounds = static_cast<int>(Setting("HOLDFAST_MAIN_JOB_CUTS", 10));
  std::cout << commands << " commands, " << rounds << " cuts" << std::endl;
  Dice dice(Seed());

  Node primary = StartNode(ServerKind::kHoldfast);
  Node one = StartNode(ServerKind::kHoldfast);
  Node two = StartNode(ServerKind::kHoldfast);
  ASSERT_TRUE(primary.ok() && one.ok() && two.ok());
  EXPECT_THAT(primary->Do("DEBUG", "POPULATE", 10000, "old", 30), IsOk());
  std::vector<std::unique_ptr<FaultProxy>> proxies;
  for (Node* replica : {&one, &two}) {
    auto proxy = FaultProxy::Start("127.0.0.1", primary.server->port());
    ASSERT_TRUE(proxy.ok()) << proxy.status();
    EXPECT_THAT((*replica)->Do("REPLICAOF", "127.0.0.1", (*proxy)->port()),
                IsOk());
    proxies.push_back(*std::move(proxy));
  }
  for (Node* replica : {&one, &two}) ASSERT_TRUE(WaitForLink(*replica));
  ASSERT_EQ(FullSyncs(primary), 2);

  const int64_t share = commands / rounds;
  constexpr int64_t kLeastBytesACommand = 50;
  int64_t ended = 0;
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    Load load(primary, round, share);
    ended +=
        Cut(round, share * kLeastBytesACommand / 2, primary, &proxies, &dice);
    load.Finish();
    if (::testing::Test::HasFatalFailure()) return;
    // Each came back once: not more often either, or a link was let go that
    // nobody had cut.
    ASSERT_TRUE(WaitForValue([&] { return PartialSyncs(primary); }, Eq(ended)));
    for (Node* replica : {&one, &two}) ASSERT_TRUE(WaitForLink(*replica));
    ASSERT_EQ(FullSyncs(primary), 2) << "a cut cost a full synchronisation";
  }

  EXPECT_TRUE(Agree({&primary, &one, &two}, absl::Seconds(120)));
  EXPECT_EQ(FullSyncs(primary), 2);
  EXPECT_EQ(primary->InfoInt("stats", "sync_partial_err"), 0);
  EXPECT_EQ(PartialSyncs(primary), ended);
  EXPECT_GT(ended, rounds) << "most kills end two links";
  EXPECT_THAT(primary->Do("DBSIZE"), IsInt(Ge(10000)));
  std::cout << PartialSyncs(primary) << " partial resynchronisations, "
            << Offset(primary) << " bytes of stream" << std::endl;
}

}  // namespace
}  // namespace holdfast::test
