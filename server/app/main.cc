#include <signal.h>
#include <unistd.h>

#include <clocale>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "glog/logging.h"
#include "net/socket/stop_signal.h"
#include "net/time/clock.h"
#include "server/app/limits.h"
#include "server/app/logging.h"
#include "server/app/server.h"
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

holdfast::net::StopSignal* stop_signal = nullptr;

// The first signal asks for an orderly end, a second one ends at once.
void OnSignal(int number) {
  if (stop_signal->stopped()) _exit(128 + number);
  stop_signal->Stop();
}

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

  holdfast::net::StopSignal stop;
  stop_signal = &stop;
  InstallSignalHandlers();

  Server server(std::move(config), holdfast::net::Clock::Real());
  server.engine().request_shutdown = [&stop] { stop.Stop(); };
  const absl::Status started = server.Start();
  if (!started.ok()) {
    LOG(ERROR) << "Could not start: " << started.message();
    return 1;
  }
  const std::string pid_path =
      server.engine().config().String(ConfigId::kPidFile);
  const holdfast::server::PidFile pid_file(
      pid_path.empty() ? "" : server.engine().config().ResolvePath(pid_path));
  LOG(INFO) << "Server initialized";
  LOG(INFO) << "Holdfast started. PID: " << getpid()
            << " port: " << server.port();
  LOG(INFO) << "Ready to accept connections";
  stop.WaitUntil(holdfast::net::Deadline::Never());
  LOG(INFO) << "Shutting down";
  server.Stop();
  LOG(INFO) << "Holdfast is now ready to exit, bye bye...";
  return 0;
}
