#ifndef HOLDFAST_NET_DIAL_DIALER_H_
#define HOLDFAST_NET_DIAL_DIALER_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "net/dial/dial.h"
#include "net/socket/stop_signal.h"
#include "net/socket/stream.h"
#include "net/time/backoff.h"
#include "net/time/deadline.h"

namespace holdfast::net {

struct DialerOptions {
  DialOptions dial;  // `stop` in it is ignored: the Dialer has its own.
  BackoffOptions backoff;
  // Attempts of one Dial() call; 0: for ever (a replication link).
  int64_t max_attempts = 0;
  // A number in [0, 1) for the jitter; null: absl::BitGen.
  std::function<double()> uniform01;
  // Called in the dialling thread after each failed attempt, before the pause.
  std::function<void(int64_t attempt, const absl::Status& error,
                     absl::Duration pause)>
      on_failure;
};

// Connects and keeps trying, with a pause that grows (Backoff) and that lives
// on from one Dial() to the next, until NoteHealthy() says that a link held.
// One thread in Dial(), NoteHealthy() and Pause(); Stop() from any.
class Dialer {
 public:
  explicit Dialer(DialerOptions options);

  // Blocks until connected. kCancelled after Stop(); kDeadlineExceeded when
  // `deadline` passed; after max_attempts, or at a fault that time does not
  // cure (kInvalidArgument), the last error. Error text says how many attempts.
  absl::StatusOr<std::unique_ptr<Stream>> Dial(
      absl::string_view host, int port, Deadline deadline = Deadline::Never());

  // Waits as after a failed attempt: for a caller whose handshake failed on a
  // connection that was made. Returns false when stopped.
  bool Pause(Deadline deadline = Deadline::Never());

  // The link just lost had been up for `lasted`. See Backoff::NoteHealthy().
  bool NoteHealthy(absl::Duration lasted) {
    return backoff_.NoteHealthy(lasted);
  }

  // Ends Dial() and Pause() at once, in whatever they wait, and for good.
  void Stop() { stop_.Stop(); }
  const StopSignal& stop_signal() const { return stop_; }

 private:
  absl::Duration NextPause();

  const DialerOptions options_;
  Backoff backoff_;
  StopSignal stop_;
};

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_DIAL_DIALER_H_
