// How fast one thread applies a primary's stream of small SETs; prints commands
// a second of the thread's processor time. bazel run -c opt
// //replication/replica:stream_applier_benchmark

#include <time.h>

#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "net/resp/input_buffer.h"
#include "replication/replica/fake_primary.h"
#include "replication/replica/replica_under_test.h"
#include "replication/replica/stream_applier.h"

namespace holdfast::replication {
namespace {

// What this thread has used of a processor: another job on the machine does not
// count.
absl::Duration ProcessorTime() {
  timespec now;
  PCHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
  return absl::DurationFromTimespec(now);
}

void Run() {
  constexpr int kCommands = 2'000'000;
  constexpr int kKeys = 100'000;
  ReplicaUnderTest replica;
  replica.SetReplica(true);
  server::Session session(1, nullptr, "primary", "", 0);
  StreamApplier applier(&replica.engine, &session, true, 0);
  net::InputBuffer input;
  std::string batch;
  absl::Duration applying = absl::ZeroDuration();
  for (int i = 0; i < kCommands;) {
    batch.clear();
    for (; i < kCommands && batch.size() < 60000; ++i) {
      absl::StrAppend(&batch,
                      Resp(absl::StrCat("SET key:", i % kKeys, " value:", i)));
    }
    input.Append(batch);
    const absl::Duration start = ProcessorTime();
    CHECK(applier.Run(&input, [] { return false; }) ==
          StreamApplier::Result::kNeedMore)
        << applier.error();
    applying += ProcessorTime() - start;
  }
  std::printf("%d commands in %s: %.0f a second\n", kCommands,
              absl::FormatDuration(applying).c_str(),
              kCommands / absl::ToDoubleSeconds(applying));
}

}  // namespace
}  // namespace holdfast::replication

int main() { holdfast::replication::Run(); }
