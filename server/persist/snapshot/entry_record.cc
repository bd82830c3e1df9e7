#include "server/persist/snapshot/entry_record.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/engine/version.h"
#include "server/persist/rdb/records.h"
#include "server/stats/memory.h"

namespace holdfast::server {

void AppendEntryRecord(const Entry& entry, const RdbOptions& options,
                       std::string* out) {
  RecordMeta meta;
  meta.expire_ms = entry.expire_ms();
  if (entry.type() != ValueType::kString) {
    AppendObjectRecord(entry.key(), entry.type(), entry.object(), meta, options,
                       out);
  } else if (entry.encoding() == Encoding::kInt) {
    AppendIntegerRecord(entry.key(), entry.IntValue(), meta, options, out);
  } else {
    char scratch[Entry::kScratch];
    AppendStringRecord(entry.key(), entry.StringBytes(scratch), meta, options,
                       out);
  }
}

RdbInfo RdbInfoNow(const Engine& engine) {
  RdbInfo info;
  info.redis_ver = std::string(kRedisVersion);
  info.ctime_seconds = engine.WallMs() / 1000;
  info.used_mem_bytes = AllocatorUse().allocated;
  return info;
}

void AddPosition(const CommandLog& log, RdbInfo* info) {
  if (!log.active()) return;
  info->has_replication = true;
  info->repl_stream_db = std::max(0, log.selected_db());
  info->repl_id = log.replication_id().id;
  info->repl_offset = log.end_offset();
}

void DelayForKeys(int64_t delay_us, size_t keys,
                  absl::FunctionRef<bool()> give_up) {
  const auto count = static_cast<int64_t>(keys);
  absl::Duration left = delay_us >= 0
                            ? absl::Microseconds(delay_us) * count
                            : absl::Microseconds(1) * count / -delay_us;
  constexpr absl::Duration kSlice = absl::Milliseconds(5);
  while (left > absl::ZeroDuration() && !give_up()) {
    absl::SleepFor(std::min(left, kSlice));
    left -= kSlice;
  }
}

}  // namespace holdfast::server
