#include "net/socket/errors.h"

#include <errno.h>
#include <string.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"

namespace holdfast::net {
namespace {

constexpr char kPayload[] = "holdfast.net/errno";

absl::StatusCode CodeOf(int err) {
  switch (err) {
    case ECONNRESET:
    case ECONNREFUSED:
    case ECONNABORTED:
    case EPIPE:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
    case ENETRESET:
    case ENOTCONN:
    case ESHUTDOWN:
    case EPROTO:
    case ENOENT:  // Connecting to a unix socket that is not there.
      return absl::StatusCode::kUnavailable;
    case EAGAIN:  // Of pthread_create(); sockets' own never comes here.
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return absl::StatusCode::kResourceExhausted;
    case EACCES:
    case EPERM:
      return absl::StatusCode::kPermissionDenied;
    case EADDRINUSE:
    case EADDRNOTAVAIL:
      return absl::StatusCode::kFailedPrecondition;
    default:
      return absl::StatusCode::kUnknown;
  }
}

}  // namespace

absl::Status ErrnoStatus(int err, absl::string_view what) {
  CHECK_NE(err, 0) << what;
  char buf[128];
  // GNU's strerror_r() returns the text, in `buf` or not.
  absl::Status status(
      CodeOf(err), absl::StrCat(what, ": ", strerror_r(err, buf, sizeof(buf))));
  status.SetPayload(kPayload, absl::Cord(absl::StrCat(err)));
  return status;
}

int ErrnoOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  int err = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &err)) {
    return 0;
  }
  return err;
}

}  // namespace holdfast::net
