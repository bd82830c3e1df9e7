#ifndef HOLDFAST_SERVER_PERSIST_AOF_AOF_H_
#define HOLDFAST_SERVER_PERSIST_AOF_AOF_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "net/time/clock.h"
#include "net/time/mono_cond_var.h"
#include "server/engine/aof_service.h"
#include "server/engine/engine.h"
#include "server/persist/aof/load_aof.h"
#include "server/persist/aof/manifest.h"
#include "server/persist/save/file_replacer.h"
#include "server/persist/save/save_files.h"
#include "server/persist/snapshot/snapshot.h"
#include "server/write_stream/command_log.h"

namespace holdfast::server {

// The append-only file: a follower of the command log, in Redis 7's format.
//
// Three threads. The writer copies the log, whole units of it, into the last
// increment; with `appendfsync always` it syncs after each batch, and replies
// wait for that, many for one sync. The syncer does it once a second for
// `everysec`. The rewriter makes a new base by a Snapshot: at its cut, which
// notes the log's offset X, the writer is told to end the present increment at
// X; it syncs that file, puts the next one into the manifest and goes on there.
// Once the base is on disk, a manifest of base and next increment takes the
// place of the one before. So at every moment the files that the manifest names
// are a whole history, and only the last of them can have a torn tail.
//
// Where there is no base that the log goes on from (appendonly was switched on,
// a full synchronisation has begun another history) the state is kFirstRewrite:
// the increment from the cut on has a temporary name until the base is there,
// and what is on disk stays as it was.
//
// Faults. A write that fails is undone (the file is cut back to the last whole
// unit) and tried again; after a sync that fails the file is cut back to what
// was synced before, and that is written once more, for nobody knows what the
// disk has of it. Meanwhile writes are refused, and clients whose writes wait
// for the disk are let go without a reply. A pin holds the log for what is not
// synced yet; the log's bound on pins holds for it too: before the file can
// fall out, writes are held up and then refused (HoldsUpWrites()). If it does
// fall out, which only a replica's stream can do, it is written anew.
//
// Thread-safe. Lock order (server/LOCKS.md): manifest_mu_, then the gate, then
// mu_, then the log's. No I/O under mu_.
class Aof final : public AofService {
 public:
  // Both outlive it. Registers itself with the engine, and outlives the last
  // CONFIG SET.
  Aof(Engine* engine, SaveFiles* files);
  ~Aof() override;

  // At the server's start. Load() reads the manifest, and with `appendonly yes`
  // the dataset; says whether there was one. Open() begins to follow the log,
  // from the dataset that is there now. Errors say that the server must not
  // start.
  absl::StatusOr<bool> Load(const std::function<bool()>& cancelled);
  absl::Status Open();
  // Gives a rewrite up, writes and syncs what the log has, and ends. Called
  // when nobody writes any more. Idempotent.
  void Stop();

  AofStatus status() const override ABSL_LOCKS_EXCLUDED(mu_);
  std::string WriteRefusal() override ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status AwaitOnDisk(int64_t offset,
                           const std::function<bool()>& gone) override
      ABSL_LOCKS_EXCLUDED(mu_);
  Begun RewriteInBackground(bool later) override ABSL_LOCKS_EXCLUDED(mu_);
  void Tick() override ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status TurnOn() override ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status TurnOff() override ABSL_LOCKS_EXCLUDED(mu_);
  void BeforeHistoryChange() override ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Reload() override ABSL_LOCKS_EXCLUDED(manifest_mu_, mu_);
  void set_flush_sleep_us(int64_t us) override {
    flush_sleep_us_.store(us, std::memory_order_relaxed);
  }

 private:
  enum class State { kOff, kFirstRewrite, kOn };

  // A file being written, and where in the log it stands. The writer's.
  struct Output {
    std::shared_ptr<SaveFile> file;
    uint64_t generation = 0;
    int64_t size = 0;    // Of whole units.
    int64_t cursor = 0;  // The log's offset behind them.
    int64_t synced_size = 0;
    int64_t synced_cursor = 0;
    bool ragged = false;  // There may be more in the file than `size`.
    // The database that the log is in where this file begins to follow it; -1:
    // it selects one itself.
    int first_db = -1;
    int64_t first_size = 0;
    int64_t stamp = 0;  // Of the last annotation, in seconds.
    std::unique_ptr<CommandLog::Pin> pin;
  };
  struct Cut {
    int64_t offset;
    int selected_db;
  };
  struct SyncJob {
    std::shared_ptr<SaveFile> file;
    int64_t cursor;
    int64_t size;
    absl::Status status;
  };

  // --- The writer's thread (aof_writer.cc) ---
  void WriterThread();
  void SyncerThread();
  // Takes orders; false: there is nothing to write to. `*end` as below.
  bool TakeOrders(std::optional<Output>* out, bool* end)
      ABSL_LOCKS_EXCLUDED(mu_);
  void TakeSyncResult(Output* out) ABSL_LOCKS_EXCLUDED(mu_);
  // How far may be written now.
  int64_t Limit() const ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status WriteBatch(Output* out, int64_t limit);
  absl::Status SyncNow(Output* out);
  // After a sync that failed.
  void CutBackToSynced(Output* out);
  // What the policy wants after a batch.
  absl::Status SyncByPolicy(Output* out, bool recovering);
  void Publish(const Output& out, bool always_suppressed);
  bool SyncsSuppressed() const;
  absl::Status SwitchAt(const Cut& cut, Output* out);
  void Fail(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);
  void Recovered() ABSL_LOCKS_EXCLUDED(mu_);
  void FellOut(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);
  void WaitForWork(const Output& out, bool failing);
  void Poke();

