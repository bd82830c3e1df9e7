#ifndef HOLDFAST_SERVER_CONNECTION_CLIENT_SERVER_H_
#define HOLDFAST_SERVER_CONNECTION_CLIENT_SERVER_H_

#include <pthread.h>

#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "net/listen/listener.h"
#include "net/socket/socket.h"
#include "server/connection/connection.h"
#include "server/engine/engine.h"

namespace holdfast::server {

// Listens, and gives every client that connects a thread of its own (stack
// 256 KiB). Owns these threads and joins them: ended ones when the next client
// comes, all in Stop(). maxclients and protected mode are checked on accept.
class ClientServer {
 public:
  explicit ClientServer(Engine* engine);
  ~ClientServer();
  ClientServer(const ClientServer&) = delete;
  ClientServer& operator=(const ClientServer&) = delete;

  // Binds what the configuration says (port, bind, unixsocket, ...) and starts
  // accepting. Errors name the address. Tests may let the kernel choose the port
  // (`port 0` in the configuration means no TCP at all).
  enum class PortChoice { kConfigured, kAny };
  absl::Status Start(PortChoice choice = PortChoice::kConfigured);

  // Refuses new clients, ends all connections and joins their threads. A client
  // in the middle of a command ends when that returns; after `patience` the
  // stragglers are logged by their command. Idempotent.
  void Stop(absl::Duration patience);

  int port() const { return port_; }

 private:
  struct Client {
    pthread_t thread;
    std::unique_ptr<Connection> connection;
    ClientServer* owner;
    std::list<std::unique_ptr<Client>>::iterator place;
  };

  void AcceptLoop(net::Listener* listener, bool unix_socket);
  void Welcome(net::Socket socket, bool unix_socket);
  // Why the peer may not connect, as an error reply; empty if it may.
  std::string Refusal(int fd) const;
  static void* ClientThread(void* client);
  void JoinEnded();

  Engine& engine_;
  int port_ = 0;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::vector<std::thread> acceptors_;

  absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::list<std::unique_ptr<Client>> live_ ABSL_GUARDED_BY(mu_);
  std::list<std::unique_ptr<Client>> ended_ ABSL_GUARDED_BY(mu_);  // Threads to be joined.
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_CONNECTION_CLIENT_SERVER_H_
