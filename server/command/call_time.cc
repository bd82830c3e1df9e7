#include "server/command/call_time.h"

#include <utility>

#include "server/config/config.h"
#include "server/engine/engine.h"
#include "server/stats/stats.h"

namespace holdfast::server {

void NoteCallTime(Engine* engine, const CommandSpec& spec, int64_t nanos,
                  absl::FunctionRef<SlowLog::Entry()> describe) {
  const Config& config = engine->config();
  if (config.Bool(ConfigId::kLatencyTracking))
    engine->stats().Command(spec.id).latency.Record(nanos);
  // -1, "never", is the largest number there is here.
  const auto slow_us =
      static_cast<uint64_t>(config.Int(ConfigId::kSlowlogLogSlowerThan));
  if (static_cast<uint64_t>(nanos) / 1000 < slow_us || spec.Is(kSkipSlowlog))
    return;
  SlowLog::Entry entry = describe();
  entry.unix_seconds = engine->WallMs() / 1000;
  entry.micros = nanos / 1000;
  engine->stats().slow_log.Add(std::move(entry),
                               config.Int(ConfigId::kSlowlogMaxLen));
}

}  // namespace holdfast::server
