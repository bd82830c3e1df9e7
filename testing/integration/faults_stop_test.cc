// A replica whose primary is a black hole, in every phase of the link: it can
// be promoted at once and ends at once. All deadlines are a minute, so that
// what is fast has not waited for one.

#include <signal.h>
#include <sys/socket.h>

#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/dial/resolver.h"
#include "net/socket/socket.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"
#include "testing/harness/server_process.h"
#include "testing/harness/test_client.h"
#include "testing/integration/faults_support.h"
#include "testing/proxy/fault_proxy.h"
#include "testing/support/port_reservation.h"
#include "testing/support/reply_matchers.h"
#include "testing/support/wait_for.h"

namespace holdfast::test {
namespace {

using ::testing::AnyOf;

constexpr absl::Duration kExit = absl::Seconds(5);

// A port whose SYNs are dropped: somebody listens, and the queue is full.
class DeafListener {
 public:
  DeafListener()
      : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
        port_(*PortReservation::Make()) {
    const int on = 1;
    EXPECT_EQ(
        setsockopt(listener_.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)),
        0);
    const net::ResolvedAddress address =
        *net::ParseLiteral("127.0.0.1", port_.port());
    EXPECT_EQ(bind(listener_.fd(), address.addr(), address.length), 0);
    EXPECT_EQ(listen(listener_.fd(), 0), 0);
    for (int i = 0; i < 8; ++i) {
      clients_.emplace_back(
          socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      (void)connect(clients_.back().fd(), address.addr(), address.length);
    }
  }
  int port() const { return port_.port(); }

 private:
  net::Socket listener_;
  PortReservation port_;
  std::vector<net::Socket> clients_;
};

// How to bring a replica's link into a phase and leave it there.
struct Phase {
  const char* name;
  const char* shown;  // master_link_phase
  std::function<void(const ServerProcess& replica, const ServerProcess& primary,
                     FaultProxy* proxy)>
      enter;
};

const Phase kPhases[] = {
    {"Connecting", "connect",
     [](const ServerProcess& replica, const ServerProcess&, FaultProxy*) {
       static const auto* const deaf =
           new DeafListener;  // For all tests of the process.
       Follow(replica, deaf->port());
     }},
    {"Handshake", "handshake",
     [](const ServerProcess& replica, const ServerProcess&, FaultProxy* proxy) {
       proxy->SetAcceptMode(AcceptMode::kBlackHole);
       Follow(replica, proxy->port());
     }},
    {"HandshakeAtPsync", "handshake",
     [](const ServerProcess& replica, const ServerProcess&, FaultProxy* proxy) {
       // One byte in 50 ms: freeze while the replies to REPLCONF trickle in.
       proxy->Trickle(Direction::kToClient, absl::Milliseconds(50));
       Follow(replica, proxy->port());
       EXPECT_TRUE(WaitFor(
           [&] { return proxy->stats().out(Direction::kToClient) > 8; }));
       proxy->Freeze(Direction::kToClient);
     }},
    {"Transfer", "loading",
     [](const ServerProcess& replica, const ServerProcess& primary,
        FaultProxy* proxy) {
       EXPECT_THAT(TestClient(primary).Do("DEBUG", "POPULATE", 20000, "p", 100),
                   IsOk());
       proxy->Throttle(Direction::kToClient, 200 * 1024);
       Follow(replica, proxy->port());
       EXPECT_TRUE(WaitFor([&] {
         return proxy->stats().out(Direction::kToClient) > 64 * 1024;
       }));
       proxy->Freeze(Direction::kToClient);
     }},
    {"Streaming", "streaming",
     [](const ServerProcess& replica, const ServerProcess&, FaultProxy* proxy) {
       Follow(replica, proxy->port());
       EXPECT_TRUE(LinkComesUp(replica));
       proxy->Freeze(Direction::kToClient);
       proxy->Freeze(Direction::kToServer);
     }},
    // In the middle of a command's bytes.
    {"StreamingACommand", "streaming",
     [](const ServerProcess& replica, const ServerProcess& primary,
        FaultProxy* proxy) {
       Follow(replica, proxy->port());
       EXPECT_TRUE(LinkComesUp(replica));
       proxy->Throttle(Direction::kToClient, 100 * 1024);
       const int64_t before = proxy->stats().out(Direction::kToClient);
       EXPECT_THAT(
           TestClient(primary).Do("SET", "big", std::string(1 << 20, 'x')),
           IsOk());
       EXPECT_TRUE(WaitFor([&] {
         return proxy->stats().out(Direction::kToClient) > before + 32 * 1024;
       }));
       proxy->Freeze(Direction::kToClient);
     }},
    {"Backoff", "backoff",
     [](const ServerProcess& replica, const ServerProcess&, FaultProxy* proxy) {
       proxy->SetAcceptMode(AcceptMode::kRefuse);
       EXPECT_THAT(
           TestClient(replica).Do("CONFIG", "SET", "repl-backoff-cap-ms",
                                  3600000, "repl-backoff-base-ms", 3600000),
           IsOk());
       Follow(replica, proxy->port());
     }},
};

class BlackHolePrimaryTest : public ::testing::TestWithParam<Phase> {
 protected:
  void SetUp() override {
    primary_ = StartServer(LongTimeouts());
    replica_ = StartServer(LongTimeouts());
    proxy_ = ProxyTo(*primary_);
    EXPECT_THAT(TestClient(*replica_).Do("SET", "own", "data"), IsOk());
    EXPECT_THAT(TestClient(*primary_).Do("SET", "primary's", "data"), IsOk());
    GetParam().enter(*replica_, *primary_, proxy_.get());
    EXPECT_TRUE(WaitForValue(
        [&] { return ReplicationField(*replica_, "master_link_phase"); },
        GetParam().shown));
  }

