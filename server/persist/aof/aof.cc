#include "server/persist/aof/aof.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "glog/logging.h"
#include "server/keyspace/slot_table.h"

namespace holdfast::server {
namespace {

constexpr absl::Duration kSlice = absl::Milliseconds(100);
// How long a write is held up for a file that lags before it is refused.
constexpr absl::Duration kRoomPatience = absl::Seconds(2);
// How long appendonly no, and DEBUG LOADAOF, wait for the disk.
constexpr absl::Duration kDrainPatience = absl::Seconds(10);

}  // namespace

Aof::Aof(Engine* engine, SaveFiles* files)
    : engine_(*engine), files_(*files), paths_(AofPaths::Of(engine->config())) {
  {
    absl::MutexLock lock(&mu_);
    last_sync_ = engine_.clock()->Now();
  }
  engine_.aof_service = this;
  // What was kept goes at once when it need not be kept any more.
  engine_.config().OnChange(ConfigId::kAofDisableAutoGc, [this] {
    absl::MutexLock manifest_lock(&manifest_mu_);
    RemoveHistory();
    return absl::OkStatus();
  });
}

Aof::~Aof() {
  Stop();
  engine_.aof_service = nullptr;
}

void Aof::StartThreads() {
  if (threads_run_) return;
  threads_run_ = true;
  writer_ = std::thread([this] { WriterThread(); });
  syncer_ = std::thread([this] { SyncerThread(); });
  rewriter_ = std::thread([this] { RewriterThread(); });
}

int64_t Aof::FileSize(const std::string& name) const {
  struct stat facts = {};
  return stat(paths_.PathOf(name).c_str(), &facts) == 0
             ? static_cast<int64_t>(facts.st_size)
             : 0;
}

// --- Start and end ---

absl::StatusOr<bool> Aof::Load(const std::function<bool()>& cancelled) {
  absl::StatusOr<AofManifest> manifest = ReadAofManifest(paths_);
  if (!manifest.ok()) return manifest.status();
  absl::MutexLock manifest_lock(&manifest_mu_);
  manifest_ = *std::move(manifest);
  if (!engine_.config().Bool(ConfigId::kAppendOnly)) return false;
  const net::MonoTime began = engine_.clock()->Now();
  const absl::StatusOr<AofLoad> load =
      LoadAof(&engine_, &files_, paths_, &manifest_, cancelled);
  if (!load.ok()) return load.status();
  if (!load->found) return false;
  LOG(INFO) << absl::StrFormat(
      "DB loaded from append only file: %.3f seconds",
      absl::ToDoubleSeconds(engine_.clock()->Now() - began));
  absl::MutexLock lock(&mu_);
  status_.base_bytes = load->base_bytes;
  earlier_bytes_ = load->total_bytes;
  return true;
}

absl::Status Aof::Open() {
  if (!engine_.config().Bool(ConfigId::kAppendOnly)) return absl::OkStatus();
  absl::Status status = files_.MakeDirectory(paths_.directory);
  if (!status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat("Can't open or create append-only dir ",
                                     paths_.directory, ": ", status.message()));
  }
  follows_.store(true, std::memory_order_release);
  bool empty = false;
  {
    absl::MutexLock manifest_lock(&manifest_mu_);
    empty = manifest_.nothing_to_load();
  }
  if (empty) {
    {
      absl::MutexLock lock(&mu_);
      state_ = State::kFirstRewrite;
      StartThreads();
    }
    Run run;
    status = Rewrite(&run);
    if (!status.ok()) return status;
    LOG(INFO) << "Creating AOF base file " << run.base.name
              << " on server start";
    return absl::OkStatus();
  }
  absl::MutexLock manifest_lock(&manifest_mu_);
  AofManifest next = manifest_;
  const bool fresh = next.increments.empty();
  if (fresh) next.AddIncrement(next.NextIncrement(paths_.stem));
  const std::string name = next.increments.back().name;
  absl::StatusOr<std::unique_ptr<SaveFile>> file =
      files_.OpenToAppend(paths_.PathOf(name));
  if (!file.ok()) {
    return absl::Status(file.status().code(),
                        absl::StrCat("Can't open the append-only file ", name,
                                     ": ", file.status().message()));
  }
  if (fresh) {
    status = (*file)->Truncate(0);
    bool replaced = false;
    if (status.ok())
      status = WriteAofManifest(&files_, paths_, next, &replaced);
    if (!status.ok()) return status;
    manifest_ = std::move(next);
  }
  LOG(INFO) << (fresh ? "Creating" : "Opening") << " AOF incr file " << name
            << " on server start";
  Output out;
  out.file = *std::move(file);
  out.size = out.synced_size = out.first_size = FileSize(name);
  {
    const ExclusiveGate gate(&engine_.keyspace().gate());
    engine_.log().Activate();
    out.cursor = out.synced_cursor = engine_.log().end_offset();
    out.first_db = engine_.log().selected_db();
    out.pin = engine_.log().PinAt(out.cursor);
    absl::MutexLock lock(&mu_);
    earlier_bytes_ -= std::min(earlier_bytes_, out.size);
    out.generation = generation_.load(std::memory_order_relaxed);
    state_ = State::kOn;
    written_.store(out.cursor, std::memory_order_release);
    acknowledgeable_.store(0, std::memory_order_release);
    attach_ = std::move(out);
    StartThreads();
    orders_.SignalAll();
  }
  RemoveHistory();
  return absl::OkStatus();
}

