#ifndef HOLDFAST_TESTING_HARNESS_TEST_CLIENT_H_
#define HOLDFAST_TESTING_HARNESS_TEST_CLIENT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "net/client/resp_client.h"
#include "net/resp/value.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"
#include "testing/harness/server_process.h"

namespace holdfast::test {

// A client for tests: every call is bounded, and a failure of the connection
// (not an error reply) makes the test fail with a text that names the command
// and yields an error value "TESTCLIENT ...", so that a test needs no check of
// its own. The Try... calls leave judging to the caller. After a failure the
// connection is gone.
//
//   TestClient client(*server);
//   EXPECT_THAT(client.Do("SET", "k", 7), IsOk());
//
// Arguments: whatever absl::StrCat takes; strings may be binary. Movable,
// thread-compatible.
class TestClient {
 public:
  explicit TestClient(const ServerProcess& server)
      : TestClient(server.port()) {}
  explicit TestClient(int port, absl::Duration timeout = absl::Seconds(20));
  TestClient(TestClient&&) = default;
  TestClient& operator=(TestClient&&) = default;

  bool connected() const { return client_ != nullptr; }
  // Of each call; also the limit of a blocking command.
  void set_timeout(absl::Duration timeout) { timeout_ = timeout; }

  template <typename... Args>
  net::Value Do(const Args&... args) {
    return DoArgs(Strings(args...));
  }
  net::Value DoArgs(const std::vector<std::string>& args);
  template <typename... Args>
  absl::StatusOr<net::Value> TryDo(const Args&... args) {
    return TryDoArgs(Strings(args...));
  }
  absl::StatusOr<net::Value> TryDoArgs(const std::vector<std::string>& args);

  // One half each, for blocking commands and subscriptions.
  template <typename... Args>
  void Send(const Args&... args) {
    SendArgs(Strings(args...));
  }
  void SendArgs(const std::vector<std::string>& args);
  void SendRaw(absl::string_view bytes);
  // The next value, pushes included.
  net::Value Receive();
  absl::StatusOr<net::Value> TryReceive(absl::Duration timeout);
  // Whether nothing comes for so long.
  ::testing::AssertionResult Silent(
      absl::Duration timeout = absl::Milliseconds(50));

  // All commands in one write, then all replies.
  std::vector<net::Value> Pipeline(
      const std::vector<std::vector<std::string>>& commands);

  // INFO's "name:value" lines; an empty section: the default ones.
  std::map<std::string, std::string> Info(absl::string_view section = "");
  // One field; "" and a test failure when it is missing.
  std::string InfoField(absl::string_view section, absl::string_view field);
  int64_t InfoInt(absl::string_view section, absl::string_view field);
  // CONFIG GET of one parameter; "" and a test failure when it is missing.
  std::string Config(absl::string_view name);

  // Whether the server ends or resets the connection within the timeout,
  // whatever it says before.
  ::testing::AssertionResult IsClosed(
      absl::Duration timeout = absl::Seconds(10));
  // Ends the connection.
  void Close() { client_.reset(); }

  // Pushes that came before replies of Do(), oldest first.
  std::vector<net::Value> TakePushes() { return std::move(*pushes_); }

  // REQUIRES: connected().
  net::RespClient& resp() { return *client_; }

 private:
  template <typename... Args>
  static std::vector<std::string> Strings(const Args&... args) {
    return {absl::StrCat(args)...};
  }
  net::Deadline FromNow() const {
    return net::Deadline::After(net::Clock::Real(), timeout_);
  }
  // Fails the test, drops the connection.
  net::Value Broken(absl::string_view what, const absl::Status& status);

  absl::Duration timeout_;
  int port_;
  std::unique_ptr<net::RespClient> client_;  // Null: not connected.
  // Behind a pointer because the push handler refers to it.
  std::unique_ptr<std::vector<net::Value>> pushes_;
};

}  // namespace holdfast::test

#endif  // HOLDFAST_TESTING_HARNESS_TEST_CLIENT_H_
