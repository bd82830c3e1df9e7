#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/commands/admin_handlers.h"
#include "server/commands/object_help.h"
#include "server/config/config.h"
#include "server/engine/engine.h"
#include "server/stats/stats.h"

// LATENCY. HISTOGRAM shows how long commands took; the events of the latency
// monitor (forks, evictions, expiry, slow commands) are not recorded, so that
// whatever asks for them finds none, as in a Redis that has seen none.
namespace holdfast::server {
namespace {

// Redis tells counts at powers of two times 1024 ns, each a 128th wider (the
// width of its histogram's buckets there).
constexpr int64_t kFirstEdgeNanos = 1024;
constexpr int64_t kLastEdgeNanos = int64_t{1} << 31;

void WriteHistogram(const LatencyHistogram& histogram,
                    net::ReplyWriter* reply) {
  const int64_t total = histogram.count();
  reply->MapHeader(2);
  reply->Bulk("calls");
  reply->Integer(total);
  reply->Bulk("histogram_usec");
  const size_t mark = reply->BeginDeferred();
  size_t samples = 0;
  int64_t previous = 0;
  for (int64_t edge = kFirstEdgeNanos;
       edge <= kLastEdgeNanos && previous < total; edge *= 2) {
    const int64_t upper = edge + edge / 128;
    const int64_t below =
        edge == kLastEdgeNanos ? total : histogram.CountBelow(upper);
    if (below <= previous) continue;
    reply->Integer((upper - 1) / 1000);
    reply->Integer(below);
    previous = below;
    ++samples;
  }
  reply->EndDeferredMap(mark, samples);
}

// Appends name and histogram if the command was ever called.
bool WriteCommand(CommandContext& ctx, const CommandSpec& spec) {
  const CommandStats* stats = ctx.engine().stats().CommandIfAny(spec.id);
  if (stats == nullptr || stats->latency.count() == 0) return false;
  ctx.reply().Bulk(spec.full_name);
  WriteHistogram(stats->latency, &ctx.reply());
  return true;
}

void LatencyHistogramCommand(CommandContext& ctx) {
  const CommandTable& commands = ctx.engine().commands();
  const size_t mark = ctx.reply().BeginDeferred();
  size_t written = 0;
  if (ctx.argc() == 2) {
    for (int id = 0; id < commands.id_limit(); ++id)
      written += WriteCommand(ctx, commands.by_id(id));
  }
  for (size_t i = 2; i < ctx.argc(); ++i) {
    const CommandSpec* spec = commands.FindFull(ctx.arg(i));
    if (spec == nullptr) continue;
    written += WriteCommand(ctx, *spec);
    for (const CommandSpec& sub : spec->subcommands)
      written += WriteCommand(ctx, sub);
  }
  ctx.reply().EndDeferredMap(mark, written);
}

void LatencyLatest(CommandContext& ctx) { ctx.reply().ArrayHeader(0); }
void LatencyHistory(CommandContext& ctx) { ctx.reply().ArrayHeader(0); }
void LatencyReset(CommandContext& ctx) { ctx.reply().Integer(0); }

void LatencyGraph(CommandContext& ctx) {
  ctx.Error(
      absl::StrCat("ERR No samples available for event '", ctx.arg(2), "'"));
}

void LatencyDoctor(CommandContext& ctx) {
  const bool enabled =
      ctx.engine().config().Int(ConfigId::kLatencyMonitorThreshold) > 0;
  ctx.reply().Verbatim(
      "txt",
      absl::StrCat("No latency event was recorded: this version of Holdfast "
                   "records none",
                   enabled ? ", although latency-monitor-threshold is set" : "",
                   ". See LATENCY HISTOGRAM for the times of commands, SLOWLOG "
                   "GET for slow "
                   "ones, INFO replication for the links.\n"));
}

void LatencyHelp(CommandContext& ctx) {
  ReplyWithHelp(
      ctx, {"DOCTOR", "    Say what the recorded events tell.", "GRAPH <event>",
            "    Draw the samples of an event.", "HISTOGRAM [<command> ...]",
            "    Show, for each command that was called, how many calls took "
            "at most",
            "    so many microseconds.", "HISTORY <event>",
            "    Show the samples of an event.", "LATEST",
            "    Show the latest sample of all events.", "RESET [<event> ...]",
            "    Forget events (default: all)."});
}

}  // namespace

CommandSpec LatencyCommand() {
  constexpr uint64_t kFlags = kAdmin | kNoScript | kLoading | kStale;
  const std::vector<absl::string_view> tips = {"nondeterministic_output",
                                               "request_policy:all_nodes",
                                               "response_policy:special"};
  return ServerContainer(
      "latency", "2.8.13", "A container of commands on latency.",
      {ServerSubcommand("doctor", 2, kFlags, "2.8.13", "O(1)",
                        "Judges the latency events.", LatencyDoctor, {}, tips),
       ServerSubcommand("graph", 3, kFlags, "2.8.13", "O(1)",
                        "Draws an event's samples.", LatencyGraph, "event",
                        tips),
       ServerSubcommand("help", 2, kLoading | kStale, "2.8.13", "O(1)",
                        "Describes the subcommands.", LatencyHelp),
       ServerSubcommand("histogram", -2, kFlags, "7.0.0",
                        "O(N) where N is the number of commands with latency "
                        "information being retrieved.",
                        "Shows how long commands took.",
                        LatencyHistogramCommand, "[command [command ...]]",
                        tips),
       ServerSubcommand("history", 3, kFlags, "2.8.13", "O(1)",
                        "Shows an event's samples.", LatencyHistory, "event",
                        tips),
       ServerSubcommand("latest", 2, kFlags, "2.8.13", "O(1)",
                        "Shows each event's latest sample.", LatencyLatest, {},
                        tips),
       ServerSubcommand(
           "reset", -2, kFlags, "2.8.13", "O(1)", "Forgets events.",
           LatencyReset, "[event [event ...]]",
           {"request_policy:all_nodes", "response_policy:all_succeeded"})});
}

}  // namespace holdfast::server
