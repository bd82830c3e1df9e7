// The link up to the stream: connecting, every step of the handshake, and that
// it can be stopped in every phase.

#include <cerrno>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/time/clock.h"
#include "replication/events/causes.h"
#include "replication/replica/fake_primary.h"
#include "replication/replica/primary_link.h"
#include "replication/replica/replica_under_test.h"
#include "testing/support/wait_for.h"

namespace holdfast::replication {
namespace {

using Phase = PrimaryLink::Phase;
using test::WaitFor;

// Generous for a loaded machine, and far below every deadline of the link that
// it is to prove not to be waited for.
constexpr absl::Duration kStopBound = absl::Milliseconds(100);

absl::Duration TimeToStop(ReplicaUnderTest* replica) {
  const net::MonoTime began = net::Clock::Real()->Now();
  replica->link->Stop();
  return net::Clock::Real()->Now() - began;
}

testing::AssertionResult ReachesPhase(ReplicaUnderTest& replica, Phase phase) {
  return WaitFor([&](std::string* seen) {
    const Phase now = replica.link->state().phase;
    *seen = std::string(PrimaryLink::PhaseName(now));
    return now == phase;
  });
}

// A replica that follows the fake one; every wait long unless a test says so.
class PrimaryLinkHandshakeTest : public testing::Test {
 protected:
  FakePrimary primary_;
};

TEST_F(PrimaryLinkHandshakeTest, TellsWhatIsConfigured) {
  ReplicaUnderTest replica({{"masterauth", "pw"},
                            {"masteruser", "repl"},
                            {"replica-announce-ip", "10.9.8.7"}});
  replica.Follow(primary_.port());
  auto end = primary_.Accept();
  EXPECT_EQ(end->CommandLine(), "PING");
  end->Write("-NOAUTH Authentication required.\r\n");
  EXPECT_EQ(end->CommandLine(), "AUTH repl pw");
  end->Write("+OK\r\n");
  EXPECT_EQ(end->CommandLine(), "REPLCONF listening-port 7777");
  end->Write("+OK\r\n");
  EXPECT_EQ(end->CommandLine(), "REPLCONF ip-address 10.9.8.7");
  end->Write("+OK\r\n");
  EXPECT_EQ(end->CommandLine(), "REPLCONF capa eof capa psync2 capa holdfast");
  end->Write("+OK\r\n");
  EXPECT_EQ(end->CommandLine(), "PSYNC ? -1");
}

TEST_F(PrimaryLinkHandshakeTest, EveryFrozenStepHasItsOwnCause) {
  const std::vector<std::string> steps = {
      "ping", "auth", "listening-port", "ip-address", "capa", "psync"};
  for (size_t frozen = 0; frozen < steps.size(); ++frozen) {
    FakePrimary primary;
    ReplicaUnderTest replica({{"repl-handshake-timeout-ms", "60"},
                              {"masterauth", "pw"},
                              {"replica-announce-ip", "10.9.8.7"}});
    replica.Follow(primary.port());
    auto end = primary.Accept();
    for (size_t step = 0; step < frozen; ++step) {
      end->Command();
      end->Write("+OK\r\n");
    }
    end->Command();
    const net::MonoTime began = net::Clock::Real()->Now();
    EXPECT_TRUE(end->ClosedByReplica());
    const absl::Duration took = net::Clock::Real()->Now() - began;
    EXPECT_GE(took, absl::Milliseconds(50)) << steps[frozen];
    EXPECT_LE(took, absl::Milliseconds(1060)) << steps[frozen];
    const std::string cause =
        cause::WithStep(cause::kHandshakeTimeout, steps[frozen]);
    EXPECT_TRUE(WaitFor([&] { return replica.Count(cause) == 1; }))
        << cause << ", last " << replica.LastCause();
  }
}

TEST_F(PrimaryLinkHandshakeTest, NewlinesRenewTheDeadlineOfAStep) {
  ReplicaUnderTest replica({{"repl-handshake-timeout-ms", "300"}});
  replica.Follow(primary_.port());
  auto end = primary_.Accept();
  for (int i = 0; i < 3; ++i) {
    end->Command();
    end->Write("+OK\r\n");
  }
  EXPECT_EQ(end->CommandLine(), "PSYNC ? -1");
  // More than the step's deadline in all, by a primary that says it is busy.
  const net::MonoTime until =
      net::Clock::Real()->Now() + absl::Milliseconds(700);
  while (net::Clock::Real()->Now() < until) {
    end->Write("\n");
    EXPECT_FALSE(end->ClosedByReplica(absl::Milliseconds(50)));
  }
  const std::string rdb = MakeRdb({{0, "k", "v"}});
  end->Write(absl::StrCat("+FULLRESYNC ", kTestHistory, " 0\r\n$", rdb.size(),
                          "\r\n", rdb));
  EXPECT_TRUE(ReachesPhase(replica, Phase::kStreaming));
}

TEST_F(PrimaryLinkHandshakeTest, RefusalsAreNamedAndTriedAgain) {
  struct Case {
    int step;
    const char* reply;
    const char* cause;
  };
  for (const Case& c :
       {Case{0, "-LOADING not yet", "handshake_refused:ping"},
        Case{0, "HTTP/1.1 400", "protocol_error"},
        Case{0, "$4\r\nPONG", "protocol_error"},
        Case{0, "-NOAUTH who are you", "handshake_refused:auth"},
        Case{1, "-NOAUTH who are you", "handshake_refused:listening-port"},
        Case{3, "-NOMASTERLINK not connected", "handshake_refused:psync"},
        Case{3, "-ERR unknown command 'PSYNC'", "handshake_refused:psync"},
        Case{3, "+CONTINUE", "protocol_error"},
        Case{3, "+FULLRESYNC x 1", "protocol_error"}}) {
    FakePrimary primary;
    ReplicaUnderTest replica;
    replica.Follow(primary.port());
    for (int attempt = 0; attempt < 2; ++attempt) {
      auto end = primary.Accept();
      for (int step = 0; step < c.step; ++step) {
        end->Command();
        end->Write("+OK\r\n");
      }
      end->Command();
      end->Write(absl::StrCat(c.reply, "\r\n"));
      EXPECT_TRUE(end->ClosedByReplica()) << c.reply;
    }
    EXPECT_TRUE(WaitFor([&] { return replica.Count(c.cause) >= 1; }))
        << c.reply << ": " << replica.LastCause();
    EXPECT_FALSE(replica.engine.role().link_up);
  }
}

TEST_F(PrimaryLinkHandshakeTest,
       TheEndOfAConnectionInEveryStepIsNoticedAtOnce) {
  for (int steps = 0; steps < 4; ++steps) {
    for (const bool reset : {false, true}) {
      FakePrimary primary;
      ReplicaUnderTest replica;
      replica.Follow(primary.port());
      auto end = primary.Accept();
      for (int step = 0; step < steps; ++step) {
        end->Command();
        end->Write("+OK\r\n");
      }
      end->Command();
      if (reset) end->Reset();
      end.reset();
      const std::string cause(reset ? cause::kReset : cause::kPrimaryClosed);
      EXPECT_TRUE(WaitFor([&] { return replica.Count(cause) == 1; }))
          << cause << " " << replica.LastCause();
      EXPECT_EQ(replica.events.Recent().back().error, reset ? ECONNRESET : 0);
    }
  }
}

TEST_F(PrimaryLinkHandshakeTest, ConnectingHasItsOwnCauses) {
  primary_.Close();
  {
    ReplicaUnderTest replica;
    replica.Follow(primary_.port());
    EXPECT_TRUE(WaitFor([&] { return replica.Count("connect_refused") > 2; }));
    EXPECT_EQ(replica.link->state().last_cause, "connect_refused");
    EXPECT_FALSE(replica.link->state().up);
    EXPECT_EQ(replica.link->state().last_io_seconds, -1);
  }
  {
    ReplicaUnderTest replica;
    replica.Follow(6379, "no-such-host.invalid");
    EXPECT_TRUE(WaitFor([&] { return replica.Count("resolve_failed") > 0; }))
        << replica.LastCause();
  }
  {
    ReplicaUnderTest replica({{"bind-source-addr", "192.0.2.1"}});
    replica.Follow(primary_.port());
    EXPECT_TRUE(WaitFor([&] { return replica.Count("connect_failed") > 0; }))
        << replica.LastCause();
  }
}

TEST_F(PrimaryLinkHandshakeTest, APrimaryThatAcceptsAndClosesIsNotHammered) {
  ReplicaUnderTest replica(
      {{"repl-backoff-base-ms", "50"}, {"repl-backoff-cap-ms", "10000"}});
  replica.Follow(primary_.port());
  // Healthy never long enough: the pauses go on growing, whatever it answers.
  const std::string rdb = MakeRdb({{0, "k", "v"}});
  const net::MonoTime until =
      net::Clock::Real()->Now() + absl::Milliseconds(1500);
  int attempts = 0;
  while (net::Clock::Real()->Now() < until) {
    if (primary_.NobodyComes(until - net::Clock::Real()->Now())) break;
    auto end = primary_.Accept();
    const std::string asked = end->Greet();
    end->Write(asked == "? -1"
                   ? absl::StrCat("+FULLRESYNC ", kTestHistory, " 0\r\n$",
                                  rdb.size(), "\r\n", rdb)
                   : "+CONTINUE\r\n");
    ++attempts;
  }
  EXPECT_GE(attempts, 2);
  EXPECT_LE(attempts, 14);
}

// --- Stopping ---------------------------------------------------------------

TEST_F(PrimaryLinkHandshakeTest, StopsAtOnceInABlackHole) {
  ReplicaUnderTest replica({{"repl-connect-timeout-ms", "60000"}});
  // TEST-NET-1 (RFC 5737): nothing answers, if it is routed at all.
  replica.Follow(6379, "192.0.2.1");
  EXPECT_TRUE(WaitFor([&] { return replica.link->state().attempts > 0; }));
  EXPECT_LT(TimeToStop(&replica), kStopBound);
}

TEST_F(PrimaryLinkHandshakeTest, StopsAtOnceWhileResolving) {
  ReplicaUnderTest replica({{"repl-connect-timeout-ms", "60000"}});
  replica.Follow(6379, "a-name-that-takes-long.invalid");
  EXPECT_LT(TimeToStop(&replica), kStopBound);
}

TEST_F(PrimaryLinkHandshakeTest, StopsAtOnceInThePause) {
  primary_.Close();
  ReplicaUnderTest replica(
      {{"repl-backoff-cap-ms", "60000"}, {"repl-backoff-base-ms", "60000"}});
  replica.Follow(primary_.port());
  EXPECT_TRUE(ReachesPhase(replica, Phase::kBackoff));
  EXPECT_LT(TimeToStop(&replica), kStopBound);
}

TEST_F(PrimaryLinkHandshakeTest, StopsAtOnceInEveryStep) {
  for (int steps = 0; steps < 4; ++steps) {
    FakePrimary primary;
    ReplicaUnderTest replica;
    replica.Follow(primary.port());
    auto end = primary.Accept();
    for (int step = 0; step < steps; ++step) {
      end->Command();
      end->Write("+OK\r\n");
    }
    end->Command();
    EXPECT_LT(TimeToStop(&replica), kStopBound) << steps;
    EXPECT_TRUE(end->ClosedByReplica());
  }
}

TEST_F(PrimaryLinkHandshakeTest, StopsAtOnceInTransferLoadingAndStream) {
  const std::string rdb = MakeRdb({{0, "key", "value"}});
  for (const Phase phase :
       {Phase::kTransfer, Phase::kLoading, Phase::kStreaming}) {
    FakePrimary primary;
    ReplicaUnderTest replica;
    replica.Follow(primary.port());
    auto end = primary.Accept();
    EXPECT_EQ(end->Greet(), "? -1");
    end->Write(absl::StrCat("+FULLRESYNC ", kTestHistory, " 100\r\n"));
    if (phase != Phase::kTransfer)
      end->Write(absl::StrCat("$", rdb.size(), "\r\n", rdb.substr(0, 20)));
    if (phase == Phase::kStreaming) end->Write(rdb.substr(20));
    EXPECT_TRUE(ReachesPhase(replica, phase));
    EXPECT_LT(TimeToStop(&replica), kStopBound)
        << PrimaryLink::PhaseName(phase);
    EXPECT_TRUE(end->ClosedByReplica());
    EXPECT_FALSE(replica.engine.role().loading);
    EXPECT_FALSE(replica.engine.role().async_loading);
    EXPECT_FALSE(replica.engine.role().link_up);
    EXPECT_FALSE(replica.link->state().up);
    EXPECT_EQ(replica.engine.sessions().size(), 0u);
  }
}

TEST_F(PrimaryLinkHandshakeTest, StopIsIdempotentAndEndsReconnecting) {
  ReplicaUnderTest replica;
  replica.Follow(primary_.port());
  primary_.Accept();
  replica.link->Stop();
  replica.link->Stop();
  while (!primary_.NobodyComes(absl::Milliseconds(0))) primary_.Accept();
  EXPECT_TRUE(primary_.NobodyComes(absl::Milliseconds(60)));
}

}  // namespace
}  // namespace holdfast::replication
