#include "server/engine/engine.h"

#include <algorithm>
#include <limits>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/config/enum_values.h"
#include "server/stats/memory.h"

namespace holdfast::server {
namespace {

CommandLog::Limits LogLimits(const Config& config) {
  CommandLog::Limits limits;
  limits.window_bytes = config.Int(ConfigId::kReplBacklogSize);
  const int64_t most = config.Int(ConfigId::kReplBacklogMaxBytes);
  limits.max_bytes = most == 0 ? std::numeric_limits<int64_t>::max()
                               : std::max(limits.window_bytes, most);
  return limits;
}

// splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
// generators").
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// A value that takes long to free goes the way of a flushed database.
class FreedInThread : public LargeValueSink {
 public:
  explicit FreedInThread(LazyFree* lazy_free) : lazy_free_(*lazy_free) {}
  void Take(Object value) override {
    lazy_free_.Add(std::make_shared<Object>(std::move(value)), 1);
  }

 private:
  LazyFree& lazy_free_;
};

}  // namespace

Engine::Engine(std::unique_ptr<Config> config, const net::Clock* clock)
    : clock_(clock),
      config_(std::move(config)),
      run_id_(RandomReplicationId()),
      started_(clock->Now()),
      keyspace_(static_cast<int>(config_->Int(ConfigId::kDatabases))),
      log_(LogLimits(*config_)),
      delivery_(config_.get(), clock, &stats_),
      pubsub_(&delivery_),
      migrate_links_(clock),
      pause_(clock),
      average_ttl_ms_(new std::atomic<int64_t>[keyspace_.database_count()]()) {
  TickLruClock();
  large_values_ = std::make_unique<FreedInThread>(&lazy_free_);
  keyspace_.snapshot().large_values = large_values_.get();
}

Engine::~Engine() = default;

void Engine::FinishSetup() { stats_.SetCommandCount(commands_.id_limit()); }

void Engine::ApplyLogLimits() { log_.set_limits(LogLimits(*config_)); }

int64_t Engine::WallMs() const { return absl::ToUnixMillis(clock_->WallNow()); }

void Engine::PublishKeyspaceEvent(int db, absl::string_view event,
                                  absl::string_view key) {
  const int64_t on = config_->Int(ConfigId::kNotifyKeyspaceEvents);
  if ((on & KeyEventClass('K')) != 0)
    pubsub_.Publish(absl::StrCat("__keyspace@", db, "__:", key), event);
  if ((on & KeyEventClass('E')) != 0)
    pubsub_.Publish(absl::StrCat("__keyevent@", db, "__:", event), key);
}

void Engine::TickLruClock() {
  lru_clock_.store(
      static_cast<uint32_t>(absl::ToUnixSeconds(clock_->WallNow())),
      std::memory_order_relaxed);
}

uint64_t Engine::RandomU64() {
  thread_local uint64_t state = [] {
    std::random_device device;
    return (uint64_t{device()} << 32) ^ device();
  }();
  state += 0x9e3779b97f4a7c15;
  return Mix(state);
}

void Engine::FreeLater(std::shared_ptr<Database> database) {
  const size_t objects = database == nullptr ? 0 : database->Size();
  lazy_free_.Add(std::move(database), objects);
}

bool Engine::OverMemory() {
  const int64_t limit = config_->Int(ConfigId::kMaxMemory);
  if (limit == 0) return false;
  const int64_t now = clock_->Now().nanos();
  const int64_t fresh_ns = absl::ToInt64Nanoseconds(absl::Milliseconds(1));
  if (now - memory_checked_ns_.load(std::memory_order_relaxed) > fresh_ns ||
      memory_checked_limit_.load(std::memory_order_relaxed) != limit) {
    // The log is no reason to refuse writes: it has bounds of its own.
    const auto data =
        static_cast<int64_t>(AllocatorUse().allocated) - log_.size_bytes();
    over_memory_.store(data > limit, std::memory_order_relaxed);
    memory_checked_limit_.store(limit, std::memory_order_relaxed);
    memory_checked_ns_.store(now, std::memory_order_relaxed);
  }
  return over_memory_.load(std::memory_order_relaxed);
}

}  // namespace holdfast::server
