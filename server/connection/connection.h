#ifndef HOLDFAST_SERVER_CONNECTION_CONNECTION_H_
#define HOLDFAST_SERVER_CONNECTION_CONNECTION_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "net/resp/input_buffer.h"
#include "net/resp/request_decoder.h"
#include "net/socket/socket_stream.h"
#include "server/connection/turns.h"
#include "server/dispatch/dispatcher.h"
#include "server/engine/engine.h"
#include "server/session/session.h"

namespace holdfast::server {

// One client: its socket, what has arrived and not been executed, what has been
// answered and not been sent. Run() is the whole life of the connection in one
// thread: receive, execute what is complete, send the replies once the input is
// drained (or they grow large), again. Other threads reach it through its
// Session.
class Connection {
 public:
  // All but the stream are shared and outlive it.
  Connection(Engine* engine, Turns* turns,
             std::unique_ptr<net::SocketStream> stream,
             std::shared_ptr<Session> session);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Returns when the connection has ended, for whatever reason; says why.
  absl::Status Run();

  Session& session() { return *session_; }
  const std::shared_ptr<Session>& shared_session() const { return session_; }

  // For a command that takes the connection over (PSYNC), in its thread.
  net::SocketStream& stream() { return *stream_; }
  net::InputBuffer& input() { return input_; }
  net::RequestDecoder& decoder() { return decoder_; }
  Dispatcher& dispatcher() { return dispatcher_; }
  // The connection whose Run() is executing on this thread; null elsewhere.
  static Connection* OfThisThread();

 private:
  absl::Status Receive();
  // Sends what other threads have put into the mailbox until there is input.
  absl::Status SendMail(Mailbox& mailbox);
  // How long the client may be silent.
  net::Deadline IdleDeadline() const;
  OutputBufferLimit OutputLimit() const;
  // Reads into the input buffer. A client that has been idle for a while waits
  // without buffers.
  absl::StatusOr<size_t> ReadInput(net::Deadline deadline);
  void ReleaseBuffers();
  // Executes what has arrived. kCancelled when the connection is to be closed.
  absl::Status ExecuteInput();
  // Sends the replies. While the peer does not take them, what it sends is
  // received, so that a client that sends all before it reads is not stuck.
  absl::Status Flush();
  // With `appendfsync always`: until what this client has written is on disk.
  // An error: it is not, and the client must not hear that it is.
  absl::Status AwaitDisk();
  absl::Status ReceiveWhileFlushing();
  // A command has made the client wait: sends the replies before it, and waits.
  absl::Status WaitForKeys();
  // Takes `n` bytes in that were read into the input buffer.
  absl::Status Received(size_t n);
  void NoteSizes();
  // Ends a client that is beyond its client-output-buffer-limit.
  absl::Status TooMuchOutput();
  // Ends one whose mailbox was closed.
  absl::Status TooManyMessages();

  Engine& engine_;
  Turns& turns_;
  const std::unique_ptr<net::SocketStream> stream_;
  const std::shared_ptr<Session> session_;
  Dispatcher dispatcher_;
  net::InputBuffer input_;
  net::RequestDecoder decoder_;
  std::string output_;
  bool received_while_flushing_ = false;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_CONNECTION_CONNECTION_H_
