// Our own server as a child process.

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "testing/harness/server_process.h"
#include "testing/harness/test_client.h"
#include "testing/support/reply_matchers.h"

namespace holdfast::test {
namespace {

TEST(HoldfastProcessTest, StartsAnswersAndEndsInOrder) {
  auto server = ServerProcess::Start();
  ASSERT_TRUE(server.ok()) << server.status();
  TestClient client(**server);
  EXPECT_THAT(client.Do("SET", "k", "v"), IsOk());
  EXPECT_THAT(client.Do("GET", "k"), IsBulk("v"));
  EXPECT_TRUE((*server)->LogContains("Ready to accept connections"));
  const absl::Status stopped = (*server)->Stop();
  EXPECT_TRUE(stopped.ok()) << stopped;
  EXPECT_TRUE(client.IsClosed());
}

TEST(HoldfastProcessTest, ComesBackOnItsPort) {
  auto server = ServerProcess::Start();
  ASSERT_TRUE(server.ok()) << server.status();
  (*server)->Kill();
  const absl::Status restarted = (*server)->Restart();
  ASSERT_TRUE(restarted.ok()) << restarted;
  EXPECT_THAT(TestClient(**server).Do("PING"), IsSimple("PONG"));
}

TEST(HoldfastProcessTest, RefusesAnUnknownFlagByName) {
  auto server = ServerProcess::Start({.flags = {{"no-such-flag", "1"}}});
  ASSERT_FALSE(server.ok());
  EXPECT_NE(server.status().message().find("no-such-flag"),
            absl::string_view::npos)
      << server.status();
}

}  // namespace
}  // namespace holdfast::test