void Aof::Stop() {
  {
    absl::MutexLock lock(&mu_);
    if (!threads_run_ || stopping_) return;
    stopping_ = true;
    GiveRewriteUp("the server ends");
    orders_.SignalAll();
    progress_.SignalAll();
  }
  rewriter_.join();
  {
    absl::MutexLock lock(&mu_);
    if (state_ != State::kOff) LOG(INFO) << "Calling fsync() on the AOF file.";
    draining_ = true;
    orders_.SignalAll();
  }
  Poke();
  writer_.join();
  {
    absl::MutexLock lock(&mu_);
    syncer_end_ = true;
    orders_.SignalAll();
  }
  syncer_.join();
}

// --- What others ask ---

AofStatus Aof::status() const {
  const int64_t end = engine_.log().end_offset();
  absl::MutexLock lock(&mu_);
  AofStatus status = status_;
  status.enabled = state_ != State::kOff;
  status.rewriting = in_progress_;
  status.scheduled = scheduled_;
  if (in_progress_) {
    status.current_rewrite_seconds =
        absl::ToInt64Seconds(engine_.clock()->Now() - rewrite_began_);
  }
  status.last_write_ok = error_.empty();
  if (status.enabled) {
    status.current_bytes =
        earlier_bytes_ + output_bytes_.load(std::memory_order_relaxed);
    const int64_t written = written_.load(std::memory_order_relaxed);
    status.waiting_bytes =
        written == kNoOffset ? 0 : std::max<int64_t>(0, end - written);
    status.sync_pending = syncing_;
    status.delayed_syncs = delayed_syncs_;
  }
  return status;
}

std::string Aof::WriteRefusal() {
  const net::Deadline deadline =
      net::Deadline::After(engine_.clock(), kRoomPatience);
  absl::MutexLock lock(&mu_);
  for (;;) {
    if (refuses_.load(std::memory_order_relaxed)) {
      return absl::StrCat("MISCONF Errors writing to the AOF file: ", error_);
    }
    if (stopping_ || !HoldsUpWrites(engine_.log().end_offset())) return "";
    if (deadline.Expired()) {
      return "MISCONF Errors writing to the AOF file: the disk does not keep "
             "up";
    }
    progress_.Wait(&mu_, net::Deadline::After(engine_.clock(), kSlice));
  }
}

