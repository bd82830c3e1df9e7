#include "server/keyspace/write_gate.h"

#include <algorithm>

#include "net/time/clock.h"

namespace holdfast::server {

using net::Deadline;

bool WriteGate::LockExclusiveBefore(Deadline deadline,
                                    absl::Duration patience) {
  const net::Clock* const clock = net::Clock::Real();
  const Deadline patient_until = Deadline::After(clock, patience);
  absl::MutexLock lock(&mu_);
  while (wanted_) {
    if (!opened_.Wait(&mu_, deadline) && wanted_) return false;
  }
  wanted_ = true;
  for (absl::Duration length = kFirstTry;;
       length = std::min(2 * length, kLongestTry)) {
    Close();
    const Deadline open_at = patient_until.Expired()
                                 ? Deadline::Never()
                                 : Deadline::After(clock, length);
    while (!IsDrained() && !deadline.Expired() && !open_at.Expired()) {
      drained_.Wait(
          &mu_, deadline.NextWait() < open_at.NextWait() ? deadline : open_at);
    }
    if (IsDrained()) return true;
    Open();
    const Deadline pause = Deadline::After(clock, 10 * length);
    while (!deadline.Expired() && !pause.Expired()) {
      drained_.Wait(&mu_,
                    deadline.NextWait() < pause.NextWait() ? deadline : pause);
    }
    if (deadline.Expired()) break;
  }
  wanted_ = false;
  opened_.SignalAll();
  return false;
}

void WriteGate::UnlockExclusive() {
  absl::MutexLock lock(&mu_);
  wanted_ = false;
  Open();
}

bool WriteGate::IsDrained() const {
  return std::all_of(stripes_.begin(), stripes_.end(), [](const Stripe& s) {
    return s.passages.load(std::memory_order_acquire) == kClosed;
  });
}

void WriteGate::Close() {
  closed_ = true;
  for (Stripe& s : stripes_)
    s.passages.fetch_or(kClosed, std::memory_order_relaxed);
}

void WriteGate::Open() {
  for (Stripe& s : stripes_)
    s.passages.fetch_and(~kClosed, std::memory_order_release);
  closed_ = false;
  opened_.SignalAll();
}

void WriteGate::WaitUntilOpen() {
  absl::MutexLock lock(&mu_);
  while (closed_) opened_.Wait(&mu_, Deadline::Never());
}

void WriteGate::SignalDrained() {
  absl::MutexLock lock(&mu_);
  drained_.SignalAll();
}

size_t WriteGate::StripeOfThread() {
  static std::atomic<size_t> next_thread{0};
  thread_local const size_t stripe =
      next_thread.fetch_add(1, std::memory_order_relaxed) % kStripes;
  return stripe;
}

}  // namespace holdfast::server
