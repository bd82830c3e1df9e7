#include "server/stats/stats.h"

#include <algorithm>
#include <cmath>

#include "absl/numeric/bits.h"
#include "glog/logging.h"

namespace holdfast::server {
namespace {

// Codes come from scripts and modules too, so their number needs a bound
// (Redis: 128).
constexpr size_t kMaxErrorCodes = 128;

}  // namespace

size_t CounterShardOfThread() {
  static std::atomic<size_t> next_thread{0};
  thread_local const size_t shard =
      next_thread.fetch_add(1, std::memory_order_relaxed) % kCounterShards;
  return shard;
}

int LatencyHistogram::BucketOf(int64_t nanos) {
  const uint64_t value = static_cast<uint64_t>(std::max<int64_t>(nanos, 0));
  if (value < (1u << kSubBits)) return static_cast<int>(value);
  const int power = static_cast<int>(absl::bit_width(value)) - 1;
  const int sub =
      static_cast<int>(value >> (power - kSubBits)) & ((1 << kSubBits) - 1);
  return std::min(((power - kSubBits + 1) << kSubBits) + sub, kBuckets - 1);
}

int64_t LatencyHistogram::UpperEdge(int bucket) {
  if (bucket < (1 << kSubBits)) return bucket;
  const int power = (bucket >> kSubBits) + kSubBits - 1;
  const int64_t sub = bucket & ((1 << kSubBits) - 1);
  return (((int64_t{1} << kSubBits) + sub + 1) << (power - kSubBits)) - 1;
}

void LatencyHistogram::Record(int64_t nanos) {
  buckets_[BucketOf(nanos)].fetch_add(1, std::memory_order_relaxed);
}

int64_t LatencyHistogram::count() const {
  int64_t sum = 0;
  for (const auto& b : buckets_) sum += b.load(std::memory_order_relaxed);
  return sum;
}

int64_t LatencyHistogram::CountBelow(int64_t nanos) const {
  int64_t sum = 0;
  for (int i = 0; i < kBuckets && UpperEdge(i) < nanos; ++i)
    sum += buckets_[i].load(std::memory_order_relaxed);
  return sum;
}

int64_t LatencyHistogram::Percentile(double fraction) const {
  const int64_t total = count();
  if (total == 0) return 0;
  const auto wanted = std::max<int64_t>(
      1,
      static_cast<int64_t>(std::ceil(fraction * static_cast<double>(total))));
  int64_t seen = 0;
  for (int i = 0; i < kBuckets; ++i) {
    seen += buckets_[i].load(std::memory_order_relaxed);
    if (seen >= wanted) return UpperEdge(i);
  }
  return UpperEdge(kBuckets - 1);
}

void LatencyHistogram::Reset() {
  for (auto& b : buckets_) b.store(0, std::memory_order_relaxed);
}

Stats::~Stats() {
  for (int i = 0; i < command_ids_; ++i)
    delete commands_[i].load(std::memory_order_relaxed);
}

void Stats::SetCommandCount(int command_ids) {
  CHECK_EQ(command_ids_, 0);
  commands_ = std::make_unique<std::atomic<CommandStats*>[]>(command_ids);
  command_ids_ = command_ids;
}

CommandStats& Stats::Command(int id) {
  CommandStats* stats = CommandIfAny(id);
  if (stats != nullptr) return *stats;
  auto fresh = std::make_unique<CommandStats>();
  if (commands_[id].compare_exchange_strong(stats, fresh.get(),
                                            std::memory_order_acq_rel))
    return *fresh.release();
  return *stats;
}

int64_t Stats::CommandsProcessed() const {
  int64_t sum = 0;
  for (int i = 0; i < command_ids_; ++i) {
    const CommandStats* stats = CommandIfAny(i);
    if (stats != nullptr) sum += stats->calls.Value();
  }
  return sum;
}

void Stats::CountError(absl::string_view text) {
  error_replies.Add(1);
  const std::string code(text.substr(0, text.find(' ')));
  absl::MutexLock lock(&mu_);
  const auto it = errors_.find(code);
  if (it != errors_.end()) {
    ++it->second;
  } else if (errors_.size() < kMaxErrorCodes) {
    errors_[code] = 1;
  }
}

std::map<std::string, int64_t> Stats::ErrorCounts() const {
  absl::MutexLock lock(&mu_);
  return errors_;
}

void Stats::Reset() {
  for (Counter* c :
       {&keyspace_hits, &keyspace_misses, &net_input_bytes, &net_output_bytes,
        &net_repl_input_bytes, &net_repl_output_bytes, &expired_keys,
        &error_replies, &reads_processed, &writes_processed}) {
    c->Reset();
  }
  for (std::atomic<int64_t>* n :
       {&connections_received, &rejected_connections, &evicted_keys, &sync_full,
        &sync_partial_ok, &sync_partial_err, &expired_time_cap_reached,
        &dump_payload_sanitizations,
        &client_query_buffer_limit_disconnections,
        &client_output_buffer_limit_disconnections, &acl_access_denied_auth,
        &acl_access_denied_cmd, &acl_access_denied_key,
        &acl_access_denied_channel}) {
    n->store(0, std::memory_order_relaxed);
  }
  for (int i = 0; i < command_ids_; ++i) {
    CommandStats* stats = CommandIfAny(i);
    if (stats == nullptr) continue;
    stats->calls.Reset();
    stats->nanos.Reset();
    stats->rejected.store(0, std::memory_order_relaxed);
    stats->failed.store(0, std::memory_order_relaxed);
    stats->latency.Reset();
  }
  absl::MutexLock lock(&mu_);
  errors_.clear();
}

}  // namespace holdfast::server
