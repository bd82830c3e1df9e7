#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "glog/logging.h"
#include "net/socket/stop_signal.h"
#include "net/time/clock.h"
#include "server/app/server.h"
#include "server/config/command_line.h"

namespace {

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

}  // namespace

int main(int argc, char** argv) {
  using holdfast::server::Config;
  using holdfast::server::ConfigId;
  using holdfast::server::Server;

  auto config = std::make_unique<Config>();
  const absl::Status parsed = holdfast::server::ParseCommandLine(argc, argv, config.get());
  if (!parsed.ok()) {
    fprintf(stderr, "%s\n", std::string(parsed.message()).c_str());
    return 1;
  }
  FLAGS_logtostderr = true;
  google::InitGoogleLogging(argv[0]);
  for (const std::string& note : config->SettingsWithoutEffect()) LOG(INFO) << "Setting without effect: " << note;

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
  LOG(INFO) << "Holdfast started. PID: " << getpid() << " port: " << server.port();
  LOG(INFO) << "Ready to accept connections";
  stop.WaitUntil(holdfast::net::Deadline::Never());
  LOG(INFO) << "Shutting down";
  server.Stop();
  LOG(INFO) << "Holdfast is now ready to exit, bye bye...";
  return 0;
}
