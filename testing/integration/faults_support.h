#ifndef HOLDFAST_TESTING_INTEGRATION_FAULTS_SUPPORT_H_
#define HOLDFAST_TESTING_INTEGRATION_FAULTS_SUPPORT_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "testing/harness/server_process.h"
#include "testing/harness/test_client.h"
#include "testing/proxy/fault_proxy.h"

// What the tests of broken replication links share: servers with short
// timeouts, a look at their links from outside, load in the background.
namespace holdfast::test {

using Flags = std::vector<std::pair<std::string, std::string>>;

// How long a Holdfast of these tests takes a silent peer for alive, and a write
// that makes no progress for slow.
inline constexpr absl::Duration kPeerTimeout = absl::Milliseconds(1500);
inline constexpr absl::Duration kWriteTimeout = absl::Milliseconds(500);
// What may come on top of a deadline (DESIGN.md section 9, invariant 5).
inline constexpr absl::Duration kSlack = absl::Seconds(1);

// Short timeouts, pauses of some milliseconds between two attempts. `more`
// replaces flags of the same name.
Flags ShortTimeouts(const Flags& more = {});
// Timeouts that no test lives to see: what ends in time did not wait for one.
Flags LongTimeouts(const Flags& more = {});

// Fails the test and dies if the server does not start.
std::unique_ptr<ServerProcess> StartServer(
    const Flags& flags, ServerKind kind = ServerKind::kHoldfast);
std::unique_ptr<FaultProxy> ProxyTo(const ServerProcess& server);

// REPLICAOF 127.0.0.1 port.
void Follow(const ServerProcess& replica, int port);

// --- Looks from outside, over a new connection each. ---
std::string ReplicationField(const ServerProcess& server,
                             absl::string_view field);
int64_t Stat(const ServerProcess& server, absl::string_view field);
int64_t Offset(const ServerProcess& server);  // master_repl_offset
// Of the process: /proc/<pid>/task and /proc/<pid>/fd, without the look itself.
int Threads(const ServerProcess& server);
int Files(const ServerProcess& server);
std::string Digest(const ServerProcess& server);
// How often each cause was noted by the server's links so far.
std::map<std::string, int64_t> Causes(const ServerProcess& server);
std::string CausesText(const ServerProcess& server);

// REPLICATION EVENTS, newest first, the fields of each as text.
using Event = std::map<std::string, std::string>;
std::vector<Event> Events(const ServerProcess& server);
// The newest event of that kind ("drop", "up", ...); empty if there is none.
Event NewestEvent(const ServerProcess& server, absl::string_view kind);

::testing::AssertionResult LinkComesUp(
    const ServerProcess& replica, absl::Duration timeout = absl::Seconds(20));
::testing::AssertionResult LinkGoesDown(
    const ServerProcess& replica, absl::Duration timeout = absl::Seconds(20));
// Until the replica's link is up and its offset is the primary's. Nobody may
// be writing.
::testing::AssertionResult CatchesUp(
    const ServerProcess& primary, const ServerProcess& replica,
    absl::Duration timeout = absl::Seconds(20));
// CatchesUp(), and then their datasets are the same.
::testing::AssertionResult IsSame(const ServerProcess& primary,
                                  const ServerProcess& replica,
                                  absl::Duration timeout = absl::Seconds(20));

// Whether figures are to be held to the design's bounds: $HOLDFAST_STRICT is
// set (the `large` targets do so). A loaded machine is given `loose`.
bool Strict();
inline absl::Duration Bound(absl::Duration strict, absl::Duration loose) {
  return Strict() ? strict : loose;
}

// Milliseconds in a line, and how they were distributed.
class Latencies {
 public:
  void Add(absl::Duration d) { all_.push_back(d); }
  size_t count() const { return all_.size(); }
  // `fraction` in [0, 1]; 1 is the maximum. Zero when there are none.
  absl::Duration Quantile(double fraction) const;
  std::string ToString() const;

 private:
  mutable std::vector<absl::Duration> all_;
};

// A client in a thread of its own that changes a server's data at random until
// Stop(): strings of some lengths, counters, deletions, expiry, transactions,
// in two databases. A reply that is an error, or none, fails the test.
class WriteLoad {
 public:
  struct Options {
    uint64_t seed = 1;
    int keys = 200;
    size_t largest_value = 300;
    absl::Duration pause = absl::ZeroDuration();  // After each command.
    bool read_back = false;  // GET after each, for a mixed load.
  };
  WriteLoad(const ServerProcess& server, Options options);
  ~WriteLoad() { Stop(); }
  WriteLoad(const WriteLoad&) = delete;
  WriteLoad& operator=(const WriteLoad&) = delete;

  void Stop();
  int64_t commands() const { return commands_.load(std::memory_order_relaxed); }
  // Of each command. REQUIRES: stopped.
  const Latencies& latencies() const { return latencies_; }

 private:
  void Run();

  const int port_;
  const Options options_;
  std::atomic<bool> stop_{false};
  std::atomic<int64_t> commands_{0};
  Latencies latencies_;
  std::thread thread_;
};

}  // namespace holdfast::test

#endif  // HOLDFAST_TESTING_INTEGRATION_FAULTS_SUPPORT_H_
