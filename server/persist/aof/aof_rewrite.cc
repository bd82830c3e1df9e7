#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "net/socket/socket.h"
#include "server/persist/aof/aof.h"
#include "server/persist/aof/base_commands.h"
#include "server/persist/aof/file_source.h"
#include "server/persist/load/load_file.h"
#include "server/persist/rdb/reader.h"

namespace holdfast::server {
namespace {

// How long is waited at a time, to look whether it is still wanted.
constexpr absl::Duration kSlice = absl::Milliseconds(200);
// As Redis: after so many failures in a row the next automatic try is put off,
// by a minute first and twice as long each time, by an hour at most.
constexpr int64_t kFailuresBeforeDelay = 3;
constexpr absl::Duration kFirstDelay = absl::Minutes(1);
constexpr absl::Duration kLongestDelay = absl::Hours(1);

}  // namespace

void Aof::BeginRewrite() {
  wanted_ = in_progress_ = true;
  scheduled_ = false;
  rewriting_.store(true, std::memory_order_relaxed);
  ++status_.rewrites;
  rewrite_began_ = engine_.clock()->Now();
  StartThreads();
  orders_.SignalAll();
  LOG(INFO) << "Background append only file rewriting started by pid "
            << getpid();
}

void Aof::GiveRewriteUp(absl::string_view why) {
  wanted_ = false;
  if (!in_progress_ || !given_up_.empty()) return;
  given_up_ = std::string(why);
  if (snapshot_ != nullptr) snapshot_->Abandon(why);
}

bool Aof::GivenUp(const Run& run) const {
  absl::MutexLock lock(&mu_);
  return !given_up_.empty() ||
         run.generation != generation_.load(std::memory_order_relaxed) ||
         run.state != state_;
}

bool Aof::Limited() {
  if (status_.consecutive_failures < kFailuresBeforeDelay) {
    retry_delay_ = absl::ZeroDuration();
    retry_delayed_ = false;
    return false;
  }
  if (retry_delayed_) {
    retry_delayed_ = engine_.clock()->Now() < retry_at_;
    return retry_delayed_;
  }
  retry_delay_ = retry_delay_ == absl::ZeroDuration()
                     ? kFirstDelay
                     : std::min(retry_delay_ * 2, kLongestDelay);
  retry_at_ = engine_.clock()->Now() + retry_delay_;
  retry_delayed_ = true;
  LOG(WARNING) << "Background AOF rewrite has repeatedly failed and triggered "
                  "the limit, will retry in "
               << absl::ToInt64Minutes(retry_delay_) << " minutes";
  return true;
}

void Aof::RewriterThread() {
  pthread_setname_np(pthread_self(), "aof-rewrite");
  for (;;) {
    {
      absl::MutexLock lock(&mu_);
      while (!wanted_ && !stopping_) orders_.Wait(&mu_, net::Deadline::Never());
      if (stopping_) {
        in_progress_ = false;
        return;
      }
      wanted_ = false;
      given_up_.clear();
    }
    Run run;
    const absl::Status status = Rewrite(&run);
    absl::MutexLock lock(&mu_);
    status_.last_copied_bytes = run.copied_bytes;
    status_.last_rewrite_seconds =
        absl::ToInt64Seconds(engine_.clock()->Now() - rewrite_began_);
    if (status.ok()) {
      status_.last_rewrite_ok = true;
      status_.consecutive_failures = 0;
      LOG(INFO) << "Background AOF rewrite finished successfully";
    } else if (!given_up_.empty()) {
      LOG(WARNING) << "Background AOF rewrite was given up: " << given_up_;
    } else {
      status_.last_rewrite_ok = false;
      ++status_.consecutive_failures;
      LOG(ERROR) << "Background AOF rewrite terminated with error: "
                 << status.message();
    }
    // Without a base there is no file: until it works, try again.
    if (state_ == State::kFirstRewrite && !wanted_) scheduled_ = true;
    in_progress_ = wanted_;
    rewriting_.store(in_progress_, std::memory_order_relaxed);
    progress_.SignalAll();
  }
}

absl::Status Aof::Rewrite(Run* run) {
  {
    absl::MutexLock lock(&mu_);
    run->state = state_;
    run->generation = generation_.load(std::memory_order_relaxed);
    cut_offset_ = -1;
    switched_at_ = -1;
  }
  absl::Status status = files_.MakeDirectory(paths_.directory);
  if (status.ok()) status = MakeBase(run);
  if (status.ok() && run->state == State::kOn) status = AwaitSwitch(*run);
  if (status.ok()) status = Finish(run);
  {
    absl::MutexLock lock(&mu_);
    snapshot_ = nullptr;
  }
  if (status.ok()) return status;
  if (!run->base.name.empty()) {
    absl::MutexLock lock(&manifest_mu_);
    if (!manifest_.base.has_value() || manifest_.base->name != run->base.name)
      files_.Remove(paths_.PathOf(run->base.name));
  }
  if (run->state == State::kFirstRewrite) {
    {
      // What was written since the cut belongs to no base.
      absl::MutexLock lock(&mu_);
      attach_.reset();
      if (run->generation == generation_.load(std::memory_order_relaxed))
        ++generation_;
      written_.store(kNoOffset, std::memory_order_relaxed);
    }
    Poke();
    files_.Remove(run->temporary_increment);
  }
  return status;
}

absl::Status Aof::MakeBase(Run* run) {
  const Config& config = engine_.config();
  const bool as_rdb = config.Bool(ConfigId::kAofUseRdbPreamble);
  {
    absl::MutexLock lock(&manifest_mu_);
    run->base = manifest_.NextBase(paths_.stem, as_rdb);
  }
  const bool incremental = config.Bool(ConfigId::kAofRewriteIncrementalFsync);
  const std::string temporary =
      config.ResolvePath(absl::StrCat("temp-rewriteaof-bg-", getpid(), ".aof"));
  absl::StatusOr<std::unique_ptr<FileReplacer>> base = FileReplacer::Create(
      &files_, temporary, paths_.PathOf(run->base.name), incremental);
  if (!base.ok()) return base.status();
  std::shared_ptr<SaveFile> increment;
  if (run->state == State::kFirstRewrite) {
    run->temporary_increment =
        paths_.PathOf(absl::StrCat("temp-", paths_.stem, ".incr"));
    files_.Remove(run->temporary_increment);
    absl::StatusOr<std::unique_ptr<SaveFile>> opened =
        files_.OpenToAppend(run->temporary_increment);
    if (!opened.ok()) return opened.status();
    increment = *std::move(opened);
  }
  if (as_rdb) {
    const absl::Status taken =
        TakeSnapshot(run, base->get(), std::move(increment));
    if (!taken.ok()) return taken;
  } else {
    const std::string rdb =
        config.ResolvePath(absl::StrCat("temp-rewriteaof-", getpid(), ".rdb"));
    absl::StatusOr<std::unique_ptr<FileReplacer>> file = FileReplacer::Create(
        &files_, absl::StrCat(rdb, ".part"), rdb, incremental);
    if (!file.ok()) return file.status();
    absl::Status status = TakeSnapshot(run, file->get(), std::move(increment));
    if (status.ok()) status = (*file)->Commit();
    if (status.ok()) {
      if (config.Bool(ConfigId::kAofTimestampEnabled)) {
        status = (*base)->Append(
            absl::StrCat("#TS:", engine_.WallMs() / 1000, "\r\n"));
      }
      if (status.ok()) status = ConvertToCommands(rdb, base->get());
    }
    files_.Remove(rdb);
    if (!status.ok()) return status;
  }
  if (GivenUp(*run)) return absl::CancelledError("the rewrite was given up");
  LOG(INFO) << "Successfully created the temporary AOF base file " << temporary;
  return (*base)->Commit();
}

absl::Status Aof::TakeSnapshot(Run* run, ByteSink* sink,
                               std::shared_ptr<SaveFile> increment) {
  const net::Deadline patient_until =
      net::Deadline::After(engine_.clock(), WriteGate::kPatience);
  std::shared_ptr<Snapshot> snapshot;
  while (snapshot == nullptr) {
    if (GivenUp(*run)) return absl::CancelledError("the rewrite was given up");
    absl::StatusOr<std::shared_ptr<Snapshot>> started = Snapshot::StartInto(
        &engine_, sink, engine_.config().Bool(ConfigId::kRdbCompression),
        net::Deadline::After(engine_.clock(), kSlice),
        patient_until.Remaining(), [&] { AtCut(*run, increment); });
    if (started.ok()) {
      snapshot = *std::move(started);
    } else if (!absl::IsDeadlineExceeded(started.status())) {
      return started.status();
    }
  }
  Poke();
  {
    absl::MutexLock lock(&mu_);
    snapshot_ = snapshot;
  }
  while (!snapshot->WaitForEnd(net::Deadline::After(engine_.clock(), kSlice))) {
    if (GivenUp(*run)) snapshot->Abandon("the rewrite was given up");
  }
  run->copied_bytes = snapshot->copied_bytes();
  return snapshot->result();
}

void Aof::AtCut(const Run& run, std::shared_ptr<SaveFile> increment) {
  if (run.state == State::kOff) return;
  CommandLog& log = engine_.log();
  log.Activate();
  const int64_t offset = log.end_offset();
  Output first;
  first.pin = log.PinAt(offset);
  const int selected_db = log.selected_db();
  absl::MutexLock lock(&mu_);
  // It is given up, then, and nothing may change.
  if (run.generation != generation_.load(std::memory_order_relaxed) ||
      run.state != state_) {
    return;
  }
  cut_offset_ = offset;
  if (run.state == State::kOn) {
    switch_ = Cut{offset, selected_db};
    switched_at_ = -1;
  } else {
    first.file = std::move(increment);
    first.generation = run.generation;
    first.cursor = first.synced_cursor = offset;
    first.first_db = selected_db;
    attach_ = std::move(first);
    written_.store(offset, std::memory_order_release);
  }
  orders_.SignalAll();
}

absl::Status Aof::ConvertToCommands(const std::string& rdb, ByteSink* sink) {
  const net::Socket file(open(rdb.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid())
    return absl::ErrnoToStatus(errno, absl::StrCat("opening ", rdb));
  FileSource source(file.fd(), nullptr);
  BaseCommands commands(sink);
  RdbReadOptions options;
  options.limits = RdbReadOptionsOf(&engine_).limits;
  RdbReader reader(&source, &commands, std::move(options));
  return reader.Read();
}

absl::Status Aof::AwaitSwitch(const Run& run) {
  while (!GivenUp(run)) {
    absl::MutexLock lock(&mu_);
    if (switched_at_ == cut_offset_) return switch_status_;
    progress_.Wait(&mu_, net::Deadline::After(engine_.clock(), kSlice));
  }
  return absl::CancelledError("the rewrite was given up");
}

absl::Status Aof::Finish(Run* run) {
  const int64_t base_bytes = FileSize(run->base.name);
  absl::MutexLock manifest_lock(&manifest_mu_);
  int64_t first_seq = std::numeric_limits<int64_t>::max();
  if (GivenUp(*run)) return absl::CancelledError("the rewrite was given up");
  AofManifest next = manifest_;
  absl::Status status;
  if (run->state == State::kFirstRewrite) {
    AofManifest::File increment = next.NextIncrement(paths_.stem);
    status =
        files_.Rename(run->temporary_increment, paths_.PathOf(increment.name));
    if (!status.ok()) return status;
    run->temporary_increment = paths_.PathOf(increment.name);
    first_seq = increment.seq;
    next.AddIncrement(std::move(increment));
  } else if (run->state == State::kOn) {
    absl::MutexLock lock(&mu_);
    first_seq = switched_seq_;
  }
  next.ReplaceBase(run->base, first_seq);
  bool replaced = false;
  status = WriteAofManifest(&files_, paths_, next, &replaced);
  if (!replaced) {
    files_.Remove(paths_.PathOf(run->base.name));
    return status;
  }
  manifest_ = std::move(next);
  LOG(INFO) << "Background AOF rewrite terminated with success";
  {
    absl::MutexLock lock(&mu_);
    earlier_bytes_ = base_bytes;
    status_.base_bytes =
        base_bytes + (run->state == State::kOff
                          ? 0
                          : output_bytes_.load(std::memory_order_relaxed));
    if (state_ == State::kFirstRewrite && run->state == state_ &&
        run->generation == generation_.load(std::memory_order_relaxed)) {
      state_ = State::kOn;
      fell_out_ = false;
      // Until the writer says how far it is.
      acknowledgeable_.store(0, std::memory_order_release);
    }
  }
  Poke();
  // The directory may come back as it was: then the old files are needed.
  if (!status.ok()) {
    LOG(ERROR) << "Fail to fsync AOF directory: " << status.message();
    return absl::OkStatus();
  }
  RemoveHistory();
  return absl::OkStatus();
}

void Aof::RemoveHistory() {
  if (manifest_.history.empty() ||
      engine_.config().Bool(ConfigId::kAofDisableAutoGc)) {
    return;
  }
  for (const AofManifest::File& file : manifest_.history) {
    LOG(INFO) << "Removing the history file " << file.name
              << " in the background";
    files_.Remove(paths_.PathOf(file.name));
  }
  AofManifest next = manifest_;
  next.history.clear();
  bool replaced = false;
  const absl::Status status =
      WriteAofManifest(&files_, paths_, next, &replaced);
  if (replaced) manifest_ = std::move(next);
  LOG_IF(ERROR, !status.ok()) << "AOF manifest: " << status.message();
}

}  // namespace holdfast::server
