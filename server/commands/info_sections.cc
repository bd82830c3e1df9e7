#include "server/commands/info_sections.h"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdio>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "server/config/config.h"
#include "server/config/value.h"
#include "server/engine/version.h"
#include "server/stats/memory.h"

namespace holdfast::server {
namespace {

int64_t Load(const std::atomic<int64_t>& value) {
  return value.load(std::memory_order_relaxed);
}
size_t Load(const std::atomic<size_t>& value) {
  return value.load(std::memory_order_relaxed);
}

double Ratio(uint64_t a, uint64_t b) {
  return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b);
}
double Percent(uint64_t a, uint64_t b) { return 100 * Ratio(a, b); }
int64_t Minus(uint64_t a, uint64_t b) {
  return static_cast<int64_t>(a) - static_cast<int64_t>(b);
}

std::string ExecutablePath() {
  char path[PATH_MAX];
  const ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
  return n > 0 ? std::string(path, static_cast<size_t>(n)) : "";
}

// The sum over connections of what `measure` says, those being closed left out.
template <typename F>
void ForEachClient(Engine& engine, const F& fn) {
  for (const auto& session : engine.sessions().All()) {
    if (!session->killed()) fn(*session);
  }
}

size_t BuffersOf(const Session& session) {
  return sizeof(Session) + Load(session.query_bytes) +
         Load(session.query_capacity) + Load(session.queued_bytes) +
         std::max(Load(session.output_bytes), Load(session.output_capacity));
}

}  // namespace

void InfoFixed(std::string* out, absl::string_view name, double value,
               int digits, absl::string_view unit) {
  InfoField(out, name, absl::StrFormat("%.*f%s", digits, value, unit));
}

std::string HumanBytes(uint64_t bytes) {
  if (bytes < 1024) return absl::StrCat(bytes, "B");
  double value = static_cast<double>(bytes);
  const char* unit = "KMGTPE";
  for (value /= 1024; value >= 1024 && unit[1] != '\0'; ++unit) value /= 1024;
  return absl::StrFormat("%.2f%c", value, *unit);
}

void InfoServer(Engine& engine, std::string* out) {
  const Config& config = engine.config();
  utsname system = {};
  uname(&system);
  const int64_t uptime =
      absl::ToInt64Seconds(engine.clock()->Now() - engine.started());
  const int64_t hz = std::clamp<int64_t>(config.Int(ConfigId::kHz), 1, 500);
  InfoField(out, "redis_version", kRedisVersion);
  InfoField(out, "holdfast_version", kHoldfastVersion);
  InfoField(out, "redis_git_sha1", "00000000");
  InfoField(out, "redis_git_dirty", 0);
  InfoField(out, "redis_build_id", 0);
  InfoField(out, "redis_mode", "standalone");
  InfoField(
      out, "os",
      absl::StrCat(system.sysname, " ", system.release, " ", system.machine));
  InfoField(out, "arch_bits", 8 * sizeof(void*));
  InfoField(out, "monotonic_clock", "POSIX clock_gettime");
  InfoField(out, "multiplexing_api", "none, a thread per connection");
  InfoField(out, "atomicvar_api", "c++20");
  InfoField(
      out, "gcc_version",
      absl::StrCat(__GNUC__, ".", __GNUC_MINOR__, ".", __GNUC_PATCHLEVEL__));
  InfoField(out, "process_id", getpid());
  InfoField(out, "process_supervised", "no");
  InfoField(out, "run_id", engine.run_id());
  InfoField(out, "tcp_port", engine.port());
  InfoField(out, "server_time_usec",
            absl::ToUnixMicros(engine.clock()->WallNow()));
  InfoField(out, "uptime_in_seconds", uptime);
  InfoField(out, "uptime_in_days", uptime / (24 * 3600));
  InfoField(out, "hz", hz);
  InfoField(out, "configured_hz", hz);
  InfoField(out, "lru_clock", engine.lru_clock() & 0xffffff);
  InfoField(out, "executable", ExecutablePath());
  InfoField(out, "config_file", config.config_file());
  InfoField(out, "io_threads_active", 0);
}

