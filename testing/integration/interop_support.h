#ifndef HOLDFAST_TESTING_INTEGRATION_INTEROP_SUPPORT_H_
#define HOLDFAST_TESTING_INTEGRATION_INTEROP_SUPPORT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "testing/harness/server_process.h"
#include "testing/harness/test_client.h"
#include "testing/proxy/fault_proxy.h"
#include "testing/support/dice.h"

// What stories of several servers that replicate each other have in common:
// starting and linking them, writing to them, and comparing what they hold. The
// servers may be Holdfasts or real Redises. One thread's.
namespace holdfast::test {

// A server, a client of it, and a proxy in front of it for those who replicate
// it, so that their links can be cut.
struct Node {
  std::unique_ptr<ServerProcess> server;
  std::unique_ptr<FaultProxy> proxy;
  std::unique_ptr<TestClient> client;

  TestClient& operator*() const { return *client; }
  TestClient* operator->() const { return client.get(); }
  bool ok() const { return server != nullptr && proxy != nullptr; }
};

// Fails the test, and the node is not ok(), if it cannot be started. Set for
// tests: links that come back at once, a backlog that holds all that a test
// writes, no PING in a Redis's stream for the length of a test (offsets are
// then equal and stay so once nobody writes), and no delay before a Redis
// begins a snapshot. `flags` may override these.
Node StartNode(ServerKind kind,
               std::vector<std::pair<std::string, std::string>> flags = {});

// Makes `replica` follow `primary` through its proxy.
void Follow(Node& replica, Node& primary);

// Until the link to its primary streams.
::testing::AssertionResult WaitForLink(
    Node& replica, absl::Duration timeout = absl::Seconds(60));

// Until all are at one offset, then compares the datasets (DEBUG DIGEST) and
// the histories (master_replid). Nobody may write meanwhile, and no key expire.
::testing::AssertionResult Agree(const std::vector<Node*>& nodes,
                                 absl::Duration timeout = absl::Seconds(60));

int64_t Offset(Node& node);
int64_t FullSyncs(Node& primary);
int64_t PartialSyncs(Node& primary);

// Fills databases 0 to 3 with `keys` strings in all and some lists, sets,
// sorted sets and hashes: short, long, integers and binary, a third of them
// with expiries (some hours ahead, so none expires during a test), the rest
// made by DEBUG POPULATE.
void FillDatabases(Node& node, int keys, Dice* dice);

// `count` random writes in several databases: SET with and without expiry,
// APPEND, INCR, EXPIRE, PERSIST, DEL, MSET, RENAME, MOVE, transactions over two
// databases, and rarely SWAPDB or FLUSHDB of the last database. Sent in pieces;
// returns when the last one is answered. Error replies fail the test, but for
// those that such chance brings about (no such key, not an integer,
// source and target the same).
void WriteLive(Node& node, int count, Dice* dice);

}  // namespace holdfast::test

#endif  // HOLDFAST_TESTING_INTEGRATION_INTEROP_SUPPORT_H_
