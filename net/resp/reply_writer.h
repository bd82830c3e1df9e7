#ifndef HOLDFAST_NET_RESP_REPLY_WRITER_H_
#define HOLDFAST_NET_RESP_REPLY_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "net/resp/value.h"

namespace holdfast::net {

// Appends replies to a string, in RESP2 or RESP3 as the client has chosen with
// HELLO. Where RESP2 lacks a type, writes what Redis 7.0 writes in its place.
// Never fails. The string outlives the writer; the writer is cheap to make and
// to copy. Thread-compatible.
class ReplyWriter {
 public:
  // REQUIRES: protocol is 2 or 3.
  explicit ReplyWriter(std::string* out, int protocol = 2);

  int protocol() const { return protocol_; }
  void set_protocol(int protocol);
  bool resp3() const { return protocol_ == 3; }
  std::string* out() const { return out_; }

  // "+OK". CR and LF inside become spaces.
  void SimpleString(absl::string_view s);
  void Ok() { out_->append("+OK\r\n", 5); }
  // "-ERR ...": `text` begins with its code and has no dash. Trailing line ends
  // are dropped and others become spaces, so no text can forge a reply.
  void Error(absl::string_view text);
  void Integer(int64_t i);
  void Bulk(absl::string_view s);
  // The decimal digits of `i` as a bulk string.
  void BulkInteger(int64_t i);
  // "$-1" / "_".
  void Null();
  // "*-1" / "_".
  void NullArray();
  // Headers: exactly that many values follow (pairs for a map).
  void ArrayHeader(size_t n) { Header('*', n); }
  void MapHeader(size_t pairs) {
    if (resp3())
      Header('%', pairs);
    else
      Header('*', 2 * pairs);
  }
  void SetHeader(size_t n) { Header(resp3() ? '~' : '*', n); }
  // In RESP2 an array: what pub/sub messages are there.
  void PushHeader(size_t n) { Header(resp3() ? '>' : '*', n); }
  // An attribute precedes a reply and exists in RESP3 only: on RESP2 writes
  // nothing and returns false, and the caller leaves the pairs out.
  bool AttributeHeader(size_t pairs);

  // RESP2: bulk with %.17g; RESP3: ",". Infinities are "inf", "-inf", and a
  // NaN "nan" without a sign.
  void Double(double d);
  // ":1" / "#t".
  void Bool(bool b);
  // Digits with an optional minus. RESP2: bulk.
  void BigNumber(absl::string_view digits);
  // `ext` is cut or padded to three characters. RESP2: bulk of `text` alone.
  void Verbatim(absl::string_view ext, absl::string_view text);

  // For a length that is known only afterwards: Begin, write the elements,
  // End with the mark and the count. Nests. End moves the bytes written since
  // Begin once, so prefer a header where the count is cheap to know.
  size_t BeginDeferred() const { return out_->size(); }
  void EndDeferredArray(size_t mark, size_t n) { Insert(mark, '*', n); }
  void EndDeferredMap(size_t mark, size_t pairs) {
    if (resp3())
      Insert(mark, '%', pairs);
    else
      Insert(mark, '*', 2 * pairs);
  }
  void EndDeferredSet(size_t mark, size_t n) {
    Insert(mark, resp3() ? '~' : '*', n);
  }
  void EndDeferredPush(size_t mark, size_t n) {
    Insert(mark, resp3() ? '>' : '*', n);
  }
  // Takes back everything written since the mark.
  void Rewind(size_t mark) { out_->resize(mark); }

  // Bytes that are RESP already.
  void Raw(absl::string_view resp) { out_->append(resp.data(), resp.size()); }

  // A whole tree, in this writer's protocol.
  void Write(const Value& value);

 private:
  void Header(char type, uint64_t n);
  void Insert(size_t mark, char type, uint64_t n);
  void Line(char type, absl::string_view text);

  std::string* out_;
  int protocol_;
};

// Appends a request: an array of bulk strings.
void AppendCommand(std::string* out, absl::Span<const absl::string_view> args);

// The same, and returns the string.
std::string EncodeCommand(absl::Span<const absl::string_view> args);

// How Redis 7.0 prints a double in a reply: %.17g, "inf", "-inf", "nan".
std::string FormatDouble(double d);

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_RESP_REPLY_WRITER_H_