void InfoClients(Engine& engine, std::string* out) {
  int64_t connected = 0;
  int64_t blocked = 0;
  int64_t pubsub = 0;
  size_t max_input = 0;
  size_t max_output = 0;
  ForEachClient(engine, [&](const Session& session) {
    const SessionKind kind = session.kind.load(std::memory_order_relaxed);
    connected += kind != SessionKind::kReplica;
    pubsub += kind == SessionKind::kPubsub;
    blocked += session.blocked.load(std::memory_order_relaxed);
    max_input = std::max(
        max_input, Load(session.query_bytes) + Load(session.query_capacity));
    max_output = std::max(max_output, Load(session.output_bytes));
  });
  InfoField(out, "connected_clients", connected);
  InfoField(out, "cluster_connections", 0);
  InfoField(out, "maxclients", engine.config().Int(ConfigId::kMaxClients));
  InfoField(out, "client_recent_max_input_buffer", max_input);
  InfoField(out, "client_recent_max_output_buffer", max_output);
  InfoField(out, "blocked_clients", blocked);
  InfoField(out, "tracking_clients", 0);
  InfoField(out, "pubsub_clients", pubsub);
  InfoField(out, "clients_in_timeout_table", 0);
}

MemoryReport MeasureMemory(Engine& engine) {
  MemoryReport r;
  const MemoryUse use = AllocatorUse();
  r.used = r.allocated = use.allocated;
  r.active = use.active;
  r.resident = use.resident;
  r.process_resident = ResidentBytes();
  Stats& stats = engine.stats();
  // The cron thread samples the peak; whoever looks in between sees no less.
  size_t peak = Load(stats.peak_memory);
  while (r.used > peak && !stats.peak_memory.compare_exchange_weak(
                              peak, r.used, std::memory_order_relaxed)) {
  }
  r.peak = std::max<uint64_t>(r.used, peak);
  r.startup = Load(stats.startup_memory);
  r.backlog = static_cast<uint64_t>(engine.log().size_bytes());
  r.replicas = static_cast<uint64_t>(engine.log().pinned_bytes());
  ForEachClient(
      engine, [&](const Session& session) { r.clients += BuffersOf(session); });
  r.overhead = std::min(r.used, r.startup + r.backlog + r.clients);
  r.dataset = r.used - r.overhead;
  r.dataset_percent =
      Percent(r.dataset, r.used > r.startup ? r.used - r.startup : 0);
  r.dataset_percent = std::min(r.dataset_percent, 100.0);
  r.peak_percent = Percent(r.used, r.peak);
  return r;
}

