#include "server/app/config_hooks.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "server/app/limits.h"
#include "server/config/config.h"
#include "server/stats/memory.h"

namespace holdfast::server {
namespace {

absl::Status ApplyMaxClients(const Config& config) {
  const int64_t wanted = config.Int(ConfigId::kMaxClients);
  const int64_t possible = RaiseOpenFilesFor(wanted);
  if (possible >= wanted) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("The operating system is not able to handle the specified "
                   "number of clients, try with ",
                   std::max<int64_t>(0, possible)));
}

}  // namespace

void InstallConfigHooks(Engine* engine, ClientServer* clients) {
  Config& config = engine->config();
  config.OnChange(ConfigId::kMaxClients,
                  [&config] { return ApplyMaxClients(config); });
  for (const ConfigId id :
       {ConfigId::kReplBacklogSize, ConfigId::kReplBacklogMaxBytes}) {
    config.OnChange(id, [engine] {
      engine->ApplyLogLimits();
      return absl::OkStatus();
    });
  }
  config.OnChange(ConfigId::kAppendOnly, [engine] {
    AofService* const aof = engine->aof_service;
    if (aof == nullptr) return absl::OkStatus();
    if (!engine->config().Bool(ConfigId::kAppendOnly)) return aof->TurnOff();
    const absl::Status status = aof->TurnOn();
    if (status.ok()) return status;
    return absl::Status(status.code(),
                        "Unable to turn on AOF. Check server logs.");
  });
  config.OnChange(ConfigId::kPort, [clients] {
    const absl::Status status = clients->Relisten();
    if (status.ok()) return status;
    LOG(WARNING) << "CONFIG SET port: " << status.message();
    return absl::Status(status.code(),
                        "Unable to listen on this port. Check server logs.");
  });
  config.OnChange(ConfigId::kBind, [clients] {
    const absl::Status status = clients->Relisten();
    if (status.ok()) return status;
    LOG(WARNING) << "CONFIG SET bind: " << status.message();
    return absl::Status(status.code(),
                        "Failed to bind to specified addresses.");
  });
  config.OnChange(ConfigId::kSlowlogMaxLen, [engine] {
    engine->stats().slow_log.Trim(
        engine->config().Int(ConfigId::kSlowlogMaxLen));
    return absl::OkStatus();
  });
  config.OnChange(ConfigId::kMaxMemory, [engine] {
    const auto limit =
        static_cast<size_t>(engine->config().Int(ConfigId::kMaxMemory));
    LOG_IF(WARNING, limit > 0 && AllocatorUse().allocated > limit)
        << "The new maxmemory is less than what is in use: writes that need "
           "memory will be refused";
    return absl::OkStatus();
  });
}

}  // namespace holdfast::server
