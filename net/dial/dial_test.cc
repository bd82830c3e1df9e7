#include "net/dial/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "net/dial/resolver.h"
#include "net/listen/listener.h"
#include "net/socket/address.h"
#include "net/socket/errors.h"
#include "net/socket/options.h"
#include "net/socket/socket.h"
#include "net/socket/stop_signal.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"

namespace holdfast::net {
namespace {

std::unique_ptr<Listener> Listen(absl::string_view address = "127.0.0.1",
                                 int port = 0, int backlog = 16) {
  TcpListenOptions options;
  options.bind = {std::string(address)};
  options.port = port;
  options.backlog = backlog;
  auto l = Listener::Tcp(options);
  EXPECT_TRUE(l.ok()) << l.status();
  return *std::move(l);
}

// A port that answers no connection attempt, as a dead host or a firewall
// does: its queue is full, so the kernel drops what comes.
class BlackHole {
 public:
  explicit BlackHole(absl::string_view address = "127.0.0.1")
      : listener_(Listen(address, 0, 0)) {
    DialOptions options;
    options.timeout = absl::Milliseconds(50);
    while (true) {
      auto s = DialSocket(address, port(), options);
      if (!s.ok()) break;
      clients_.push_back(*std::move(s));
    }
  }
  int port() const { return listener_->port(); }

 private:
  std::unique_ptr<Listener> listener_;
  std::vector<Socket> clients_;
};

// A port that nobody listens on, but which stays taken.
class ClosedPort {
 public:
  ClosedPort() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in addr{};
    addr.sin_family = AF_INET;
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(
        bind(socket_.fd(), reinterpret_cast<sockaddr*>(&addr), sizeof(addr)),
        0);
  }
  int port() const { return LocalHostPort(socket_.fd()).port; }

