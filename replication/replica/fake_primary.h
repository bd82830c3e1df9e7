#ifndef HOLDFAST_REPLICATION_REPLICA_FAKE_PRIMARY_H_
#define HOLDFAST_REPLICATION_REPLICA_FAKE_PRIMARY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "net/resp/input_buffer.h"
#include "net/resp/request_decoder.h"
#include "net/socket/socket.h"
#include "net/socket/socket_stream.h"

namespace holdfast::replication {

// The primary's end of one connection, played by the test, step by step. Every
// call waits at most ten seconds; what goes wrong fails the test (and reads
// give an empty command). One thread's.
class PrimaryEnd {
 public:
  explicit PrimaryEnd(net::Socket socket);

  // The next command of the replica; empty lines before it are counted.
  std::vector<std::string> Command();
  // The same as a line of words.
  std::string CommandLine();
  int newlines() const { return newlines_; }
  // Waits until so many empty lines have come in all.
  void AwaitNewlines(int count);
  // Waits for an acknowledgement of this very offset; earlier ones may precede.
  void AwaitAck(int64_t offset);

  void Write(absl::string_view bytes);
  // False when the replica has ended the connection.
  bool TryWrite(absl::string_view bytes);
  // A reset instead of an orderly end.
  void Reset();
  // Ends our direction; what was written arrives first.
  void HalfClose();
  // Waits until the replica ends the connection, whatever it says before;
  // returns whether it did within the time.
  bool ClosedByReplica(absl::Duration within = absl::Seconds(10));

  // Answers all steps up to PSYNC, whose arguments are returned joined by ' '.
  std::string Greet(bool holdfast = false);

 private:
  bool Fill();

  net::SocketStream stream_;
  net::InputBuffer input_;
  net::RequestDecoder decoder_;
  int newlines_ = 0;
};

// A listening socket on the loopback, port chosen by the kernel.
class FakePrimary {
 public:
  FakePrimary();

  int port() const { return port_; }
  // The next connection; null with a failed test when none comes.
  std::unique_ptr<PrimaryEnd> Accept(absl::Duration within = absl::Seconds(10));
  // Whether none comes for so long.
  bool NobodyComes(absl::Duration during);
  // No more connections: they are refused.
  void Close() { listener_.Close(); }

 private:
  net::Socket listener_;
  int port_ = 0;
};

// An RDB of strings: {database, key, value}, with an expiry if not negative.
struct RdbKey {
  int db = 0;
  std::string key;
  std::string value;
  int64_t expire_ms = -1;
};
std::string MakeRdb(const std::vector<RdbKey>& keys, int stream_db = 0);

// "*2\r\n$3\r\nGET\r\n..." of words split at spaces.
std::string Resp(absl::string_view words);

inline constexpr char kTestHistory[] =
    "0123456789abcdef0123456789abcdef01234567";

}  // namespace holdfast::replication

#endif  // HOLDFAST_REPLICATION_REPLICA_FAKE_PRIMARY_H_
