#ifndef HOLDFAST_REPLICATION_REPLICA_REPLICA_UNDER_TEST_H_
#define HOLDFAST_REPLICATION_REPLICA_REPLICA_UNDER_TEST_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "net/time/clock.h"
#include "replication/events/link_events.h"
#include "replication/replica/primary_link.h"
#include "server/commands/connection.h"
#include "server/commands/keys.h"
#include "server/commands/pubsub.h"
#include "server/commands/server_data.h"
#include "server/commands/string.h"
#include "server/dispatch/dispatcher.h"
#include "server/engine/engine.h"
#include "server/keyspace/write_gate.h"
#include "server/session/session.h"

namespace holdfast::replication {

// A server's engine with the commands of strings, keys, databases and
// connections, as a replica, with a client of its own. Settings: short pauses
// between attempts; others as given.
class ReplicaUnderTest {
 public:
  struct Setting {
    const char* name;
    const char* value;
  };

  explicit ReplicaUnderTest(std::initializer_list<Setting> settings = {})
      : engine(MakeConfig(settings), net::Clock::Real()),
        events(net::Clock::Real()),
        session_(engine.sessions().NextId(), nullptr, "test:1", "test:0", 0),
        dispatcher_((Prepare(), &engine), &session_) {
    session_.own.authenticated = true;
  }
  ~ReplicaUnderTest() { link.reset(); }

  // Makes the link; the server becomes a replica.
  PrimaryLink* Follow(int port, const std::string& host = "127.0.0.1") {
    SetReplica(true);
    PrimaryLink::Hooks hooks;
    hooks.on_history_changed = [this] { history_changes.fetch_add(1); };
    hooks.announced_port = [] { return 7777; };
    link = std::make_unique<PrimaryLink>(&engine, host, port, &events,
                                         std::move(hooks));
    return link.get();
  }

  void SetReplica(bool replica) {
    server::ExclusiveGate gate(&engine.keyspace().gate());
    engine.role().is_replica.store(replica);
  }

  // A client's command, words split at spaces; its reply as it is.
  std::string Do(absl::string_view line) {
    const std::vector<absl::string_view> args = absl::StrSplit(line, ' ');
    std::string out;
    dispatcher_.BeginBatch();
    dispatcher_.Execute(args, &out);
    return out;
  }

  void Set(absl::string_view name, absl::string_view value) {
    const server::Config::NameValue pair{std::string(name), std::string(value)};
    const absl::Status status = engine.config().Set({&pair, 1}, {});
    CHECK(status.ok()) << status;
  }

  // The newest event's cause, and how often a cause was noted.
  std::string LastCause() const {
    const auto recent = events.Recent(1);
    return recent.empty() ? "" : recent[0].cause;
  }
  int64_t Count(const std::string& cause) const {
    const auto causes = events.Causes();
    const auto it = causes.find(cause);
    return it == causes.end() ? 0 : it->second;
  }

  server::Engine engine;
  LinkEvents events;
  std::atomic<int> history_changes{0};
  std::unique_ptr<PrimaryLink> link;

 private:
  static std::unique_ptr<server::Config> MakeConfig(
      std::initializer_list<Setting> settings) {
    // Debian's Abseil keeps a graph of all locks held, and a full
    // synchronisation holds 16384 of them: a tenth of a second each.
    absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
    auto config = std::make_unique<server::Config>();
    std::vector<server::Config::NameValue> all = {
        {"repl-backoff-cap-ms", "20"}, {"repl-backoff-base-ms", "1"}};
    for (const Setting& setting : settings) {
      const auto it = std::find_if(
          all.begin(), all.end(),
          [&](const auto& pair) { return pair.first == setting.name; });
      if (it == all.end()) {
        all.emplace_back(setting.name, setting.value);
      } else {
        it->second = setting.value;
      }
    }
    const absl::Status status = config->Set(all, {});
    CHECK(status.ok()) << status;
    return config;
  }
  void Prepare() {
    engine.commands().Add(server::ConnectionCommands());
    engine.commands().Add(server::PubSubCommands());
    engine.commands().Add(server::StringCommands());
    engine.commands().Add(server::KeyCommands());
    engine.commands().Add(server::ServerDataCommands());
    engine.FinishSetup();
  }

  server::Session session_;
  server::Dispatcher dispatcher_;
};

}  // namespace holdfast::replication

#endif  // HOLDFAST_REPLICATION_REPLICA_REPLICA_UNDER_TEST_H_
