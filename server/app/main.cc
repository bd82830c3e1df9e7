#include <signal.h>
#include <unistd.h>

#include <clocale>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "net/time/clock.h"
#include "server/app/limits.h"
#include "server/app/logging.h"
#include "server/app/server.h"
#include "server/app/signal_inbox.h"
#include "server/config/command_line.h"

namespace {

#if defined(__SANITIZE_THREAD__)
// Abseil's check of lock orders takes a process-wide lock for every mutex; with
// TSan's own cost that starves the heartbeats while all slots are being locked.
// The other builds with assertions check the order.
[[maybe_unused]] const bool lock_order_unchecked = [] {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return true;
}();
#endif

holdfast::server::SignalInbox* signals = nullptr;

void OnSignal(int number) { signals->OnSignal(number); }

void InstallSignalHandlers() {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
}

// Sees to it that maxclients can be held and says what the system allows; false
// if there is no room for a single client.
bool MakeRoomForClients(holdfast::server::Config* config) {
  using holdfast::server::ConfigId;
  const int64_t wanted = config->Int(ConfigId::kMaxClients);
  const int64_t possible = holdfast::server::RaiseOpenFilesFor(wanted);
  if (possible < 1) {
    LOG(ERROR) << "The limit of open files (ulimit -n) leaves no room for "
                  "clients; raise it to at least "
               << wanted + holdfast::server::kReservedFiles;
    return false;
  }
  if (possible < wanted) {
    const std::string reduced = std::to_string(possible);
    LOG(WARNING)
        << "maxclients " << wanted
        << " needs more open files than the system allows; it is reduced to "
        << reduced << ". Raise 'ulimit -n' for more.";
    const absl::Status recorded =
        config->Record(ConfigId::kMaxClients, {reduced});
    LOG_IF(ERROR, !recorded.ok()) << recorded.message();
  }
  const holdfast::server::Capacity capacity =
      holdfast::server::CapacityOf(holdfast::server::ReadSystemLimits());
  const int64_t max_clients = config->Int(ConfigId::kMaxClients);
  if (capacity.clients < max_clients) {
    LOG(WARNING) << "maxclients is " << max_clients << ", but no more than "
                 << capacity.clients
                 << " clients, a thread each, fit into this system's limit: "
                 << capacity.tightest;
  } else {
    LOG(INFO) << "Room for " << max_clients
              << " clients (maxclients); the system allows about "
              << capacity.clients << ": " << capacity.tightest;
  }
  return true;
}

// Returns when the server is ready to end; false if a signal insisted on it
// before it was.
bool WaitForTheEnd(holdfast::server::Server* server,
                   holdfast::server::SignalInbox* inbox) {
  using holdfast::server::ConfigId;
  const holdfast::server::Engine& engine = server->engine();
  for (;;) {
    inbox->Wait();
    while (engine.cron_paused() && !inbox->end_requested())
      absl::SleepFor(absl::Milliseconds(10));
    if (inbox->end_requested()) return true;
    const int number = inbox->Take();
    if (number == 0) {  // SHUTDOWN ABORT was faster.
      inbox->GoOn();
      continue;
    }
    const char* const name = number == SIGINT ? "SIGINT" : "SIGTERM";
    LOG(WARNING) << "Received " << name << " scheduling shutdown...";
    const absl::Status ready = server->PrepareEnd(
        server->engine().config().Int(number == SIGINT
                                          ? ConfigId::kShutdownOnSigint
                                          : ConfigId::kShutdownOnSigterm),
        [inbox] { return inbox->insisted(); });
    if (ready.ok()) return true;
    if (inbox->insisted()) {
      LOG(WARNING) << "You insist... exiting now.";
      return false;
    }
    if (inbox->end_requested()) return true;
    LOG(WARNING) << name
                 << " received but errors trying to shut down the server, "
                    "check the logs for more information";
    inbox->GoOn();
  }
}

}  // namespace

int main(int argc, char** argv) {
  using holdfast::server::Config;
  using holdfast::server::ConfigId;
  using holdfast::server::Server;

  // SORT ... ALPHA goes by the environment's collation, as in Redis.
  setlocale(LC_COLLATE, "");
  auto config = std::make_unique<Config>();
  const absl::Status parsed =
      holdfast::server::ParseCommandLine(argc, argv, config.get());
  if (!parsed.ok()) {
    fprintf(stderr, "%s\n", std::string(parsed.message()).c_str());
    return 1;
  }
  const absl::Status logging =
      holdfast::server::StartLogging(argv[0], config.get());
  if (!logging.ok()) {
    fprintf(stderr, "%s\n", std::string(logging.message()).c_str());
    return 1;
  }
  if (!MakeRoomForClients(config.get())) return 1;
  for (const std::string& note : config->SettingsWithoutEffect())
    LOG(INFO) << "Setting without effect: " << note;

  holdfast::server::SignalInbox inbox;
  signals = &inbox;
  InstallSignalHandlers();

  Server server(std::move(config), holdfast::net::Clock::Real());
  server.engine().request_shutdown = [&inbox] { inbox.RequestEnd(); };
  server.engine().withdraw_signal = [&inbox] { return inbox.Take() != 0; };
  LOG(INFO) << "Holdfast starting. PID: " << getpid();
  LOG(INFO) << "Server initialized";
  const absl::Status started =
      server.Start(holdfast::server::ClientServer::PortChoice::kConfigured,
                   [&inbox] { return inbox.end_wanted(); });
  if (absl::IsCancelled(started)) {
    LOG(WARNING) << "Received a shutdown request during loading, exiting now.";
    return 0;
  }
  if (!started.ok()) {
    LOG(ERROR) << "Could not start: " << started.message();
    return 1;
  }
  const std::string pid_path =
      server.engine().config().String(ConfigId::kPidFile);
  const holdfast::server::PidFile pid_file(
      pid_path.empty() ? "" : server.engine().config().ResolvePath(pid_path));
  LOG(INFO) << "Holdfast started. PID: " << getpid()
            << " port: " << server.port();
  LOG(INFO) << "Ready to accept connections";
  if (!WaitForTheEnd(&server, &inbox)) return 1;
  inbox.NoteStopping();
  LOG(INFO) << "Shutting down";
  server.Stop();
  LOG(INFO) << "Holdfast is now ready to exit, bye bye...";
  return 0;
}
