// Clients beyond a limit: each is ended, and nobody else notices.

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/resp/value.h"
#include "testing/harness/server_process.h"
#include "testing/harness/test_client.h"
#include "testing/integration/faults_support.h"
#include "testing/support/reply_matchers.h"
#include "testing/support/wait_for.h"

namespace holdfast::test {
namespace {

constexpr char kDisconnections[] = "client_output_buffer_limit_disconnections";

TEST(ClientLimitsTest, SilenceInTheMiddleOfARequestIsSilence) {
  const auto server = StartServer({{"timeout", "1"}});
  TestClient client(*server);
  client.SendRaw("*1\r\n$4\r\nPI");
  EXPECT_TRUE(client.IsClosed());
}

TEST(ClientLimitsTest, RepliesBeyondTheHardLimitEndTheClient) {
  const auto server =
      StartServer({{"client-output-buffer-limit", "normal 1mb 0 0"}});
  TestClient other(*server);
  EXPECT_THAT(other.Do("SET", "k", std::string(400 * 1024, 'x')), IsOk());
  TestClient client(*server);
  client.SendRaw("MULTI\r\nGET k\r\nGET k\r\nGET k\r\nEXEC\r\n");
  EXPECT_TRUE(client.IsClosed());
  EXPECT_EQ(other.InfoInt("stats", kDisconnections), 1);
}

TEST(ClientLimitsTest, RepliesBeyondTheSoftLimitEndTheClientThatDoesNotRead) {
  const auto server =
      StartServer({{"client-output-buffer-limit", "normal 0 100kb 1"}});
  TestClient other(*server);
  EXPECT_THAT(other.Do("SET", "k", std::string(16 << 20, 'x')), IsOk());
  TestClient client(*server);
  client.SendRaw("GET k\r\n");
  EXPECT_TRUE(
      WaitForValue([&] { return other.InfoInt("stats", kDisconnections); },
                   ::testing::Eq(1)));
}

TEST(ClientLimitsTest, RepliesBeforeAPsyncInOnePieceAreNotLost) {
  const auto server = StartServer({});
  TestClient other(*server);
  TestClient first(*server);  // So that there is a history to continue.
  first.SendRaw("PSYNC ? -1\r\n");
  EXPECT_TRUE(absl::StartsWith(first.Receive().str(), "FULLRESYNC"));
  const std::string id = other.InfoField("replication", "master_replid");
  TestClient client(*server);
  client.SendRaw(absl::StrCat("ECHO hello\r\nREPLCONF capa psync2\r\nPSYNC ",
                              id, " 1\r\n"));
  EXPECT_EQ(client.Receive().str(), "hello");
  EXPECT_THAT(client.Receive(), IsOk());
  EXPECT_EQ(client.Receive().str(), absl::StrCat("CONTINUE ", id));
}

}  // namespace
}  // namespace holdfast::test
