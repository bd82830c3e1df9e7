#include "testing/proxy/fault_proxy.h"

#include <errno.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/dial/dial.h"
#include "net/listen/listener.h"
#include "net/socket/errors.h"
#include "net/socket/socket.h"
#include "net/socket/socket_stream.h"
#include "net/socket/stream.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"
#include "testing/support/port_reservation.h"

namespace holdfast::test {
namespace {

using net::Clock;
using net::Deadline;
using net::Stream;

constexpr Direction kUp = Direction::kToServer;
constexpr Direction kDown = Direction::kToClient;
constexpr absl::Duration kLong = absl::Seconds(10);
// Long enough to say that nothing comes.
constexpr absl::Duration kSilence = absl::Milliseconds(30);

Deadline In(absl::Duration d) { return Deadline::After(Clock::Real(), d); }

// Reads until `n` bytes are there, the end, an error or the deadline.
std::string Read(Stream* stream, size_t n, absl::Status* status = nullptr,
                 absl::Duration timeout = kLong) {
  std::string got;
  const Deadline deadline = In(timeout);
  std::vector<char> area(64 * 1024);
  if (status != nullptr) *status = absl::OkStatus();
  while (got.size() < n) {
    const absl::StatusOr<size_t> some = stream->ReadSome(
        absl::MakeSpan(area).first(std::min(area.size(), n - got.size())),
        deadline);
    if (!some.ok()) {
      if (status != nullptr) *status = some.status();
      break;
    }
    if (*some == 0) break;
    got.append(area.data(), *some);
  }
  return got;
}

std::string ReadAll(Stream* stream, absl::Status* status) {
  return Read(stream, size_t{1} << 40, status);
}

bool IsSilent(Stream* stream) {
  absl::Status status;
  return Read(stream, 1, &status, kSilence).empty() &&
         status.code() == absl::StatusCode::kDeadlineExceeded;
}

class FaultProxyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto listener = net::Listener::Tcp({.bind = {"127.0.0.1"}});
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
    auto proxy = FaultProxy::Start("127.0.0.1", listener_->port());
    ASSERT_TRUE(proxy.ok()) << proxy.status();
    proxy_ = *std::move(proxy);
  }

  std::unique_ptr<Stream> Client() {
    auto stream = net::Dial("127.0.0.1", proxy_->port());
    EXPECT_TRUE(stream.ok()) << stream.status();
    return stream.ok() ? *std::move(stream) : nullptr;
  }
  std::unique_ptr<Stream> Server() {
    auto socket = listener_->Accept();
    EXPECT_TRUE(socket.ok()) << socket.status();
    return std::make_unique<net::SocketStream>(*std::move(socket));
  }
  void Connect() {
    client_ = Client();
    server_ = Server();
  }
  void Send(Stream* stream, absl::string_view bytes) {
    const absl::Status sent = stream->WriteAll(bytes, In(kLong));
    EXPECT_TRUE(sent.ok()) << sent;
  }
  // One byte there and one back: the connection is through.
  void ExpectWorks() {
    Send(client_.get(), "?");
    EXPECT_EQ(Read(server_.get(), 1), "?");
    Send(server_.get(), "!");
    EXPECT_EQ(Read(client_.get(), 1), "!");
  }

  std::unique_ptr<net::Listener> listener_;
  std::unique_ptr<FaultProxy> proxy_;
  std::unique_ptr<Stream> client_;
  std::unique_ptr<Stream> server_;
};

TEST_F(FaultProxyTest, ForwardsBothWaysAndCounts) {
  Connect();
  const std::string big(3'000'000, 'b');
  std::thread sender([&] { Send(client_.get(), big); });
  EXPECT_TRUE(Read(server_.get(), big.size()) == big);
  sender.join();
  Send(server_.get(), "reply");
  EXPECT_EQ(Read(client_.get(), 5), "reply");
  EXPECT_TRUE(proxy_->WaitFor([&](const ProxyStats& s) {
    return s.out(kUp) == static_cast<int64_t>(big.size()) && s.out(kDown) == 5;
  })) << proxy_->stats();
  EXPECT_EQ(proxy_->stats().accepted, 1);
  EXPECT_EQ(proxy_->stats().open, 1);
}

