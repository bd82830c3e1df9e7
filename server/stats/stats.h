#ifndef HOLDFAST_SERVER_STATS_STATS_H_
#define HOLDFAST_SERVER_STATS_STATS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "server/stats/counter.h"
#include "server/stats/slow_log.h"

namespace holdfast::server {

// How long calls of one command took: log-linear buckets (16 a power of two, so
// within 6.25 %) from 1 us... in nanoseconds, saturating near 1 s as Redis's
// latency histograms do. Thread-safe, no lock.
class LatencyHistogram {
 public:
  void Record(int64_t nanos);
  int64_t count() const;
  // How many calls took less than `nanos`, to within a bucket's width.
  int64_t CountBelow(int64_t nanos) const;
  // Upper edge, in ns, of the bucket that holds the given fraction (0..1) of
  // all calls; 0 when there are none.
  int64_t Percentile(double fraction) const;
  void Reset();

 private:
  static constexpr int kSubBits = 4;
  static constexpr int kPowers = 32;  // Up to 2^31 ns and a bit.
  static constexpr int kBuckets = (kPowers - kSubBits + 1) << kSubBits;
  static int BucketOf(int64_t nanos);
  static int64_t UpperEdge(int bucket);

  std::array<std::atomic<uint32_t>, kBuckets> buckets_{};
};

// What INFO commandstats and latencystats say of one command.
struct CommandStats {
  Counter calls;
  Counter nanos;
  std::atomic<int64_t> rejected{
      0};  // Refused before it ran (arity, ACL, OOM, ...).
  std::atomic<int64_t> failed{0};  // Ran and answered an error.
  LatencyHistogram latency;
};

// The counters of one server. Every member may be used by any thread.
class Stats {
 public:
  // Makes room for commands with ids below `command_ids`, once, at start.
  void SetCommandCount(int command_ids);
  // Null for a command that was never called (their memory is taken by the
  // first).
  CommandStats* CommandIfAny(int id) const {
    return commands_[id].load(std::memory_order_acquire);
  }
  CommandStats& Command(int id);

  // Counts an error reply by its code, the first word ("ERR", "WRONGTYPE").
  void CountError(absl::string_view text);
  std::map<std::string, int64_t> ErrorCounts() const;

  // CONFIG RESETSTAT.
  void Reset();

  // Calls of all commands.
  int64_t CommandsProcessed() const;

  Counter keyspace_hits;
  Counter keyspace_misses;
  Counter net_input_bytes;
  Counter net_output_bytes;
  Counter net_repl_input_bytes;
  Counter net_repl_output_bytes;
  Counter expired_keys;
  Counter error_replies;
  Counter reads_processed;   // From clients' sockets.
  Counter writes_processed;  // To them.
  std::atomic<int64_t> connections_received{0};
  std::atomic<int64_t> rejected_connections{0};
  std::atomic<int64_t> evicted_keys{0};
  std::atomic<int64_t> sync_full{0};
  std::atomic<int64_t> sync_partial_ok{0};
  std::atomic<int64_t> sync_partial_err{0};
  std::atomic<int64_t> expired_time_cap_reached{0};
  std::atomic<int64_t> client_query_buffer_limit_disconnections{0};
  std::atomic<int64_t> client_output_buffer_limit_disconnections{0};
  std::atomic<int64_t> acl_access_denied_auth{0};
  std::atomic<int64_t> acl_access_denied_cmd{0};
  std::atomic<int64_t> acl_access_denied_key{0};
  std::atomic<int64_t> acl_access_denied_channel{0};
  // Packed values from outside that were checked (all of them are).
  std::atomic<int64_t> dump_payload_sanitizations{0};
  std::atomic<size_t> peak_memory{0};
  std::atomic<size_t> startup_memory{0};  // In use before the first client.
  // Changes since the last save; `dirty` of Redis.
  std::atomic<int64_t> changes_since_save{0};

  // Rates over the last second or so, sampled by the cron thread.
  std::atomic<int64_t> ops_per_second{0};
  std::atomic<int64_t> input_bytes_per_second{0};
  std::atomic<int64_t> output_bytes_per_second{0};
  std::atomic<int64_t> repl_input_bytes_per_second{0};
  std::atomic<int64_t> repl_output_bytes_per_second{0};

  SlowLog slow_log;

  ~Stats();
  Stats() = default;
  Stats(const Stats&) = delete;
  Stats& operator=(const Stats&) = delete;

 private:
  std::unique_ptr<std::atomic<CommandStats*>[]> commands_;
  int command_ids_ = 0;
  mutable absl::Mutex mu_;
  std::map<std::string, int64_t> errors_
      ABSL_GUARDED_BY(mu_);  // At most kMaxErrorCodes.
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_STATS_STATS_H_
