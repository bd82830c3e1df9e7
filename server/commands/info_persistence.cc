#include <algorithm>

#include "absl/time/time.h"
#include "server/commands/info_sections.h"
#include "server/engine/aof_service.h"
#include "server/engine/load_progress.h"
#include "server/engine/save_service.h"

namespace holdfast::server {
namespace {

int64_t Load(const std::atomic<int64_t>& value) {
  return value.load(std::memory_order_relaxed);
}

void InfoSaving(Engine& engine, std::string* out) {
  SaveStatus status;
  if (engine.save_service != nullptr) {
    status = engine.save_service->status();
  } else {
    const absl::Duration uptime = engine.clock()->Now() - engine.started();
    status.last_save_unix =
        absl::ToUnixSeconds(engine.clock()->WallNow() - uptime);
  }
  // What Redis's fork costs in pages that are copied on write, writers here
  // copy value by value.
  InfoField(out, "current_cow_peak", status.copied_bytes_peak);
  InfoField(out, "current_cow_size", status.copied_bytes);
  InfoField(out, "current_cow_size_age", 0);
  InfoFixed(out, "current_fork_perc",
            status.keys_total == 0
                ? 0
                : 100.0 * static_cast<double>(status.keys_done) /
                      static_cast<double>(status.keys_total),
            2);
  InfoField(out, "current_save_keys_processed", status.keys_done);
  InfoField(out, "current_save_keys_total", status.keys_total);
  InfoField(out, "rdb_changes_since_last_save",
            Load(engine.stats().changes_since_save));
  InfoField(out, "rdb_bgsave_in_progress", status.background ? 1 : 0);
  InfoField(out, "rdb_last_save_time", status.last_save_unix);
  InfoField(out, "rdb_last_bgsave_status", status.last_ok ? "ok" : "err");
  InfoField(out, "rdb_last_bgsave_time_sec", status.last_seconds);
  InfoField(out, "rdb_current_bgsave_time_sec", status.current_seconds);
  InfoField(out, "rdb_saves", status.saves);
  InfoField(out, "rdb_last_cow_size", status.last_copied_bytes);
  InfoField(out, "rdb_last_load_keys_expired",
            Load(engine.load_progress().keys_expired));
  InfoField(out, "rdb_last_load_keys_loaded",
            Load(engine.load_progress().keys_loaded));
  if (!status.last_error.empty())
    InfoField(out, "rdb_last_save_error", status.last_error);
}

void InfoAof(Engine& engine, std::string* out) {
  AofStatus status;
  if (engine.aof_service != nullptr) status = engine.aof_service->status();
  InfoField(out, "aof_enabled", status.enabled ? 1 : 0);
  InfoField(out, "aof_rewrite_in_progress", status.rewriting ? 1 : 0);
  InfoField(out, "aof_rewrite_scheduled", status.scheduled ? 1 : 0);
  InfoField(out, "aof_last_rewrite_time_sec", status.last_rewrite_seconds);
  InfoField(out, "aof_current_rewrite_time_sec",
            status.current_rewrite_seconds);
  InfoField(out, "aof_last_bgrewrite_status",
            status.last_rewrite_ok ? "ok" : "err");
  InfoField(out, "aof_rewrites", status.rewrites);
  InfoField(out, "aof_rewrites_consecutive_failures",
            status.consecutive_failures);
  InfoField(out, "aof_last_write_status", status.last_write_ok ? "ok" : "err");
  InfoField(out, "aof_last_cow_size", status.last_copied_bytes);
  for (const char* name :
       {"module_fork_in_progress", "module_fork_last_cow_size"}) {
    InfoField(out, name, 0);
  }
  if (!status.enabled) return;
  InfoField(out, "aof_current_size", status.current_bytes);
  InfoField(out, "aof_base_size", status.base_bytes);
  InfoField(out, "aof_pending_rewrite", status.scheduled ? 1 : 0);
  InfoField(out, "aof_buffer_length", status.waiting_bytes);
  InfoField(out, "aof_pending_bio_fsync", status.sync_pending ? 1 : 0);
  InfoField(out, "aof_delayed_fsync", status.delayed_syncs);
}

void InfoLoading(Engine& engine, std::string* out) {
  const LoadProgress& progress = engine.load_progress();
  const int64_t loaded = Load(progress.loaded_bytes);
  const int64_t total = Load(progress.total_bytes);
  const int64_t used_memory = Load(progress.used_memory);
  // A transfer whose length nobody has told is measured by the memory that its
  // source used, which it may exceed.
  const int64_t measure = total > 0 ? total : used_memory;
  double percent = 0;
  if (measure > 0) {
    percent =
        100.0 * static_cast<double>(loaded) / static_cast<double>(measure);
    if (total == 0) percent = std::min(percent, 99.99);
  }
  const int64_t start = Load(progress.start_unix);
  const int64_t elapsed = engine.WallMs() / 1000 - start;
  const int64_t left = std::max<int64_t>(1, measure - loaded);
  InfoField(out, "loading_start_time", start);
  InfoField(out, "loading_total_bytes", total);
  InfoField(out, "loading_rdb_used_mem", used_memory);
  InfoField(out, "loading_loaded_bytes", loaded);
  InfoFixed(out, "loading_loaded_perc", percent, 2);
  InfoField(out, "loading_eta_seconds",
            elapsed <= 0
                ? 1
                : static_cast<int64_t>(static_cast<double>(elapsed) *
                                       static_cast<double>(left) /
                                       static_cast<double>(loaded + 1)));
}

}  // namespace

void InfoPersistence(Engine& engine, std::string* out) {
  const Role& role = engine.role();
  const bool loading = role.loading.load(std::memory_order_relaxed);
  const bool async = role.async_loading.load(std::memory_order_relaxed);
  InfoField(out, "loading", loading && !async ? 1 : 0);
  InfoField(out, "async_loading", async ? 1 : 0);
  InfoSaving(engine, out);
  InfoAof(engine, out);
  if (loading) InfoLoading(engine, out);
}

}  // namespace holdfast::server
