#include "server/connection/connection.h"

#include <poll.h>
#include <sys/uio.h>

#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "glog/logging.h"
#include "net/socket/poll.h"
#include "server/connection/prefetch.h"
#include "server/transaction/end.h"

namespace holdfast::server {
namespace {

// Replies are sent when there are so many even if more input waits.
constexpr size_t kFlushBytes = 64 * 1024;
// More than this is given back to the allocator once it is sent.
constexpr size_t kKeptOutputBytes = 64 * 1024;
// After so long without a word a client's buffers are given back; with 10,000
// idle clients they would be most of the memory.
constexpr absl::Duration kBufferIdleTime = absl::Seconds(2);
// An input buffer that a large request has left is given up for a small one as
// soon as a small request shows that it is too large.
constexpr size_t kLargeInputBytes = 32 * 1024;
// How often a stalled sender looks whether anything was accepted.
constexpr absl::Duration kStallSlice = absl::Milliseconds(250);

thread_local Connection* connection_of_this_thread = nullptr;

}  // namespace

Connection::Connection(Engine* engine, Turns* turns,
                       std::unique_ptr<net::SocketStream> stream,
                       std::shared_ptr<Session> session)
    : engine_(*engine),
      turns_(*turns),
      stream_(std::move(stream)),
      session_(std::move(session)),
      dispatcher_(engine, session_.get()) {}

Connection::~Connection() = default;

Connection* Connection::OfThisThread() { return connection_of_this_thread; }

absl::Status Connection::Run() {
  connection_of_this_thread = this;
  const Turns::Change awake = turns_.Awake();
  const auto end = absl::MakeCleanup([this] {
    engine_.pubsub().UnsubscribeAll(session_.get());
    UnwatchAll(&engine_.keyspace(), session_.get());
    session_->own.wait = nullptr;
    session_->DetachStream();
    connection_of_this_thread = nullptr;
  });
  for (;;) {
    absl::Status status = absl::OkStatus();
    // What came in while replies were being sent may be whole commands.
    Mailbox* const mailbox = session_->mailbox();
    if (mailbox != nullptr && !received_while_flushing_)
      status = SendMail(*mailbox);
    if (status.ok() && !std::exchange(received_while_flushing_, false))
      status = Receive();
    if (!status.ok()) return status;
    status = ExecuteInput();
    const absl::Status sent = Flush();
    if (!status.ok()) return status;
    if (!sent.ok()) return sent;
    if (session_->own.takeover != nullptr) {
      const std::function<void()> takeover =
          std::exchange(session_->own.takeover, nullptr);
      takeover();
      return absl::CancelledError("the connection was taken over");
    }
  }
}

net::Deadline Connection::IdleDeadline() const {
  const absl::Duration idle = engine_.config().Duration(ConfigId::kTimeout);
  // A subscriber has nothing to say.
  return idle > absl::ZeroDuration() &&
                 session_->kind.load(std::memory_order_relaxed) !=
                     SessionKind::kPubsub
             ? net::Deadline::After(engine_.clock(), idle)
             : net::Deadline::Never();
}

OutputBufferLimit Connection::OutputLimit() const {
  return engine_.config().BufferLimit(
      session_->kind.load(std::memory_order_relaxed) == SessionKind::kPubsub
          ? ClientClass::kPubsub
          : ClientClass::kNormal);
}

absl::Status Connection::SendMail(Mailbox& mailbox) {
  net::Deadline deadline = IdleDeadline();
  bool released = false;
  pollfd waiting[] = {{stream_->fd(), POLLIN, 0}, {mailbox.fd(), POLLIN, 0}};
  for (;;) {
    absl::StatusOr<int> ready(0);
    {
      const Turns::Change asleep = turns_.Asleep();
      const net::Deadline soon =
          net::Deadline::After(engine_.clock(), kBufferIdleTime);
      const bool whole = released || deadline.NextWait() <= kBufferIdleTime;
      ready = net::PollUntil(absl::MakeSpan(waiting), whole ? deadline : soon);
    }
    if (!ready.ok()) return ready.status();
    // Also the peer's end and Kill(), which shuts the socket down.
    if (waiting[0].revents != 0) return absl::OkStatus();
    if (waiting[1].revents != 0) {
      if (mailbox.closed()) return TooManyMessages();
      mailbox.Take(&output_);
      const absl::Status sent = Flush();
      if (!sent.ok()) return sent;
      if (received_while_flushing_) return absl::OkStatus();
      deadline = IdleDeadline();
      released = false;
    } else if (deadline.Expired()) {
      return absl::DeadlineExceededError("Closing idle client");
    } else {
      if (input_.empty() && !decoder_.mid_request()) ReleaseBuffers();
      released = true;
    }
  }
}

absl::Status Connection::Receive() {
  decoder_.set_authenticated(session_->own.authenticated);
  // Of every read, so also in the middle of a request: any byte is a sign of
  // life.
  const absl::StatusOr<size_t> n = ReadInput(IdleDeadline());
  if (!n.ok()) {
    return absl::IsDeadlineExceeded(n.status())
               ? absl::DeadlineExceededError("Closing idle client")
               : n.status();
  }
  if (*n == 0) return absl::UnavailableError("Client closed connection");
  return Received(*n);
}

absl::StatusOr<size_t> Connection::ReadInput(net::Deadline deadline) {
  if (input_.empty() && !decoder_.mid_request()) {
    absl::StatusOr<size_t> early(0);
    const absl::Span<char> area = input_.WriteArea();
    if (turns_.Give([&] {
          early = stream_->TryRead(area);
          return !absl::IsDeadlineExceeded(early.status());
        })) {
      return early;
    }
    const Turns::Change asleep = turns_.Asleep();
    const net::Deadline soon =
        net::Deadline::After(engine_.clock(), kBufferIdleTime);
    const bool whole = deadline.NextWait() <= kBufferIdleTime;
    const absl::StatusOr<size_t> n =
        stream_->ReadSome(input_.WriteArea(), whole ? deadline : soon);
    if (whole || !absl::IsDeadlineExceeded(n.status())) return n;
    ReleaseBuffers();
    // Ends with bytes, the peer's end, or Kill(), which shuts the socket down.
    pollfd waiting = {stream_->fd(), POLLIN, 0};
    for (;;) {
      const absl::Duration wait = std::min(deadline.NextWait(), absl::Hours(1));
      if (wait <= absl::ZeroDuration() ||
          poll(&waiting, 1,
               static_cast<int>(absl::ToInt64Milliseconds(wait)) + 1) > 0) {
        break;
      }
    }
  }
  const Turns::Change asleep = turns_.Asleep();
  return stream_->ReadSome(input_.WriteArea(decoder_.bytes_wanted()), deadline);
}

void Connection::ReleaseBuffers() {
  input_.Shrink();
  decoder_.Shrink();
  std::string().swap(output_);
  NoteSizes();
}

absl::Status Connection::Received(size_t n) {
  input_.Commit(n);
  NoteSizes();
  engine_.stats().reads_processed.Add(1);
  session_->bytes_in.fetch_add(static_cast<int64_t>(n),
                               std::memory_order_relaxed);
  engine_.stats().net_input_bytes.Add(static_cast<int64_t>(n));
  const auto limit = static_cast<size_t>(
      engine_.config().Int(ConfigId::kClientQueryBufferLimit));
  if (input_.size() + session_->queued_bytes.load(std::memory_order_relaxed) <=
      limit)
    return absl::OkStatus();
  engine_.stats().client_query_buffer_limit_disconnections.fetch_add(
      1, std::memory_order_relaxed);
  return absl::ResourceExhaustedError(
      "Closing client that reached max query buffer length");
}

absl::Status Connection::ExecuteInput() {
  dispatcher_.BeginBatch();
  const size_t received = input_.size();
  int prefetched = 0;  // Requests behind the present one.
  for (;;) {
    decoder_.set_max_bulk_len(engine_.config().Int(ConfigId::kProtoMaxBulkLen));
    const net::RequestDecoder::Result result = decoder_.Next(&input_);
    switch (result) {
      case net::RequestDecoder::Result::kNeedMore:
        if (input_.empty() && input_.capacity() > kLargeInputBytes &&
            received < input_.capacity() / 4) {
          input_.Shrink();
          input_.WriteArea();
        }
        NoteSizes();
        return absl::OkStatus();
      case net::RequestDecoder::Result::kEmpty:
        continue;
      case net::RequestDecoder::Result::kError: {
        const std::string text = absl::StrCat("ERR ", decoder_.error_text());
        engine_.stats().CountError(text);
        net::ReplyWriter(&output_).Error(text);
        return absl::InvalidArgumentError(text);
      }
      case net::RequestDecoder::Result::kCommand:
        if (prefetched-- == 0) {
          const absl::string_view rest =
              input_.readable().substr(decoder_.raw().size());
          prefetched =
              PrefetchKeys(&engine_.keyspace(),
                           session_->db.load(std::memory_order_relaxed), rest);
        }
        // What the client was told before it asked, it gets before the answer.
        if (Mailbox* const mailbox = session_->mailbox(); mailbox != nullptr) {
          if (mailbox->closed()) return TooManyMessages();
          if (mailbox->HasMail()) mailbox->Take(&output_);
        }
        dispatcher_.Execute(decoder_.args(), &output_);
        decoder_.set_authenticated(session_->own.authenticated);
        break;
    }
    if (session_->own.close_after_reply || session_->killed())
      return absl::CancelledError("closing after the reply");
    const int64_t most = OutputLimit().hard_bytes;
    if (most > 0 && output_.size() > static_cast<size_t>(most))
      return TooMuchOutput();
    if (session_->own.takeover != nullptr) {
      decoder_.Release(&input_);
      return absl::OkStatus();
    }
    if (session_->own.wait != nullptr) {
      decoder_.Release(&input_);
      const absl::Status sent = WaitForKeys();
      if (!sent.ok()) return sent;
    }
    if (output_.size() >= kFlushBytes) {
      decoder_.Release(&input_);
      const absl::Status sent = Flush();
      if (!sent.ok()) return sent;
    }
  }
}

absl::Status Connection::WaitForKeys() {
  const auto wait = std::exchange(session_->own.wait, nullptr);
  const bool silent = session_->own.reply_off || session_->own.skip_this_reply;
  absl::Status sent = Flush();
  if (!sent.ok()) return sent;
  {
    const Turns::Change asleep = turns_.Asleep();
    wait(&output_);
  }
  if (silent) output_.clear();
  dispatcher_.BeginBatch();
  return session_->killed() ? absl::CancelledError("killed while it waited")
                            : absl::OkStatus();
}

absl::Status Connection::TooMuchOutput() {
  LOG(WARNING) << "Client " << session_->address
               << " is closed: " << output_.size()
               << " bytes of replies are beyond client-output-buffer-limit";
  engine_.stats().client_output_buffer_limit_disconnections.fetch_add(
      1, std::memory_order_relaxed);
  output_.clear();
  return absl::ResourceExhaustedError("reached output buffer limits");
}

absl::Status Connection::TooManyMessages() {
  output_.clear();
  return absl::ResourceExhaustedError("does not take its messages");
}

void Connection::NoteSizes() {
  session_->query_bytes.store(input_.size(), std::memory_order_relaxed);
  session_->query_capacity.store(input_.capacity() - input_.size(),
                                 std::memory_order_relaxed);
  session_->argv_bytes.store(0, std::memory_order_relaxed);
  session_->output_capacity.store(output_.capacity(),
                                  std::memory_order_relaxed);
}

absl::Status Connection::AwaitDisk() {
  AofService* const aof = engine_.aof_service;
  if (output_.empty() || aof == nullptr ||
      !aof->MustAwait(session_->own.write_offset)) {
    return absl::OkStatus();
  }
  const Turns::Change asleep = turns_.Asleep();
  const absl::Status status = aof->AwaitOnDisk(
      session_->own.write_offset, [this] { return session_->killed(); });
  if (status.ok()) return status;
  LOG(WARNING) << "Client " << session_->address
               << " is closed: " << status.message();
  output_.clear();
  return status;
}

absl::Status Connection::Flush() {
  if (const absl::Status written = AwaitDisk(); !written.ok()) return written;
  size_t sent = 0;
  absl::Duration timeout =
      engine_.config().Duration(ConfigId::kClientSendTimeoutMs);
  if (timeout == absl::ZeroDuration()) timeout = absl::InfiniteDuration();
  const net::Deadline never_wait =
      net::Deadline::After(engine_.clock(), absl::ZeroDuration());
  net::Deadline progress = net::Deadline::After(engine_.clock(), timeout);
  net::Deadline soft_limit_until = net::Deadline::Never();
  while (sent < output_.size()) {
    const iovec part = {output_.data() + sent, output_.size() - sent};
    const absl::StatusOr<size_t> n =
        stream_->WriteSome(absl::MakeConstSpan(&part, 1), never_wait);
    if (n.ok()) {
      sent += *n;
      engine_.stats().writes_processed.Add(1);
      session_->bytes_out.fetch_add(static_cast<int64_t>(*n),
                                    std::memory_order_relaxed);
      engine_.stats().net_output_bytes.Add(static_cast<int64_t>(*n));
      if (sent < output_.size())
        progress = net::Deadline::After(engine_.clock(), timeout);
      continue;
    }
    if (!absl::IsDeadlineExceeded(n.status())) return n.status();
    if (session_->mailbox() != nullptr && session_->mailbox()->closed())
      return TooManyMessages();
    if (progress.Expired()) {
      return absl::DeadlineExceededError(
          absl::StrCat("client took no byte of its replies for ",
                       absl::FormatDuration(timeout)));
    }
    session_->output_bytes.store(output_.size() - sent,
                                 std::memory_order_relaxed);
    const OutputBufferLimit limit = OutputLimit();
    if (limit.soft_bytes == 0 ||
        output_.size() - sent <= static_cast<size_t>(limit.soft_bytes)) {
      soft_limit_until = net::Deadline::Never();
    } else if (soft_limit_until.NextWait() == absl::InfiniteDuration()) {
      soft_limit_until = net::Deadline::After(engine_.clock(), limit.soft_time);
    } else if (soft_limit_until.Expired()) {
      return TooMuchOutput();
    }
    pollfd waiting = {stream_->fd(), POLLIN | POLLOUT, 0};
    const absl::Duration slice = std::min(progress.NextWait(), kStallSlice);
    poll(&waiting, 1, static_cast<int>(absl::ToInt64Milliseconds(slice)) + 1);
    if ((waiting.revents & POLLIN) != 0) {
      const absl::Status received = ReceiveWhileFlushing();
      if (!received.ok()) return received;
    }
  }
  output_.clear();
  if (output_.capacity() > kKeptOutputBytes) std::string().swap(output_);
  session_->output_bytes.store(0, std::memory_order_relaxed);
  return absl::OkStatus();
}

absl::Status Connection::ReceiveWhileFlushing() {
  const absl::StatusOr<size_t> n = stream_->TryRead(input_.WriteArea());
  if (!n.ok())
    return absl::IsDeadlineExceeded(n.status()) ? absl::OkStatus() : n.status();
  if (*n == 0) return absl::UnavailableError("Client closed connection");
  received_while_flushing_ = true;
  return Received(*n);
}

}  // namespace holdfast::server
