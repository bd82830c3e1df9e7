#ifndef HOLDFAST_SERVER_ENGINE_SAVE_SERVICE_H_
#define HOLDFAST_SERVER_ENGINE_SAVE_SERVICE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace holdfast::server {

class SlotSetLock;

// What INFO persistence tells of saving.
struct SaveStatus {
  bool background = false;       // A background save is under way.
  bool last_ok = true;           // The last background save.
  int64_t last_save_unix = 0;    // Seconds; the start counts as a save.
  int64_t last_seconds = -1;     // What the last background save took.
  int64_t current_seconds = -1;  // Since the one under way began.
  int64_t saves = 0;             // Begun, of any kind.
  int64_t keys_done = 0;         // Of the save under way.
  int64_t keys_total = 0;
  int64_t copied_bytes = 0;       // Copied by writers for it.
  int64_t copied_bytes_peak = 0;  // The most of any so far.
  int64_t last_copied_bytes = 0;  // For the last background save.
  std::string last_error;         // Of the last save that failed.
};

// Writing the dataset to disk, as the rest of the server sees it; the one that
// does it is server/persist/save. Thread-safe.
class SaveService {
 public:
  virtual ~SaveService() = default;

  virtual SaveStatus status() const = 0;
  // Whether the last background save failed. One relaxed load.
  virtual bool failed() const = 0;

  // BGSAVE. `later`: the caller holds keyspace locks; begin at the next tick.
  enum class Begun { kStarted, kScheduled, kAlready };
  virtual Begun Background(bool later) = 0;

  // SAVE: returns when the file is there, or why it is not. Clients go on
  // meanwhile. kFailedPrecondition beside a background save, unless it is to be
  // waited for. Not to be called with a keyspace lock held.
  virtual absl::Status SaveNow(bool wait_for_background) = 0;

  // Gives a background save up: FLUSHALL. Does not block.
  virtual void AbandonBackground(absl::string_view why) = 0;

  // The cron thread's: save points, and what was scheduled. Does not block.
  virtual void Tick() = 0;

  // Nobody else saves while it lives. The only way to save with keyspace locks
  // held: it comes before them in the order of locks.
  class Turn {
   public:
    virtual ~Turn() = default;
    // Saves while nobody can write. REQUIRES: `locks` holds everything.
    virtual absl::Status Save(const SlotSetLock& locks) = 0;
  };
  // Null if somebody saves and `wait` is false.
  virtual std::unique_ptr<Turn> TakeTurn(bool wait) = 0;

  // --- The end of the server ---

  enum class EndSave { kIfConfigured, kYes, kNo };
  // All of a shutdown but the exit: with a save (or a failed one if `force`)
  // nobody can write from then on. An error says that the server is to go on.
  // `give_up` is asked while saving.
  virtual absl::Status PrepareEnd(EndSave save, bool force,
                                  const std::function<bool()>& give_up) = 0;
  // SHUTDOWN ABORT: whether there was one to be called off.
  virtual bool AbortEnd() = 0;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_ENGINE_SAVE_SERVICE_H_