absl::Status Aof::AwaitOnDisk(int64_t offset,
                              const std::function<bool()>& gone) {
  // Beyond the log's end is only what belongs to another history.
  offset = std::min(offset, engine_.log().end_offset());
  absl::MutexLock lock(&mu_);
  while (MustAwait(offset)) {
    if (!error_.empty()) {
      return absl::UnavailableError(
          absl::StrCat("its write is not on disk: ", error_));
    }
    if (draining_ || gone())
      return absl::CancelledError("ended while its write went to the disk");
    progress_.Wait(&mu_, net::Deadline::After(engine_.clock(), kSlice));
  }
  return absl::OkStatus();
}

AofService::Begun Aof::RewriteInBackground(bool later) {
  const bool save = SaveUnderWay();
  if (const absl::Status made = files_.MakeDirectory(paths_.directory);
      !made.ok()) {
    LOG(ERROR) << "Can't open or create append-only dir: " << made.message();
    absl::MutexLock lock(&mu_);
    status_.last_rewrite_ok = false;
    return Begun::kFailed;
  }
  absl::MutexLock lock(&mu_);
  // One that was given up only has to come to its end.
  if (in_progress_ && given_up_.empty()) return Begun::kAlready;
  if (wanted_) return Begun::kAlready;
  if (stopping_) return Begun::kFailed;
  if (save || later) {
    scheduled_ = true;
    status_.consecutive_failures = 0;
    return Begun::kScheduled;
  }
  BeginRewrite();
  return Begun::kStarted;
}

void Aof::Tick() {
  if (engine_.role().loading.load(std::memory_order_relaxed)) return;
  const Config& config = engine_.config();
  const bool save = SaveUnderWay();
  absl::MutexLock lock(&mu_);
  if (in_progress_ || stopping_ || save) return;
  if (scheduled_) {
    if (!Limited()) BeginRewrite();
    return;
  }
  const int64_t percentage = config.Int(ConfigId::kAutoAofRewritePercentage);
  const int64_t bytes =
      earlier_bytes_ + output_bytes_.load(std::memory_order_relaxed);
  if (state_ != State::kOn || percentage == 0 ||
      bytes <= config.Int(ConfigId::kAutoAofRewriteMinSize)) {
    return;
  }
  const double base =
      static_cast<double>(std::max<int64_t>(1, status_.base_bytes));
  const double growth = static_cast<double>(bytes) * 100.0 / base - 100.0;
  if (growth < static_cast<double>(percentage) || Limited()) return;
  LOG(INFO) << absl::StrFormat(
      "Starting automatic rewriting of AOF on %.0f%% growth", growth);
  BeginRewrite();
}

// --- Switching on and off ---

absl::Status Aof::TurnOn() {
  const bool save = SaveUnderWay();
  if (const absl::Status made = files_.MakeDirectory(paths_.directory);
      !made.ok()) {
    LOG(ERROR) << "Can't open or create append-only dir: " << made.message();
    return made;
  }
  absl::MutexLock lock(&mu_);
  if (state_ != State::kOff || stopping_) return absl::OkStatus();
  state_ = State::kFirstRewrite;
  follows_.store(true, std::memory_order_release);
  if (save) {
    scheduled_ = true;
    LOG(WARNING) << "AOF was enabled but there is already another background "
                    "operation. An AOF background was scheduled to start when "
                    "possible.";
    return absl::OkStatus();
  }
  if (in_progress_) {
    LOG(WARNING) << "AOF was enabled but there is already an AOF rewriting in "
                    "background. Stopping background AOF and starting a "
                    "rewrite now.";
    GiveRewriteUp("AOF was enabled");
  }
  BeginRewrite();
  return absl::OkStatus();
}

