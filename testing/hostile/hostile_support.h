#ifndef HOLDFAST_TESTING_HOSTILE_HOSTILE_SUPPORT_H_
#define HOLDFAST_TESTING_HOSTILE_HOSTILE_SUPPORT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "net/socket/stream.h"
#include "testing/harness/server_process.h"
#include "testing/harness/test_client.h"
#include "testing/support/dice.h"

// What the tests have in common that give a whole server process bad input.
namespace holdfast::test {

// $HOLDFAST_HOSTILE_ROUNDS times as much as usual (the large targets), else 1.
int64_t Effort();

// Within what a server that is well must answer, however slow the machine and
// the build are. A server that hangs does not.
inline constexpr absl::Duration kAnswerTimeout = absl::Seconds(30);

// A connection whose bytes are the test's own, sent in pieces of any length.
// What the server says is taken and thrown away, so that it is not stuck.
class Wire {
 public:
  // Fails the test if nobody accepts.
  explicit Wire(int port);

  // False as soon as the server has ended the connection.
  bool Send(Dice* dice, absl::string_view bytes);
  // Takes what has come; false when the server has ended it.
  bool Drain();
  // One of: an orderly end, a reset, the end of our direction with a short wait
  // for the server's, or that and a reset.
  void End(Dice* dice);

  // What came last, at most 4 KB of it.
  const std::string& heard() const { return heard_; }
  net::Stream& stream() { return *stream_; }
  bool connected() const { return stream_ != nullptr; }

 private:
  void Note(absl::string_view bytes);

  std::unique_ptr<net::Stream> stream_;
  std::string heard_;
};

// "*2\r\n$3\r\nGET\r\n..."
std::string Encoded(const std::vector<std::string>& args);

// Threads of the process, from /proc, without those of the append-only file.
int Threads(const ServerProcess& server);

// Keys in a database that no input of these tests names: what bad input
// elsewhere must leave alone.
inline constexpr int kWitnessDatabase = 57;
inline constexpr int kDatabases = 64;
class Witnesses {
 public:
  // Writes them. `client` is in database 0 afterwards.
  explicit Witnesses(TestClient* client);
  // The same values, expiries and number of keys as at the beginning.
  ::testing::AssertionResult Intact(TestClient* client) const;

 private:
  static std::vector<std::string> Look(TestClient* client);

  std::vector<std::string> at_first_;
};

// PING on a new connection: answered, and in time.
::testing::AssertionResult Answers(int port);

// After all input: the clients of bad input are gone from the server, and their
// threads, of which there were `threads` before; SIGTERM ends it with code 0;
// nothing in its log says that it found itself broken.
void ExpectWell(ServerProcess* server, int threads);
void ExpectOrderlyEnd(ServerProcess* server);

}  // namespace holdfast::test

#endif  // HOLDFAST_TESTING_HOSTILE_HOSTILE_SUPPORT_H_
