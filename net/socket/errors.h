#ifndef HOLDFAST_NET_SOCKET_ERRORS_H_
#define HOLDFAST_NET_SOCKET_ERRORS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace holdfast::net {

// A failed system call as a status: "<what>: <strerror text>", with `err` kept
// so that ErrnoOf() finds it. The code is what a caller would do about it:
//   kUnavailable        the peer or the way to it is gone (ECONNRESET, EPIPE,
//                       ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ...)
//   kResourceExhausted  EMFILE, ENFILE, ENOBUFS, ENOMEM, EAGAIN
//   kPermissionDenied   EACCES, EPERM
//   kFailedPrecondition EADDRINUSE, EADDRNOTAVAIL
//   kUnknown            anything else
// REQUIRES: err != 0.
absl::Status ErrnoStatus(int err, absl::string_view what);

// The errno that a status of net/ came from, 0 if none.
int ErrnoOf(const absl::Status& status);

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_SOCKET_ERRORS_H_
