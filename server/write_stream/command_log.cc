#include "server/write_stream/command_log.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "net/resp/reply_writer.h"

namespace holdfast::server {
namespace {

constexpr absl::string_view kMulti = "*1\r\n$5\r\nMULTI\r\n";
constexpr absl::string_view kExec = "*1\r\n$4\r\nEXEC\r\n";

}  // namespace

std::string RandomReplicationId() {
  std::random_device device;
  std::string id;
  while (id.size() < kNoReplicationId.size())
    absl::StrAppend(&id, absl::Hex(device(), absl::kZeroPad8));
  return id;
}

CommandLog::CommandLog(Limits limits) : limits_(limits) {
  id_.id = RandomReplicationId();
  id_.id2 = std::string(kNoReplicationId);
}

CommandLog::~CommandLog() {
  absl::MutexLock lock(&mu_);
  CHECK(pins_.empty()) << "a follower outlives the log";
}

void CommandLog::Activate() {
  absl::MutexLock lock(&mu_);
  if (active()) return;  // The stream goes on, in the database it is in.
  selected_db_ = -1;
  active_.store(true, std::memory_order_relaxed);
}

void CommandLog::Deactivate() {
  absl::MutexLock lock(&mu_);
  active_.store(false, std::memory_order_relaxed);
  DropAllLocked();
}

void CommandLog::DropAllLocked() { blocks_.clear(); }

void CommandLog::AppendUnit(absl::Span<const Effect> effects) {
  if (!active() || effects.empty()) return;
  absl::MutexLock lock(&mu_);
  // As in Redis 7.0, the first SELECT stands before the MULTI.
  const int first_db = effects.front().db;
  if (first_db >= 0 && first_db != selected_db_) SelectLocked(first_db);
  if (effects.size() > 1) AppendLocked(kMulti);
  for (const Effect& effect : effects) {
    if (effect.db >= 0 && effect.db != selected_db_) SelectLocked(effect.db);
    AppendLocked(effect.bytes);
  }
  if (effects.size() > 1) AppendLocked(kExec);
  PublishLocked();
}

void CommandLog::AppendRaw(absl::string_view bytes, int selected_db) {
  if (bytes.empty()) return;
  absl::MutexLock lock(&mu_);
  if (selected_db >= 0) selected_db_ = selected_db;
  AppendLocked(bytes);
  PublishLocked();
}

void CommandLog::AppendCommand(absl::string_view bytes) {
  if (active()) AppendRaw(bytes);
}

void CommandLog::ForgetSelectedDb() {
  absl::MutexLock lock(&mu_);
  selected_db_ = -1;
}

int CommandLog::selected_db() const {
  absl::ReaderMutexLock lock(&mu_);
  return selected_db_;
}

void CommandLog::NoteSelectedDb(int db) {
  absl::MutexLock lock(&mu_);
  selected_db_ = db;
}

void CommandLog::SelectLocked(int db) {
  const std::string digits = absl::StrCat(db);
  AppendLocked(net::EncodeCommand({"SELECT", digits}));
  selected_db_ = db;
}

void CommandLog::AppendLocked(absl::string_view bytes) {
  while (!bytes.empty()) {
    if (blocks_.empty() ||
        blocks_.back()->size.load(std::memory_order_relaxed) == kBlockBytes) {
      // make_shared would clear the 64 KiB first.
      std::shared_ptr<Block> block(new Block);
      block->start = tail_;
      blocks_.push_back(std::move(block));
    }
    Block& block = *blocks_.back();
    const size_t used = block.size.load(std::memory_order_relaxed);
    const size_t n = std::min(bytes.size(), kBlockBytes - used);
    memcpy(block.data + used, bytes.data(), n);
    block.size.store(used + n, std::memory_order_release);
    tail_ += static_cast<int64_t>(n);
    bytes.remove_prefix(n);
  }
}

void CommandLog::PublishLocked() {
  TrimLocked();
  end_.store(tail_, std::memory_order_release);
  if (waiters_ > 0) appended_.SignalAll();
}

void CommandLog::TrimLocked() {
  int64_t keep_from = tail_ - limits_.window_bytes;
  if (blocks_.empty() || blocks_.front()->start >= keep_from) return;
  for (const Pin* pin : pins_) keep_from = std::min(keep_from, pin->offset_);
  keep_from = std::max(keep_from, tail_ - limits_.max_bytes);
  while (blocks_.size() > 1 &&
         blocks_.front()->start + static_cast<int64_t>(kBlockBytes) <=
             keep_from) {
    blocks_.pop_front();
  }
}

int64_t CommandLog::FirstLocked() const {
  return blocks_.empty() ? tail_ : blocks_.front()->start;
}

int64_t CommandLog::first_offset() const {
  absl::ReaderMutexLock lock(&mu_);
  return FirstLocked();
}

int64_t CommandLog::pinned_bytes() const {
  absl::ReaderMutexLock lock(&mu_);
  return std::max<int64_t>(0, tail_ - FirstLocked() - limits_.window_bytes -
                                  static_cast<int64_t>(kBlockBytes));
}

void CommandLog::set_limits(Limits limits) {
  absl::MutexLock lock(&mu_);
  limits_ = limits;
  TrimLocked();
}

CommandLog::Limits CommandLog::limits() const {
  absl::ReaderMutexLock lock(&mu_);
  return limits_;
}

ReplicationId CommandLog::replication_id() const {
  absl::ReaderMutexLock lock(&mu_);
  return id_;
}

void CommandLog::ShiftReplicationId() {
  absl::MutexLock lock(&mu_);
  id_.id2 = id_.id;
  // Redis's convention: the first byte that is NOT shared, counted from one.
  id_.second_offset = tail_ + 1;
  id_.id = RandomReplicationId();
  selected_db_ = -1;
}

void CommandLog::NewReplicationId() {
  absl::MutexLock lock(&mu_);
  id_ = ReplicationId{RandomReplicationId(), std::string(kNoReplicationId), -1};
}

void CommandLog::AdoptHistory(const ReplicationId& id, int64_t offset) {
  absl::MutexLock lock(&mu_);
  id_ = id;
  DropAllLocked();
  tail_ = offset;
  selected_db_ = -1;
  end_.store(tail_, std::memory_order_release);
}

void CommandLog::RenameHistory(absl::string_view id) {
  absl::MutexLock lock(&mu_);
  id_.id2 = id_.id;
  id_.second_offset = tail_ + 1;
  id_.id = std::string(id);
}

absl::Status CommandLog::CanContinue(absl::string_view id,
                                     int64_t offset) const {
  absl::ReaderMutexLock lock(&mu_);
  if (id != id_.id) {
    if (id_.id2 != id) {
      return absl::NotFoundError(absl::StrCat(
          "Replication ID mismatch (Replica asked for '", id,
          "', my replication IDs are '", id_.id, "' and '", id_.id2, "')"));
    }
    if (offset + 1 > id_.second_offset) {
      return absl::NotFoundError(
          absl::StrCat("Requested offset for second ID was ", offset + 1,
                       ", but I can reply up to ", id_.second_offset));
    }
  }
  if (!active()) return absl::OutOfRangeError("no backlog is kept");
  if (offset < FirstLocked() || offset > tail_) {
    return absl::OutOfRangeError(absl::StrCat(
        "Unable to partial resync with replica for lack of backlog (Replica "
        "request was: ",
        offset + 1, ", backlog holds ", FirstLocked() + 1, " to ", tail_, ")"));
  }
  return absl::OkStatus();
}

std::unique_ptr<CommandLog::Pin> CommandLog::PinAt(int64_t offset) {
  std::unique_ptr<Pin> pin(new Pin(this, offset));
  absl::MutexLock lock(&mu_);
  pins_.insert(pin.get());
  return pin;
}

CommandLog::Pin::~Pin() {
  absl::MutexLock lock(&log_->mu_);
  log_->pins_.erase(this);
  log_->TrimLocked();
}

void CommandLog::Pin::Advance(int64_t offset) {
  absl::MutexLock lock(&log_->mu_);
  offset_ = std::max(offset_, offset);
}

int64_t CommandLog::Pin::offset() const {
  absl::ReaderMutexLock lock(&log_->mu_);
  return offset_;
}

absl::StatusOr<CommandLog::Chunk> CommandLog::Read(int64_t offset) const {
  absl::ReaderMutexLock lock(&mu_);
  if (offset < FirstLocked() || offset > tail_) {
    return absl::OutOfRangeError(
        absl::StrCat("offset ", offset, " is outside the log, which holds ",
                     FirstLocked(), " to ", tail_));
  }
  Chunk chunk;
  if (offset == tail_) return chunk;
  // All blocks but the last are full, and they follow on without a gap.
  const size_t index =
      static_cast<size_t>(offset - blocks_.front()->start) / kBlockBytes;
  chunk.block_ = blocks_[index];
  const size_t skip = static_cast<size_t>(offset - chunk.block_->start);
  chunk.bytes_ = absl::string_view(
      chunk.block_->data + skip,
      chunk.block_->size.load(std::memory_order_acquire) - skip);
  return chunk;
}

bool CommandLog::WaitForBytes(int64_t offset, net::Deadline deadline,
                              const std::atomic<bool>* stop) const {
  if (end_offset() > offset) return true;
  absl::MutexLock lock(&mu_);
  ++waiters_;
  while (tail_ <= offset && !stop->load(std::memory_order_relaxed) &&
         !deadline.Expired()) {
    appended_.Wait(&mu_, deadline);
  }
  --waiters_;
  return tail_ > offset;
}

void CommandLog::WakeAll() {
  absl::MutexLock lock(&mu_);
  appended_.SignalAll();
}

}  // namespace holdfast::server
