#include "replication/replica/link_writer.h"

#include <pthread.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "net/resp/reply_writer.h"
#include "server/config/config.h"

namespace holdfast::replication {

using server::ConfigId;

LinkWriter::LinkWriter(server::Engine* engine,
                       std::function<bool()> wants_pings)
    : engine_(*engine),
      clock_(engine->clock()),
      wants_pings_(std::move(wants_pings)),
      thread_([this] { Run(); }) {}

void LinkWriter::Attach(std::shared_ptr<net::RespClient> connection,
                        absl::string_view peer) {
  absl::MutexLock lock(&mu_);
  connection_ = std::move(connection);
  peer_ = std::string(peer);
  beat_ = Beat::kNone;
  failures_in_a_row_ = 0;
  failure_ = absl::OkStatus();
}

void LinkWriter::Detach() {
  absl::MutexLock lock(&mu_);
  connection_.reset();
  beat_ = Beat::kNone;
}

void LinkWriter::SetBeat(Beat beat) {
  absl::MutexLock lock(&mu_);
  beat_ = beat;
  next_beat_ = clock_->Now();
  changed_.SignalAll();
}

net::Deadline LinkWriter::WriteDeadline() const {
  return net::Deadline::After(
      clock_, engine_.config().Duration(ConfigId::kReplWriteTimeoutMs));
}

absl::Status LinkWriter::Send(absl::Span<const std::string> args,
                              net::Deadline deadline) {
  std::shared_ptr<net::RespClient> connection;
  {
    absl::MutexLock lock(&mu_);
    connection = connection_;
  }
  if (connection == nullptr) return absl::CancelledError("no connection");
  const std::vector<absl::string_view> views(args.begin(), args.end());
  const std::string bytes = net::EncodeCommand(views);
  absl::MutexLock lock(&write_mu_);
  return connection->stream().WriteAll(bytes, deadline);
}

std::string LinkWriter::AckCommand() const {
  const std::string offset = absl::StrCat(engine_.log().end_offset());
  if (wants_pings_ != nullptr && wants_pings_())
    return net::EncodeCommand({"REPLCONF", "ACK", offset, "PINGS", "1"});
  return net::EncodeCommand({"REPLCONF", "ACK", offset});
}

void LinkWriter::AckNow() {
  std::shared_ptr<net::RespClient> connection;
  {
    absl::MutexLock lock(&mu_);
    if (beat_ != Beat::kAck) return;
    connection = connection_;
  }
  if (connection == nullptr) return;
  absl::Status status =
      absl::DeadlineExceededError("another write is under way");
  if (write_mu_.TryLock()) {
    const std::string bytes = AckCommand();
    const iovec part = {const_cast<char*>(bytes.data()), bytes.size()};
    const absl::StatusOr<size_t> n = connection->stream().WriteSome(
        absl::MakeConstSpan(&part, 1),
        net::Deadline::After(clock_, absl::ZeroDuration()));
    status = n.status();
    // Begun, it has to be finished, or the connection is lost.
    if (n.ok() && *n < bytes.size()) {
      status = connection->stream().WriteAll(
          absl::string_view(bytes).substr(*n), WriteDeadline());
      if (absl::IsDeadlineExceeded(status))
        status = absl::DataLossError("an acknowledgement was cut");
    }
    write_mu_.Unlock();
  }
  if (!absl::IsDeadlineExceeded(status)) {
    NoteOutcome(connection.get(), status);
    return;
  }
  absl::MutexLock lock(&mu_);
  next_beat_ = clock_->Now();
  changed_.SignalAll();
}

absl::Status LinkWriter::failure() const {
  absl::MutexLock lock(&mu_);
  return failure_;
}

void LinkWriter::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stop_ = true;
    if (connection_ != nullptr) connection_->Shutdown();
    changed_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

void LinkWriter::Run() {
  pthread_setname_np(pthread_self(), "link-heartbeat");
  for (;;) {
    const Due due = WaitUntilDue();
    if (due.connection == nullptr) return;
    NoteOutcome(due.connection.get(), SendBeat(due));
  }
}

LinkWriter::Due LinkWriter::WaitUntilDue() {
  absl::MutexLock lock(&mu_);
  for (;;) {
    if (stop_) return {};
    if (connection_ == nullptr || beat_ == Beat::kNone || !failure_.ok()) {
      changed_.Wait(&mu_, net::Deadline::Never());
      continue;
    }
    const net::MonoTime now = clock_->Now();
    if (now < next_beat_) {
      changed_.Wait(&mu_, net::Deadline::At(clock_, next_beat_));
      continue;
    }
    next_beat_ = now + engine_.config().EffectiveAckInterval();
    return {connection_, beat_};
  }
}

absl::Status LinkWriter::SendBeat(const Due& due) {
  absl::MutexLock lock(&write_mu_);
  net::Stream& stream = due.connection->stream();
  const absl::Status status = stream.WriteAll(
      due.beat == Beat::kAck ? AckCommand() : "\n", WriteDeadline());
  // Cut part way: no later one can mend it.
  if (stream.broken() && absl::IsDeadlineExceeded(status))
    return absl::DataLossError(status.message());
  return status;
}

void LinkWriter::NoteOutcome(const net::RespClient* connection,
                             const absl::Status& status) {
  absl::MutexLock lock(&mu_);
  if (connection_.get() != connection || absl::IsCancelled(status) ||
      !failure_.ok())
    return;
  if (status.ok()) {
    if (failures_in_a_row_ > 0) {
      LOG(INFO) << "Heartbeats to primary " << peer_ << " go out again after "
                << failures_in_a_row_ << " that did not";
    }
    failures_in_a_row_ = 0;
    return;
  }
  const bool stuck = absl::IsDeadlineExceeded(status);
  if (stuck) {
    ++failures_in_a_row_;
    if (failures_in_a_row_ == 1) {
      LOG(WARNING) << "A heartbeat to primary " << peer_
                   << " could not be sent: " << status.message();
    }
    if (failures_in_a_row_ <
        engine_.config().Int(ConfigId::kReplHeartbeatFailures))
      return;
  }
  failure_ = status;
  if (stuck) {
    failure_ = absl::DeadlineExceededError(absl::StrCat(
        failures_in_a_row_, " heartbeats in a row could not be sent"));
  }
  if (stuck || absl::IsDataLoss(status)) connection_->Shutdown();
}

}  // namespace holdfast::replication
