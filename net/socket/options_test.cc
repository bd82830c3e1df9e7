#include "net/socket/options.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "net/socket/socket.h"

namespace holdfast::net {
namespace {

int Get(const Socket& s, int level, int option) {
  int value = -1;
  socklen_t length = sizeof(value);
  EXPECT_EQ(getsockopt(s.fd(), level, option, &value, &length), 0);
  return value;
}

TEST(OptionsTest, SetsWhatIsAskedFor) {
  Socket s(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  TcpOptions options;
  options.keep_alive_times = KeepAlive::ForLinks();
  options.user_timeout = absl::Milliseconds(12345);
  options.receive_buffer_bytes = 32 * 1024;
  ApplyOptions(s.fd(), options);
  EXPECT_NE(Get(s, IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_NE(Get(s, SOL_SOCKET, SO_KEEPALIVE), 0);
  EXPECT_EQ(Get(s, IPPROTO_TCP, TCP_KEEPIDLE), 15);
  EXPECT_EQ(Get(s, IPPROTO_TCP, TCP_KEEPINTVL), 5);
  EXPECT_EQ(Get(s, IPPROTO_TCP, TCP_KEEPCNT), 3);
  EXPECT_EQ(Get(s, IPPROTO_TCP, TCP_USER_TIMEOUT), 12345);
  EXPECT_EQ(Get(s, SOL_SOCKET, SO_RCVBUF), 64 * 1024);  // The kernel doubles.
}

TEST(OptionsTest, LeavesAloneWhatIsNot) {
  Socket s(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  TcpOptions options;
  options.no_delay = false;
  options.keep_alive = false;
  ApplyOptions(s.fd(), options);
  EXPECT_EQ(Get(s, IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(Get(s, SOL_SOCKET, SO_KEEPALIVE), 0);
  EXPECT_EQ(Get(s, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
  EXPECT_TRUE(
      SetKeepAlive(s.fd(), KeepAlive::FromRedisConf(absl::Seconds(300))));
  EXPECT_EQ(Get(s, IPPROTO_TCP, TCP_KEEPINTVL), 100);
  EXPECT_TRUE(DisableKeepAlive(s.fd()));
  EXPECT_EQ(Get(s, SOL_SOCKET, SO_KEEPALIVE), 0);
}

TEST(OptionsTest, AbsurdValuesAreClamped) {
  Socket s(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_TRUE(SetKeepAlive(
      s.fd(), {absl::InfiniteDuration(), absl::ZeroDuration(), 100000}));
  EXPECT_EQ(Get(s, IPPROTO_TCP, TCP_KEEPIDLE), 32767);
  EXPECT_EQ(Get(s, IPPROTO_TCP, TCP_KEEPINTVL), 1);
  EXPECT_EQ(Get(s, IPPROTO_TCP, TCP_KEEPCNT), 127);
  EXPECT_TRUE(SetUserTimeout(s.fd(), absl::InfiniteDuration()));
  EXPECT_TRUE(SetUserTimeout(s.fd(), -absl::Seconds(1)));
  EXPECT_EQ(Get(s, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
}

TEST(OptionsTest, UnixSocketsAndBadDescriptorsDoNoHarm) {
  auto pair = Socket::Pair();
  ASSERT_TRUE(pair.ok());
  ApplyOptions(pair->first.fd(), TcpOptions());
  EXPECT_TRUE(SetNoDelay(pair->first.fd(), true));
  EXPECT_TRUE(
      absl::IsFailedPrecondition(GetTcpInfo(pair->first.fd()).status()));
  ApplyOptions(-1, TcpOptions());
  EXPECT_FALSE(SetNoDelay(-1, true));
  EXPECT_FALSE(SetNonBlocking(-1, true).ok());
  EXPECT_FALSE(GetTcpInfo(-1).ok());
}

TEST(OptionsTest, NonBlockingGoesBothWays) {
  auto pair = Socket::Pair();
  ASSERT_TRUE(pair.ok());
  ASSERT_TRUE(SetNonBlocking(pair->first.fd(), true).ok());
  EXPECT_TRUE(fcntl(pair->first.fd(), F_GETFL) & O_NONBLOCK);
  ASSERT_TRUE(SetNonBlocking(pair->first.fd(), false).ok());
  EXPECT_FALSE(fcntl(pair->first.fd(), F_GETFL) & O_NONBLOCK);
}

TEST(OptionsTest, TcpInfoTellsTheState) {
  Socket s(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto info = GetTcpInfo(s.fd());
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->state, "CLOSE");
  EXPECT_EQ(info->ToString().find("state=CLOSE,rtt_us="), 0u);
  EXPECT_EQ(info->ToString().find(' '), std::string::npos);
}

}  // namespace
}  // namespace holdfast::net
