#ifndef HOLDFAST_NET_CLIENT_RESP_CLIENT_H_
#define HOLDFAST_NET_CLIENT_RESP_CLIENT_H_

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "net/resp/input_buffer.h"
#include "net/resp/reply_decoder.h"
#include "net/resp/value.h"
#include "net/socket/stream.h"
#include "net/time/deadline.h"

namespace holdfast::net {

// Speaks to a server as a client, over a Stream it owns: replication's
// handshake, tests, tools.
//
// It is the one reader of its connection for its whole life: bytes that arrived
// with a reply stay in buffer() for the next call, whichever that is (a reply,
// a line, an RDB), and are never lost.
//
// Threads: one in the sending calls and one in the receiving calls (Call() is
// both); Shutdown() from any. Every call blocks at most until its deadline.
//
// Failures: those of Stream, and kDataLoss when the server's bytes are no RESP
// (the connection is of no more use), kUnavailable with "closed by peer" at
// the orderly end. An error reply ("-ERR") is a Value, not a failed status. A
// deadline that passes in a receiving call loses nothing: the call may be
// repeated.
class RespClient {
 public:
  explicit RespClient(std::unique_ptr<Stream> stream, ReplyLimits limits = {});

  // Sends one command and returns its reply. Pushes that come before it go to
  // the push handler. REQUIRES: no reply is outstanding. After a failure the
  // reply may still come: the connection is out of step and should be dropped.
  absl::StatusOr<Value> Call(absl::Span<const absl::string_view> args,
                             Deadline deadline);
  absl::StatusOr<Value> Call(std::initializer_list<absl::string_view> args,
                             Deadline deadline) {
    return Call(absl::MakeConstSpan(args.begin(), args.size()), deadline);
  }

  // Pipelining: Queue() keeps the command, Flush() sends what was queued,
  // Send() is both.
  void Queue(absl::Span<const absl::string_view> args);
  void Queue(std::initializer_list<absl::string_view> args) {
    Queue(absl::MakeConstSpan(args.begin(), args.size()));
  }
  absl::Status Flush(Deadline deadline);
  absl::Status Send(absl::Span<const absl::string_view> args,
                    Deadline deadline);
  absl::Status Send(std::initializer_list<absl::string_view> args,
                    Deadline deadline) {
    return Send(absl::MakeConstSpan(args.begin(), args.size()), deadline);
  }
  // Bytes as they are, after what was queued.
  absl::Status SendRaw(absl::string_view bytes, Deadline deadline);

  // The next value, whatever it is, pushes included.
  absl::StatusOr<Value> Receive(Deadline deadline);

  // The next value that is no push.
  absl::StatusOr<Value> ReceiveReply(Deadline deadline);

  // The next line without its LF or CR LF, raw: for what is no RESP ("$EOF:",
  // the bare newlines of a primary that prepares an RDB, which are returned as
  // empty lines). kDataLoss for a line of more than kMaxLine bytes. REQUIRES:
  // not in the middle of a reply.
  absl::StatusOr<std::string> ReadLine(Deadline deadline);
  static constexpr size_t kMaxLine = 64 * 1024;

  // Receives at least one more byte into buffer() and returns how many;
  // 0 at the orderly end. `wanted`: a hint of how many are missing.
  absl::StatusOr<size_t> Fill(Deadline deadline, size_t wanted = 0);

  // What arrived and is not decoded. After a whole reply or line it belongs to
  // the caller to consume.
  InputBuffer& buffer() { return buffer_; }
  Stream& stream() { return *stream_; }

  // Called in the receiving thread for pushes that Call() and ReceiveReply()
  // pass over. Without one they are dropped.
  void set_push_handler(std::function<void(Value)> handler) {
    push_handler_ = std::move(handler);
  }

  // See Stream::Shutdown().
  void Shutdown() { stream_->Shutdown(); }

 private:
  const std::unique_ptr<Stream> stream_;
  std::string out_;  // Of the sending thread.
  // Of the receiving thread, as are the rest.
  InputBuffer buffer_;
  ReplyDecoder decoder_;
  std::function<void(Value)> push_handler_;
};

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_CLIENT_RESP_CLIENT_H_
