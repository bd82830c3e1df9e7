#include "server/reclaim/cron.h"

#include <pthread.h>

#include <algorithm>

#include "server/stats/memory.h"

namespace holdfast::server {
namespace {

constexpr absl::Duration kRatePeriod = absl::Seconds(1);
// Expiry may take this share of a core, as Redis's slow cycle does.
constexpr double kExpiryShare = 0.25;

}  // namespace

Cron::Cron(Engine* engine)
    : engine_(*engine),
      expiry_(engine),
      sampled_(engine->clock()->Now()),
      thread_([this] { Run(); }) {}

Cron::~Cron() {
  stop_.Stop();
  thread_.join();
}

void Cron::Run() {
  pthread_setname_np(pthread_self(), "cron");
  for (;;) {
    const absl::Duration period =
        absl::Seconds(1) /
        std::max<int64_t>(1, engine_.config().Int(ConfigId::kHz));
    if (stop_.WaitUntil(net::Deadline::After(engine_.clock(), period))) return;
    if (engine_.cron_paused()) continue;
    engine_.TickLruClock();
    if (engine_.save_service != nullptr) engine_.save_service->Tick();
    if (engine_.aof_service != nullptr) engine_.aof_service->Tick();
    expiry_.Run(period * kExpiryShare);
    SampleRates();
  }
}

void Cron::SampleRates() {
  const net::MonoTime now = engine_.clock()->Now();
  const absl::Duration passed = now - sampled_;
  if (passed < kRatePeriod) return;
  sampled_ = now;
  engine_.migrate_links().CloseIdle();
  Stats& stats = engine_.stats();
  const size_t used = AllocatorUse().allocated;
  if (used > stats.peak_memory.load(std::memory_order_relaxed))
    stats.peak_memory.store(used, std::memory_order_relaxed);
  const auto sample = [&](Rate* rate, int64_t value,
                          std::atomic<int64_t>* per_second) {
    const double growth =
        static_cast<double>(std::max<int64_t>(0, value - rate->last));
    per_second->store(
        static_cast<int64_t>(growth / absl::ToDoubleSeconds(passed)),
        std::memory_order_relaxed);
    rate->last = value;
  };
  sample(&commands_, stats.CommandsProcessed(), &stats.ops_per_second);
  sample(&input_, stats.net_input_bytes.Value(), &stats.input_bytes_per_second);
  sample(&output_, stats.net_output_bytes.Value(),
         &stats.output_bytes_per_second);
  sample(&repl_input_, stats.net_repl_input_bytes.Value(),
         &stats.repl_input_bytes_per_second);
  sample(&repl_output_, stats.net_repl_output_bytes.Value(),
         &stats.repl_output_bytes_per_second);
}

}  // namespace holdfast::server
