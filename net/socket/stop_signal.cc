#include "net/socket/stop_signal.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "absl/types/span.h"
#include "glog/logging.h"
#include "net/socket/poll.h"
#include "net/time/deadline.h"

namespace holdfast::net {

StopSignal::StopSignal() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  PCHECK(event_.valid()) << "eventfd";
}

void StopSignal::Stop() {
  if (stopped_.exchange(true, std::memory_order_acq_rel)) return;
  const uint64_t one = 1;
  // Cannot fail: the counter was zero. Never read back, so it stays readable.
  [[maybe_unused]] const ssize_t n = write(event_.fd(), &one, sizeof(one));
}

bool StopSignal::WaitUntil(Deadline deadline) const {
  if (stopped()) return true;
  pollfd p{event_.fd(), POLLIN, 0};
  const auto ready = PollUntil(absl::MakeSpan(&p, 1), deadline);
  CHECK(ready.ok()) << ready.status();  // Only a bad argument makes it fail.
  return stopped();
}

}  // namespace holdfast::net
