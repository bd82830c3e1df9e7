#ifndef HOLDFAST_SERVER_COMMAND_CALL_TIME_H_
#define HOLDFAST_SERVER_COMMAND_CALL_TIME_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "server/command/spec.h"
#include "server/stats/slow_log.h"

namespace holdfast::server {

class Engine;

// Says how long a call took, to the latency statistics and, if that is slow, to
// the slow log, for which `describe` is asked: arguments, address and name of
// the client. For a client that waited, once it was served. Any thread.
void NoteCallTime(Engine* engine, const CommandSpec& spec, int64_t nanos,
                  absl::FunctionRef<SlowLog::Entry()> describe);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMAND_CALL_TIME_H_
