#include "net/dial/dialer.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "net/dial/dial.h"
#include "net/socket/stream.h"
#include "net/time/deadline.h"

namespace holdfast::net {
namespace {

DialerOptions WithRandomness(DialerOptions options) {
  if (options.uniform01 == nullptr) {
    auto generator = std::make_shared<absl::BitGen>();
    options.uniform01 = [generator] {
      return absl::Uniform(*generator, 0.0, 1.0);
    };
  }
  return options;
}

absl::Status AfterAttempts(const absl::Status& s, int64_t attempts) {
  absl::Status status(s.code(),
                      absl::StrCat(s.message(), " (", attempts,
                                   attempts == 1 ? " attempt)" : " attempts)"));
  s.ForEachPayload([&status](absl::string_view key, const absl::Cord& value) {
    status.SetPayload(key, value);
  });
  return status;
}

}  // namespace

Dialer::Dialer(DialerOptions options)
    : options_(WithRandomness(std::move(options))),
      backoff_(options_.backoff) {}

absl::Duration Dialer::NextPause() { return backoff_.Next(options_.uniform01); }

absl::StatusOr<std::unique_ptr<Stream>> Dialer::Dial(absl::string_view host,
                                                     int port,
                                                     Deadline deadline) {
  DialOptions dial = options_.dial;
  dial.stop = &stop_;
  for (int64_t attempt = 1;; ++attempt) {
    if (stop_.stopped()) return absl::CancelledError("stopped");
    dial.timeout = std::min(options_.dial.timeout, deadline.Remaining());
    absl::StatusOr<std::unique_ptr<Stream>> stream =
        net::Dial(host, port, dial);
    if (stream.ok()) return stream;
    const absl::Status& error = stream.status();
    if (absl::IsCancelled(error)) return error;
    if (absl::IsInvalidArgument(error) ||
        (options_.max_attempts > 0 && attempt >= options_.max_attempts)) {
      return AfterAttempts(error, attempt);
    }
    const absl::Duration pause = NextPause();
    if (options_.on_failure != nullptr) {
      options_.on_failure(attempt, error, pause);
    }
    if (stop_.WaitUntil(Deadline::Earlier(
            deadline, Deadline::After(options_.dial.clock, pause)))) {
      return absl::CancelledError("stopped");
    }
    if (deadline.Expired()) {
      return AfterAttempts(absl::DeadlineExceededError(error.message()),
                           attempt);
    }
  }
}

bool Dialer::Pause(Deadline deadline) {
  return !stop_.WaitUntil(Deadline::Earlier(
      deadline, Deadline::After(options_.dial.clock, NextPause())));
}

}  // namespace holdfast::net
