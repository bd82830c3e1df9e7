#include "server/commands/debug.h"

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "server/command/context.h"
#include "server/command/errors.h"
#include "server/commands/debug_handlers.h"
#include "server/commands/object_help.h"
#include "server/config/enum_values.h"
#include "server/engine/engine.h"
#include "server/session/session.h"
#include "server/text/glob.h"

namespace holdfast::server {
namespace {

// Whether enable-debug-command lets this client use DEBUG.
bool Allowed(CommandContext& ctx) {
  switch (ctx.engine().config().Enum<ProtectedAction>(
      ConfigId::kEnableDebugCommand)) {
    case ProtectedAction::kYes:
      return true;
    case ProtectedAction::kLocal:
      return ctx.session().unix_socket.load(std::memory_order_relaxed) ||
             absl::StartsWith(ctx.session().address, "127.0.0.1:") ||
             absl::StartsWith(ctx.session().address, "[::1]:");
    case ProtectedAction::kNo:
      break;
  }
  return false;
}

// A number as atoi(3) reads it: what cannot be read is 0.
int64_t LooseInt(absl::string_view text) {
  return strtoll(std::string(text).c_str(), nullptr, 10);
}

// --- Subcommands without data ---

// Holds up this client and nobody else. In slices, so that a server that stops
// need not wait for it.
void Sleep(CommandContext& ctx) {
  constexpr double kLongestSeconds = 3600;
  const absl::Duration kSlice = absl::Milliseconds(20);
  const double seconds = strtod(std::string(ctx.arg(2)).c_str(), nullptr);
  // (A NaN fails the comparison and does not sleep.)
  absl::Duration left = seconds > 0
                            ? absl::Seconds(std::min(seconds, kLongestSeconds))
                            : absl::ZeroDuration();
  const net::Clock* clock = net::Clock::Real();
  const net::MonoTime end = clock->Now() + left;
  while (left > absl::ZeroDuration() && !ctx.session().killed()) {
    absl::SleepFor(std::min(left, kSlice));
    left = end - clock->Now();
  }
  ctx.Ok();
}

void SetActiveExpire(CommandContext& ctx) {
  ctx.engine().set_active_expire(LooseInt(ctx.arg(2)) != 0);
  ctx.Ok();
}

void SkipChecksums(CommandContext& ctx) {
  ctx.engine().set_skip_checksums(LooseInt(ctx.arg(2)) != 0);
  ctx.Ok();
}

void PauseCron(CommandContext& ctx) {
  ctx.engine().set_cron_paused(LooseInt(ctx.arg(2)) != 0);
  ctx.Ok();
}

void Log(CommandContext& ctx) {
  LOG(WARNING) << "DEBUG LOG: " << ctx.arg(2);
  ctx.Ok();
}

void ChangeReplId(CommandContext& ctx) {
  LOG(WARNING) << "DEBUG CHANGE-REPL-ID: a new replication history begins here";
  ctx.engine().log().NewReplicationId();
  ctx.Ok();
}

// Puts a command into the stream that was not executed here, so that replicas
// differ from now on.
void Replicate(CommandContext& ctx) {
  if (ctx.unit().locks().holds_nothing()) ctx.unit().locks().LockGateOnly();
  ctx.ReplaceEffect(ctx.args().subspan(2));
  ctx.Ok();
}

// Lists are not made of plain and packed nodes here, so there is nothing that
// the threshold could change; what Redis refuses is refused.
void QuicklistPackedThreshold(CommandContext& ctx) {
  constexpr absl::string_view kBad =
      "ERR argument must be a memory value bigger than 1 and smaller than 4gb";
  std::string text(ctx.arg(2));
  const size_t digits = text.find_first_not_of("0123456789");
  const std::string unit =
      digits == std::string::npos ? "" : text.substr(digits);
  uint64_t value = 0;
  if (!absl::SimpleAtoi(text.substr(0, digits), &value)) return ctx.Error(kBad);
  struct Multiplier {
    const char* unit;
    uint64_t bytes;
  };
  constexpr Multiplier kUnits[] = {
      {"", 1},        {"b", 1},        {"k", 1000},       {"kb", 1 << 10},
      {"m", 1000000}, {"mb", 1 << 20}, {"g", 1000000000}, {"gb", 1 << 30}};
  for (const Multiplier& m : kUnits) {
    if (!absl::EqualsIgnoreCase(unit, m.unit)) continue;
    // The largest threshold of Redis leaves room for a node's own header.
    constexpr uint64_t kLimit = (uint64_t{1} << 32) - (uint64_t{1} << 20);
    if (value > kLimit / m.bytes) return ctx.Error(kBad);
    return ctx.Ok();
  }
  ctx.Error(kBad);
}

void StringMatchTest(CommandContext& ctx) {
  constexpr int kRounds = 1000000;
  constexpr size_t kLongest = 32;
  char bytes[2 * kLongest];
  size_t matches = 0;
  for (int i = 0; i < kRounds && !ctx.session().killed(); ++i) {
    for (char& byte : bytes)
      byte = static_cast<char>(ctx.engine().RandomU64() % 128);
    const size_t pattern_length = ctx.engine().RandomU64() % kLongest;
    const size_t text_length = ctx.engine().RandomU64() % kLongest;
    matches += GlobMatch(absl::string_view(bytes, pattern_length),
                         absl::string_view(bytes + kLongest, text_length));
  }
  LOG(INFO) << "DEBUG STRINGMATCH-TEST: " << matches
            << " random patterns matched";
  ctx.reply().SimpleString("Apparently Redis did not crash: test passed");
}

void ClusterLink(CommandContext& ctx) {
  ctx.Error("ERR Debug option only available for cluster mode enabled setup!");
}

// --- Ends of the process ---

void Segfault(CommandContext&) {
  raise(SIGSEGV);
  LOG(FATAL) << "DEBUG SEGFAULT: the signal was ignored";
}
void Panic(CommandContext&) {
  LOG(FATAL) << "DEBUG PANIC called at Unix time "
             << absl::ToUnixSeconds(absl::Now());
}
void Assert(CommandContext&) { CHECK(false) << "DEBUG ASSERT"; }
void OutOfMemory(CommandContext&) {
  LOG(FATAL) << "DEBUG OOM: as if memory had run out";
}

// --- The table ---

void Help(CommandContext& ctx);

// What Redis has and this server has not (yet) is named too, to be refused
// plainly: their tests must not take silence for consent.
void NotHere(CommandContext& ctx) {
  ctx.Error(absl::StrCat("ERR DEBUG ", ctx.arg(1).substr(0, 64),
                         " is not supported by this server"));
}

void AofFlushSleep(CommandContext& ctx) {
  int64_t us;
  if (!ctx.IntArg(2, &us)) return;
  if (ctx.engine().aof_service == nullptr) return NotHere(ctx);
  ctx.engine().aof_service->set_flush_sleep_us(std::max<int64_t>(0, us));
  ctx.Ok();
}

void LoadAof(CommandContext& ctx) {
  AofService* const aof = ctx.engine().aof_service;
  if (aof == nullptr) return NotHere(ctx);
  if (!ctx.unit().locks().holds_nothing())
    return ctx.Error("ERR DEBUG LOADAOF is not possible in a transaction");
  const absl::Status loaded = aof->Reload();
  if (!loaded.ok()) {
    LOG(ERROR) << "DEBUG LOADAOF: " << loaded.message();
    return ctx.Error(absl::StrCat("ERR ", loaded.message()));
  }
  LOG(WARNING) << "Append Only File loaded by DEBUG LOADAOF";
  ctx.Ok();
}

struct Subcommand {
  absl::string_view name;
  size_t min_argc;  // With "DEBUG" and the name.
  size_t max_argc;
  CommandHandler handler;
};
constexpr size_t kAny = ~size_t{0};

constexpr Subcommand kSubcommands[] = {
    {"help", 2, 2, Help},
    {"aof-flush-sleep", 3, 3, AofFlushSleep},
    {"assert", 2, kAny, Assert},
    {"change-repl-id", 2, 2, ChangeReplId},
    {"client-eviction", 2, 2, NotHere},
    {"clusterlink", 5, 5, ClusterLink},
    {"config-rewrite-force-all", 2, 2, NotHere},
    {"crash-and-recover", 2, kAny, NotHere},
    {"digest", 2, 2, DebugDigestAll},
    {"digest-value", 2, kAny, DebugDigestValues},
    {"drop-cluster-packet-filter", 3, 3, NotHere},
    {"error", 3, 3, DebugError},
    {"htstats", 3, 3, DebugHtStats},
    {"htstats-key", 3, 3, DebugHtStatsKey},
    {"leak", 3, 3, NotHere},
    {"listpack", 3, 3, DebugListpack},
    {"loadaof", 2, kAny, LoadAof},
    {"log", 3, 3, Log},
    {"mallctl", 3, kAny, NotHere},
    {"mallctl-str", 3, kAny, NotHere},
    {"object", 3, 3, DebugObject},
    {"oom", 2, kAny, OutOfMemory},
    {"panic", 2, kAny, Panic},
    {"pause-cron", 3, 3, PauseCron},
    {"populate", 3, 5, DebugPopulate},
    {"protocol", 3, 3, DebugProtocol},
    {"quicklist", 3, 4, DebugQuicklist},
    {"quicklist-packed-threshold", 3, 3, QuicklistPackedThreshold},
    {"reload", 2, kAny, DebugReload},
    {"replicate", 3, kAny, Replicate},
    {"replybuffer", 4, 4, NotHere},
    {"restart", 2, kAny, NotHere},
    {"sdslen", 3, 3, NotHere},
    {"segfault", 2, kAny, Segfault},
    {"set-active-expire", 3, 3, SetActiveExpire},
    {"set-disable-deny-scripts", 3, 3, NotHere},
    {"set-skip-checksum-validation", 3, 3, SkipChecksums},
    {"sleep", 3, 3, Sleep},
    {"stringmatch-test", 2, 2, StringMatchTest},
    {"structsize", 2, 2, NotHere},
};

void Help(CommandContext& ctx) {
  ReplyWithHelp(
      ctx,
      {
          "AOF-FLUSH-SLEEP <microseconds>",
          "    Wait so long before each write to the append-only file.",
          "ASSERT | OOM | PANIC | SEGFAULT",
          "    End the server as if that had happened.",
          "CHANGE-REPL-ID",
          "    Begin a new replication history, which no replica knows.",
          "DIGEST",
          "    A fingerprint of all data; the same data give the same one.",
          "DIGEST-VALUE [<key> ...]",
          "    Fingerprints of the values of these keys.",
          "ERROR <text>",
          "    Reply with this error.",
          "HTSTATS <db>",
          "    Sizes of the tables of a database.",
          "LISTPACK <key>",
          "    Write the elements of a packed value to the server's log.",
          "LOADAOF",
          "    Load the append-only file, in place of the data in memory.",
          "LOG <message>",
          "    Write a line to the server's log.",
          "OBJECT <key>",
          "    Say how a key's value is held.",
          "PAUSE-CRON <0|1>",
          "    Whether periodic work, that on signals included, waits.",
          "POPULATE <count> [<prefix> [<size>]]",
          "    Create <prefix>:0 and so on where they are missing; not "
          "replicated.",
          "PROTOCOL <type>",
          "    Reply with a value of this type of the protocol.",
          "QUICKLIST <key> [<0|1>]",
          "    Write the nodes of a list to the server's log; 1: elements too.",
          "RELOAD [option ...]",
          "    Save the dataset and load it again. Options:",
          "    * MERGE: keys of the file replace those that are there.",
          "    * NOFLUSH: what is there stays.",
          "    * NOSAVE: load the file that there is.",
          "REPLICATE <command> [<arg> ...]",
          "    Send a command to the replicas that is not executed here.",
          "SET-ACTIVE-EXPIRE <0|1>",
          "    Whether keys are deleted when they expire, or only when asked "
          "for.",
          "SET-SKIP-CHECKSUM-VALIDATION <0|1>",
          "    Whether RESTORE and snapshots may have a wrong checksum.",
          "SLEEP <seconds>",
          "    Reply later. Other clients are served meanwhile.",
          "STRINGMATCH-TEST",
          "    Try random patterns on random texts.",
      });
}

void Debug(CommandContext& ctx) {
  if (!Allowed(ctx)) {
    return ctx.Error(
        "ERR DEBUG command not allowed. If the enable-debug-command option is "
        "set to \"local\", you can run it from a "
        "local connection, otherwise you need to set this option in the "
        "configuration file, and then restart the "
        "server.");
  }
  for (const Subcommand& sub : kSubcommands) {
    if (!ctx.ArgIs(1, sub.name)) continue;
    if (ctx.argc() < sub.min_argc || ctx.argc() > sub.max_argc) break;
    return sub.handler(ctx);
  }
  constexpr size_t kShown = 128;
  ctx.Error(
      absl::StrCat("ERR unknown subcommand or wrong number of arguments for '",
                   ctx.arg(1).substr(0, kShown), "'. Try DEBUG HELP."));
}

std::vector<CommandSpec> MakeCommands() {
  return {
      {.name = "debug",
       .arity = -2,
       .flags = kAdmin | kNoScript | kLoading | kStale | kWalksKeyspace,
       .since = "1.0.0",
       .group = "server",
       .complexity = "Depends on the subcommand.",
       .summary = "A container of commands for debugging",
       .handler = Debug,
       .system_command = true},
  };
}

}  // namespace

absl::Span<const CommandSpec> DebugCommands() {
  static const auto* const commands =
      new std::vector<CommandSpec>(MakeCommands());  // Never destroyed.
  return *commands;
}

}  // namespace holdfast::server
