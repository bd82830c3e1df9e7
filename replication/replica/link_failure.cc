#include "replication/replica/link_failure.h"

#include <cerrno>

#include "net/socket/errors.h"
#include "replication/events/causes.h"

namespace holdfast::replication {

LinkFailure MakeFailure(absl::string_view cause, absl::string_view text) {
  LinkFailure failure;
  failure.cause = std::string(cause);
  failure.text = std::string(text);
  return failure;
}

LinkFailure DialFailure(const absl::Status& status) {
  LinkFailure failure = MakeFailure(cause::kConnectFailed, status.message());
  failure.error = net::ErrnoOf(status);
  if (absl::IsCancelled(status)) {
    failure.cause = std::string(cause::kStopped);
  } else if (absl::IsDeadlineExceeded(status) || failure.error == ETIMEDOUT) {
    failure.cause = std::string(cause::kConnectTimeout);
  } else if (failure.error == ECONNREFUSED) {
    failure.cause = std::string(cause::kConnectRefused);
  } else if (absl::IsNotFound(status) ||
             (absl::IsUnavailable(status) && failure.error == 0)) {
    failure.cause =
        std::string(cause::kResolveFailed);  // No such name, or no answer from
                                             // the name server.
  }
  return failure;
}

LinkFailure LossFailure(const absl::Status& status, absl::string_view silent,
                        absl::string_view closed) {
  LinkFailure failure = MakeFailure(cause::kReset, status.message());
  failure.error = net::ErrnoOf(status);
  if (absl::IsDeadlineExceeded(status)) {
    failure.cause = std::string(silent);
  } else if (absl::IsDataLoss(status)) {
    failure.cause = std::string(cause::kProtocolError);
  } else if (absl::IsCancelled(status)) {
    failure.cause = std::string(cause::kStopped);
  } else if (failure.error == ETIMEDOUT) {
    failure.cause = std::string(cause::kTimedOut);
  } else if (failure.error == 0) {
    failure.cause = std::string(closed);
  }
  return failure;
}

}  // namespace holdfast::replication