void InfoMemory(Engine& engine, std::string* out) {
  const Config& config = engine.config();
  const MemoryReport r = MeasureMemory(engine);
  const uint64_t limit =
      static_cast<uint64_t>(config.Int(ConfigId::kMaxMemory));
  const uint64_t system = SystemMemoryBytes();
  const auto both = [out](absl::string_view name, uint64_t bytes) {
    InfoField(out, name, bytes);
    InfoField(out, absl::StrCat(name, "_human"), HumanBytes(bytes));
  };
  both("used_memory", r.used);
  both("used_memory_rss", r.process_resident);
  both("used_memory_peak", r.peak);
  InfoFixed(out, "used_memory_peak_perc", r.peak_percent, 2, "%");
  InfoField(out, "used_memory_overhead", r.overhead);
  InfoField(out, "used_memory_startup", r.startup);
  InfoField(out, "used_memory_dataset", r.dataset);
  InfoFixed(out, "used_memory_dataset_perc", r.dataset_percent, 2, "%");
  InfoField(out, "allocator_allocated", r.allocated);
  InfoField(out, "allocator_active", r.active);
  InfoField(out, "allocator_resident", r.resident);
  both("total_system_memory", system);
  for (const char* name : {"used_memory_lua", "used_memory_vm_eval"})
    InfoField(out, name, 0);
  InfoField(out, "used_memory_lua_human", "0B");
  for (const char* name :
       {"used_memory_scripts_eval", "number_of_cached_scripts",
        "number_of_functions", "number_of_libraries",
        "used_memory_vm_functions", "used_memory_vm_total"}) {
    InfoField(out, name, 0);
  }
  InfoField(out, "used_memory_vm_total_human", "0B");
  for (const char* name : {"used_memory_functions", "used_memory_scripts"})
    InfoField(out, name, 0);
  InfoField(out, "used_memory_scripts_human", "0B");
  both("maxmemory", limit);
  InfoField(out, "maxmemory_policy", config.String(ConfigId::kMaxMemoryPolicy));
  InfoFixed(out, "allocator_frag_ratio", Ratio(r.active, r.allocated), 2);
  InfoField(out, "allocator_frag_bytes", Minus(r.active, r.allocated));
  InfoFixed(out, "allocator_rss_ratio", Ratio(r.resident, r.active), 2);
  InfoField(out, "allocator_rss_bytes", Minus(r.resident, r.active));
  InfoFixed(out, "rss_overhead_ratio", Ratio(r.process_resident, r.resident),
            2);
  InfoField(out, "rss_overhead_bytes", Minus(r.process_resident, r.resident));
  InfoFixed(out, "mem_fragmentation_ratio", Ratio(r.process_resident, r.used),
            2);
  InfoField(out, "mem_fragmentation_bytes", Minus(r.process_resident, r.used));
  InfoField(out, "mem_not_counted_for_evict", 0);
  InfoField(out, "mem_replication_backlog", r.backlog);
  InfoField(out, "mem_total_replication_buffers", r.backlog);
  InfoField(out, "mem_clients_slaves", r.replicas);
  InfoField(out, "mem_clients_normal", r.clients);
  InfoField(out, "mem_cluster_links", 0);
  InfoField(out, "mem_aof_buffer", 0);
  InfoField(out, "mem_allocator", AllocatorName());
  InfoField(out, "active_defrag_running", 0);
  InfoField(out, "lazyfree_pending_objects", engine.lazy_free().pending());
  InfoField(out, "lazyfreed_objects", engine.lazy_free().freed());
}