 private:
  Socket socket_;
};

int Get(int fd, int level, int option) {
  int value = -1;
  socklen_t length = sizeof(value);
  EXPECT_EQ(getsockopt(fd, level, option, &value, &length), 0);
  return value;
}

TEST(DialTest, ConnectsAndCarriesBytes) {
  auto l = Listen();
  auto s = Dial("127.0.0.1", l->port());
  ASSERT_TRUE(s.ok()) << s.status();
  auto peer = l->Accept();
  ASSERT_TRUE(peer.ok());
  ASSERT_TRUE((*s)->WriteAll("hi", Deadline::Never()).ok());
  char buf[8];
  EXPECT_EQ(recv(peer->fd(), buf, sizeof(buf), 0), 2);
}

TEST(DialTest, ResolvesNames) {
  auto l = Listen();
  EXPECT_TRUE(Dial("localhost", l->port()).ok());
}

TEST(DialTest, OptionsAreSet) {
  auto l = Listen();
  DialOptions options;
  options.tcp.keep_alive_times = KeepAlive::ForLinks();
  options.tcp.user_timeout = absl::Seconds(7);
  options.source_address = "127.0.0.9";
  auto s = Dial("127.0.0.1", l->port(), options);
  ASSERT_TRUE(s.ok()) << s.status();
  const int fd = (*s)->fd();
  EXPECT_EQ(Get(fd, IPPROTO_TCP, TCP_KEEPIDLE), 15);
  EXPECT_EQ(Get(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 7000);
  EXPECT_NE(Get(fd, IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(LocalHostPort(fd).host, "127.0.0.9");
  EXPECT_EQ(GetTcpInfo(fd)->state, "ESTABLISHED");
}

TEST(DialTest, RefusalIsToldAtOnce) {
  ClosedPort closed;
  auto s = Dial("127.0.0.1", closed.port());
  EXPECT_TRUE(absl::IsUnavailable(s.status())) << s.status();
  EXPECT_EQ(ErrnoOf(s.status()), ECONNREFUSED);
}

TEST(DialTest, SilenceIsHeldToTheDeadline) {
  BlackHole hole;
  DialOptions options;
  options.timeout = absl::Milliseconds(60);
  const MonoTime start = Clock::Real()->Now();
  auto s = Dial("127.0.0.1", hole.port(), options);
  const absl::Duration took = Clock::Real()->Now() - start;
  EXPECT_TRUE(absl::IsDeadlineExceeded(s.status())) << s.status();
  EXPECT_GE(took, absl::Milliseconds(60));
  EXPECT_LT(took, absl::Seconds(5));
}

TEST(DialTest, StopEndsAConnectAtOnce) {
  BlackHole hole;
  StopSignal stop;
  DialOptions options;
  options.timeout = absl::Minutes(10);
  options.stop = &stop;
  std::thread dialer([&] {
    EXPECT_TRUE(
        absl::IsCancelled(Dial("127.0.0.1", hole.port(), options).status()));
  });
  stop.Stop();
  dialer.join();
  EXPECT_TRUE(
      absl::IsCancelled(Dial("127.0.0.1", hole.port(), options).status()));
}

// The first address swallows everything; the second one listens.
TEST(DialTest, OneSilentAddressLeavesTimeForTheNext) {
  BlackHole hole("127.0.0.2");
  auto l = Listen("127.0.0.3", hole.port());
  Resolver resolver(
      [](const std::string&,
         int port) -> absl::StatusOr<std::vector<ResolvedAddress>> {
        return std::vector<ResolvedAddress>{*ParseLiteral("127.0.0.2", port),
                                            *ParseLiteral("127.0.0.3", port)};
      });
  DialOptions options;
  options.timeout = absl::Milliseconds(600);
  options.resolver = &resolver;
  auto s = Dial("two.example", l->port(), options);
  ASSERT_TRUE(s.ok()) << s.status();
  EXPECT_EQ(PeerHostPort((*s)->fd()).host, "127.0.0.3");
}

TEST(DialTest, WhenAllFailEachIsNamed) {
  ClosedPort closed;
  Resolver resolver(
      [](const std::string&,
         int port) -> absl::StatusOr<std::vector<ResolvedAddress>> {
        return std::vector<ResolvedAddress>{*ParseLiteral("127.0.0.2", port),
                                            *ParseLiteral("127.0.0.1", port)};
      });
  DialOptions options;
  options.resolver = &resolver;
  const absl::Status s = Dial("two.example", closed.port(), options).status();
  EXPECT_EQ(ErrnoOf(s), ECONNREFUSED);
  EXPECT_NE(s.message().find("127.0.0.1:"), absl::string_view::npos) << s;
  EXPECT_NE(s.message().find("127.0.0.2:"), absl::string_view::npos) << s;
}

// The kernel picks source ports nearly in turn, so redialling a dead primary's
// port for long enough takes that very port as the source, and TCP on the
// loopback then connects the socket to itself. Whether this many attempts meet
// it is chance; AddressTest.TellsASelfConnection is the certain half.
TEST(DialTest, AConnectionToOneselfIsARefusal) {
  // connect(2) takes even ports first.
  const int port = ClosedPort().port() & ~1;
  int connected = 0;
  for (int i = 0; i < 4'000; ++i) {
    if (DialSocket("127.0.0.1", port).ok()) ++connected;
  }
  EXPECT_EQ(connected, 0);
}

TEST(DialTest, RefusesNonsense) {
  EXPECT_TRUE(absl::IsInvalidArgument(Dial("", 1).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Dial("127.0.0.1", 0).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Dial("127.0.0.1", 65536).status()));
  EXPECT_TRUE(
      absl::IsInvalidArgument(Dial("/" + std::string(200, 'x'), 0).status()));
  auto l = Listen();
  DialOptions options;
  options.source_address = "not an address";
  EXPECT_TRUE(
      absl::IsInvalidArgument(Dial("127.0.0.1", l->port(), options).status()));
  options.source_address = "::1";
  EXPECT_FALSE(Dial("127.0.0.1", l->port(), options).ok());
  options.source_address = "192.0.2.77";
  EXPECT_EQ(ErrnoOf(Dial("127.0.0.1", l->port(), options).status()),
            EADDRNOTAVAIL);
}

TEST(DialTest, ConnectsToUnixSockets) {
  char dir[] = "/tmp/holdfast-dial-XXXXXX";
  ASSERT_NE(mkdtemp(dir), nullptr);
  UnixListenOptions options;
  options.path = std::string(dir) + "/s";
  EXPECT_TRUE(absl::IsUnavailable(Dial(options.path, 0).status()));
  {
    auto l = Listener::Unix(options);
    ASSERT_TRUE(l.ok());
    auto s = Dial(options.path, 0);
    ASSERT_TRUE(s.ok()) << s.status();
    EXPECT_EQ(PeerAddress((*s)->fd()), options.path + ":0");
  }
  rmdir(dir);
}

}  // namespace
}  // namespace holdfast::net
