#include "server/connection/client_server.h"

#include <sched.h>

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "net/socket/address.h"
#include "net/socket/options.h"
#include "server/command/errors.h"

namespace holdfast::server {
namespace {

constexpr size_t kStackBytes = 256 * 1024;
// What a refused client may take of the acceptor's time.
constexpr absl::Duration kRefusalTime = absl::Milliseconds(100);

constexpr absl::string_view kProtected =
    "DENIED Redis is running in protected mode because protected mode is "
    "enabled and no password is set for the default "
    "user. In this mode connections are only accepted from the loopback "
    "interface. If you want to connect from external "
    "computers to Redis you may adopt one of the following solutions: 1) Just "
    "disable protected mode sending the command "
    "'CONFIG SET protected-mode no' from the loopback interface by connecting "
    "to Redis from the same host the server is "
    "running, however MAKE SURE Redis is not publicly accessible from internet "
    "if you do so. Use CONFIG REWRITE to make "
    "this change permanent. 2) Alternatively you can just disable the "
    "protected mode by editing the Redis configuration "
    "file, and setting the protected mode option to 'no', and then restarting "
    "the server. 3) If you started the server "
    "manually just for testing, restart it with the '--protected-mode no' "
    "option. 4) Setup a an authentication password "
    "for the default user. NOTE: You only need to do one of the above things "
    "in order for the server to start accepting "
    "connections from the outside.";

int64_t MonotonicMs(const net::Clock* clock) {
  return clock->Now().nanos() / 1000000;
}

void NameThread(const std::string& name) {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace

ClientServer::ClientServer(Engine* engine)
    : engine_(*engine), turns_(engine->clock()) {}

ClientServer::~ClientServer() { Stop(absl::InfiniteDuration()); }

absl::Status ClientServer::Start(PortChoice choice) {
  const Config& config = engine_.config();
  absl::MutexLock lock(&listen_mu_);
  choice_ = choice;
  first_configured_port_ = static_cast<int>(config.Int(ConfigId::kPort));
  if (choice == PortChoice::kAny || first_configured_port_ != 0) {
    const absl::Status status =
        ListenTcp(choice == PortChoice::kAny ? 0 : first_configured_port_);
    if (!status.ok()) return status;
  }
  const std::string unix_path = config.String(ConfigId::kUnixSocket);
  if (!unix_path.empty()) {
    auto listener = net::Listener::Unix(
        {unix_path, static_cast<mode_t>(config.Int(ConfigId::kUnixSocketPerm)),
         static_cast<int>(config.Int(ConfigId::kTcpBacklog))});
    if (!listener.ok()) return listener.status();
    unix_.listener = *std::move(listener);
    StartAccepting(&unix_, true);
  }
  if (tcp_.listener == nullptr && unix_.listener == nullptr) {
    return absl::InvalidArgumentError(
        "nothing to listen on: port is 0 and there is no unixsocket");
  }
  return absl::OkStatus();
}

absl::Status ClientServer::ListenTcp(int port) {
  net::TcpListenOptions options;
  options.bind = engine_.config().List(ConfigId::kBind);
  options.port = port;
  options.backlog =
      static_cast<int>(engine_.config().Int(ConfigId::kTcpBacklog));
  if (options.bind.empty()) {
    StopAccepting(&tcp_);
    return absl::OkStatus();
  }
  auto listener = net::Listener::Tcp(options);
  if (!listener.ok()) {
    return absl::Status(listener.status().code(),
                        absl::StrCat("Failed listening on port ", port,
                                     " (tcp): ", listener.status().message()));
  }
  StopAccepting(&tcp_);
  tcp_.listener = *std::move(listener);
  port_.store(tcp_.listener->port(), std::memory_order_relaxed);
  engine_.set_port(tcp_.listener->port());
  bound_ = options.bind;
  StartAccepting(&tcp_, false);
  return absl::OkStatus();
}

absl::Status ClientServer::Relisten() {
  absl::MutexLock lock(&listen_mu_);
  if (closed_) return absl::CancelledError("the server is shutting down");
  int port = static_cast<int>(engine_.config().Int(ConfigId::kPort));
  if (choice_ == PortChoice::kAny && port == first_configured_port_)
    port = port_.load(std::memory_order_relaxed);
  if (port == 0) {
    StopAccepting(&tcp_);
    port_.store(0, std::memory_order_relaxed);
    engine_.set_port(0);
    return absl::OkStatus();
  }
  if (port == port_.load(std::memory_order_relaxed) &&
      tcp_.listener != nullptr) {
    if (engine_.config().List(ConfigId::kBind) == bound_)
      return absl::OkStatus();
    StopAccepting(&tcp_);
  }
  return ListenTcp(port);
}

void ClientServer::StartAccepting(Acceptor* acceptor, bool unix_socket) {
  acceptor->thread =
      std::thread([this, listener = acceptor->listener.get(), unix_socket] {
        AcceptLoop(listener, unix_socket);
      });
}

void ClientServer::StopAccepting(Acceptor* acceptor) {
  if (acceptor->listener == nullptr) return;
  acceptor->listener->Shutdown();
  acceptor->thread.join();
  acceptor->listener.reset();
}

void ClientServer::AcceptLoop(net::Listener* listener, bool unix_socket) {
  NameThread(unix_socket ? "accept-unix" : "accept-tcp");
  for (;;) {
    absl::StatusOr<net::Socket> socket = listener->Accept();
    JoinEnded();
    if (socket.ok()) {
      Welcome(*std::move(socket), unix_socket);
    } else if (absl::IsCancelled(socket.status())) {
      return;
    } else {
      LOG_EVERY_N(WARNING, 100)
          << "Accepting a client failed: " << socket.status().message();
    }
  }
}

std::string ClientServer::Refusal(int fd) const {
  const Config& config = engine_.config();
  if (engine_.sessions().size() >=
      static_cast<size_t>(config.Int(ConfigId::kMaxClients))) {
    return std::string(errors::kMaxClients);
  }
  if (config.Bool(ConfigId::kProtectedMode) &&
      config.String(ConfigId::kRequirePass).empty() && !net::PeerIsLocal(fd)) {
    return std::string(kProtected);
  }
  return {};
}

void ClientServer::Welcome(net::Socket socket, bool unix_socket) {
  const Config& config = engine_.config();
  engine_.stats().connections_received.fetch_add(1, std::memory_order_relaxed);
  const int fd = socket.fd();
  if (!unix_socket) {
    const KeepaliveSettings keepalive = config.ClientKeepalive();
    net::TcpOptions options;
    options.keep_alive = keepalive.enabled;
    options.keep_alive_times = {keepalive.idle, keepalive.interval,
                                keepalive.count};
    net::ApplyOptions(fd, options);
  }
  std::string address = net::PeerAddress(fd);
  std::string local = net::LocalAddress(fd);
  const std::string refusal = Refusal(fd);
  auto stream = std::make_unique<net::SocketStream>(std::move(socket));
  if (!refusal.empty()) {
    engine_.stats().rejected_connections.fetch_add(1,
                                                   std::memory_order_relaxed);
    // A courtesy: it fits any socket buffer, and is not waited for.
    stream
        ->WriteAll(absl::StrCat("-", refusal, "\r\n"),
                   net::Deadline::After(engine_.clock(), kRefusalTime))
        .IgnoreError();
    return;
  }

  auto session = std::make_shared<Session>(
      engine_.sessions().NextId(), stream.get(), std::move(address),
      std::move(local), MonotonicMs(engine_.clock()));
  session->own.authenticated = config.String(ConfigId::kRequirePass).empty();
  session->unix_socket.store(unix_socket, std::memory_order_relaxed);
  auto client = std::make_unique<Client>();
  client->owner = this;
  client->connection = std::make_unique<Connection>(&engine_, &turns_,
                                                    std::move(stream), session);

  absl::MutexLock lock(&mu_);
  if (stopping_) return;
  engine_.sessions().Add(session);
  live_.push_front(std::move(client));
  Client* const raw = live_.front().get();
  raw->place = live_.begin();
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  const int error = pthread_create(&raw->thread, &attributes,
                                   &ClientServer::ClientThread, raw);
  pthread_attr_destroy(&attributes);
  if (error != 0) {
    LOG(ERROR) << "No thread for the client at " << session->address << ": "
               << strerror(error);
    engine_.stats().rejected_connections.fetch_add(1,
                                                   std::memory_order_relaxed);
    engine_.sessions().Remove(session->id);
    live_.pop_front();
  }
}

void* ClientServer::ClientThread(void* arg) {
  auto* client = static_cast<Client*>(arg);
  ClientServer* const owner = client->owner;
  Session& session = client->connection->session();
  NameThread(absl::StrCat("client-", session.id));
  // Batch scheduling: a client that was just woken does not take the processor
  // from one that is serving a pipeline. It needs no privilege.
  sched_param none = {};
  pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
  const absl::Status why = client->connection->Run();
  VLOG(1) << "Client id=" << session.id << " addr=" << session.address
          << " ended: " << why.message();
  owner->engine_.sessions().Remove(session.id);
  absl::MutexLock lock(&owner->mu_);
  // The socket closes here, in its own thread; what is left is the thread to
  // join.
  client->connection.reset();
  owner->ended_.splice(owner->ended_.begin(), owner->live_, client->place);
  return nullptr;
}

void ClientServer::JoinEnded() {
  std::list<std::unique_ptr<Client>> ended;
  {
    absl::MutexLock lock(&mu_);
    ended.swap(ended_);
  }
  for (const auto& client : ended) pthread_join(client->thread, nullptr);
}

void ClientServer::Stop(absl::Duration patience) {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  {
    absl::MutexLock lock(&listen_mu_);
    closed_ = true;
    StopAccepting(&tcp_);
    StopAccepting(&unix_);
  }
  engine_.sessions().KillAll();
  engine_.pause().WakeAll();
  const auto all_ended = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return live_.empty();
  };
  {
    absl::MutexLock lock(&mu_);
    if (!mu_.AwaitWithTimeout(absl::Condition(&all_ended), patience)) {
      for (const auto& client : live_) {
        const CommandSpec* command =
            client->connection->session().last_command.load(
                std::memory_order_relaxed);
        LOG(WARNING) << "Client " << client->connection->session().address
                     << " is still executing "
                     << (command == nullptr ? "nothing" : command->full_name);
      }
    }
    mu_.Await(absl::Condition(&all_ended));
  }
  JoinEnded();
}

}  // namespace holdfast::server
