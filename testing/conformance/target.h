#ifndef HOLDFAST_TESTING_CONFORMANCE_TARGET_H_
#define HOLDFAST_TESTING_CONFORMANCE_TARGET_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "net/resp/input_buffer.h"
#include "net/resp/reply_decoder.h"
#include "net/socket/stream.h"
#include "testing/conformance/comparison.h"

namespace holdfast::test {

// A server that commands are tried on, over connections that are numbered from
// 1 and opened when first used. Every call is bounded. Keeps the wire bytes of
// replies. Thread-compatible.
class Target {
 public:
  // `name` is for messages: "holdfast", "reference".
  Target(std::string name, int port,
         absl::Duration timeout = absl::Seconds(20));

  const std::string& name() const { return name_; }

  // Empties all databases and closes all connections.
  absl::Status Reset();

  absl::Status Send(int connection, const std::vector<std::string>& args);
  // Pushes in between are passed over.
  absl::StatusOr<RawReply> Receive(int connection);
  absl::StatusOr<RawReply> Call(int connection,
                                const std::vector<std::string>& args);

  // All keys of all databases with type, whether they expire, and contents, in
  // an order of its own: "db0 string k ttl \"v\"", one line a key.
  absl::StatusOr<std::string> DumpState();
  // DEBUG DIGEST, after looking at every key so that expired ones are gone.
  absl::StatusOr<RawReply> Digest();

 private:
  struct Connection {
    std::unique_ptr<net::Stream> stream;
    net::InputBuffer buffer;
    net::ReplyDecoder decoder;
    std::string arrived;  // Bytes of the reply in hand, and behind it.
  };

  absl::StatusOr<Connection*> Get(int connection);
  absl::StatusOr<std::string> DumpKey(const std::string& key);

  const std::string name_;
  const int port_;
  const absl::Duration timeout_;
  std::map<int, std::unique_ptr<Connection>> connections_;
};

}  // namespace holdfast::test

#endif  // HOLDFAST_TESTING_CONFORMANCE_TARGET_H_