  // --- The rewriter's thread (aof_rewrite.cc) ---
  void RewriterThread();
  struct Run {
    State state;
    uint64_t generation;
    AofManifest::File base;
    std::string temporary_increment;
    int64_t copied_bytes = 0;
  };
  absl::Status Rewrite(Run* run);
  absl::Status MakeBase(Run* run);
  absl::Status TakeSnapshot(Run* run, ByteSink* sink,
                            std::shared_ptr<SaveFile> increment);
  void AtCut(const Run& run, std::shared_ptr<SaveFile> increment)
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status ConvertToCommands(const std::string& rdb, ByteSink* sink);
  absl::Status AwaitSwitch(const Run& run) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Finish(Run* run) ABSL_LOCKS_EXCLUDED(manifest_mu_, mu_);
  void RemoveHistory() ABSL_EXCLUSIVE_LOCKS_REQUIRED(manifest_mu_);
  bool GivenUp(const Run& run) const ABSL_LOCKS_EXCLUDED(mu_);
  void BeginRewrite() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void GiveRewriteUp(absl::string_view why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool Limited() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  void StartThreads() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool SaveUnderWay() const;
  int64_t FileSize(const std::string& name) const;

  Engine& engine_;
  SaveFiles& files_;
  const AofPaths paths_;
  std::atomic<int64_t> flush_sleep_us_{0};
  // Sends the writer back to its orders.
  std::atomic<bool> poke_{false};
  // Whoever writes for an older one stops: the log is not what it was.
  std::atomic<uint64_t> generation_{0};
  std::atomic<int64_t> output_bytes_{0};  // Of the file being written.

  absl::Mutex manifest_mu_;  // Held over the manifest's I/O.
  AofManifest manifest_ ABSL_GUARDED_BY(manifest_mu_);

  mutable absl::Mutex mu_;
  net::MonoCondVar orders_;    // For the threads.
  net::MonoCondVar progress_;  // For those who wait for them.
  State state_ ABSL_GUARDED_BY(mu_) = State::kOff;
  bool threads_run_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;    // The rewriter,
  bool draining_ ABSL_GUARDED_BY(mu_) = false;    // then the writer,
  bool syncer_end_ ABSL_GUARDED_BY(mu_) = false;  // then the syncer.
  std::string error_ ABSL_GUARDED_BY(mu_);  // Of the last write; empty: none.
  bool fell_out_ ABSL_GUARDED_BY(mu_) = false;

  // Orders for the writer.
  std::optional<Output> attach_ ABSL_GUARDED_BY(mu_);
  std::optional<Cut> switch_ ABSL_GUARDED_BY(mu_);
  int64_t switched_at_ ABSL_GUARDED_BY(mu_) = -1;
  int64_t switched_seq_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status switch_status_ ABSL_GUARDED_BY(mu_);
  int64_t detach_at_ ABSL_GUARDED_BY(mu_) = -1;  // End there; -1: do not.
  bool attached_ ABSL_GUARDED_BY(mu_) = false;
  std::optional<SyncJob> sync_job_ ABSL_GUARDED_BY(mu_);
  std::optional<SyncJob> sync_result_ ABSL_GUARDED_BY(mu_);
  bool syncing_ ABSL_GUARDED_BY(mu_) = false;
  net::MonoTime last_sync_ ABSL_GUARDED_BY(mu_);
  int64_t delayed_syncs_ ABSL_GUARDED_BY(mu_) = 0;

  // The rewriter's.
  bool wanted_ ABSL_GUARDED_BY(mu_) = false;
  bool in_progress_ ABSL_GUARDED_BY(mu_) = false;
  bool scheduled_ ABSL_GUARDED_BY(mu_) = false;
  std::string given_up_ ABSL_GUARDED_BY(mu_);  // Why.
  std::shared_ptr<Snapshot> snapshot_ ABSL_GUARDED_BY(mu_);
  int64_t cut_offset_ ABSL_GUARDED_BY(mu_) = -1;
  net::MonoTime rewrite_began_ ABSL_GUARDED_BY(mu_);
  net::MonoTime retry_at_ ABSL_GUARDED_BY(mu_);
  absl::Duration retry_delay_ ABSL_GUARDED_BY(mu_);
  bool retry_delayed_ ABSL_GUARDED_BY(mu_) = false;
  AofStatus status_ ABSL_GUARDED_BY(mu_);
  int64_t earlier_bytes_ ABSL_GUARDED_BY(mu_) =
      0;  // Before that being written.

  // Last: they use the others.
  std::thread writer_;
  std::thread syncer_;
  std::thread rewriter_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_AOF_AOF_H_
