#include "server/app/server.h"

#include <utility>

#include "server/commands/connection.h"
#include "server/commands/string.h"
#include "server/transaction/transaction.h"

namespace holdfast::server {
namespace {

// How long clients in the middle of a command are waited for without a word.
constexpr absl::Duration kStopPatience = absl::Seconds(4);

}  // namespace

Server::Server(std::unique_ptr<Config> config, const net::Clock* clock)
    : engine_(std::move(config), clock), clients_(&engine_) {
  CommandTable& commands = engine_.commands();
  commands.Add(ConnectionCommands());
  commands.Add(StringCommands());
  commands.Add(TransactionCommands());
  engine_.FinishSetup();
}

Server::~Server() { Stop(); }

absl::Status Server::Start(ClientServer::PortChoice choice) {
  cron_ = std::make_unique<Cron>(&engine_);
  return clients_.Start(choice);
}

void Server::Stop() {
  clients_.Stop(kStopPatience);
  cron_.reset();
}

}  // namespace holdfast::server
