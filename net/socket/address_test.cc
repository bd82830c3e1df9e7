#include "net/socket/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <string>

#include "gtest/gtest.h"
#include "net/socket/socket.h"

namespace holdfast::net {
namespace {

TEST(AddressTest, FormatsAsClientListDoes) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(6379);
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(FormatAddress(reinterpret_cast<sockaddr*>(&in), sizeof(in)),
            "127.0.0.1:6379");
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(1);
  in6.sin6_addr = in6addr_loopback;
  EXPECT_EQ(FormatAddress(reinterpret_cast<sockaddr*>(&in6), sizeof(in6)),
            "[::1]:1");
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  strcpy(un.sun_path, "/tmp/a:b.sock");
  EXPECT_EQ(FormatAddress(reinterpret_cast<sockaddr*>(&un), sizeof(un)),
            "/tmp/a:b.sock:0");
}

TEST(AddressTest, WhatIsNoAddressIsAQuestionMark) {
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  EXPECT_EQ(FormatAddress(reinterpret_cast<sockaddr*>(&un), 2), "?:0");
  EXPECT_EQ(FormatAddress(reinterpret_cast<sockaddr*>(&un), 0), "?:0");
  un.sun_family = AF_INET;
  EXPECT_EQ(FormatAddress(reinterpret_cast<sockaddr*>(&un), 3), "?:0");
  EXPECT_EQ(PeerAddress(-1), "?:0");
  EXPECT_EQ(LocalAddress(-1), "?:0");
  EXPECT_EQ(PeerHostPort(-1).host, "?");
  EXPECT_FALSE(PeerIsLocal(-1));
}

// A path of the greatest length has no NUL behind it.
TEST(AddressTest, LongestUnixPathStaysInBounds) {
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  memset(un.sun_path, 'p', sizeof(un.sun_path));
  EXPECT_EQ(FormatAddress(reinterpret_cast<sockaddr*>(&un), sizeof(un)),
            std::string(sizeof(un.sun_path), 'p') + ":0");
}

TEST(AddressTest, UnixPairsAreLocal) {
  auto pair = Socket::Pair();
  ASSERT_TRUE(pair.ok());
  EXPECT_TRUE(PeerIsLocal(pair->first.fd()));
  EXPECT_EQ(PeerAddress(pair->first.fd()), "?:0");
}

TEST(AddressTest, TellsASelfConnection) {
  Socket s(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in addr{};
  addr.sin_family = AF_INET;
  addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* sa = reinterpret_cast<sockaddr*>(&addr);
  ASSERT_EQ(bind(s.fd(), sa, sizeof(addr)), 0);
  EXPECT_FALSE(IsSelfConnected(s.fd()));
  addr.sin_port = htons(static_cast<uint16_t>(LocalHostPort(s.fd()).port));
  ASSERT_EQ(connect(s.fd(), sa, sizeof(addr)), 0);
  EXPECT_TRUE(IsSelfConnected(s.fd()));
  EXPECT_FALSE(IsSelfConnected(-1));
}

TEST(AddressTest, UnixPairsAreNotSelfConnected) {
  auto pair = Socket::Pair();
  ASSERT_TRUE(pair.ok());
  EXPECT_FALSE(IsSelfConnected(pair->first.fd()));
}

TEST(AddressTest, JoinsHostAndPort) {
  EXPECT_EQ(JoinHostPort("example.org", 1), "example.org:1");
  EXPECT_EQ(JoinHostPort("fe80::1", 65535), "[fe80::1]:65535");
}

}  // namespace
}  // namespace holdfast::net
