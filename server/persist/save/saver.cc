#include "server/persist/save/saver.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "server/config/config.h"
#include "server/persist/save/file_replacer.h"
#include "server/persist/snapshot/still.h"

namespace holdfast::server {
namespace {

// How long a snapshot's start is waited for at a time, to look meanwhile
// whether it is still wanted.
constexpr absl::Duration kStartSlice = absl::Milliseconds(200);

}  // namespace

class Saver::HeldTurn final : public SaveService::Turn {
 public:
  explicit HeldTurn(Saver* saver) : saver_(*saver) {}
  ~HeldTurn() override { saver_.GiveTurn(); }
  absl::Status Save(const SlotSetLock& locks) override {
    CHECK(locks.holds_all());
    const absl::Status status = saver_.SaveStill(locks, [] { return false; });
    if (!status.ok()) saver_.NoteFailed(status);
    return status;
  }

 private:
  Saver& saver_;
};

Saver::Saver(Engine* engine, SaveFiles* files)
    : engine_(*engine), files_(*files) {
  {
    absl::MutexLock lock(&mu_);
    last_save_ = last_try_ = engine_.clock()->Now();
    status_.last_save_unix = NowUnix();
  }
  engine_.save_service = this;
  thread_ = std::thread([this] { Run(); });
}

Saver::~Saver() {
  Stop("the server ends");
  thread_.join();
  engine_.save_service = nullptr;
}

int64_t Saver::NowUnix() const { return engine_.WallMs() / 1000; }

SaveStatus Saver::status() const {
  absl::MutexLock lock(&mu_);
  SaveStatus status = status_;
  if (status.background) {
    status.current_seconds =
        absl::ToInt64Seconds(engine_.clock()->Now() - background_since_);
  }
  if (snapshot_ != nullptr) {
    status.keys_done = snapshot_->keys_saved();
    status.keys_total = snapshot_->keys_total();
    status.copied_bytes = snapshot_->copied_bytes();
    status.copied_bytes_peak =
        std::max(status.copied_bytes_peak, status.copied_bytes);
  }
  return status;
}

// --- Who begins ---

SaveService::Begun Saver::Background(bool later) {
  absl::MutexLock lock(&mu_);
  if (status_.background) return Begun::kAlready;
  if (later || ending_) {
    scheduled_ = true;
    return Begun::kScheduled;
  }
  scheduled_ = false;
  wanted_ = true;
  status_.background = true;
  ++status_.saves;
  abandoned_.clear();
  background_since_ = last_try_ = engine_.clock()->Now();
  changed_.SignalAll();
  LOG(INFO) << "Background saving started";
  return Begun::kStarted;
}

void Saver::Tick() {
  // What is in memory while a dataset is loaded is not what is to be saved.
  if (engine_.role().loading.load(std::memory_order_relaxed)) return;
  if (engine_.aof_service != nullptr && engine_.aof_service->rewriting())
    return;
  const net::MonoTime now = engine_.clock()->Now();
  net::MonoTime last_save;
  {
    absl::MutexLock lock(&mu_);
    if (status_.background || ending_ || stopping_) return;
    if (failed() && now - last_try_ <= kRetryDelay) return;
    if (scheduled_) {
      scheduled_ = false;
    } else {
      const int64_t changes =
          engine_.stats().changes_since_save.load(std::memory_order_relaxed);
      if (changes <= 0) return;
      const std::vector<SavePoint> points = engine_.config().SavePoints();
      const auto due = std::find_if(
          points.begin(), points.end(), [&](const SavePoint& point) {
            return changes >= point.changes && now - last_save_ > point.period;
          });
      if (due == points.end()) return;
      LOG(INFO) << due->changes << " changes in "
                << absl::ToInt64Seconds(due->period) << " seconds. Saving...";
    }
  }
  Background(/*later=*/false);
}

void Saver::Run() {
  pthread_setname_np(pthread_self(), "saver");
  for (;;) {
    {
      absl::MutexLock lock(&mu_);
      while (!wanted_ && !stopping_)
        changed_.Wait(&mu_, net::Deadline::Never());
      if (stopping_) {
        status_.background = false;
        return;
      }
      wanted_ = false;
    }
    WaitForTurn(true);
    const absl::Status status = SaveBySnapshot(Kind::kBackground);
    GiveTurn();
    absl::MutexLock lock(&mu_);
    status_.background = false;
    status_.last_seconds =
        absl::ToInt64Seconds(engine_.clock()->Now() - background_since_);
    if (status.ok()) {
      LOG(INFO) << "Background saving terminated with success";
      continue;
    }
    // As in Redis, one that was called off is no failure.
    if (abandoned_.empty()) {
      status_.last_ok = false;
      failed_.store(true, std::memory_order_relaxed);
      LOG(ERROR) << "Background saving error";
    } else {
      LOG(WARNING) << "Background saving was given up: " << abandoned_;
    }
  }
}

absl::Status Saver::SaveNow(bool wait_for_background) {
  {
    absl::MutexLock lock(&mu_);
    if (status_.background && !wait_for_background)
      return absl::FailedPreconditionError(
          "Background save already in progress");
    ++status_.saves;
  }
  WaitForTurn(true);
  const absl::Status status = SaveBySnapshot(Kind::kForeground);
  GiveTurn();
  return status;
}

std::unique_ptr<SaveService::Turn> Saver::TakeTurn(bool wait) {
  if (!WaitForTurn(wait)) return nullptr;
  absl::MutexLock lock(&mu_);
  ++status_.saves;
  return std::make_unique<HeldTurn>(this);
}

bool Saver::WaitForTurn(bool wait) {
  absl::MutexLock lock(&mu_);
  while (turn_taken_) {
    if (!wait) return false;
    changed_.Wait(&mu_, net::Deadline::Never());
  }
  turn_taken_ = true;
  return true;
}

void Saver::GiveTurn() {
  absl::MutexLock lock(&mu_);
  turn_taken_ = false;
  changed_.SignalAll();
}

// --- Who ends it ---

void Saver::AbandonBackground(absl::string_view why) {
  absl::MutexLock lock(&mu_);
  if (!status_.background || !abandoned_.empty()) return;
  abandoned_ = std::string(why);
  if (snapshot_ != nullptr) snapshot_->Abandon(why);
}

void Saver::Stop(absl::string_view why) {
  absl::MutexLock lock(&mu_);
  stopping_ = true;
  if (abandoned_.empty()) abandoned_ = std::string(why);
  if (snapshot_ != nullptr) snapshot_->Abandon(why);
  changed_.SignalAll();
}

bool Saver::abandoned(Kind kind) const {
  absl::MutexLock lock(&mu_);
  return stopping_ || (kind == Kind::kBackground && !abandoned_.empty());
}

// --- A save beside writers ---

absl::StatusOr<std::unique_ptr<FileReplacer>> Saver::NewFile(Kind kind) {
  const Config& config = engine_.config();
  // The name of a save that blocks is Redis's, which tools look for.
  const std::string temporary = config.ResolvePath(absl::StrCat(
      "temp-", kind == Kind::kBackground ? "bg-" : "", getpid(), ".rdb"));
  return FileReplacer::Create(
      &files_, temporary,
      config.ResolvePath(config.String(ConfigId::kDbFilename)),
      config.Bool(ConfigId::kRdbSaveIncrementalFsync));
}

absl::StatusOr<std::shared_ptr<Snapshot>> Saver::StartSnapshot(Kind kind,
                                                               ByteSink* file) {
  const net::Deadline patient_until =
      net::Deadline::After(engine_.clock(), WriteGate::kPatience);
  for (;;) {
    absl::StatusOr<std::shared_ptr<Snapshot>> snapshot = Snapshot::StartInto(
        &engine_, file, engine_.config().Bool(ConfigId::kRdbCompression),
        net::Deadline::After(engine_.clock(), kStartSlice),
        patient_until.Remaining());
    if (!absl::IsDeadlineExceeded(snapshot.status())) return snapshot;
    if (abandoned(kind)) return absl::CancelledError("the save was given up");
  }
}

absl::Status Saver::WriteSnapshot(Kind kind, int64_t* changes) {
  absl::StatusOr<std::unique_ptr<FileReplacer>> file = NewFile(kind);
  if (!file.ok()) return file.status();
  absl::StatusOr<std::shared_ptr<Snapshot>> started =
      StartSnapshot(kind, file->get());
  if (!started.ok()) return started.status();
  const std::shared_ptr<Snapshot> snapshot = *std::move(started);
  {
    absl::MutexLock lock(&mu_);
    snapshot_ = snapshot;
  }
  if (abandoned(kind)) snapshot->Abandon("it is not wanted any more");
  snapshot->WaitForEnd();
  *changes = snapshot->changes_at_cut();
  {
    absl::MutexLock lock(&mu_);
    snapshot_ = nullptr;
    status_.copied_bytes_peak =
        std::max(status_.copied_bytes_peak, snapshot->copied_bytes());
    if (kind == Kind::kBackground)
      status_.last_copied_bytes = snapshot->copied_bytes();
  }
  if (!snapshot->result().ok()) return snapshot->result();
  // A FLUSHALL since then must not be undone by an older file.
  if (abandoned(kind)) return absl::CancelledError("the save was given up");
  return (*file)->Commit();
}

absl::Status Saver::SaveBySnapshot(Kind kind) {
  int64_t changes = 0;
  const absl::Status status = WriteSnapshot(kind, &changes);
  if (status.ok()) {
    NoteSaved(changes);
  } else if (!abandoned(kind)) {
    NoteFailed(status);
  }
  return status;
}

void Saver::NoteSaved(int64_t changes) {
  engine_.stats().changes_since_save.fetch_sub(changes,
                                               std::memory_order_relaxed);
  LOG(INFO) << "DB saved on disk";
  absl::MutexLock lock(&mu_);
  status_.last_save_unix = NowUnix();
  last_save_ = engine_.clock()->Now();
  status_.last_ok = true;
  failed_.store(false, std::memory_order_relaxed);
}

void Saver::NoteFailed(const absl::Status& status) {
  LOG(ERROR) << "Write error saving DB on disk: " << status.message();
  absl::MutexLock lock(&mu_);
  status_.last_error = std::string(status.message());
}

// --- Saves while nobody writes ---

absl::Status Saver::SaveStill(const SlotSetLock& locks,
                              const std::function<bool()>& give_up) {
  absl::StatusOr<std::unique_ptr<FileReplacer>> file =
      NewFile(Kind::kForeground);
  if (!file.ok()) return file.status();
  const Config& config = engine_.config();
  absl::Status status =
      WriteStill(&engine_, locks,
                 RdbOptions{config.Bool(ConfigId::kRdbCompression),
                            config.Bool(ConfigId::kRdbChecksum)},
                 file->get(), give_up);
  if (status.ok()) status = (*file)->Commit();
  if (status.ok()) {
    NoteSaved(
        engine_.stats().changes_since_save.load(std::memory_order_relaxed));
  }
  return status;
}

absl::Status Saver::SaveAtEnd(const std::function<bool()>& give_up) {
  LOG(INFO) << "Saving the final RDB snapshot before exiting.";
  WaitForTurn(true);
  absl::Status status;
  {
    const SlotSetLock nothing(&engine_.keyspace().slots(),
                              &engine_.keyspace().gate());
    const ExclusiveGate gate(&engine_.keyspace().gate());
    // Whoever waits at the gate is refused behind it, so that nothing is
    // acknowledged that is not in the file.
    engine_.set_ending(true);
    status = SaveStill(nothing, give_up);
    if (!status.ok()) engine_.set_ending(false);
  }
  GiveTurn();
  if (!status.ok()) NoteFailed(status);
  return status;
}

absl::Status Saver::PrepareEnd(EndSave save, bool force,
                               const std::function<bool()>& give_up) {
  {
    absl::MutexLock lock(&mu_);
    if (ending_)
      return absl::FailedPreconditionError("the server ends already");
    ending_ = true;
    end_aborted_ = false;
  }
  LOG(WARNING) << "User requested shutdown...";
  // Half a dataset must not replace a whole one.
  if (engine_.role().loading.load(std::memory_order_acquire))
    save = EndSave::kNo;
  if (save == EndSave::kIfConfigured && engine_.config().SavePoints().empty())
    save = EndSave::kNo;
  AbandonBackground("the server ends");
  absl::Status status;
  if (save != EndSave::kNo) {
    status = SaveAtEnd([this, &give_up] {
      if (give_up()) return true;
      absl::MutexLock lock(&mu_);
      return end_aborted_;
    });
  }
  if (status.ok()) return status;
  if (force) {
    LOG(WARNING) << "Error trying to save the DB. Exit anyway.";
    return absl::OkStatus();
  }
  LOG(WARNING) << "Error trying to save the DB, can't exit.";
  LOG(WARNING) << "Errors trying to shut down the server. Check the logs for "
                  "more information.";
  absl::MutexLock lock(&mu_);
  ending_ = false;
  return status;
}

bool Saver::AbortEnd() {
  absl::MutexLock lock(&mu_);
  if (!ending_ || !turn_taken_) return false;
  end_aborted_ = true;
  return true;
}

}  // namespace holdfast::server