TEST_F(FaultProxyTest, PassesAnOrderlyEndOneWayOnly) {
  Connect();
  Send(client_.get(), "last");
  ASSERT_EQ(shutdown(client_->fd(), SHUT_WR), 0);
  absl::Status status;
  EXPECT_EQ(ReadAll(server_.get(), &status), "last");
  EXPECT_TRUE(status.ok()) << status;
  Send(server_.get(), "answer");
  EXPECT_EQ(Read(client_.get(), 6), "answer");
  server_.reset();
  EXPECT_EQ(ReadAll(client_.get(), &status), "");
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(proxy_->WaitFor([](const ProxyStats& s) { return s.open == 0; }));
}

TEST_F(FaultProxyTest, PassesAResetOn) {
  Connect();
  ExpectWorks();
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ASSERT_EQ(setsockopt(server_->fd(), SOL_SOCKET, SO_LINGER, &at_once,
                       sizeof at_once),
            0);
  server_.reset();
  absl::Status status;
  ReadAll(client_.get(), &status);
  EXPECT_EQ(net::ErrnoOf(status), ECONNRESET) << status;
}

TEST_F(FaultProxyTest, ResetsClientsWhoseTargetIsGone) {
  auto nobody = PortReservation::Make();
  ASSERT_TRUE(nobody.ok());
  proxy_->SetTarget("127.0.0.1", nobody->port());
  // The reset may come while connect(2) is still on its way back.
  auto client = net::Dial("127.0.0.1", proxy_->port());
  absl::Status status = client.status();
  if (client.ok()) ReadAll(client->get(), &status);
  EXPECT_EQ(net::ErrnoOf(status), ECONNRESET) << status;
  EXPECT_TRUE(proxy_->WaitFor([](const ProxyStats& s) {
    return s.connect_failures == 1 && s.open == 0;
  })) << proxy_->stats();
}

TEST_F(FaultProxyTest, FreezeStopsOneDirectionAndPassResumesIt) {
  Connect();
  ExpectWorks();
  proxy_->Freeze(kUp);
  Send(client_.get(), "held");
  Send(server_.get(), "through");
  EXPECT_EQ(Read(client_.get(), 7), "through");
  EXPECT_TRUE(IsSilent(server_.get()));
  EXPECT_EQ(proxy_->stats().in(kUp), 1);  // It is not even read.
  proxy_->Pass(kUp);
  EXPECT_EQ(Read(server_.get(), 4), "held");
}

