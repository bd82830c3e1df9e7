// Random commands of every family from eight clients at once, over few keys, on
// a primary whose links to a Holdfast replica and to a real redis-server are
// cut meanwhile: in the end all three hold the same, after one full
// synchronisation a replica. What the threads do to each other depends on the
// machine; what each sends depends on the seed.
//
//   HOLDFAST_SEED=n           another load
//   HOLDFAST_LOAD_SECONDS=n   how long (under tsan by hand: 60)

#include <atomic>
#include <cstdint>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/resp/value.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"
#include "testing/conformance/generator.h"
#include "testing/harness/server_process.h"
#include "testing/harness/test_client.h"
#include "testing/integration/interop_support.h"
#include "testing/proxy/fault_proxy.h"
#include "testing/support/dice.h"
#include "testing/support/environment.h"
#include "testing/support/wait_for.h"

namespace holdfast::test {
namespace {

using ::testing::Eq;

constexpr int kThreads = 8;
constexpr int kConnections = 3;  // Of a thread; generators number them from 1.
constexpr int kStepsOfOneFamily = 200;

// One thread's share: families in turn, each from a seed of its own, until the
// time is over. Returns how many commands were answered.
int64_t SendCommands(int port, uint64_t seed, net::Deadline end) {
  std::vector<TestClient> clients;
  for (int i = 0; i < kConnections; ++i) clients.emplace_back(port);
  Dice dice(seed);
  int64_t answered = 0;
  while (!end.Expired() && !::testing::Test::HasFailure()) {
    std::vector<std::unique_ptr<Generator>> generators =
        AllGenerators(GeneratorOptions());
    for (const std::unique_ptr<Generator>& generator : generators) {
      for (int i = 0; i < kStepsOfOneFamily && !end.Expired(); ++i) {
        const Step step = generator->Next(&dice);
        // Settings are each server's own, and decide on what is stored.
        if (absl::EqualsIgnoreCase(step.args[0], "CONFIG")) continue;
        TestClient& client =
            clients[static_cast<size_t>(step.connection - 1) % kConnections];
        client.DoArgs(step.args);
        if (!client.connected()) return answered;
        ++answered;
      }
      // A family does not end inside the transaction of another.
      for (TestClient& client : clients) client.Do("DISCARD");
    }
  }
  return answered;
}

// The keys that are not the same on both, with what they hold.
std::string Differences(Node& one, Node& other) {
  std::string text;
  for (int db = 0; db < 16; ++db) {
    for (Node* node : {&one, &other}) (*node)->Do("SELECT", db);
    std::set<std::string> keys;
    for (Node* node : {&one, &other}) {
      for (const net::Value& key : (*node)->Do("KEYS", "*").elements())
        keys.insert(key.str());
    }
    for (const std::string& key : keys) {
      std::string what[2];
      for (int i = 0; i < 2; ++i) {
        Node& node = i == 0 ? one : other;
        what[i] = absl::StrCat(
            node->Do("DEBUG", "DIGEST-VALUE", key).DebugString(), " expires ",
            node->Do("PEXPIRETIME", key).DebugString());
      }
      if (what[0] == what[1]) continue;
      absl::StrAppend(&text, "db ", db, " ", absl::CEscape(key), "\n");
      for (int i = 0; i < 2; ++i) {
        Node& node = i == 0 ? one : other;
        absl::StrAppend(&text, "  ", what[i], " ",
                        node->Do("TYPE", key).DebugString(), " ",
                        node->Do("DUMP", key).DebugString(), "\n");
      }
    }
  }
  return text;
}

TEST(RandomLoadTest, LeavesPrimaryAndReplicasEqual) {
  const uint64_t seed = Seed();
  const absl::Duration length =
      absl::Seconds(Setting("HOLDFAST_LOAD_SECONDS", 4));
  // Room for all that is written while a link is away.
  Node primary =
      StartNode(ServerKind::kHoldfast, {{"repl-backlog-size", "268435456"}});
  ASSERT_TRUE(primary.ok());
  std::vector<Node> replicas;
  replicas.push_back(StartNode(ServerKind::kHoldfast));
  if (RealRedisAvailable()) replicas.push_back(StartNode(ServerKind::kRedis));
  std::vector<std::unique_ptr<FaultProxy>> proxies;
  primary->Do("SET", "first", "key");
  for (Node& replica : replicas) {
    ASSERT_TRUE(replica.ok());
    auto proxy = FaultProxy::Start("127.0.0.1", primary.server->port());
    ASSERT_TRUE(proxy.ok()) << proxy.status();
    replica->Do("REPLICAOF", "127.0.0.1", (*proxy)->port());
    proxies.push_back(*std::move(proxy));
  }
  for (Node& replica : replicas) ASSERT_TRUE(WaitForLink(replica));

  const net::Deadline end = net::Deadline::After(net::Clock::Real(), length);
  std::atomic<int64_t> commands{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      commands += SendCommands(primary.server->port(),
                               seed * 1000 + static_cast<uint64_t>(t), end);
    });
  }
  Dice dice(seed);
  int cuts = 0;
  while (!end.Expired()) {
    const size_t i =
        static_cast<size_t>(dice.Below(static_cast<int64_t>(proxies.size())));
    const int64_t before = proxies[i]->stats().cuts;
    proxies[i]->CutAfter(Direction::kToClient, dice.Below(100000),
                         dice.Pick({CutKind::kRst, CutKind::kFin}));
    if (!proxies[i]->WaitFor(
            [before](const ProxyStats& stats) { return stats.cuts > before; }))
      break;
    ++cuts;
    if (!WaitForLink(replicas[i])) break;
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& proxy : proxies) proxy->DisarmCut(Direction::kToClient);

  std::vector<Node*> all = {&primary};
  for (Node& replica : replicas) {
    EXPECT_TRUE(WaitForLink(replica));
    all.push_back(&replica);
  }
  const ::testing::AssertionResult agree = Agree(all, absl::Seconds(120));
  EXPECT_TRUE(agree);
  for (Node& replica : replicas) {
    if (!agree) ADD_FAILURE() << Differences(primary, replica);
  }
  EXPECT_EQ(FullSyncs(primary), static_cast<int64_t>(replicas.size()));
  EXPECT_GT(cuts, 0);
  std::cout << commands << " commands, " << cuts << " cuts, " << Offset(primary)
            << " bytes of stream" << std::endl;
}

}  // namespace
}  // namespace holdfast::test
