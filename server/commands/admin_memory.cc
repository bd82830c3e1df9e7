#include "server/commands/admin_memory.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/commands/info_sections.h"
#include "server/engine/engine.h"
#include "server/stats/memory.h"

namespace holdfast::server {
namespace {

// Below this there is nothing to judge: fixed costs outweigh all else.
constexpr uint64_t kTooLittleToJudge = 5 * 1024 * 1024;
// Where Redis's doctor begins to speak of trouble.
constexpr double kHighPeak = 1.5;
constexpr double kHighFragmentation = 1.4;
constexpr uint64_t kHighFragmentationBytes = 10 << 20;
constexpr uint64_t kLargeClientBytes = 200 * 1024;

double Ratio(uint64_t a, uint64_t b) {
  return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b);
}
uint64_t Excess(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

}  // namespace

void MemoryDoctor(CommandContext& ctx) {
  const MemoryReport r = MeasureMemory(ctx.engine());
  std::string text;
  if (r.used < kTooLittleToJudge) {
    text = "The dataset is empty or so small that there is nothing to judge.\n";
    return ctx.reply().Verbatim("txt", text);
  }
  const auto finding = [&text](absl::string_view what) {
    absl::StrAppend(&text, " * ", what, "\n");
  };
  if (Ratio(r.peak, r.used) > kHighPeak) {
    finding(absl::StrCat(
        "Peak memory: ", HumanBytes(r.peak), " were in use once, now it is ",
        HumanBytes(r.used),
        ". The resident set may stay as large as the peak asked for."));
  }
  if (Ratio(r.active, r.allocated) > kHighFragmentation &&
      r.active - r.allocated > kHighFragmentationBytes) {
    finding(
        absl::StrFormat("Fragmentation: the allocator holds %.2f times what is "
                        "in use. MEMORY PURGE gives back "
                        "whole unused pages.",
                        Ratio(r.active, r.allocated)));
  }
  if (Ratio(r.process_resident, r.resident) > kHighFragmentation &&
      Excess(r.process_resident, r.resident) > kHighFragmentationBytes) {
    finding(absl::StrCat(
        "Process: ", HumanBytes(Excess(r.process_resident, r.resident)),
        " are resident beyond the allocator's (threads' stacks, code, "
        "libraries)."));
  }
  const size_t clients = ctx.engine().sessions().size();
  if (clients > 0 && r.clients / clients > kLargeClientBytes) {
    finding(absl::StrCat("Clients: their buffers take ",
                         HumanBytes(r.clients / clients),
                         " each. See omem and qbuf in CLIENT LIST for the one "
                         "that does not read."));
  }
  if (r.replicas > 0) {
    finding(absl::StrCat("Replicas: ", HumanBytes(r.replicas),
                         " of the stream are kept beyond repl-backlog-size for "
                         "one that lags behind."));
  }
  if (text.empty()) {
    text = "Nothing stands out in the use of memory.\n";
  } else {
    text.insert(0, "What stands out in the use of memory:\n");
  }
  ctx.reply().Verbatim("txt", text);
}

void MemoryMallocStats(CommandContext& ctx) {
  ctx.reply().Verbatim("txt", AllocatorReport());
}

void MemoryStats(CommandContext& ctx) {
  const MemoryReport r = MeasureMemory(ctx.engine());
  uint64_t keys = 0;
  ctx.engine().keyspace().ForEachDatabase(
      [&keys](int, const Database& database) { keys += database.Size(); });
  net::ReplyWriter& reply = ctx.reply();
  const size_t mark = reply.BeginDeferred();
  size_t fields = 0;
  const auto bytes = [&](absl::string_view name, uint64_t value) {
    reply.Bulk(name);
    reply.Integer(static_cast<int64_t>(value));
    ++fields;
  };
  const auto ratio = [&](absl::string_view name, double value) {
    reply.Bulk(name);
    reply.Double(value);
    ++fields;
  };
  bytes("peak.allocated", r.peak);
  bytes("total.allocated", r.used);
  bytes("startup.allocated", r.startup);
  bytes("replication.backlog", r.backlog);
  bytes("clients.slaves", r.replicas);
  bytes("clients.normal", r.clients);
  bytes("cluster.links", 0);
  bytes("aof.buffer", 0);
  bytes("lua.caches", 0);
  bytes("functions.caches", 0);
  bytes("overhead.total", r.overhead);
  bytes("keys.count", keys);
  bytes("keys.bytes-per-key", keys == 0 ? 0 : Excess(r.used, r.startup) / keys);
  bytes("dataset.bytes", r.dataset);
  ratio("dataset.percentage", r.dataset_percent);
  ratio("peak.percentage", r.peak_percent);
  bytes("allocator.allocated", r.allocated);
  bytes("allocator.active", r.active);
  bytes("allocator.resident", r.resident);
  ratio("allocator-fragmentation.ratio", Ratio(r.active, r.allocated));
  bytes("allocator-fragmentation.bytes", Excess(r.active, r.allocated));
  ratio("allocator-rss.ratio", Ratio(r.resident, r.active));
  bytes("allocator-rss.bytes", r.resident - r.active);
  ratio("rss-overhead.ratio", Ratio(r.process_resident, r.resident));
  bytes("rss-overhead.bytes", r.process_resident - r.resident);
  ratio("fragmentation", Ratio(r.process_resident, r.used));
  bytes("fragmentation.bytes", r.process_resident - r.used);
  reply.EndDeferredMap(mark, fields);
}

}  // namespace holdfast::server
