#ifndef HOLDFAST_SERVER_APP_SERVER_H_
#define HOLDFAST_SERVER_APP_SERVER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "net/time/clock.h"
#include "replication/replication.h"
#include "server/config/config.h"
#include "server/connection/client_server.h"
#include "server/engine/engine.h"
#include "server/persist/aof/aof.h"
#include "server/persist/save/saver.h"
#include "server/reclaim/cron.h"

namespace holdfast::server {

// A whole Holdfast server: all parts, wired together. main() has one; tests
// have as many as they like in one process.
class Server {
 public:
  // The clock outlives the server.
  Server(std::unique_ptr<Config> config, const net::Clock* clock);
  // Stops.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Listens, loads the dataset from disk if there is one (clients get -LOADING
  // meanwhile), and begins to serve. Errors name what could not be had (an
  // address in use, a file that cannot be read); kCancelled if `cancelled`,
  // asked while loading, said so.
  absl::Status Start(
      ClientServer::PortChoice choice = ClientServer::PortChoice::kConfigured,
      const std::function<bool()>& cancelled = [] { return false; });

  // See SaveService::PrepareEnd(); `words` are bits of shutdown-on-sigterm.
  absl::Status PrepareEnd(int64_t words, const std::function<bool()>& give_up);

  // Ends all connections, then all other threads, without saving. Idempotent.
  void Stop();

  Engine& engine() { return engine_; }
  int port() const { return clients_.port(); }

 private:
  // The AOF if there is one and it is wanted, otherwise the RDB.
  absl::Status LoadFromDisk(const std::function<bool()>& cancelled);

  std::deque<std::string>
      command_names_;  // Of rename-command; engine_ uses them.
  Engine engine_;
  absl::Status setup_;  // What is wrong with the configuration, for Start().
  replication::Replication replication_;
  Saver saver_;
  Aof aof_;
  ClientServer clients_;
  std::unique_ptr<Cron> cron_;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_APP_SERVER_H_
