#ifndef HOLDFAST_SERVER_COMMANDS_ADMIN_TESTING_H_
#define HOLDFAST_SERVER_COMMANDS_ADMIN_TESTING_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "net/time/manual_clock.h"
#include "server/command/spec.h"
#include "server/config/config.h"
#include "server/dispatch/dispatcher.h"
#include "server/engine/engine.h"
#include "server/session/session.h"

namespace holdfast::server {

// For tests of families: an engine with the given commands and some clients
// without sockets, each with a dispatcher. One thread.
class AdminBench {
 public:
  explicit AdminBench(
      std::initializer_list<absl::Span<const CommandSpec>> families) {
    auto config = std::make_unique<Config>();
    engine = std::make_unique<Engine>(std::move(config), &clock);
    for (const auto& family : families) engine->commands().Add(family);
    engine->FinishSetup();
    AddClient();
  }

  struct Client {
    std::shared_ptr<Session> session;
    std::unique_ptr<Dispatcher> dispatcher;
  };

  Client& AddClient() {
    const uint64_t id = engine->sessions().NextId();
    auto session = std::make_shared<Session>(
        id, nullptr, "10.0.0.1:" + std::to_string(1000 + id), "10.0.0.9:6379",
        clock.Now().nanos() / 1000000);
    session->own.authenticated = true;
    engine->sessions().Add(session);
    clients.push_back(
        {session, std::make_unique<Dispatcher>(engine.get(), session.get())});
    return clients.back();
  }

  // Words separated by single spaces.
  std::string Run(absl::string_view line, size_t client = 0) {
    const std::vector<absl::string_view> args = absl::StrSplit(line, ' ');
    return RunArgs(args, client);
  }
  std::string RunArgs(absl::Span<const absl::string_view> args,
                      size_t client = 0) {
    std::string out;
    clients[client].dispatcher->BeginBatch();
    clients[client].dispatcher->Execute(args, &out);
    return out;
  }

  net::ManualClock clock;
  std::unique_ptr<Engine> engine;
  std::vector<Client> clients;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_ADMIN_TESTING_H_
