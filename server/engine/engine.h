#ifndef HOLDFAST_SERVER_ENGINE_ENGINE_H_
#define HOLDFAST_SERVER_ENGINE_ENGINE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "net/socket/peer_watch.h"
#include "net/time/clock.h"
#include "server/command/table.h"
#include "server/config/config.h"
#include "server/engine/aof_service.h"
#include "server/engine/load_progress.h"
#include "server/engine/pause.h"
#include "server/engine/role.h"
#include "server/engine/save_service.h"
#include "server/keyspace/keyspace.h"
#include "server/migrate/link.h"
#include "server/pubsub/delivery.h"
#include "server/pubsub/pubsub.h"
#include "server/reclaim/lazy_free.h"
#include "server/session/registry.h"
#include "server/stats/stats.h"
#include "server/write_stream/command_log.h"

namespace holdfast::server {

// One server's parts, as commands and threads find them. It owns them and has
// little behaviour of its own; each part says itself which threads may use it.
// Put together by server/app (or a test) before the first client: families are
// added to commands(), then FinishSetup().
class Engine {
 public:
  // The clock outlives the engine.
  Engine(std::unique_ptr<Config> config, const net::Clock* clock);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const net::Clock* clock() const { return clock_; }
  Config& config() { return *config_; }
  Keyspace& keyspace() { return keyspace_; }
  CommandLog& log() { return log_; }
  Stats& stats() { return stats_; }
  SessionRegistry& sessions() { return sessions_; }
  Role& role() { return role_; }
  const Role& role() const { return role_; }
  Pause& pause() { return pause_; }
  LazyFree& lazy_free() { return lazy_free_; }
  net::PeerWatch& peer_watch() { return peer_watch_; }
  PubSub& pubsub() { return pubsub_; }
  MigrateLinks& migrate_links() { return migrate_links_; }

  CommandTable& commands() { return commands_; }
  const CommandTable& commands() const { return commands_; }
  ReplicationHooks& replication() { return replication_; }
  // Null where replication is not part of this server. Set before the first
  // client.
  ReplicationService* replication_service = nullptr;
  // Null where nothing is saved. Set before the first client.
  SaveService* save_service = nullptr;
  // Null where there is no append-only file. Set before the first client.
  AofService* aof_service = nullptr;
  LoadProgress& load_progress() { return load_progress_; }
  // Called once all commands are in the table.
  void FinishSetup();

  bool is_replica() const {
    return role_.is_replica.load(std::memory_order_relaxed);
  }

  // Milliseconds since the Unix epoch.
  int64_t WallMs() const;
  // Gives the log the limits that the configuration has now.
  void ApplyLogLimits();

  // Seconds for Entry::access(); moved by the cron thread.
  uint32_t lru_clock() const {
    return lru_clock_.load(std::memory_order_relaxed);
  }
  void TickLruClock();

  // Any thread. Not for secrets.
  uint64_t RandomU64();

  void FreeLater(std::shared_ptr<Database> database);

  bool active_expire() const {
    return active_expire_.load(std::memory_order_relaxed);
  }
  // Whether this server may delete keys only because they are expired: a
  // replica waits for its primary to say so, a paused dataset stays as it is,
  // and commands that are loaded from an AOF find what they found when they
  // were executed. Certain until the write gate is left, when asked behind it.
  bool MayDeleteExpired() const {
    return !is_replica() && pause_.mode() == Pause::Mode::kNone && !ending() &&
           !role_.loading.load(std::memory_order_relaxed);
  }

  // The dataset is on disk as it is, and the server is about to end: no write
  // is let in any more. Changes while the gate is held exclusively.
  bool ending() const { return ending_.load(std::memory_order_relaxed); }
  void set_ending(bool ending) {
    ending_.store(ending, std::memory_order_relaxed);
  }
  // DEBUG PAUSE-CRON: periodic work, that on signals included, waits.
  bool cron_paused() const {
    return cron_paused_.load(std::memory_order_relaxed);
  }
  void set_cron_paused(bool paused) {
    cron_paused_.store(paused, std::memory_order_relaxed);
  }

  // DEBUG SET-SKIP-CHECKSUM-VALIDATION: payloads and files are taken with a
  // wrong checksum, so that a test comes to what is behind it.
  bool skip_checksums() const {
    return skip_checksums_.load(std::memory_order_relaxed);
  }
  void set_skip_checksums(bool skip) {
    skip_checksums_.store(skip, std::memory_order_relaxed);
  }

  void set_active_expire(bool on) {
    active_expire_.store(on, std::memory_order_relaxed);
  }

  // INFO keyspace's avg_ttl, kept by the expiry cycle.
  int64_t average_ttl_ms(int db) const {
    return average_ttl_ms_[db].load(std::memory_order_relaxed);
  }
  void set_average_ttl_ms(int db, int64_t ms) {
    average_ttl_ms_[db].store(ms, std::memory_order_relaxed);
  }

  // Whether more memory is in use than `maxmemory` allows, to within a
  // millisecond's allocations.
  bool OverMemory();

  // A keyspace event of one class (an EventClass): tells the channels of
  // notify-keyspace-events. Any thread; takes PubSub's locks.
  void NotifyKeyspaceEvent(int db, int64_t event_class, absl::string_view event,
                           absl::string_view key) {
    if (WantsKeyspaceEvents(event_class)) PublishKeyspaceEvent(db, event, key);
  }
  bool WantsKeyspaceEvents(int64_t event_class) const {
    return (config_->Int(ConfigId::kNotifyKeyspaceEvents) & event_class) != 0;
  }

  // Ends the server, which SaveService::PrepareEnd() has prepared for it; set
  // by server/app.
  std::function<void()> request_shutdown = [] {};
  // Withdraws a signal that asked for the end and was not acted upon; false if
  // there is none.
  std::function<bool()> withdraw_signal = [] { return false; };

  const std::string& run_id() const { return run_id_; }
  net::MonoTime started() const { return started_; }
  int port() const { return port_.load(std::memory_order_relaxed); }
  void set_port(int port) { port_.store(port, std::memory_order_relaxed); }

 private:
  void PublishKeyspaceEvent(int db, absl::string_view event,
                            absl::string_view key);

  const net::Clock* const clock_;
  const std::unique_ptr<Config> config_;
  const std::string run_id_;
  const net::MonoTime started_;
  net::PeerWatch peer_watch_;
  LazyFree lazy_free_;
  std::unique_ptr<LargeValueSink> large_values_;  // Into lazy_free_.
  Keyspace keyspace_;
  CommandLog log_;
  Stats stats_;
  Delivery delivery_;  // Of stats_.
  PubSub pubsub_;      // By delivery_.
  MigrateLinks migrate_links_;
  SessionRegistry sessions_;
  CommandTable commands_;
  Role role_;
  ReplicationHooks replication_;
  Pause pause_;
  std::atomic<uint32_t> lru_clock_{0};
  std::atomic<bool> active_expire_{true};
  std::atomic<bool> ending_{false};
  std::atomic<bool> cron_paused_{false};
  std::atomic<bool> skip_checksums_{false};
  LoadProgress load_progress_;
  std::atomic<int> port_{0};
  const std::unique_ptr<std::atomic<int64_t>[]>
      average_ttl_ms_;  // Of each database.
  std::atomic<int64_t> memory_checked_ns_{0};
  std::atomic<bool> over_memory_{false};
  std::atomic<int64_t> memory_checked_limit_{0};
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_ENGINE_ENGINE_H_
