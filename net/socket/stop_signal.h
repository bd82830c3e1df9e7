#ifndef HOLDFAST_NET_SOCKET_STOP_SIGNAL_H_
#define HOLDFAST_NET_SOCKET_STOP_SIGNAL_H_

#include <atomic>

#include "net/socket/socket.h"
#include "net/time/deadline.h"

namespace holdfast::net {

// A flag that is raised once and that poll(2) can wait for, next to sockets:
// how connecting, accepting and pauses between attempts are stopped at once.
// Thread-safe. Outlives whoever waits for it. Construction takes a descriptor
// and dies (CHECK) only if there is none to have; make it at start.
class StopSignal {
 public:
  StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  // Raises it, for good. Idempotent; async-signal-safe.
  void Stop();
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }

  // Sleeps until it is raised or the deadline passes; returns stopped().
  bool WaitUntil(Deadline deadline) const;

  // Readable (POLLIN) once raised; only to be polled.
  int fd() const { return event_.fd(); }

 private:
  std::atomic<bool> stopped_{false};
  Socket event_;
};

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_SOCKET_STOP_SIGNAL_H_
