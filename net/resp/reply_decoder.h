#ifndef HOLDFAST_NET_RESP_REPLY_DECODER_H_
#define HOLDFAST_NET_RESP_REPLY_DECODER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "net/resp/input_buffer.h"
#include "net/resp/value.h"

namespace holdfast::net {

struct ReplyLimits {
  int64_t max_bulk_len = int64_t{512} * 1024 * 1024;  // Bytes of one string.
  size_t max_line_len = 64 * 1024;  // Bytes of a line, e.g. an error text.
  size_t max_depth = 128;           // Aggregates in aggregates.
  size_t max_elements = 64u << 20;  // Values in one reply, nested ones too.
  size_t max_total_bytes = size_t{4} << 30;  // Wire bytes of one reply.
};

// Replies of a server, RESP2 and RESP3, out of an InputBuffer. Knows no socket.
// Resumable at any byte, linear in the bytes fed. Made for hostile input: every
// length is held against ReplyLimits, and no memory is taken for what has not
// arrived. Strict about CR LF. RESP3's streamed types ("$?", "*?") are refused:
// no Redis sends them. Thread-compatible.
//
// Takes finished parts out of the buffer as it goes, so between Next() calls
// the buffer holds only what is not decoded; after kValue it starts with the
// first byte behind the reply, whatever that is (a replica finds its RDB
// there).
class ReplyDecoder {
 public:
  enum class Result {
    kValue,     // TakeValue().
    kNeedMore,  // No whole reply yet.
    kError,     // error_text(); stays so.
  };

  explicit ReplyDecoder(ReplyLimits limits = {});

  Result Next(InputBuffer* buf);

  // After kValue, once.
  Value TakeValue();

  absl::string_view error_text() const { return error_; }

  // After kNeedMore: bytes known to be missing, 0 when unknown.
  size_t bytes_wanted() const { return wanted_; }

  // Somebody else has consumed from the buffer since the last Next(): the line
  // at its front is to be looked at from its start. REQUIRES: not mid_reply().
  void Rescan() { scan_ = 0; }

  // Whether part of a reply has been taken in.
  bool mid_reply() const {
    return !stack_.empty() || pending_bulk_ >= 0 || root_attributes_ != nullptr;
  }

 private:
  // An aggregate that is not full yet.
  struct Frame {
    Value value;
    size_t left;        // Elements still to come.
    bool is_attribute;  // No element: belongs to the value that follows it.
    std::unique_ptr<Value> attributes;  // For the next element, if any.
  };

  // These return false on an error, which they have noted.
  bool Fail(absl::string_view text);
  bool OnLine(absl::string_view line);  // "<type>...", without CR LF.
  bool OnBulk(absl::string_view bytes);
  bool OnBulkHeader(Value::Type type, absl::string_view length);
  bool OnAggregate(Value::Type type, bool is_attribute, absl::string_view n);
  bool Charge(size_t wire_bytes);
  // A finished value: goes into its parent, which may finish with it.
  void Add(Value v);

  const ReplyLimits limits_;
  std::vector<Frame> stack_;
  std::unique_ptr<Value> root_attributes_;
  Value done_;
  bool have_done_ = false;

  int64_t pending_bulk_ = -1;  // Length of the string in hand, -1: none.
  Value::Type pending_type_ = Value::Type::kBulk;
  size_t scan_ = 0;         // No line feed before it in the buffer.
  size_t elements_ = 0;     // Of the reply in hand.
  size_t total_bytes_ = 0;  // Of the reply in hand.
  size_t wanted_ = 0;
  std::string error_;
};

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_RESP_REPLY_DECODER_H_
