#ifndef HOLDFAST_SERVER_PERSIST_SAVE_SAVER_H_
#define HOLDFAST_SERVER_PERSIST_SAVE_SAVER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "net/time/clock.h"
#include "net/time/mono_cond_var.h"
#include "server/engine/engine.h"
#include "server/engine/save_service.h"
#include "server/persist/save/save_files.h"
#include "server/persist/snapshot/snapshot.h"

namespace holdfast::server {

// Saves the dataset to dir/dbfilename: SAVE in the client's thread, BGSAVE and
// save points in a thread of its own ("saver"), both by a Snapshot while
// clients go on; the last save before the end, and those of a Turn, while
// nobody can write. One at a time; the others wait for their turn.
//
// The file is replaced in one step (FileReplacer); a save that fails leaves the
// old one, and its reason in the log and in status(). Names and directory are
// those at the save's beginning.
//
// Thread-safe. mu_ is a leaf: nothing that blocks and no keyspace lock is taken
// under it. The turn, which is waited for, comes before all keyspace locks.
class Saver final : public SaveService {
 public:
  // A save point is not tried again for so long after a failure, as in Redis.
  static constexpr absl::Duration kRetryDelay = absl::Seconds(5);

  // Both outlive it. Registers itself with the engine.
  Saver(Engine* engine, SaveFiles* files);
  ~Saver() override;

  SaveStatus status() const override ABSL_LOCKS_EXCLUDED(mu_);
  bool failed() const override {
    return failed_.load(std::memory_order_relaxed);
  }
  Begun Background(bool later) override;
  absl::Status SaveNow(bool wait_for_background) override;
  void AbandonBackground(absl::string_view why) override;
  void Tick() override;
  std::unique_ptr<SaveService::Turn> TakeTurn(bool wait) override;
  absl::Status PrepareEnd(EndSave save, bool force,
                          const std::function<bool()>& give_up) override;
  bool AbortEnd() override;

  // Gives up whatever is under way and begins nothing more. Does not block.
  void Stop(absl::string_view why);

 private:
  class HeldTurn;
  enum class Kind { kForeground, kBackground };

  void Run();
  bool WaitForTurn(bool wait);
  void GiveTurn();
  // The whole of one save by a snapshot. REQUIRES: the turn.
  absl::Status SaveBySnapshot(Kind kind);
  absl::Status WriteSnapshot(Kind kind, int64_t* changes);
  absl::StatusOr<std::shared_ptr<Snapshot>> StartSnapshot(Kind kind,
                                                          ByteSink* file);
  // While nobody can write. REQUIRES: the turn, and the gate held exclusively.
  absl::Status SaveStill(const SlotSetLock& locks,
                         const std::function<bool()>& give_up);
  absl::Status SaveAtEnd(const std::function<bool()>& give_up);
  absl::StatusOr<std::unique_ptr<class FileReplacer>> NewFile(Kind kind);
  void NoteSaved(int64_t changes);
  void NoteFailed(const absl::Status& status);
  bool abandoned(Kind kind) const ABSL_LOCKS_EXCLUDED(mu_);
  int64_t NowUnix() const;

  Engine& engine_;
  SaveFiles& files_;
  std::atomic<bool> failed_{false};

  mutable absl::Mutex mu_;
  net::MonoCondVar changed_;
  bool turn_taken_ ABSL_GUARDED_BY(mu_) = false;
  bool wanted_ ABSL_GUARDED_BY(mu_) = false;  // A background save.
  bool scheduled_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool ending_ ABSL_GUARDED_BY(mu_) = false;  // PrepareEnd() is under way.
  bool end_aborted_ ABSL_GUARDED_BY(mu_) = false;
  std::string abandoned_ ABSL_GUARDED_BY(mu_);  // Why, of the background save.
  std::shared_ptr<Snapshot> snapshot_ ABSL_GUARDED_BY(mu_);
  net::MonoTime background_since_ ABSL_GUARDED_BY(mu_);
  net::MonoTime last_save_ ABSL_GUARDED_BY(mu_);
  net::MonoTime last_try_ ABSL_GUARDED_BY(mu_);
  SaveStatus status_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;  // Last: it uses the others.
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_PERSIST_SAVE_SAVER_H_