void InfoStats(Engine& engine, std::string* out) {
  const Stats& s = engine.stats();
  const auto kilobytes = [out](absl::string_view name,
                               const std::atomic<int64_t>& rate) {
    InfoFixed(out, name, static_cast<double>(Load(rate)) / 1024, 2);
  };
  const auto zeros = [out](std::initializer_list<absl::string_view> names) {
    for (const absl::string_view name : names) InfoField(out, name, 0);
  };
  InfoField(out, "total_connections_received", Load(s.connections_received));
  InfoField(out, "total_commands_processed", s.CommandsProcessed());
  InfoField(out, "instantaneous_ops_per_sec", Load(s.ops_per_second));
  InfoField(out, "total_net_input_bytes",
            s.net_input_bytes.Value() + s.net_repl_input_bytes.Value());
  InfoField(out, "total_net_output_bytes",
            s.net_output_bytes.Value() + s.net_repl_output_bytes.Value());
  InfoField(out, "total_net_repl_input_bytes", s.net_repl_input_bytes.Value());
  InfoField(out, "total_net_repl_output_bytes",
            s.net_repl_output_bytes.Value());
  kilobytes("instantaneous_input_kbps", s.input_bytes_per_second);
  kilobytes("instantaneous_output_kbps", s.output_bytes_per_second);
  kilobytes("instantaneous_input_repl_kbps", s.repl_input_bytes_per_second);
  kilobytes("instantaneous_output_repl_kbps", s.repl_output_bytes_per_second);
  InfoField(out, "rejected_connections", Load(s.rejected_connections));
  InfoField(out, "sync_full", Load(s.sync_full));
  InfoField(out, "sync_partial_ok", Load(s.sync_partial_ok));
  InfoField(out, "sync_partial_err", Load(s.sync_partial_err));
  InfoField(out, "expired_keys", s.expired_keys.Value());
  InfoField(out, "expired_time_cap_reached_count",
            Load(s.expired_time_cap_reached));
  InfoField(out, "evicted_keys", Load(s.evicted_keys));
  zeros({"evicted_clients", "total_eviction_exceeded_time",
         "current_eviction_exceeded_time"});
  InfoField(out, "keyspace_hits", s.keyspace_hits.Value());
  InfoField(out, "keyspace_misses", s.keyspace_misses.Value());
  const PubSub& pubsub = engine.pubsub();
  InfoField(out, "pubsub_channels", pubsub.count(Topic::kChannel));
  InfoField(out, "pubsub_patterns", pubsub.count(Topic::kPattern));
  InfoField(out, "pubsubshard_channels", pubsub.count(Topic::kShardChannel));
  zeros({"latest_fork_usec", "total_forks"});
  InfoField(out, "migrate_cached_sockets",
            static_cast<int64_t>(engine.migrate_links().size()));
  zeros({"slave_expires_tracked_keys", "active_defrag_hits",
         "active_defrag_misses", "active_defrag_key_hits",
         "active_defrag_key_misses", "total_active_defrag_time",
         "current_active_defrag_time", "tracking_total_keys",
         "tracking_total_items", "tracking_total_prefixes",
         "unexpected_error_replies"});
  InfoField(out, "total_error_replies", s.error_replies.Value());
  InfoField(out, "dump_payload_sanitizations",
            Load(s.dump_payload_sanitizations));
  InfoField(out, "total_reads_processed", s.reads_processed.Value());
  InfoField(out, "total_writes_processed", s.writes_processed.Value());
  zeros({"io_threaded_reads_processed", "io_threaded_writes_processed",
         "reply_buffer_shrinks", "reply_buffer_expands"});
  InfoField(out, "client_query_buffer_limit_disconnections",
            Load(s.client_query_buffer_limit_disconnections));
  InfoField(out, "client_output_buffer_limit_disconnections",
            Load(s.client_output_buffer_limit_disconnections));
  InfoField(out, "acl_access_denied_auth", Load(s.acl_access_denied_auth));
  InfoField(out, "acl_access_denied_cmd", Load(s.acl_access_denied_cmd));
  InfoField(out, "acl_access_denied_key", Load(s.acl_access_denied_key));
  InfoField(out, "acl_access_denied_channel",
            Load(s.acl_access_denied_channel));
}

void InfoReplication(Engine& engine, std::string* out) {
  InfoField(out, "role", engine.is_replica() ? "slave" : "master");
  const size_t before = out->size();
  engine.replication().info(out);
  if (out->size() > before) return;
  // Nobody replicates in this process: what the log alone knows.
  const CommandLog& log = engine.log();
  const ReplicationId id = log.replication_id();
  InfoField(out, "connected_slaves", engine.replication().connected_replicas());
  InfoField(out, "master_failover_state", "no-failover");
  InfoField(out, "master_replid", id.id);
  InfoField(out, "master_replid2", id.id2);
  InfoField(out, "master_repl_offset", log.end_offset());
  InfoField(out, "second_repl_offset", id.second_offset);
  InfoField(out, "repl_backlog_active", log.active() ? 1 : 0);
  InfoField(out, "repl_backlog_size", log.limits().window_bytes);
  InfoField(out, "repl_backlog_first_byte_offset",
            log.active() ? log.first_offset() + 1 : 0);
  InfoField(out, "repl_backlog_histlen", log.size_bytes());
}

