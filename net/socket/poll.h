#ifndef HOLDFAST_NET_SOCKET_POLL_H_
#define HOLDFAST_NET_SOCKET_POLL_H_

#include <poll.h>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "net/time/deadline.h"

namespace holdfast::net {

// poll(2) until something is ready or the deadline has passed. Returns how many
// entries have events, 0 when the deadline passed first. Looks once even if it
// had passed already. EINTR is handled; other failures of poll(2) are statuses.
// On CLOCK_MONOTONIC, never early, late by less than 1 ms and the scheduler.
absl::StatusOr<int> PollUntil(absl::Span<pollfd> fds, Deadline deadline);

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_SOCKET_POLL_H_
