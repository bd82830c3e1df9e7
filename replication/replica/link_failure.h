#ifndef HOLDFAST_REPLICATION_REPLICA_LINK_FAILURE_H_
#define HOLDFAST_REPLICATION_REPLICA_LINK_FAILURE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace holdfast::replication {

// Why one connection to a primary came to its end. A value.
struct LinkFailure {
  std::string cause;  // One of replication/events/causes.h.
  std::string text;   // What happened, in words.
  int error = 0;      // errno, 0 if the kernel had no part in it.
  // What was applied may differ from the primary's data: only a full
  // synchronisation mends it.
  bool diverged = false;
};

LinkFailure MakeFailure(absl::string_view cause, absl::string_view text);

// Of net::Dial(): the connection was not made.
LinkFailure DialFailure(const absl::Status& status);

// Of a read or write that ended a connection. `silent` is the cause of a passed
// deadline in this phase, `closed` of an orderly end (kUnavailable without an
// errno, as RespClient says it).
LinkFailure LossFailure(const absl::Status& status, absl::string_view silent,
                        absl::string_view closed);

}  // namespace holdfast::replication

#endif  // HOLDFAST_REPLICATION_REPLICA_LINK_FAILURE_H_