TEST_F(FaultProxyTest, FreezeFillsTheSendersWindow) {
  Connect();
  proxy_->Freeze(kUp);
  const std::string block(1 << 20, 'x');
  absl::Status status;
  for (int mib = 0; mib < 64 && status.ok(); ++mib) {
    status = client_->WriteAll(block, In(absl::Milliseconds(50)));
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
}

TEST_F(FaultProxyTest, DelayHoldsBytesBack) {
  Connect();
  proxy_->Delay(kDown, absl::Milliseconds(50));
  const net::MonoTime sent = Clock::Real()->Now();
  Send(server_.get(), "late");
  EXPECT_EQ(Read(client_.get(), 4), "late");
  EXPECT_GE(Clock::Real()->Now() - sent, absl::Milliseconds(50));
}

TEST_F(FaultProxyTest, ThrottleSlowsDown) {
  Connect();
  proxy_->Throttle(kUp, 100'000);
  const net::MonoTime begin = Clock::Real()->Now();
  Send(client_.get(), std::string(10'000, 'x'));
  EXPECT_EQ(Read(server_.get(), 10'000).size(), 10'000u);
  // 5,000 of them in the first burst.
  EXPECT_GE(Clock::Real()->Now() - begin, absl::Milliseconds(45));
}

TEST_F(FaultProxyTest, TrickleGivesSingleBytes) {
  Connect();
  proxy_->Trickle(kUp, absl::Milliseconds(5));
  const net::MonoTime begin = Clock::Real()->Now();
  Send(client_.get(), "abcdefghij");
  std::vector<char> area(100);
  for (char c = 'a'; c <= 'j'; ++c) {
    // A loaded machine may let two gather.
    ASSERT_EQ(Read(server_.get(), 1), std::string(1, c));
  }
  EXPECT_GE(Clock::Real()->Now() - begin, absl::Milliseconds(45));
}

TEST_F(FaultProxyTest, CutNowWithResetReachesBothEnds) {
  Connect();
  ExpectWorks();
  proxy_->CutNow(CutKind::kRst);
  EXPECT_EQ(proxy_->stats().cuts, 1);
  EXPECT_EQ(proxy_->stats().open, 0);
  for (Stream* end : {client_.get(), server_.get()}) {
    absl::Status status;
    ReadAll(end, &status);
    EXPECT_EQ(net::ErrnoOf(status), ECONNRESET) << status;
  }
  Connect();
  ExpectWorks();
}

TEST_F(FaultProxyTest, CutNowWithFinIsAnOrderlyEndEvenWithBytesUnread) {
  Connect();
  ExpectWorks();
  proxy_->Freeze(kUp);
  Send(client_.get(), "never read by the proxy");
  proxy_->CutNow(CutKind::kFin);
  for (Stream* end : {client_.get(), server_.get()}) {
    absl::Status status;
    EXPECT_EQ(ReadAll(end, &status), "");
    EXPECT_TRUE(status.ok()) << status;
  }
}

TEST_F(FaultProxyTest, CutAfterDeliversExactlySoManyBytes) {
  const std::string bytes = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";
  for (CutKind kind : {CutKind::kRst, CutKind::kFin}) {
    for (size_t n = 0; n < bytes.size(); ++n) {
      Connect();
      proxy_->CutAfter(kUp, static_cast<int64_t>(n), kind);
      Send(client_.get(), bytes);
      absl::Status status;
      EXPECT_EQ(ReadAll(server_.get(), &status), bytes.substr(0, n));
      if (kind == CutKind::kRst) {
        EXPECT_EQ(net::ErrnoOf(status), ECONNRESET) << n << status;
      } else {
        EXPECT_TRUE(status.ok()) << n << status;
      }
      ReadAll(client_.get(), &status);  // Cut on this side too.
    }
  }
}

TEST_F(FaultProxyTest, CutAfterInAMegabyteStreamIsExact) {
  Connect();
  constexpr int64_t kAt = 777'777;
  proxy_->CutAfter(kDown, kAt, CutKind::kRst);
  std::thread sender([&] {
    // Fails when the cut comes.
    (void)server_->WriteAll(std::string(4'000'000, 'z'), In(kLong));
  });
  absl::Status status;
  EXPECT_EQ(ReadAll(client_.get(), &status).size(), static_cast<size_t>(kAt));
  EXPECT_EQ(net::ErrnoOf(status), ECONNRESET) << status;
  sender.join();
  EXPECT_TRUE(proxy_->WaitFor([](const ProxyStats& s) {
    return s.out(kDown) == kAt && s.cuts == 1;
  })) << proxy_->stats();
}

TEST_F(FaultProxyTest, CutAfterStrikesOnceAndOnlyTheCarrier) {
  Connect();
  ExpectWorks();
  auto idle_client = Client();
  auto idle_server = Server();
  proxy_->CutAfter(kUp, 3, CutKind::kRst);
  Send(client_.get(), "abcdef");
  absl::Status status;
  EXPECT_EQ(ReadAll(server_.get(), &status), "abc");
  Send(idle_client.get(), "abcdef");
  EXPECT_EQ(Read(idle_server.get(), 6), "abcdef");
  EXPECT_TRUE(proxy_->WaitFor([](const ProxyStats& s) { return s.cuts == 1; }));
}

TEST_F(FaultProxyTest, DisarmedCutDoesNotStrike) {
  Connect();
  proxy_->CutAfter(kUp, 1, CutKind::kRst);
  proxy_->DisarmCut(kUp);
  Send(client_.get(), "abc");
  EXPECT_EQ(Read(server_.get(), 3), "abc");
}

TEST_F(FaultProxyTest, CorruptsOneByteAndNoOther) {
  Connect();
  for (int64_t at : {0, 3, 5}) {
    proxy_->CorruptAt(kUp, at, 0x01);
    Send(client_.get(), "bbbbbb");
    std::string want = "bbbbbb";
    want[static_cast<size_t>(at)] = 'c';
    EXPECT_EQ(Read(server_.get(), 6), want);
  }
  Send(client_.get(), "bbb");
  EXPECT_EQ(Read(server_.get(), 3), "bbb");
  EXPECT_TRUE(
      proxy_->WaitFor([](const ProxyStats& s) { return s.corrupted == 3; }));
}

TEST_F(FaultProxyTest, HalfCloseEndsOneDirectionAndKeepsTheOther) {
  Connect();
  ExpectWorks();
  proxy_->HalfClose(kUp);
  absl::Status status;
  EXPECT_EQ(ReadAll(server_.get(), &status), "");
  EXPECT_TRUE(status.ok()) << status;
  Send(client_.get(), "swallowed");
  Send(server_.get(), "still");
  EXPECT_EQ(Read(client_.get(), 5), "still");
}

TEST_F(FaultProxyTest, RefusesAndThenListensOnTheSamePort) {
  Connect();
  proxy_->SetAcceptMode(AcceptMode::kRefuse);
  auto refused = net::Dial("127.0.0.1", proxy_->port());
  EXPECT_EQ(net::ErrnoOf(refused.status()), ECONNREFUSED) << refused.status();
  ExpectWorks();  // The old connection goes on.
  proxy_->SetAcceptMode(AcceptMode::kForward);
  Connect();
  ExpectWorks();
}

TEST_F(FaultProxyTest, BlackHoleTakesConnectionsAndSaysNothing) {
  proxy_->SetAcceptMode(AcceptMode::kBlackHole);
  auto client = Client();
  ASSERT_NE(client, nullptr);
  Send(client.get(), "hello?");
  EXPECT_TRUE(IsSilent(client.get()));
  EXPECT_TRUE(
      proxy_->WaitFor([](const ProxyStats& s) { return s.black_holes == 1; }));
  proxy_->Heal();
  EXPECT_TRUE(IsSilent(client.get()));  // What it is it stays.
  EXPECT_EQ(proxy_->stats().in(kUp), 0);
  Connect();
  ExpectWorks();
  proxy_->CutNow(CutKind::kRst);
  absl::Status status;
  ReadAll(client.get(), &status);
  EXPECT_EQ(net::ErrnoOf(status), ECONNRESET) << status;
}

TEST_F(FaultProxyTest, PartitionHoldsEverythingAndHealDeliversIt) {
  Connect();
  ExpectWorks();
  proxy_->Partition();
  Send(client_.get(), "up");
  Send(server_.get(), "down");
  auto newcomer = Client();  // The kernel's handshake.
  ASSERT_NE(newcomer, nullptr);
  Send(newcomer.get(), "new");
  EXPECT_TRUE(IsSilent(client_.get()));
  EXPECT_TRUE(IsSilent(server_.get()));
  EXPECT_EQ(proxy_->stats().accepted, 1);
  proxy_->Heal();
  EXPECT_EQ(Read(server_.get(), 2), "up");
  EXPECT_EQ(Read(client_.get(), 4), "down");
  auto accepted = Server();
  EXPECT_EQ(Read(accepted.get(), 3), "new");
}

TEST_F(FaultProxyTest, HealUndoesRulesAndWhatIsArmed) {
  Connect();
  proxy_->Freeze(kUp);
  proxy_->Trickle(kDown, absl::Hours(1));
  proxy_->CutAfter(kUp, 1, CutKind::kRst);
  proxy_->CorruptAt(kUp, 0);
  proxy_->Heal();
  Send(client_.get(), "abc");
  EXPECT_EQ(Read(server_.get(), 3), "abc");
  Send(server_.get(), "abc");
  EXPECT_EQ(Read(client_.get(), 3), "abc");
}

TEST_F(FaultProxyTest, EndsAtOnceWhateverIsHeld) {
  Connect();
  proxy_->Freeze(kUp);
  proxy_->Delay(kDown, absl::Hours(1));
  Send(client_.get(), "x");
  Send(server_.get(), "y");
  auto another = Client();
  const net::MonoTime begin = Clock::Real()->Now();
  proxy_.reset();
  EXPECT_LT(Clock::Real()->Now() - begin, absl::Seconds(1));
  absl::Status status;
  ReadAll(client_.get(), &status);
  EXPECT_EQ(net::ErrnoOf(status), ECONNRESET) << status;
}

TEST_F(FaultProxyTest, ManyThreadsMayCommandItWhileBytesFlow) {
  Connect();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 50; ++i) {
        const Direction d = (i + t) % 2 == 0 ? kUp : kDown;
        switch (i % 4) {
          case 0:
            proxy_->Freeze(d);
            break;
          case 1:
            proxy_->Delay(d, absl::Microseconds(100));
            break;
          case 2:
            proxy_->Throttle(d, 1'000'000);
            break;
          default:
            proxy_->Pass(d);
        }
      }
    });
  }
  const std::string bytes(200'000, 'q');
  std::thread sender([&] { Send(client_.get(), bytes); });
  for (std::thread& t : threads) t.join();
  proxy_->Heal();
  EXPECT_EQ(Read(server_.get(), bytes.size()).size(), bytes.size());
  sender.join();
}

TEST(FaultProxyStartTest, RefusesATargetThatIsNoLiteral) {
  EXPECT_EQ(FaultProxy::Start("no.such.host", 1).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace holdfast::test
