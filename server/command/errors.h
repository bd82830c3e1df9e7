#ifndef HOLDFAST_SERVER_COMMAND_ERRORS_H_
#define HOLDFAST_SERVER_COMMAND_ERRORS_H_

#include "absl/strings/string_view.h"

// The texts of error replies, as Redis 7.0 words them (asked of redis-server
// 7.0.15); clients and tools match on them. Without the leading '-'.
namespace holdfast::server::errors {

inline constexpr absl::string_view kSyntax = "ERR syntax error";
inline constexpr absl::string_view kWrongType =
    "WRONGTYPE Operation against a key holding the wrong kind of value";
inline constexpr absl::string_view kNotInteger =
    "ERR value is not an integer or out of range";
inline constexpr absl::string_view kNotPositive =
    "ERR value is out of range, must be positive";
inline constexpr absl::string_view kNotFloat = "ERR value is not a valid float";
inline constexpr absl::string_view kOverflow =
    "ERR increment or decrement would overflow";
inline constexpr absl::string_view kNanOrInfinity =
    "ERR increment would produce NaN or Infinity";
inline constexpr absl::string_view kOutOfRange = "ERR index out of range";
inline constexpr absl::string_view kNoSuchKey = "ERR no such key";
inline constexpr absl::string_view kSameObject =
    "ERR source and destination objects are the same";
inline constexpr absl::string_view kStringTooLong =
    "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
inline constexpr absl::string_view kInvalidDb = "ERR invalid DB index";
inline constexpr absl::string_view kDbOutOfRange =
    "ERR DB index is out of range";
inline constexpr absl::string_view kNoAuth = "NOAUTH Authentication required.";
inline constexpr absl::string_view kOom =
    "OOM command not allowed when used memory > 'maxmemory'.";
inline constexpr absl::string_view kReadonly =
    "READONLY You can't write against a read only replica.";
inline constexpr absl::string_view kLoading =
    "LOADING Redis is loading the dataset in memory";
inline constexpr absl::string_view kMasterDown =
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set "
    "to 'no'.";
inline constexpr absl::string_view kNoReplicas =
    "NOREPLICAS Not enough good replicas to write.";
inline constexpr absl::string_view kSaveFailed =
    "MISCONF Redis is configured to save RDB snapshots, but it's currently "
    "unable to persist to disk. Commands that may modify the data set are "
    "disabled, because this instance is configured to report errors during "
    "writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). "
    "Please check the Redis logs for details about the RDB error.";
inline constexpr absl::string_view kEnding = "ERR the server is shutting down";
inline constexpr absl::string_view kExecAbort =
    "EXECABORT Transaction discarded because of previous errors.";
inline constexpr absl::string_view kBusyKey =
    "BUSYKEY Target key name already exists.";
inline constexpr absl::string_view kMaxClients =
    "ERR max number of clients reached";

}  // namespace holdfast::server::errors

#endif  // HOLDFAST_SERVER_COMMAND_ERRORS_H_
