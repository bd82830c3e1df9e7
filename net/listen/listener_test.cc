#include "net/listen/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "net/socket/address.h"
#include "net/socket/errors.h"
#include "net/socket/socket.h"
#include "net/time/clock.h"

namespace holdfast::net {
namespace {

Socket ConnectTcp(int port) {
  Socket s(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in addr{};
  addr.sin_family = AF_INET;
  addr.sin_port = htons(static_cast<uint16_t>(port));
  addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(s.fd(), reinterpret_cast<sockaddr*>(&addr), sizeof(addr)) != 0) {
    return Socket();
  }
  return s;
}

Socket ConnectUnix(const std::string& path) {
  Socket s(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un addr{};
  addr.sun_family = AF_UNIX;
  std::strncpy(addr.sun_path, path.c_str(), sizeof(addr.sun_path) - 1);
  if (connect(s.fd(), reinterpret_cast<sockaddr*>(&addr), sizeof(addr)) != 0) {
    return Socket();
  }
  return s;
}

TcpListenOptions Loopback() {
  TcpListenOptions options;
  options.bind = {"127.0.0.1"};
  return options;
}

// A directory that is gone with the test, and a path in it.
class ListenerUnixTest : public testing::Test {
 protected:
  ListenerUnixTest() {
    char name[] = "/tmp/holdfast-listener-XXXXXX";
    dir_ = mkdtemp(name);
    options_.path = dir_ + "/s";
  }
  ~ListenerUnixTest() override {
    unlink(options_.path.c_str());
    rmdir(dir_.c_str());
  }

  std::string dir_;
  UnixListenOptions options_;
};

TEST(ListenerTest, AcceptsOnAPortOfTheKernelsChoice) {
  auto l = Listener::Tcp(Loopback());
  ASSERT_TRUE(l.ok()) << l.status();
  EXPECT_GT((*l)->port(), 0);
  EXPECT_EQ((*l)->addresses(),
            std::vector<std::string>{absl::StrCat("127.0.0.1:", (*l)->port())});
  Socket client = ConnectTcp((*l)->port());
  ASSERT_TRUE(client.valid());
  auto server = (*l)->Accept();
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(PeerAddress(server->fd()), LocalAddress(client.fd()));
  EXPECT_TRUE(PeerIsLocal(server->fd()));
}

TEST(ListenerTest, SeveralAddressesShareThePort) {
  TcpListenOptions options;
  options.bind = {"127.0.0.1", "127.0.0.2", "-::1"};
  auto l = Listener::Tcp(options);
  ASSERT_TRUE(l.ok()) << l.status();
  ASSERT_GE((*l)->addresses().size(), 2u);
  for (const std::string& a : (*l)->addresses()) {
    EXPECT_TRUE(a.ends_with(absl::StrCat(":", (*l)->port()))) << a;
  }
}

TEST(ListenerTest, EveryAddressIsServed) {
  TcpListenOptions options;
  options.bind = {"127.0.0.1", "127.0.0.2"};
  auto l = Listener::Tcp(options);
  ASSERT_TRUE(l.ok()) << l.status();
  std::vector<Socket> clients;
  for (const char* host : {"127.0.0.1", "127.0.0.2"}) {
    for (int i = 0; i < 3; ++i) {
      Socket s(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_in addr{};
      addr.sin_family = AF_INET;
      addr.sin_port = htons(static_cast<uint16_t>((*l)->port()));
      inet_pton(AF_INET, host, &addr.sin_addr);
      ASSERT_EQ(
          connect(s.fd(), reinterpret_cast<sockaddr*>(&addr), sizeof(addr)), 0);
      clients.push_back(std::move(s));
    }
  }
  for (int i = 0; i < 6; ++i) EXPECT_TRUE((*l)->Accept().ok());
}

TEST(ListenerTest, StarsMeanEverywhere) {
  auto l = Listener::Tcp(TcpListenOptions());
  ASSERT_TRUE(l.ok()) << l.status();
  EXPECT_TRUE(ConnectTcp((*l)->port()).valid());
}

TEST(ListenerTest, OptionalAddressesMayBeMissing) {
  TcpListenOptions options;
  options.bind = {"-192.0.2.77", "127.0.0.1"};  // RFC 5737: nobody's.
  auto l = Listener::Tcp(options);
  ASSERT_TRUE(l.ok()) << l.status();
  EXPECT_EQ((*l)->addresses().size(), 1u);
  options.bind = {"192.0.2.77", "127.0.0.1"};
  l = Listener::Tcp(options);
  EXPECT_TRUE(absl::IsFailedPrecondition(l.status())) << l.status();
  EXPECT_EQ(ErrnoOf(l.status()), EADDRNOTAVAIL);
  options.bind = {"-192.0.2.77"};
  EXPECT_FALSE(Listener::Tcp(options).ok()) << "none at all is no listener";
}

TEST(ListenerTest, RefusesNonsense) {
  for (const char* bad : {"", "-", "localhost", "1.2.3", "1.2.3.4.5", "::g",
                          "--127.0.0.1", "*:*", "[::1]"}) {
    TcpListenOptions options;
    options.bind = {bad};
    EXPECT_TRUE(absl::IsInvalidArgument(Listener::Tcp(options).status()))
        << bad;
  }
  TcpListenOptions options = Loopback();
  options.port = 65536;
  EXPECT_TRUE(absl::IsInvalidArgument(Listener::Tcp(options).status()));
  options.port = -1;
  EXPECT_TRUE(absl::IsInvalidArgument(Listener::Tcp(options).status()));
  options.port = 0;
  options.bind = {};
  EXPECT_TRUE(absl::IsInvalidArgument(Listener::Tcp(options).status()));
}

TEST(ListenerTest, APortInUseIsNamed) {
  auto first = Listener::Tcp(Loopback());
  ASSERT_TRUE(first.ok());
  TcpListenOptions options = Loopback();
  options.port = (*first)->port();
  const absl::Status s = Listener::Tcp(options).status();
  EXPECT_EQ(ErrnoOf(s), EADDRINUSE) << s;
  EXPECT_NE(s.message().find(absl::StrCat("127.0.0.1:", options.port)),
            absl::string_view::npos);
}

TEST(ListenerTest, ShutdownWakesAccept) {
  auto l = Listener::Tcp(TcpListenOptions());
  ASSERT_TRUE(l.ok());
  std::thread acceptor(
      [&] { EXPECT_TRUE(absl::IsCancelled((*l)->Accept().status())); });
  (*l)->Shutdown();
  acceptor.join();
  (*l)->Shutdown();
  EXPECT_TRUE(absl::IsCancelled((*l)->Accept().status()));
  EXPECT_FALSE(ConnectTcp((*l)->port()).valid());
}

TEST(ListenerTest, APeerThatLeftDoesNotBlockOrKillTheLoop) {
  auto l = Listener::Tcp(Loopback());
  ASSERT_TRUE(l.ok());
  {
    Socket gone = ConnectTcp((*l)->port());
    const linger hard{1, 0};
    setsockopt(gone.fd(), SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  }
  Socket client = ConnectTcp((*l)->port());
  ASSERT_TRUE(client.valid());
  for (int i = 0; i < 3; ++i) {
    auto s = (*l)->Accept();
    if (s.ok() && PeerAddress(s->fd()) == LocalAddress(client.fd())) return;
  }
  FAIL() << "the living client was not accepted";
}

TEST(ListenerTest, RunningOutOfDescriptorsPassesAndDoesNotSpin) {
  auto l = Listener::Tcp(Loopback());
  ASSERT_TRUE(l.ok());
  // UBSan takes a descriptor to check an object of a class the first time.
  Socket before = ConnectTcp((*l)->port());
  ASSERT_TRUE((*l)->Accept().ok());
  Socket client = ConnectTcp((*l)->port());
  ASSERT_TRUE(client.valid());
  const MonoTime start = Clock::Real()->Now();
  rlimit old;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
  rlimit none = old;
  none.rlim_cur = 3;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  // poll(2) refuses more entries than the limit, so bring it back to three.
  const absl::Status first = (*l)->Accept().status();
  const absl::Status second = (*l)->Accept().status();
  const absl::Duration took = Clock::Real()->Now() - start;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_TRUE(absl::IsResourceExhausted(first)) << first;
  EXPECT_TRUE(absl::IsResourceExhausted(second)) << second;
  EXPECT_GE(took, absl::Milliseconds(Listener::kPauseAfterFailureMs));
  EXPECT_TRUE((*l)->Accept().ok());
}

TEST_F(ListenerUnixTest, AcceptsAndCleansUp) {
  options_.mode = 0700;
  {
    auto l = Listener::Unix(options_);
    ASSERT_TRUE(l.ok()) << l.status();
    struct stat info;
    ASSERT_EQ(stat(options_.path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700u);
    Socket client = ConnectUnix(options_.path);
    ASSERT_TRUE(client.valid());
    auto server = (*l)->Accept();
    ASSERT_TRUE(server.ok());
    EXPECT_EQ(PeerAddress(server->fd()), options_.path + ":0");
    EXPECT_EQ((*l)->port(), 0);
  }
  EXPECT_NE(access(options_.path.c_str(), F_OK), 0);
}

TEST_F(ListenerUnixTest, AStaleSocketIsReplaced) {
  {
    Socket dead(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un addr{};
    addr.sun_family = AF_UNIX;
    std::strncpy(addr.sun_path, options_.path.c_str(),
                 sizeof(addr.sun_path) - 1);
    ASSERT_EQ(bind(dead.fd(), reinterpret_cast<sockaddr*>(&addr), sizeof(addr)),
              0);
  }
  auto l = Listener::Unix(options_);
  ASSERT_TRUE(l.ok()) << l.status();
  EXPECT_TRUE(ConnectUnix(options_.path).valid());
}

TEST_F(ListenerUnixTest, ALivingSocketOrAFileIsNot) {
  {
    auto first = Listener::Unix(options_);
    ASSERT_TRUE(first.ok());
    const absl::Status s = Listener::Unix(options_).status();
    EXPECT_EQ(ErrnoOf(s), EADDRINUSE) << s;
    EXPECT_TRUE(ConnectUnix(options_.path).valid());
  }
  std::ofstream(options_.path) << "precious";
  EXPECT_TRUE(absl::IsFailedPrecondition(Listener::Unix(options_).status()));
  EXPECT_EQ(access(options_.path.c_str(), F_OK), 0);
}

TEST_F(ListenerUnixTest, AnotherServersSocketIsNotRemoved) {
  auto first = Listener::Unix(options_);
  ASSERT_TRUE(first.ok());
  (*first)->Shutdown();  // Stale from here, though its owner lives.
  auto second = Listener::Unix(options_);
  ASSERT_TRUE(second.ok()) << second.status();
  first->reset();
  EXPECT_TRUE(ConnectUnix(options_.path).valid());
}

TEST_F(ListenerUnixTest, ShutdownWakesAccept) {
  auto l = Listener::Unix(options_);
  ASSERT_TRUE(l.ok());
  std::thread acceptor(
      [&] { EXPECT_TRUE(absl::IsCancelled((*l)->Accept().status())); });
  (*l)->Shutdown();
  acceptor.join();
}

TEST_F(ListenerUnixTest, RefusesPathsThatDoNotFit) {
  options_.path = "/tmp/" + std::string(200, 'x');
  EXPECT_TRUE(absl::IsInvalidArgument(Listener::Unix(options_).status()));
  options_.path = "";
  EXPECT_TRUE(absl::IsInvalidArgument(Listener::Unix(options_).status()));
  options_.path = "/nonexistent-dir/s";
  EXPECT_FALSE(Listener::Unix(options_).ok());
}

}  // namespace
}  // namespace holdfast::net
