#include "server/app/config_hooks.h"

#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "gtest/gtest.h"
#include "net/time/clock.h"
#include "server/app/server.h"
#include "server/config/config.h"

namespace holdfast::server {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

// A port that is taken for as long as this lives, listening or only bound.
class TakenPort {
 public:
  TakenPort() : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = Loopback(0);
    CHECK_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)),
             0);
    CHECK_EQ(listen(fd_, 1), 0);
    socklen_t length = sizeof(address);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
  }
  ~TakenPort() { Release(); }
  void Release() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  int port() const { return port_; }

 private:
  int fd_;
  int port_;
};

class Client {
 public:
  explicit Client(int port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = Loopback(port);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address),
                         sizeof(address)) == 0;
  }
  ~Client() { close(fd_); }
  bool Ping() {
    char reply[7];
    return connected_ && send(fd_, "PING\r\n", 6, MSG_NOSIGNAL) == 6 &&
           recv(fd_, reply, sizeof(reply), MSG_WAITALL) == 7 &&
           absl::string_view(reply, 7) == "+PONG\r\n";
  }

 private:
  int fd_;
  bool connected_ = false;
};

class ConfigHooksTest : public testing::Test {
 protected:
  ConfigHooksTest() : server_(MakeConfig(), net::Clock::Real()) {
    const absl::Status started = server_.Start(ClientServer::PortChoice::kAny);
    CHECK(started.ok()) << started;
  }
  static std::unique_ptr<Config> MakeConfig() {
    auto config = std::make_unique<Config>();
    CHECK(config->LoadText("bind 127.0.0.1\n").ok());
    return config;
  }
  absl::Status Set(const std::string& name, const std::string& value) {
    return server_.engine().config().Set({{name, value}}, {});
  }

  Server server_;
};

TEST_F(ConfigHooksTest, ANewPortIsListenedOnAndClientsOfTheOldOneStay) {
  const int old_port = server_.port();
  Client before(old_port);
  ASSERT_TRUE(before.Ping());
  TakenPort other;
  const int port = other.port();
  other.Release();
  ASSERT_TRUE(Set("port", absl::StrCat(port)).ok());
  EXPECT_EQ(server_.port(), port);
  EXPECT_TRUE(Client(port).Ping());
  EXPECT_TRUE(before.Ping());
  EXPECT_FALSE(Client(old_port).Ping());
}

TEST_F(ConfigHooksTest, APortThatIsTakenIsRefusedAndNothingChanges) {
  const int old_port = server_.port();
  TakenPort taken;
  const absl::Status status = server_.engine().config().Set(
      {{"maxmemory", "10000001"}, {"port", absl::StrCat(taken.port())}}, {});
  EXPECT_EQ(status.message(),
            "ERR CONFIG SET failed (possibly related to argument 'port') - "
            "Unable to listen on this port. Check server "
            "logs.");
  EXPECT_EQ(server_.port(), old_port);
  EXPECT_EQ(server_.engine().config().Int(ConfigId::kMaxMemory), 0);
  EXPECT_TRUE(Client(old_port).Ping());
}

TEST_F(ConfigHooksTest, AnotherBindOnTheSamePortIsTakenOrRolledBack) {
  const int port = server_.port();
  EXPECT_EQ(Set("bind", "203.0.113.77").message(),
            "ERR CONFIG SET failed (possibly related to argument 'bind') - "
            "Failed to bind to specified addresses.");
  EXPECT_TRUE(Client(port).Ping());
  ASSERT_TRUE(Set("bind", "127.0.0.1 -203.0.113.77").ok());
  EXPECT_EQ(server_.port(), port);
  EXPECT_TRUE(Client(port).Ping());
}

TEST_F(ConfigHooksTest, PortZeroStopsListening) {
  const int old_port = server_.port();
  Client before(old_port);
  ASSERT_TRUE(before.Ping());
  ASSERT_TRUE(Set("port", "0").ok());
  EXPECT_FALSE(Client(old_port).Ping());
  EXPECT_TRUE(before.Ping());
}

TEST_F(ConfigHooksTest, MaxclientsBeyondTheSystemIsRefusedWithWhatIsPossible) {
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const absl::Status status = Set("maxclients", "4294967295");
  EXPECT_TRUE(absl::StartsWith(status.message(),
                               "ERR CONFIG SET failed (possibly related to "
                               "argument 'maxclients') - The operating "
                               "system is not able to handle the specified "
                               "number of clients, try with "))
      << status;
  EXPECT_EQ(server_.engine().config().Int(ConfigId::kMaxClients), 10000);
  setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(ConfigHooksTest, TheLogsWindowFollows) {
  ASSERT_TRUE(Set("repl-backlog-size", "123456").ok());
  EXPECT_EQ(server_.engine().log().limits().window_bytes, 123456);
  ASSERT_TRUE(Set("repl-backlog-size", "3gb").ok());
  EXPECT_GE(server_.engine().log().limits().max_bytes, int64_t{3} << 30);
}

TEST_F(ConfigHooksTest, TheSlowLogIsTrimmed) {
  SlowLog& log = server_.engine().stats().slow_log;
  for (int i = 0; i < 5; ++i) log.Add({"get"}, {}, 128);
  ASSERT_TRUE(Set("slowlog-max-len", "2").ok());
  EXPECT_EQ(log.size(), 2u);
}

}  // namespace
}  // namespace holdfast::server
