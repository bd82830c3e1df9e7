#include "net/socket/poll.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "net/socket/errors.h"
#include "net/time/deadline.h"

namespace holdfast::net {

absl::StatusOr<int> PollUntil(absl::Span<pollfd> fds, Deadline deadline) {
  while (true) {
    const bool last_look = deadline.Expired();
    const absl::Duration wait = deadline.NextWait();
    const timespec timeout = absl::ToTimespec(wait);
    const int n =
        ppoll(fds.data(), fds.size(),
              wait == absl::InfiniteDuration() ? nullptr : &timeout, nullptr);
    if (n > 0) return n;
    if (n < 0 && errno != EINTR) return ErrnoStatus(errno, "poll");
    if (n == 0 && last_look) return 0;
  }
}

}  // namespace holdfast::net
