#ifndef HOLDFAST_SERVER_ENGINE_PAUSE_H_
#define HOLDFAST_SERVER_ENGINE_PAUSE_H_

#include <atomic>
#include <cstdint>
#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "net/time/clock.h"
#include "net/time/mono_cond_var.h"

namespace holdfast::server {

// CLIENT PAUSE: until when commands, or only writing ones, wait. Thread-safe.
// The flag is raised while the WriteGate is held exclusively and is looked at
// again after a write has passed the gate, so none slips through.
class Pause {
 public:
  enum class Mode : uint8_t { kNone = 0, kWrites = 1, kAll = 2 };

  explicit Pause(const net::Clock* clock) : clock_(clock) {}

  // A pause that exists already is only ever extended and made stricter (as in
  // Redis 7.0). REQUIRES: the gate held exclusively.
  void Start(Mode mode, absl::Duration length);
  void End();

  // One relaxed load when nothing is paused.
  Mode mode() const {
    const Mode mode = mode_.load(std::memory_order_relaxed);
    return mode == Mode::kNone ? mode : CurrentMode();
  }
  bool Stops(bool writes) const {
    const Mode m = mode();
    return m == Mode::kAll || (m == Mode::kWrites && writes);
  }
  // Blocks while such a command is stopped and `stop` returns false.
  void Wait(bool writes, const std::function<bool()>& stop);
  // Makes waiters look at their stop conditions again.
  void WakeAll();

 private:
  Mode CurrentMode() const;

  const net::Clock* const clock_;
  std::atomic<Mode> mode_{Mode::kNone};
  mutable absl::Mutex mu_;
  net::MonoCondVar changed_;
  net::MonoTime until_ ABSL_GUARDED_BY(mu_);
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_ENGINE_PAUSE_H_