void InfoCpu(Engine&, std::string* out) {
  rusage self = {};
  rusage children = {};
  getrusage(RUSAGE_SELF, &self);
  getrusage(RUSAGE_CHILDREN, &children);
  const auto seconds = [out](absl::string_view name, const timeval& time) {
    InfoField(out, name, absl::StrFormat("%d.%06d", time.tv_sec, time.tv_usec));
  };
  seconds("used_cpu_sys", self.ru_stime);
  seconds("used_cpu_user", self.ru_utime);
  seconds("used_cpu_sys_children", children.ru_stime);
  seconds("used_cpu_user_children", children.ru_utime);
}

void InfoModules(Engine&, std::string*) {}

void InfoCluster(Engine&, std::string* out) {
  InfoField(out, "cluster_enabled", 0);
}

void InfoKeyspace(Engine& engine, std::string* out) {
  engine.keyspace().ForEachDatabase([&](int index, const Database& database) {
    const size_t keys = database.Size();
    const size_t expiring = database.ExpiringSize();
    if (keys == 0 && expiring == 0) return;
    absl::StrAppend(out, "db", index, ":keys=", keys, ",expires=", expiring,
                    ",avg_ttl=", engine.average_ttl_ms(index), "\r\n");
  });
}

// --- Of each command ---

namespace {

// Commands that were called, in the order of the table.
template <typename F>
void ForEachCalled(Engine& engine, const F& fn) {
  const CommandTable& commands = engine.commands();
  for (int id = 0; id < commands.id_limit(); ++id) {
    const CommandStats* stats = engine.stats().CommandIfAny(id);
    if (stats != nullptr) fn(commands.by_id(id), *stats);
  }
}

}  // namespace

void InfoCommandStats(Engine& engine, std::string* out) {
  ForEachCalled(
      engine, [out](const CommandSpec& spec, const CommandStats& stats) {
        const int64_t calls = stats.calls.Value();
        const int64_t rejected = Load(stats.rejected);
        const int64_t failed = Load(stats.failed);
        if (calls == 0 && rejected == 0 && failed == 0) return;
        const int64_t micros = stats.nanos.Value() / 1000;
        const double each = calls == 0 ? 0
                                       : static_cast<double>(micros) /
                                             static_cast<double>(calls);
        absl::StrAppendFormat(out,
                              "cmdstat_%s:calls=%d,usec=%d,usec_per_call=%.2f,"
                              "rejected_calls=%d,failed_calls=%d\r\n",
                              spec.full_name, calls, micros, each, rejected,
                              failed);
      });
}

void InfoErrorStats(Engine& engine, std::string* out) {
  for (const auto& [code, count] : engine.stats().ErrorCounts()) {
    std::string name = code;  // Redis keeps its own separators out of it.
    std::replace(name.begin(), name.end(), ':', '_');
    absl::StrAppend(out, "errorstat_", name, ":count=", count, "\r\n");
  }
}

void InfoLatencyStats(Engine& engine, std::string* out) {
  if (!engine.config().Bool(ConfigId::kLatencyTracking)) return;
  std::vector<std::pair<std::string, double>> percentiles;
  for (const std::string& text :
       engine.config().List(ConfigId::kLatencyTrackingInfoPercentiles)) {
    double percent = 0;
    if (absl::SimpleAtod(text, &percent))
      percentiles.emplace_back(absl::StrFormat("p%g", percent), percent);
  }
  ForEachCalled(engine, [&](const CommandSpec& spec,
                            const CommandStats& stats) {
    if (stats.latency.count() == 0) return;
    absl::StrAppend(out, "latency_percentiles_usec_", spec.full_name, ":");
    const char* separator = "";
    for (const auto& [name, percent] : percentiles) {
      const double micros =
          static_cast<double>(stats.latency.Percentile(percent / 100)) / 1000;
      absl::StrAppendFormat(out, "%s%s=%.3f", separator, name, micros);
      separator = ",";
    }
    *out += "\r\n";
  });
}

}  // namespace holdfast::server
