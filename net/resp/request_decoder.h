#ifndef HOLDFAST_NET_RESP_REQUEST_DECODER_H_
#define HOLDFAST_NET_RESP_REQUEST_DECODER_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "net/resp/input_buffer.h"

namespace holdfast::net {

struct RequestLimits {
  // proto-max-bulk-len: the longest argument in bytes.
  int64_t max_bulk_len = int64_t{512} * 1024 * 1024;
  // The most arguments of one command. Redis 7.0 allows INT_MAX (6.x allowed
  // 1024 * 1024). What it costs is bounded by bytes that have arrived.
  int64_t max_args = std::numeric_limits<int32_t>::max();
  // False: anything but an empty line that is not a multibulk is an error. For
  // the link from a primary, which never speaks inline unless it is cut.
  bool allow_inline = true;
  // True: every line and argument must end in CR LF. Redis does not look at
  // these bytes, and neither do we for clients; the link from a primary does,
  // to notice a stream that is out of step before it is applied.
  bool strict_crlf = false;

  // The link from a primary: any length that the primary accepted.
  static RequestLimits ForPrimaryLink();
};

// Requests as Redis 7.0 understands them (networking.c; "RESP protocol spec",
// redis.io), multibulk and inline, out of an InputBuffer and without a copy.
// Knows no socket. Resumable at any byte: no byte is looked at again because
// a later one was late. Allocates nothing a command once its vector has grown.
//
//   for (;;) {
//     switch (decoder.Next(&buf)) {
//       case kCommand: Execute(decoder.args()); break;
//       case kEmpty: break;       // no reply
//       case kNeedMore: ReceiveInto(buf.WriteArea(decoder.bytes_wanted()));
//       case kError: Reply("-" "ERR " + error_text()); close after it
//     }
//   }
//
// One decoder and one buffer belong together for the life of a connection:
// Next() consumes from the buffer what the previous Next() returned, and
// nobody else consumes from it in between, unless Release() was called.
// Thread-compatible.
class RequestDecoder {
 public:
  enum class Result {
    kCommand,  // args() is the command, at least one argument.
    kEmpty,    // An empty line, "*0" or "*-1": nothing to do, but raw() counts.
    kNeedMore,  // The buffer holds no whole request.
    kError,     // error_text(); the stream is lost and stays so.
  };

  explicit RequestDecoder(RequestLimits limits = {});

  // Consumes the previous request from `buf`, if any, and decodes the next
  // one. Constant time when nothing new can be said.
  Result Next(InputBuffer* buf);

  // The arguments after kCommand: views into the buffer (for inline arguments
  // with quotes: into the decoder). Valid until the next Next() or the next
  // call on the buffer that moves its bytes.
  absl::Span<const absl::string_view> args() const { return args_; }

  // After kCommand or kEmpty: the exact bytes of the request, at the front of
  // the buffer. As long valid as args(). These are what a replica's log keeps.
  absl::string_view raw() const { return raw_; }

  // After kError: "Protocol error: ..." as Redis words it, without "-ERR ". May
  // hold a byte of the input, whichever that is: ReplyWriter::Error() cleans
  // it.
  absl::string_view error_text() const { return error_; }

  // After kNeedMore: how many bytes the argument in hand still lacks, 0 when
  // unknown; a hint for InputBuffer::WriteArea().
  size_t bytes_wanted() const { return wanted_; }

  // Whether a request has begun that is not complete (after kNeedMore).
  bool mid_request() const { return mode_ != Mode::kStart; }

  // Consumes the request last returned, so that the rest of the buffer can be
  // used for something else (an RDB transfer). REQUIRES: not mid_request().
  void Release(InputBuffer* buf);

  // While the client has yet to authenticate, a request is held to 10
  // arguments of 16384 bytes. Default: true (authenticated).
  void set_authenticated(bool authenticated) { authenticated_ = authenticated; }
  void set_max_bulk_len(int64_t bytes) { limits_.max_bulk_len = bytes; }

  // Bytes of memory held besides the buffer (argument vector, scratch).
  size_t memory_bytes() const;
  // Gives that memory back when it is large; for an idle connection. Ends the
  // life of args().
  void Shrink();

 private:
  enum class Mode { kStart, kMultibulk, kInline, kFailed };
  enum class Line { kOk, kNeedMore, kError };

  Result NextMultibulk(const char* base, size_t size);
  Result NextInline(const char* base, size_t size);
  // Reads "<type><number>\r\n" at pos_ and moves pos_ behind it.
  Line ReadHeader(const char* base, size_t size, char type, int64_t* value);
  Line ReadHeaderSlow(const char* base, size_t size, char type, int64_t* value);
  // Fills args_; false when quotes are unbalanced.
  bool SplitInline(absl::string_view line);
  Result Done(Result result, const char* base);
  Result Fail(absl::string_view text);
  void Rebase(const char* base);

  RequestLimits limits_;
  bool authenticated_ = true;

  Mode mode_ = Mode::kStart;
  size_t consumed_on_next_ = 0;  // Length of the request last returned.
  // All offsets count from the start of the request, which is the start of the
  // buffer.
  size_t pos_ = 0;              // Everything before it is decoded.
  size_t scan_ = 0;             // No line end between pos_ and scan_.
  int64_t args_left_ = -1;      // -1: the count is next.
  int64_t bulk_len_ = -1;       // -1: its header is next.
  const char* base_ = nullptr;  // Where the buffer was when args_ were made.
  size_t wanted_ = 0;

  std::vector<absl::string_view> args_;
  absl::string_view raw_;
  std::string scratch_;  // Unquoted inline arguments.
  std::string error_;
};

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_RESP_REQUEST_DECODER_H_
