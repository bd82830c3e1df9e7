#include "server/persist/snapshot/snapshot.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "server/keyspace/slot_table.h"
#include "server/persist/snapshot/entry_record.h"

namespace holdfast::server {
namespace {

// The chunk goes to the spool when it has grown to this.
constexpr size_t kChunkBytes = 64 * 1024;

}  // namespace

absl::StatusOr<std::shared_ptr<Snapshot>> Snapshot::Start(
    Engine* engine, bool compress, SyncPoint between_locks,
    net::Deadline deadline, absl::Duration patience) {
  absl::StatusOr<std::unique_ptr<Spool>> spool =
      Spool::Create(engine->config().String(ConfigId::kDir));
  if (!spool.ok()) return spool.status();
  std::shared_ptr<Snapshot> snapshot(new Snapshot(
      engine, *std::move(spool), nullptr, compress, std::move(between_locks)));
  const absl::Status begun = Begin(snapshot, deadline, patience);
  if (!begun.ok()) return begun;
  return snapshot;
}

absl::StatusOr<std::shared_ptr<Snapshot>> Snapshot::StartInto(
    Engine* engine, ByteSink* file, bool compress, net::Deadline deadline,
    absl::Duration patience, std::function<void()> at_cut) {
  std::shared_ptr<Snapshot> snapshot(
      new Snapshot(engine, nullptr, file, compress, nullptr));
  snapshot->at_cut_ = std::move(at_cut);
  const absl::Status begun = Begin(snapshot, deadline, patience);
  if (!begun.ok()) return begun;
  return snapshot;
}

absl::Status Snapshot::Begin(const std::shared_ptr<Snapshot>& snapshot,
                             net::Deadline deadline, absl::Duration patience) {
  SnapshotTurn& turn = snapshot->engine_.keyspace().snapshot_turn();
  if (!turn.Take(deadline))
    return absl::DeadlineExceededError("another snapshot is under way");
  if (!snapshot->Cut(deadline, patience)) {
    turn.Give();
    return absl::DeadlineExceededError("a write takes long");
  }
  snapshot->thread_ = std::thread([raw = snapshot.get()] { raw->Run(); });
  return absl::OkStatus();
}

Snapshot::Snapshot(Engine* engine, std::unique_ptr<Spool> spool, ByteSink* file,
                   bool compress, SyncPoint between_locks)
    : engine_(*engine),
      spool_(std::move(spool)),
      options_{compress, engine->config().Bool(ConfigId::kRdbChecksum)},
      writer_(spool_ != nullptr ? spool_.get() : file, options_),
      between_locks_(std::move(between_locks)),
      buffer_limit_(static_cast<size_t>(
          engine->config().Int(ConfigId::kSnapshotBufferLimit))) {}

Snapshot::~Snapshot() {
  Abandon("nobody wants it any more");
  if (thread_.joinable()) thread_.join();
}

bool Snapshot::Cut(net::Deadline deadline, absl::Duration patience) {
  Keyspace& keyspace = engine_.keyspace();
  const ExclusiveGate gate(&keyspace.gate(), deadline, patience);
  if (!gate.held()) return false;
  absl::ReaderMutexLock any_slot(&keyspace.slots()[0].mu);
  CommandLog& log = engine_.log();
  info_ = RdbInfoNow(engine_);
  if (at_cut_ != nullptr) {
    at_cut_();
    info_.aof_base = true;
  } else if (spool_ == nullptr) {
    AddPosition(log, &info_);
  } else {
    log.Activate();
    AddPosition(log, &info_);
    // Our own stream selects its database anew; one that we only pass on may
    // not.
    info_.repl_stream_db = log.selected_db();
    if (!engine_.is_replica()) log.ForgetSelectedDb();
    pin_ = log.PinAt(log.end_offset());
  }
  offset_ = log.end_offset();
  replication_id_ = log.replication_id().id;
  changes_at_cut_ =
      engine_.stats().changes_since_save.load(std::memory_order_relaxed);
  databases_ = keyspace.Databases();
  for (size_t i = 0; i < databases_.size(); ++i) {
    index_of_[databases_[i].get()] = static_cast<int>(i);
    keys_total_ += static_cast<int64_t>(databases_[i]->Size());
  }
  SnapshotState& state = keyspace.snapshot();
  CHECK(state.observer.load(std::memory_order_relaxed) == nullptr)
      << "two snapshots at once";
  epoch_ =
      static_cast<uint8_t>(state.epoch.load(std::memory_order_relaxed) + 1);
  state.epoch.store(epoch_, std::memory_order_relaxed);
  state.observer.store(this, std::memory_order_relaxed);
  return true;
}

void Snapshot::BeforeChange(const Database& database, const Entry& entry) {
  if (given_up()) return;
  const auto it = index_of_.find(&database);
  // A database that was put in place after the cut (a replica's new dataset) is
  // not of this snapshot, though its entries may be of an older epoch.
  if (it == index_of_.end()) return;
  keys_saved_.fetch_add(1, std::memory_order_relaxed);
  bool too_much = false;
  {
    absl::MutexLock lock(&mu_);
    saved_by_writers_.SelectDb(static_cast<uint64_t>(it->second));
    const size_t before = saved_by_writers_.size();
    AppendEntryRecord(entry, options_, saved_by_writers_.records());
    // As in memory, for strings: a record may be compressed.
    const size_t bytes = entry.type() == ValueType::kString
                             ? entry.StringLength()
                             : saved_by_writers_.size() - before;
    copied_bytes_.fetch_add(static_cast<int64_t>(entry.key().size() + bytes),
                            std::memory_order_relaxed);
    too_much = saved_by_writers_.size() > buffer_limit_;
  }
  if (too_much)
    Abandon(absl::StrCat("writers changed more than snapshot-buffer-limit (",
                         buffer_limit_, " bytes) at once"));
}

void Snapshot::Abandon(absl::string_view why) {
  if (ended()) return;
  absl::MutexLock lock(&mu_);
  if (given_up()) return;
  failure_ = absl::AbortedError(absl::StrCat("snapshot given up: ", why));
  given_up_.store(true, std::memory_order_relaxed);
  saved_by_writers_.Clear();
  progress_.SignalAll();
}

void Snapshot::Run() {
  pthread_setname_np(pthread_self(), "snapshot");
  absl::Status status = writer_.Header(info_);
  for (size_t i = 0; i < databases_.size() && status.ok(); ++i) {
    const size_t keys = databases_[i]->Size();
    if (keys > 0)
      status = writer_.ResizeDb(i, keys, databases_[i]->ExpiringSize());
  }
  if (!status.ok()) Abandon(status.message());
  for (int slot = 0; slot < kSlots; ++slot) WalkSlot(static_cast<Slot>(slot));
  if (between_locks_ != nullptr) between_locks_(kSlots);
  {
    // No writer is under way behind the gate, so none is inside BeforeChange().
    const ExclusiveGate gate(&engine_.keyspace().gate());
    engine_.keyspace().snapshot().observer.store(nullptr,
                                                 std::memory_order_relaxed);
  }
  Emit(RecordChunk());
  if (!given_up()) {
    status = writer_.Finish();
    if (!status.ok()) Abandon(status.message());
  }
  index_of_.clear();
  databases_.clear();
  engine_.keyspace().snapshot_turn().Give();
  // In one step: a reader that saw the end before the last bytes would leave
  // them out.
  absl::MutexLock lock(&mu_);
  readable_ = static_cast<int64_t>(writer_.bytes_written());
  complete_ = failure_.ok();
  ended_.store(true, std::memory_order_release);
  progress_.SignalAll();
}

absl::Status Snapshot::result() const {
  CHECK(ended());
  absl::MutexLock lock(&mu_);
  return failure_;
}

void Snapshot::WalkSlot(Slot slot) {
  absl::Mutex& mu = engine_.keyspace().slots()[slot].mu;
  RecordChunk chunk;
  for (size_t i = 0; i < databases_.size(); ++i) {
    const Database& database = *databases_[i];
    if (database.GroupSize(slot / Database::kGroupSlots) == 0) continue;
    for (uint64_t position = 0; position < Database::kScanEnd;) {
      if (between_locks_ != nullptr) between_locks_(slot);
      const int64_t delay = engine_.config().Int(ConfigId::kRdbKeySaveDelay);
      const bool slowly = delay != 0 && !given_up();
      size_t keys = 0;
      {
        absl::MutexLock lock(&mu);
        position = database.ScanSlot(
            slot, position, slowly && delay > 0 ? 1 : kKeysPerLock,
            kBucketsPerLock, [&](Entry* entry) {
              if (entry->epoch() == epoch_) return;
              entry->set_epoch(epoch_);
              if (given_up()) return;
              keys_saved_.fetch_add(1, std::memory_order_relaxed);
              ++keys;
              chunk.SelectDb(i);
              AppendEntryRecord(*entry, options_, chunk.records());
            });
      }
      if (slowly) DelayForKeys(delay, keys, [this] { return given_up(); });
      if (chunk.size() >= kChunkBytes) {
        Emit(chunk);
        chunk.Clear();
      }
    }
  }
  if (!chunk.empty()) Emit(chunk);
}

void Snapshot::Emit(const RecordChunk& chunk) {
  RecordChunk saved;
  {
    absl::MutexLock lock(&mu_);
    std::swap(saved, saved_by_writers_);
  }
  if (given_up()) return;
  absl::Status status = saved.empty() ? absl::OkStatus() : writer_.Chunk(saved);
  if (status.ok() && !chunk.empty()) status = writer_.Chunk(chunk);
  if (!status.ok()) return Abandon(status.message());
  Publish();
}

void Snapshot::Publish() {
  absl::MutexLock lock(&mu_);
  readable_ = static_cast<int64_t>(writer_.bytes_written());
  progress_.SignalAll();
}

absl::StatusOr<Snapshot::Progress> Snapshot::WaitForBytes(
    int64_t position, net::Deadline deadline) {
  absl::MutexLock lock(&mu_);
  while (failure_.ok() && readable_ <= position && !ended() &&
         !deadline.Expired()) {
    progress_.Wait(&mu_, deadline);
  }
  if (!failure_.ok()) return failure_;
  return Progress{readable_, complete_};
}

absl::StatusOr<size_t> Snapshot::ReadAt(int64_t position, char* buffer,
                                        size_t size) const {
  return spool_->ReadAt(position, buffer, size);
}

bool Snapshot::WaitForEnd(net::Deadline deadline) {
  absl::MutexLock lock(&mu_);
  while (!ended()) {
    if (!progress_.Wait(&mu_, deadline)) return ended();
  }
  return true;
}

absl::StatusOr<std::shared_ptr<Snapshot>> SnapshotMaker::StartOrJoin(
    net::Deadline deadline, absl::Duration patience) {
  std::shared_ptr<Snapshot> last;
  {
    absl::MutexLock lock(&mu_);
    while (busy_) {
      if (!idle_.Wait(&mu_, deadline) && busy_)
        return absl::DeadlineExceededError("another snapshot begins");
    }
    if (current_ != nullptr && !current_->ended()) {
      if (current_->replication_id() == engine_->log().replication_id().id &&
          !current_->given_up())
        return current_;
      current_->Abandon("the history it belongs to has ended");
    }
    busy_ = true;
    last = std::move(current_);
  }
  absl::StatusOr<std::shared_ptr<Snapshot>> fresh =
      absl::DeadlineExceededError("the last snapshot has not ended");
  // Its walk must be over before the next cut.
  if (last == nullptr || last->WaitForEnd(deadline))
    fresh = Snapshot::Start(engine_, false, nullptr, deadline, patience);
  absl::MutexLock lock(&mu_);
  current_ = fresh.ok() ? *fresh : std::move(last);
  busy_ = false;
  idle_.SignalAll();
  return fresh;
}

void SnapshotMaker::Release(std::shared_ptr<Snapshot> snapshot) {
  std::shared_ptr<Snapshot> last;
  {
    absl::MutexLock lock(&mu_);
    snapshot.reset();
    if (current_ == nullptr || current_.use_count() > 1 || busy_) return;
    busy_ = true;
    last = std::move(current_);
  }
  last.reset();
  absl::MutexLock lock(&mu_);
  busy_ = false;
  idle_.SignalAll();
}

std::shared_ptr<Snapshot> SnapshotMaker::current() const {
  absl::MutexLock lock(&mu_);
  return current_;
}

void SnapshotMaker::Abandon(absl::string_view why) {
  absl::MutexLock lock(&mu_);
  if (current_ != nullptr) current_->Abandon(why);
}

}  // namespace holdfast::server
