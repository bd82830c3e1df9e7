#include "server/commands/info.h"

#include <bitset>
#include <cstddef>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/command/context.h"
#include "server/commands/info_sections.h"

namespace holdfast::server {
namespace {

constexpr InfoSection kSections[] = {
    {"server", "# Server", true, InfoServer},
    {"clients", "# Clients", true, InfoClients},
    {"memory", "# Memory", true, InfoMemory},
    {"persistence", "# Persistence", true, InfoPersistence},
    {"stats", "# Stats", true, InfoStats},
    {"replication", "# Replication", true, InfoReplication},
    {"cpu", "# CPU", true, InfoCpu},
    {"modules", "# Modules", true, InfoModules},
    {"commandstats", "# Commandstats", false, InfoCommandStats},
    {"errorstats", "# Errorstats", true, InfoErrorStats},
    {"latencystats", "# Latencystats", false, InfoLatencyStats},
    {"cluster", "# Cluster", true, InfoCluster},
    {"keyspace", "# Keyspace", true, InfoKeyspace},
};
constexpr size_t kSectionCount = sizeof(kSections) / sizeof(kSections[0]);

using Selection = std::bitset<kSectionCount>;

Selection DefaultSections() {
  Selection selection;
  for (size_t i = 0; i < kSectionCount; ++i)
    selection[i] = kSections[i].by_default;
  return selection;
}

void Info(CommandContext& ctx) {
  ctx.reply().Verbatim("txt", InfoText(ctx.engine(), ctx.args().subspan(1)));
}

}  // namespace

absl::Span<const InfoSection> InfoSections() { return kSections; }

std::string InfoText(Engine& engine,
                     absl::Span<const absl::string_view> sections) {
  Selection wanted;
  if (sections.empty()) wanted = DefaultSections();
  for (const absl::string_view name : sections) {
    if (absl::EqualsIgnoreCase(name, "default")) wanted |= DefaultSections();
    if (absl::EqualsIgnoreCase(name, "all") ||
        absl::EqualsIgnoreCase(name, "everything"))
      wanted.set();
    for (size_t i = 0; i < kSectionCount; ++i) {
      if (absl::EqualsIgnoreCase(name, kSections[i].name)) wanted.set(i);
    }
  }
  std::string text;
  for (size_t i = 0; i < kSectionCount; ++i) {
    if (!wanted[i]) continue;
    if (!text.empty()) text += "\r\n";
    absl::StrAppend(&text, kSections[i].title, "\r\n");
    kSections[i].write(engine, &text);
  }
  return text;
}

absl::Span<const CommandSpec> InfoCommands() {
  static const auto* const table = new std::vector<CommandSpec>{
      {.name = "info",
       .arity = -1,
       .flags = kLoading | kStale,
       .acl = kAclDangerous,
       .since = "1.0.0",
       .group = "server",
       .complexity = "O(1)",
       .summary = "Tells what the server is and does, in sections.",
       .syntax = "[section [section ...]]",
       .tips = {"nondeterministic_output", "request_policy:all_shards",
                "response_policy:special"},
       .handler = Info,
       .history = {{"7.0.0", "Takes several sections."}}}};
  return *table;
}

}  // namespace holdfast::server
