#include "server/engine/pause.h"

#include <algorithm>

#include "net/time/deadline.h"

namespace holdfast::server {
namespace {

constexpr absl::Duration kSlice = absl::Milliseconds(500);

}  // namespace

void Pause::Start(Mode mode, absl::Duration length) {
  absl::MutexLock lock(&mu_);
  const net::MonoTime now = clock_->Now();
  const Mode old = mode_.load(std::memory_order_relaxed);
  const bool running = old != Mode::kNone && until_ > now;
  const net::MonoTime until = now + length;
  until_ = running ? std::max(until_, until) : until;
  mode_.store(running ? std::max(old, mode) : mode, std::memory_order_relaxed);
  changed_.SignalAll();
}

void Pause::End() {
  absl::MutexLock lock(&mu_);
  mode_.store(Mode::kNone, std::memory_order_relaxed);
  changed_.SignalAll();
}

Pause::Mode Pause::CurrentMode() const {
  absl::MutexLock lock(&mu_);
  return until_ > clock_->Now() ? mode_.load(std::memory_order_relaxed)
                                : Mode::kNone;
}

void Pause::Wait(bool writes, const std::function<bool()>& stop) {
  while (Stops(writes) && !stop()) {
    absl::MutexLock lock(&mu_);
    // In slices, so that `stop` is looked at even if nobody wakes us for it.
    changed_.Wait(&mu_,
                  net::Deadline::Earlier(net::Deadline::At(clock_, until_),
                                         net::Deadline::After(clock_, kSlice)));
  }
}

void Pause::WakeAll() {
  absl::MutexLock lock(&mu_);
  changed_.SignalAll();
}

}  // namespace holdfast::server
