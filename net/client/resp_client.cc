#include "net/client/resp_client.h"

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "glog/logging.h"
#include "net/resp/reply_writer.h"
#include "net/resp/value.h"
#include "net/time/deadline.h"

namespace holdfast::net {
namespace {

// A queue of commands above this is memory to give back after sending.
constexpr size_t kKeepQueueBytes = 64 * 1024;

absl::Status Closed() { return absl::UnavailableError("closed by peer"); }

}  // namespace

RespClient::RespClient(std::unique_ptr<Stream> stream, ReplyLimits limits)
    : stream_(std::move(stream)), decoder_(limits) {
  CHECK(stream_ != nullptr);
}

absl::StatusOr<Value> RespClient::Call(absl::Span<const absl::string_view> args,
                                       Deadline deadline) {
  if (absl::Status s = Send(args, deadline); !s.ok()) return s;
  return ReceiveReply(deadline);
}

void RespClient::Queue(absl::Span<const absl::string_view> args) {
  AppendCommand(&out_, args);
}

absl::Status RespClient::Flush(Deadline deadline) {
  if (out_.empty()) return absl::OkStatus();
  const absl::Status status = stream_->WriteAll(out_, deadline);
  // Failed or not: sent in part, it must not be sent again, and sent not at
  // all, its caller has been told.
  out_.clear();
  if (out_.capacity() > kKeepQueueBytes) out_.shrink_to_fit();
  return status;
}

absl::Status RespClient::Send(absl::Span<const absl::string_view> args,
                              Deadline deadline) {
  Queue(args);
  return Flush(deadline);
}

absl::Status RespClient::SendRaw(absl::string_view bytes, Deadline deadline) {
  out_.append(bytes.data(), bytes.size());
  return Flush(deadline);
}

absl::StatusOr<Value> RespClient::Receive(Deadline deadline) {
  // ReadLine() or our user may have consumed since.
  if (!decoder_.mid_reply()) decoder_.Rescan();
  while (true) {
    switch (decoder_.Next(&buffer_)) {
      case ReplyDecoder::Result::kValue:
        return decoder_.TakeValue();
      case ReplyDecoder::Result::kError:
        return absl::DataLossError(decoder_.error_text());
      case ReplyDecoder::Result::kNeedMore:
        break;
    }
    const absl::StatusOr<size_t> n = Fill(deadline, decoder_.bytes_wanted());
    if (!n.ok()) return n.status();
    if (*n == 0) return Closed();
  }
}

absl::StatusOr<Value> RespClient::ReceiveReply(Deadline deadline) {
  while (true) {
    absl::StatusOr<Value> value = Receive(deadline);
    if (!value.ok() || !value->is_push()) return value;
    if (push_handler_ != nullptr) push_handler_(*std::move(value));
  }
}

absl::StatusOr<std::string> RespClient::ReadLine(Deadline deadline) {
  CHECK(!decoder_.mid_reply());
  size_t scanned = 0;
  while (true) {
    const absl::string_view in = buffer_.readable();
    const void* found =
        in.size() > scanned
            ? std::memchr(in.data() + scanned, '\n', in.size() - scanned)
            : nullptr;
    const size_t end =
        found != nullptr
            ? static_cast<size_t>(static_cast<const char*>(found) - in.data())
            : in.size();
    if (end > kMaxLine) {
      return absl::DataLossError("a line of the peer is too long");
    }
    if (found != nullptr) {
      absl::string_view line = in.substr(0, end);
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      std::string result(line);
      buffer_.Consume(end + 1);
      return result;
    }
    scanned = end;
    const absl::StatusOr<size_t> n = Fill(deadline);
    if (!n.ok()) return n.status();
    if (*n == 0) return Closed();
  }
}

absl::StatusOr<size_t> RespClient::Fill(Deadline deadline, size_t wanted) {
  const absl::StatusOr<size_t> n =
      stream_->ReadSome(buffer_.WriteArea(wanted), deadline);
  if (n.ok()) buffer_.Commit(*n);
  return n;
}

}  // namespace holdfast::net