absl::Status Aof::TurnOff() {
  const int64_t end = engine_.log().end_offset();
  {
    absl::MutexLock lock(&mu_);
    if (state_ == State::kOff) return absl::OkStatus();
    scheduled_ = false;
    if (in_progress_) {
      LOG(INFO) << "Killing running AOF rewrite child: it is a thread of "
                << getpid();
      GiveRewriteUp("AOF was disabled");
    }
    switch_.reset();
    if (state_ == State::kOn && attached_) detach_at_ = end;
    orders_.SignalAll();
  }
  Poke();
  const net::Deadline deadline =
      net::Deadline::After(engine_.clock(), kDrainPatience);
  absl::MutexLock lock(&mu_);
  while (detach_at_ >= 0 && !stopping_ && !deadline.Expired() &&
         error_.empty()) {
    progress_.Wait(&mu_, net::Deadline::After(engine_.clock(), kSlice));
  }
  detach_at_ = -1;
  state_ = State::kOff;
  ++generation_;
  attach_.reset();
  fell_out_ = false;
  error_.clear();
  follows_.store(false, std::memory_order_release);
  refuses_.store(false, std::memory_order_relaxed);
  written_.store(kNoOffset, std::memory_order_relaxed);
  acknowledgeable_.store(kNoOffset, std::memory_order_release);
  orders_.SignalAll();
  progress_.SignalAll();
  return absl::OkStatus();
}

void Aof::BeforeHistoryChange() {
  {
    absl::MutexLock lock(&mu_);
    ++generation_;
    switch_.reset();
    attach_.reset();
    if (state_ == State::kOff) return;
    state_ = State::kFirstRewrite;
    written_.store(kNoOffset, std::memory_order_relaxed);
    acknowledgeable_.store(kNoOffset, std::memory_order_release);
    if (!stopping_) {
      GiveRewriteUp("the dataset is another one");
      BeginRewrite();
    }
    progress_.SignalAll();
  }
  Poke();
}

// --- DEBUG LOADAOF ---

absl::Status Aof::Reload() {
  Role& role = engine_.role();
  Keyspace& keyspace = engine_.keyspace();
  // No snapshot of what is there in between.
  const net::Deadline deadline =
      net::Deadline::After(engine_.clock(), kDrainPatience);
  if (!keyspace.snapshot_turn().Take(deadline))
    return absl::DeadlineExceededError("a snapshot is under way");
  role.loading.store(true, std::memory_order_release);
  {
    // Those who were let in before are through.
    const ExclusiveGate gate(&keyspace.gate());
  }
  absl::Status status;
  const int64_t end = engine_.log().end_offset();
  while (follows_log() && written_.load(std::memory_order_acquire) < end) {
    absl::MutexLock lock(&mu_);
    if (deadline.Expired() || !error_.empty()) {
      status = absl::DeadlineExceededError("the file is not written");
      break;
    }
    progress_.Wait(
        &mu_, net::Deadline::After(engine_.clock(), absl::Milliseconds(5)));
  }
  absl::MutexLock manifest_lock(&manifest_mu_);  // The files stay.
  absl::StatusOr<AofManifest> manifest = ReadAofManifest(paths_);
  if (status.ok()) status = manifest.status();
  if (status.ok()) {
    std::vector<std::shared_ptr<Database>> old(
        static_cast<size_t>(keyspace.database_count()));
    const auto exchange = [&] {
      SlotSetLock locks(&keyspace.slots(), &keyspace.gate());
      locks.LockAll();
      for (int i = 0; i < keyspace.database_count(); ++i) {
        old[i] = keyspace.Replace(
            i, old[i] == nullptr ? keyspace.NewDatabase() : std::move(old[i]));
      }
    };
    exchange();
    const absl::StatusOr<AofLoad> load =
        LoadAof(&engine_, &files_, paths_, &*manifest, [] { return false; });
    status = load.status();
    if (status.ok()) {
      manifest_ = *std::move(manifest);
    } else {
      exchange();
    }
    for (auto& database : old) engine_.FreeLater(std::move(database));
  }
  role.loading.store(false, std::memory_order_release);
  keyspace.snapshot_turn().Give();
  return status;
}

}  // namespace holdfast::server
