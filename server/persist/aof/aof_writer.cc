#include <pthread.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "glog/logging.h"
#include "net/resp/reply_writer.h"
#include "server/config/enum_values.h"
#include "server/persist/aof/aof.h"

namespace holdfast::server {
namespace {

// How often what failed is tried again.
constexpr absl::Duration kRetry = absl::Milliseconds(200);
// The most that the writer waits without looking at its orders.
constexpr absl::Duration kIdle = absl::Seconds(1);
constexpr absl::Duration kSyncPeriod = absl::Seconds(1);
// A sync that takes longer is counted as delayed, as Redis counts.
constexpr absl::Duration kLongSync = absl::Seconds(2);
// At the end a disk that fails is given so many chances.
constexpr int kTriesAtEnd = 10;

AppendFsync PolicyOf(const Config& config) {
  return config.Enum<AppendFsync>(ConfigId::kAppendFsync);
}

// What the system said, without our own words.
std::string Reason(const absl::Status& status) {
  const absl::string_view text = status.message();
  const size_t colon = text.rfind(": ");
  return std::string(colon == absl::string_view::npos ? text
                                                      : text.substr(colon + 2));
}

// An error of the disk is not to be taken for one of the log, whatever its
// code.
absl::Status OfDisk(const absl::Status& status) {
  return status.ok() ? status : absl::UnavailableError(status.message());
}

}  // namespace

void Aof::Poke() {
  poke_.store(true, std::memory_order_relaxed);
  engine_.log().WakeAll();
}

bool Aof::TakeOrders(std::optional<Output>* out, bool* end) {
  *end = false;
  absl::MutexLock lock(&mu_);
  if (out->has_value() &&
      (*out)->generation != generation_.load(std::memory_order_relaxed)) {
    out->reset();
  }
  if (attach_.has_value()) {
    *out = std::move(attach_);
    attach_.reset();
    output_bytes_.store((*out)->size, std::memory_order_relaxed);
    if ((*out)->generation != generation_.load(std::memory_order_relaxed))
      out->reset();
  }
  if (attached_ != out->has_value()) {
    attached_ = out->has_value();
    progress_.SignalAll();
  }
  if (out->has_value()) return true;
  if (detach_at_ >= 0) {
    detach_at_ = -1;
    progress_.SignalAll();
  }
  *end = draining_;
  if (!draining_)
    orders_.Wait(&mu_, net::Deadline::After(engine_.clock(), kIdle));
  return false;
}

int64_t Aof::Limit() const {
  // First: a cut that is not noted yet lies behind it.
  int64_t limit = engine_.log().end_offset();
  absl::MutexLock lock(&mu_);
  if (switch_.has_value()) limit = std::min(limit, switch_->offset);
  if (detach_at_ >= 0) limit = std::min(limit, detach_at_);
  return limit;
}

void Aof::WriterThread() {
  pthread_setname_np(pthread_self(), "aof-writer");
  std::optional<Output> out;
  int failures = 0;
  net::MonoTime limits_read;
  for (;;) {
    poke_.store(false, std::memory_order_relaxed);
    bool end = false;
    if (!TakeOrders(&out, &end)) {
      if (end) return;
      continue;
    }
    const net::MonoTime now = engine_.clock()->Now();
    if (now - limits_read > kIdle) {
      limits_read = now;
      lag_limit_.store(std::min<int64_t>(int64_t{256} << 20,
                                         engine_.log().limits().max_bytes / 2),
                       std::memory_order_relaxed);
    }
    TakeSyncResult(&*out);
    const int64_t limit = Limit();
    absl::Status status;
    if (out->cursor < limit || out->ragged) status = WriteBatch(&*out, limit);
    if (absl::IsAborted(status)) continue;  // Of a history that has ended.
    if (absl::IsOutOfRange(status)) {
      FellOut(status);
      out.reset();
      continue;
    }
    bool failing;
    std::optional<Cut> cut;
    bool draining;
    int64_t detach_at;
    {
      absl::MutexLock lock(&mu_);
      failing = !error_.empty() || !status.ok();
      cut = switch_;
      draining = draining_;
      detach_at = detach_at_;
    }
    if (status.ok()) status = SyncByPolicy(&*out, failing);
    if (status.ok() && cut.has_value() && out->cursor >= cut->offset)
      status = SwitchAt(*cut, &*out);
    const bool detach = detach_at >= 0 && out->cursor >= detach_at;
    const bool at_end = draining && out->cursor >= engine_.log().end_offset();
    if (status.ok() && (detach || at_end)) {
      status = SyncNow(&*out);
      if (status.ok()) status = OfDisk(out->file->Close());
      LOG_IF(WARNING, !status.ok())
          << "Fail to fsync the AOF file: " << status.message();
      if (status.ok()) {
        out.reset();
        continue;
      }
    }
    if (status.ok()) {
      failures = 0;
      if (failing) Recovered();
    } else {
      Fail(status);
      if ((draining || detach_at >= 0) && ++failures >= kTriesAtEnd) {
        LOG(ERROR) << "The AOF file lacks the last "
                   << engine_.log().end_offset() - out->cursor
                   << " bytes of commands: " << status.message();
        out.reset();
        continue;
      }
    }
    WaitForWork(*out, !status.ok());
  }
}

void Aof::WaitForWork(const Output& out, bool failing) {
  if (failing) {
    absl::MutexLock lock(&mu_);
    orders_.Wait(&mu_, net::Deadline::After(engine_.clock(), kRetry));
    return;
  }
  absl::Duration patience = kIdle;
  if (out.synced_cursor < out.cursor &&
      PolicyOf(engine_.config()) == AppendFsync::kEverySec &&
      !SyncsSuppressed()) {
    absl::MutexLock lock(&mu_);
    // One that is under way pokes when it is done.
    if (!syncing_)
      patience = std::clamp(last_sync_ + kSyncPeriod - engine_.clock()->Now(),
                            absl::Milliseconds(1), kIdle);
  }
  engine_.log().WaitForBytes(
      out.cursor, net::Deadline::After(engine_.clock(), patience), &poke_);
}

absl::Status Aof::WriteBatch(Output* out, int64_t limit) {
  const int64_t sleep_us = flush_sleep_us_.load(std::memory_order_relaxed);
  if (sleep_us > 0 && out->cursor < limit)
    absl::SleepFor(absl::Microseconds(sleep_us));
  if (out->ragged) {
    const absl::Status cut = OfDisk(out->file->Truncate(out->size));
    if (!cut.ok()) return cut;
    out->ragged = false;
  }
  if (out->cursor >= limit) return absl::OkStatus();
  std::string prefix;
  int64_t stamp = out->stamp;
  if (engine_.config().Bool(ConfigId::kAofTimestampEnabled) &&
      engine_.WallMs() / 1000 != stamp) {
    stamp = engine_.WallMs() / 1000;
    absl::StrAppend(&prefix, "#TS:", stamp, "\r\n");
  }
  if (out->first_db >= 0 && out->size == out->first_size) {
    net::AppendCommand(&prefix, {"SELECT", absl::StrCat(out->first_db)});
  }
  out->ragged = true;
  absl::Status status =
      prefix.empty() ? absl::OkStatus() : OfDisk(out->file->Write(prefix));
  int64_t position = out->cursor;
  while (status.ok() && position < limit) {
    const absl::StatusOr<CommandLog::Chunk> chunk =
        engine_.log().Read(position);
    // Looked at behind the read: bytes of another history are seen only by who
    // sees that it has begun.
    if (generation_.load(std::memory_order_acquire) != out->generation) {
      status = absl::AbortedError("the history has ended");
    } else if (!chunk.ok()) {
      status = chunk.status();
    } else {
      const absl::string_view bytes =
          chunk->bytes().substr(0, static_cast<size_t>(limit - position));
      status = OfDisk(out->file->Write(bytes));
      position += static_cast<int64_t>(bytes.size());
    }
  }
  if (!status.ok()) {
    if (out->file->Truncate(out->size).ok()) out->ragged = false;
    return status;
  }
  out->ragged = false;
  out->size += static_cast<int64_t>(prefix.size()) + limit - out->cursor;
  out->cursor = limit;
  out->stamp = stamp;
  output_bytes_.store(out->size, std::memory_order_relaxed);
  return absl::OkStatus();
}

absl::Status Aof::SyncNow(Output* out) {
  if (out->synced_cursor == out->cursor && out->synced_size == out->size)
    return absl::OkStatus();
  const absl::Status synced = OfDisk(out->file->SyncData());
  {
    absl::MutexLock lock(&mu_);
    last_sync_ = engine_.clock()->Now();
  }
  if (!synced.ok()) {
    CutBackToSynced(out);
    return synced;
  }
  out->synced_cursor = out->cursor;
  out->synced_size = out->size;
  return absl::OkStatus();
}

void Aof::CutBackToSynced(Output* out) {
  out->size = out->synced_size;
  out->cursor = out->synced_cursor;
  out->stamp = 0;
  out->ragged = !out->file->Truncate(out->size).ok();
  written_.store(out->cursor, std::memory_order_release);
}

void Aof::TakeSyncResult(Output* out) {
  std::optional<SyncJob> result;
  {
    absl::MutexLock lock(&mu_);
    result.swap(sync_result_);
  }
  if (!result.has_value() || result->file != out->file) return;
  if (!result->status.ok()) {
    CutBackToSynced(out);
    Fail(result->status);
  } else if (result->cursor > out->synced_cursor) {
    out->synced_cursor = result->cursor;
    out->synced_size = result->size;
  }
}

bool Aof::SaveUnderWay() const {
  return engine_.save_service != nullptr &&
         engine_.save_service->status().background;
}

bool Aof::SyncsSuppressed() const {
  return engine_.config().Bool(ConfigId::kNoAppendFsyncOnRewrite) &&
         (rewriting() || SaveUnderWay());
}

absl::Status Aof::SyncByPolicy(Output* out, bool recovering) {
  const AppendFsync policy = PolicyOf(engine_.config());
  const bool suppressed = SyncsSuppressed();
  if (policy == AppendFsync::kAlways && !suppressed) {
    // So long as the sync takes, others add to the next batch.
    written_.store(out->cursor, std::memory_order_release);
    const absl::Status synced = SyncNow(out);
    if (!synced.ok()) return synced;
  } else if (policy == AppendFsync::kEverySec && !suppressed) {
    if (recovering) {
      const absl::Status synced = SyncNow(out);
      if (!synced.ok()) return synced;
    } else if (out->synced_cursor < out->cursor) {
      const net::MonoTime now = engine_.clock()->Now();
      absl::MutexLock lock(&mu_);
      if (!syncing_ && now - last_sync_ >= kSyncPeriod) {
        syncing_ = true;
        last_sync_ = now;
        sync_job_ = SyncJob{out->file, out->cursor, out->size, {}};
        orders_.SignalAll();
      } else if (syncing_ && now - last_sync_ >= kLongSync) {
        last_sync_ = now;
        ++delayed_syncs_;
        LOG(WARNING) << "Asynchronous AOF fsync is taking too long (disk is "
                        "busy?). Writing the AOF buffer without waiting for "
                        "fsync to complete, this may slow down Redis.";
      }
    }
  }
  out->pin->Advance(policy == AppendFsync::kNo || suppressed
                        ? out->cursor
                        : out->synced_cursor);
  Publish(*out, suppressed);
  return absl::OkStatus();
}

void Aof::Publish(const Output& out, bool suppressed) {
  const bool always = PolicyOf(engine_.config()) == AppendFsync::kAlways;
  absl::MutexLock lock(&mu_);
  if (out.generation != generation_.load(std::memory_order_relaxed)) return;
  written_.store(out.cursor, std::memory_order_release);
  const int64_t before = acknowledgeable_.load(std::memory_order_relaxed);
  const int64_t now = !always || state_ != State::kOn ? kNoOffset
                      : suppressed                    ? out.cursor
                                                      : out.synced_cursor;
  if (now == before) return;
  acknowledgeable_.store(now, std::memory_order_release);
  progress_.SignalAll();
}

absl::Status Aof::SwitchAt(const Cut& cut, Output* out) {
  // The file is whole before another one follows it: a tail that is torn is
  // forgiven to the last one only.
  const absl::Status synced = SyncNow(out);
  if (!synced.ok()) return synced;
  absl::MutexLock manifest_lock(&manifest_mu_);
  AofManifest next = manifest_;
  const AofManifest::File file = next.NextIncrement(paths_.stem);
  next.AddIncrement(file);
  absl::StatusOr<std::unique_ptr<SaveFile>> opened =
      files_.OpenToAppend(paths_.PathOf(file.name));
  absl::Status status = opened.status();
  if (status.ok()) status = (*opened)->Truncate(0);
  bool replaced = false;
  if (status.ok()) status = WriteAofManifest(&files_, paths_, next, &replaced);
  // In place, but perhaps not for good: it must not be written to, and nothing
  // may follow in the old one. To be tried again.
  if (replaced && !status.ok()) return OfDisk(status);
  if (status.ok()) {
    LOG(INFO) << "Creating AOF incr file " << file.name
              << " on background rewrite";
    manifest_ = std::move(next);
  } else {
    LOG(ERROR) << "Can't open the append-only file " << file.name << ": "
               << status.message();
  }
  absl::MutexLock lock(&mu_);
  if (status.ok()) {
    earlier_bytes_ += out->size;
    out->file = *std::move(opened);
    out->size = out->synced_size = out->first_size = 0;
    out->synced_cursor = out->cursor;
    out->first_db = cut.selected_db;
    out->stamp = 0;
    output_bytes_.store(0, std::memory_order_relaxed);
    switched_seq_ = file.seq;
  }
  // Otherwise the present file goes on, and it is the rewrite that fails.
  switch_status_ = status;
  switched_at_ = cut.offset;
  if (switch_.has_value() && switch_->offset == cut.offset) switch_.reset();
  progress_.SignalAll();
  return absl::OkStatus();
}

void Aof::Fail(const absl::Status& status) {
  absl::MutexLock lock(&mu_);
  const std::string reason = Reason(status);
  if (error_ != reason) {
    LOG(ERROR) << "Error writing to the AOF file: " << status.message();
  }
  error_ = reason;
  refuses_.store(true, std::memory_order_relaxed);
  progress_.SignalAll();
}

void Aof::Recovered() {
  absl::MutexLock lock(&mu_);
  if (error_.empty() || fell_out_) return;
  LOG(WARNING) << "AOF write error looks solved, Redis can write again.";
  error_.clear();
  refuses_.store(false, std::memory_order_relaxed);
}

void Aof::FellOut(const absl::Status& status) {
  LOG(ERROR) << "The append-only file is behind what the log keeps "
                "(repl-backlog-max-bytes), and is written anew: "
             << status.message();
  absl::MutexLock lock(&mu_);
  if (state_ == State::kOff) return;
  state_ = State::kFirstRewrite;
  fell_out_ = true;
  error_ = "the file is too far behind and is being rewritten";
  refuses_.store(true, std::memory_order_relaxed);
  ++generation_;
  switch_.reset();
  written_.store(kNoOffset, std::memory_order_relaxed);
  acknowledgeable_.store(kNoOffset, std::memory_order_relaxed);
  GiveRewriteUp("the file is too far behind");
  scheduled_ = true;
  progress_.SignalAll();
}

void Aof::SyncerThread() {
  pthread_setname_np(pthread_self(), "aof-fsync");
  for (;;) {
    SyncJob job;
    {
      absl::MutexLock lock(&mu_);
      while (!sync_job_.has_value() && !syncer_end_)
        orders_.Wait(&mu_, net::Deadline::Never());
      if (!sync_job_.has_value()) return;
      job = *std::move(sync_job_);
      sync_job_.reset();
    }
    job.status = job.file->SyncData();
    {
      absl::MutexLock lock(&mu_);
      syncing_ = false;
      sync_result_ = std::move(job);
    }
    Poke();
  }
}

}  // namespace holdfast::server
