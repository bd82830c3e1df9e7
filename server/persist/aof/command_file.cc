#include "server/persist/aof/command_file.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "server/persist/snapshot/entry_record.h"

namespace holdfast::server {
namespace {

// So many failed commands are named in the log.
constexpr int kNamedFailures = 10;
constexpr size_t kMaxNamed = 64;
constexpr size_t kMaxAnnotation = 1 << 20;

// What is in a replica's stream and is not about data.
bool IsOfTheLink(absl::string_view name) {
  return absl::EqualsIgnoreCase(name, "PING") ||
         absl::EqualsIgnoreCase(name, "REPLCONF");
}

}  // namespace

CommandFile::CommandFile(Engine* engine, ByteSource* source, int64_t start,
                         const std::function<bool()>& cancelled)
    : engine_(*engine),
      source_(*source),
      cancelled_(cancelled),
      session_(engine->sessions().NextId(), nullptr, "aof", "", 0),
      dispatcher_(engine, &session_),
      decoder_(net::RequestLimits::ForPrimaryLink()),
      position_(start),
      good_(start) {
  session_.kind.store(SessionKind::kPrimary, std::memory_order_relaxed);
  session_.own.authenticated = true;
  session_.own.is_primary_link = true;
  single_.resize(1);
}

absl::Status CommandFile::Run() {
  bool mid_request = false;
  for (;;) {
    if (cancelled_()) return absl::CancelledError("loading was cancelled");
    const absl::StatusOr<absl::string_view> more = source_.Peek(1);
    if (!more.ok()) return more.status();
    if (more->empty()) break;
    for (size_t taken = 0; taken < more->size();) {
      const absl::Span<char> area = buffer_.WriteArea(decoder_.bytes_wanted());
      const size_t n = std::min(area.size(), more->size() - taken);
      memcpy(area.data(), more->data() + taken, n);
      buffer_.Commit(n);
      taken += n;
    }
    source_.Consume(more->size());
    for (mid_request = false; !mid_request;) {
      if (!decoder_.mid_request()) {
        if (buffer_.empty()) break;
        if (buffer_.readable()[0] == '#') {
          if (SkipAnnotation()) continue;
          if (buffer_.size() > kMaxAnnotation)
            return absl::InvalidArgumentError("a line without an end");
          break;
        }
      }
      switch (decoder_.Next(&buffer_)) {
        case net::RequestDecoder::Result::kNeedMore:
          mid_request = true;
          break;
        case net::RequestDecoder::Result::kError:
          return absl::InvalidArgumentError(decoder_.error_text());
        case net::RequestDecoder::Result::kEmpty:
          // An empty line may stand in a stream that came from a primary.
          if (absl::StartsWith(decoder_.raw(), "*"))
            return absl::InvalidArgumentError("a command without a name");
          position_ += static_cast<int64_t>(decoder_.raw().size());
          decoder_.Release(&buffer_);
          if (!in_transaction_) good_ = position_;
          break;
        case net::RequestDecoder::Result::kCommand: {
          const absl::Status status = OnCommand(decoder_.args());
          if (!status.ok()) return status;
          if (cancelled_())
            return absl::CancelledError("loading was cancelled");
          position_ += static_cast<int64_t>(decoder_.raw().size());
          decoder_.Release(&buffer_);
          if (!in_transaction_) good_ = position_;
          break;
        }
      }
    }
  }
  if (failures_ > kNamedFailures) {
    LOG(WARNING) << "AOF: " << failures_ << " commands of the file failed";
  }
  if (in_transaction_) {
    LOG(WARNING) << "Revert incomplete MULTI/EXEC transaction in AOF file";
    return absl::OutOfRangeError("ends within a transaction");
  }
  return mid_request || !buffer_.empty()
             ? absl::OutOfRangeError("ends within a command")
             : absl::OkStatus();
}

bool CommandFile::SkipAnnotation() {
  const size_t end = buffer_.readable().find('\n');
  if (end == absl::string_view::npos) return false;
  buffer_.Consume(end + 1);
  position_ += static_cast<int64_t>(end + 1);
  if (!in_transaction_) good_ = position_;
  return true;
}

absl::Status CommandFile::OnCommand(absl::Span<const absl::string_view> args) {
  const CommandSpec* const spec = engine_.commands().ResolveOrNull(args);
  if (spec == nullptr) {
    return absl::UnimplementedError(
        absl::StrCat("Unknown command '",
                     absl::CHexEscape(args[0].substr(0, kMaxNamed)), "'"));
  }
  if (IsOfTheLink(args[0])) return absl::OkStatus();
  if (absl::EqualsIgnoreCase(args[0], "MULTI")) {
    if (in_transaction_)
      return absl::InvalidArgumentError("MULTI inside of MULTI");
    in_transaction_ = true;
    return absl::OkStatus();
  }
  if (absl::EqualsIgnoreCase(args[0], "EXEC")) {
    if (!in_transaction_)
      return absl::InvalidArgumentError("EXEC without MULTI");
    ExecuteTransaction();
    return absl::OkStatus();
  }
  if (in_transaction_) {
    transaction_.emplace_back(args.begin(), args.end());
    return absl::OkStatus();
  }
  single_[0].assign(args.begin(), args.end());
  Execute(single_);
  return absl::OkStatus();
}

void CommandFile::ExecuteTransaction() {
  std::vector<std::vector<absl::string_view>> commands;
  commands.reserve(transaction_.size());
  for (const auto& words : transaction_)
    commands.emplace_back(words.begin(), words.end());
  if (!commands.empty()) Execute(commands);
  in_transaction_ = false;
  transaction_.clear();
}

void CommandFile::Execute(
    absl::Span<const std::vector<absl::string_view>> commands) {
  const absl::Status status = dispatcher_.Replay(commands);
  if (!status.ok() && ++failures_ <= kNamedFailures) {
    LOG(WARNING) << "AOF: a command of the file at offset " << position_
                 << " failed: " << status.message();
  }
  const int64_t delay = engine_.config().Int(ConfigId::kKeyLoadDelay);
  if (delay != 0) DelayForKeys(delay, commands.size(), cancelled_);
}

}  // namespace holdfast::server