  std::unique_ptr<ServerProcess> primary_;
  std::unique_ptr<ServerProcess> replica_;
  std::unique_ptr<FaultProxy> proxy_;
};

TEST_P(BlackHolePrimaryTest, PromotionTakesNoTime) {
  TestClient client(*replica_);
  const absl::Time begin = absl::Now();
  EXPECT_THAT(client.Do("REPLICAOF", "NO", "ONE"), IsOk());
  const absl::Duration took = absl::Now() - begin;
  std::cout << "REPLICAOF NO ONE: " << took << "\n";
  EXPECT_LT(took, Bound(absl::Milliseconds(100), absl::Milliseconds(400)));
  EXPECT_EQ(ReplicationField(*replica_, "role"), "master");
  EXPECT_THAT(client.Do("SET", "k", "v"), IsOk());
  // Data that was there is kept until the primary's has come whole.
  EXPECT_THAT(client.Do("EXISTS", "own", "primary's"), IsInt(1));
}

TEST_P(BlackHolePrimaryTest, AnotherPrimaryTakesNoTime) {
  const auto other = StartServer(LongTimeouts());
  EXPECT_THAT(TestClient(*other).Do("SET", "other", "data"), IsOk());
  TestClient client(*replica_);
  const absl::Time begin = absl::Now();
  EXPECT_THAT(client.Do("REPLICAOF", "127.0.0.1", other->port()), IsOk());
  const absl::Duration took = absl::Now() - begin;
  std::cout << "REPLICAOF: " << took << "\n";
  EXPECT_LT(took, Bound(absl::Milliseconds(100), absl::Milliseconds(400)));
  EXPECT_TRUE(IsSame(*other, *replica_));
}

TEST_P(BlackHolePrimaryTest, TheEndOfTheProcessTakesNoTime) {
  const absl::Time begin = absl::Now();
  EXPECT_EQ(replica_->Stop(kExit), absl::OkStatus());
  std::cout << "SIGTERM to exit: " << absl::Now() - begin << "\n";
}

// The other side: the primary must not wait for its deaf replica either.
TEST_P(BlackHolePrimaryTest, TheEndOfThePrimaryTakesNoTime) {
  const absl::Time begin = absl::Now();
  EXPECT_EQ(primary_->Stop(kExit), absl::OkStatus());
  std::cout << "SIGTERM to exit: " << absl::Now() - begin << "\n";
}

INSTANTIATE_TEST_SUITE_P(Phases, BlackHolePrimaryTest,
                         ::testing::ValuesIn(kPhases), [](const auto& info) {
                           return std::string(info.param.name);
                         });

TEST(FrozenReplicaTest, ThePrimaryEndsInTimeBesideAReplicaThatIsStopped) {
  const auto primary = StartServer(LongTimeouts());
  const auto replica = StartServer(LongTimeouts());
  Follow(*replica, primary->port());
  ASSERT_TRUE(IsSame(*primary, *replica));
  ASSERT_EQ(replica->Signal(SIGSTOP), absl::OkStatus());
  TestClient client(*primary);
  // More than the kernel holds: the sender is stuck in its write.
  for (int i = 0; i < 20; ++i)
    EXPECT_THAT(client.Do("SET", "k", std::string(1 << 20, 'x')), IsOk());
  const absl::Time begin = absl::Now();
  EXPECT_EQ(primary->Stop(kExit), absl::OkStatus());
  std::cout << "SIGTERM to exit: " << absl::Now() - begin << "\n";
}

// It takes the gate and joins a thread that may want a slot, so it must not be
// made while the transaction has its locks.
TEST(RoleChangeTest, InATransactionWithKeysDoesNotBlock) {
  const auto primary = StartServer(ShortTimeouts());
  const auto server = StartServer(ShortTimeouts());
  TestClient client(*server);
  TestClient writer(*primary);
  EXPECT_THAT(writer.Do("SET", "a", "1"), IsOk());
  EXPECT_THAT(client.Do("MULTI"), IsOk());
  client.Do("SET", "a", "2");
  client.Do("REPLICAOF", "127.0.0.1", primary->port());
  client.Do("EXEC");
  EXPECT_TRUE(LinkComesUp(*server));
  for (int i = 0; i < 20; ++i) {
    for (int write = 0; write < 50; ++write) writer.Do("INCR", "a");
    client.Do("MULTI");
    client.Do("GET", "a");
    client.Do("REPLICAOF", "NO", "ONE");
    client.Do("EXEC");
    EXPECT_EQ(ReplicationField(*server, "role"), "master");
    EXPECT_THAT(client.Do("REPLICAOF", "127.0.0.1", primary->port()), IsOk());
    EXPECT_TRUE(LinkComesUp(*server));
  }
  EXPECT_TRUE(IsSame(*primary, *server));
}

TEST(RoleChangeTest, ManyInARowLeaveNothingBehind) {
  const auto one = StartServer(ShortTimeouts());
  const auto other = StartServer(ShortTimeouts());
  const auto replica = StartServer(ShortTimeouts());
  EXPECT_THAT(TestClient(*one).Do("SET", "k", "one"), IsOk());
  EXPECT_THAT(TestClient(*other).Do("SET", "k", "other"), IsOk());
  TestClient client(*replica);
  Follow(*replica, one->port());
  ASSERT_TRUE(IsSame(*one, *replica));
  const int threads = Threads(*replica);
  const int files = Files(*replica);
  for (int i = 0; i < 30; ++i) {
    EXPECT_THAT(client.Do("REPLICAOF", "127.0.0.1", other->port()), IsOk());
    if (i % 3 == 0) {
      EXPECT_THAT(client.Do("REPLICAOF", "NO", "ONE"), IsOk());
    }
    EXPECT_THAT(client.Do("REPLICAOF", "127.0.0.1", one->port()), IsOk());
    if (i % 4 == 0) {
      EXPECT_TRUE(IsSame(*one, *replica));
    }
  }
  EXPECT_TRUE(IsSame(*one, *replica));
  EXPECT_TRUE(
      WaitForValue([&] { return Threads(*replica); }, ::testing::Le(threads)));
  EXPECT_TRUE(
      WaitForValue([&] { return Files(*replica); }, ::testing::Le(files)));
  EXPECT_TRUE(WaitForValue(
      [&] { return ReplicationField(*other, "connected_slaves"); }, "0"));
}

}  // namespace
}  // namespace holdfast::test
