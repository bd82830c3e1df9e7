#include "server/app/server.h"

#include <utility>

#include "absl/status/statusor.h"
#include "replication/commands/replication_commands.h"
#include "server/app/command_renamer.h"
#include "server/app/config_hooks.h"
#include "server/commands/admin.h"
#include "server/commands/bitmap.h"
#include "server/commands/client.h"
#include "server/commands/command.h"
#include "server/commands/config_command.h"
#include "server/commands/connection.h"
#include "server/commands/debug.h"
#include "server/commands/dump.h"
#include "server/commands/geo.h"
#include "server/commands/hash.h"
#include "server/commands/hyperloglog.h"
#include "server/commands/info.h"
#include "server/commands/keys.h"
#include "server/commands/list.h"
#include "server/commands/migrate.h"
#include "server/commands/object.h"
#include "server/commands/pubsub.h"
#include "server/commands/save.h"
#include "server/commands/scan.h"
#include "server/commands/server_data.h"
#include "server/commands/set.h"
#include "server/commands/sort.h"
#include "server/commands/stream.h"
#include "server/commands/string.h"
#include "server/commands/zset.h"
#include "server/config/enum_values.h"
#include "server/persist/load/load_file.h"
#include "server/persist/save/save_files.h"
#include "server/stats/memory.h"
#include "server/transaction/transaction.h"

namespace holdfast::server {
namespace {

// How long clients in the middle of a command are waited for without a word.
constexpr absl::Duration kStopPatience = absl::Seconds(4);

}  // namespace

Server::Server(std::unique_ptr<Config> config, const net::Clock* clock)
    : engine_(std::move(config), clock),
      replication_(&engine_),
      saver_(&engine_, SaveFiles::Real()),
      aof_(&engine_, SaveFiles::Real()),
      clients_(&engine_) {
  CommandRenamer commands(&engine_.commands(), engine_.config(),
                          &command_names_);
  commands.Add(AdminCommands());
  commands.Add(BitmapCommands());
  commands.Add(ClientCommands());
  commands.Add(CommandCommands());
  commands.Add(ConfigCommands());
  commands.Add(ConnectionCommands());
  commands.Add(DebugCommands());
  commands.Add(HashCommands());
  commands.Add(HyperLogLogCommands());
  commands.Add(InfoCommands());
  commands.Add(KeyCommands());
  commands.Add(ObjectCommands());
  commands.Add(replication::ReplicationCommands());
  commands.Add(SaveCommands());
  commands.Add(ScanCommands());
  commands.Add(ServerDataCommands());
  commands.Add(DumpCommands());
  commands.Add(ListCommands());
  commands.Add(MigrateCommands());
  commands.Add(SetCommands());
  commands.Add(StringCommands());
  commands.Add(TransactionCommands());
  commands.Add(ZsetCommands());
  commands.Add(PubSubCommands());
  commands.Add(StreamCommands());
  commands.Add(GeoCommands());
  commands.Add(SortCommands());
  setup_ = commands.Finish();
  engine_.FinishSetup();
  InstallConfigHooks(&engine_, &clients_);
  engine_.stats().startup_memory.store(AllocatorUse().allocated,
                                       std::memory_order_relaxed);
}

Server::~Server() { Stop(); }

absl::Status Server::Start(ClientServer::PortChoice choice,
                           const std::function<bool()>& cancelled) {
  if (!setup_.ok()) return setup_;
  Role& role = engine_.role();
  role.loading.store(true, std::memory_order_release);
  cron_ = std::make_unique<Cron>(&engine_);
  absl::Status started = clients_.Start(choice);
  if (started.ok()) started = LoadFromDisk(cancelled);
  // A dataset that is not whole stays hidden, and is never saved.
  if (!started.ok()) return started;
  role.loading.store(false, std::memory_order_release);
  // After the port is known, which a primary is told.
  replication_.Start();
  return absl::OkStatus();
}

absl::Status Server::LoadFromDisk(const std::function<bool()>& cancelled) {
  const absl::StatusOr<bool> from_aof = aof_.Load(cancelled);
  if (!from_aof.ok()) return from_aof.status();
  if (!*from_aof) {
    const absl::Status loaded = LoadAtStart(&engine_, cancelled);
    if (!loaded.ok()) return loaded;
  }
  return aof_.Open();
}

absl::Status Server::PrepareEnd(int64_t words,
                                const std::function<bool()>& give_up) {
  const SaveService::EndSave save =
      (words & kShutdownSave) != 0     ? SaveService::EndSave::kYes
      : (words & kShutdownNoSave) != 0 ? SaveService::EndSave::kNo
                                       : SaveService::EndSave::kIfConfigured;
  return saver_.PrepareEnd(save, (words & kShutdownForce) != 0, give_up);
}

void Server::Stop() {
  saver_.Stop("the server ends");
  engine_.migrate_links().Stop();
  clients_.Stop(kStopPatience);
  replication_.Stop();
  cron_.reset();
  // Nobody writes any more: what was acknowledged is in the log.
  aof_.Stop();
}

}  // namespace holdfast::server
