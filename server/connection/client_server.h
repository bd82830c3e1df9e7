#ifndef HOLDFAST_SERVER_CONNECTION_CLIENT_SERVER_H_
#define HOLDFAST_SERVER_CONNECTION_CLIENT_SERVER_H_

#include <pthread.h>

#include <atomic>
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
#include "server/connection/turns.h"
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
  // accepting. Errors name the address. Tests may let the kernel choose the
  // port
  // (`port 0` in the configuration means no TCP at all).
  enum class PortChoice { kConfigured, kAny };
  absl::Status Start(PortChoice choice = PortChoice::kConfigured);

  // Listens on the `port` and `bind` that the configuration has now; clients
  // that are connected stay. A new port is taken before the old one is let go;
  // with another `bind` on the same port there is a moment without any, and
  // none at all after an error, until the next call. Joins an acceptor thread.
  absl::Status Relisten() ABSL_LOCKS_EXCLUDED(listen_mu_);

  // Refuses new clients, ends all connections and joins their threads. A client
  // in the middle of a command ends when that returns; after `patience` the
  // stragglers are logged by their command. Idempotent.
  void Stop(absl::Duration patience);

  int port() const { return port_.load(std::memory_order_relaxed); }

 private:
  struct Acceptor {
    std::unique_ptr<net::Listener> listener;
    std::thread thread;
  };
  struct Client {
    pthread_t thread;
    std::unique_ptr<Connection> connection;
    ClientServer* owner;
    std::list<std::unique_ptr<Client>>::iterator place;
  };

  absl::Status ListenTcp(int port) ABSL_EXCLUSIVE_LOCKS_REQUIRED(listen_mu_);
  void StartAccepting(Acceptor* acceptor, bool unix_socket);
  static void StopAccepting(Acceptor* acceptor);
  void AcceptLoop(net::Listener* listener, bool unix_socket);
  void Welcome(net::Socket socket, bool unix_socket);
  // Why the peer may not connect, as an error reply; empty if it may.
  std::string Refusal(int fd) const;
  static void* ClientThread(void* client);
  void JoinEnded();

  Engine& engine_;
  Turns turns_;
  std::atomic<int> port_{0};

  // Held while acceptors are started and joined; they never take it. Before
  // mu_.
  absl::Mutex listen_mu_;
  bool closed_ ABSL_GUARDED_BY(listen_mu_) = false;
  PortChoice choice_ ABSL_GUARDED_BY(listen_mu_) = PortChoice::kConfigured;
  int first_configured_port_ ABSL_GUARDED_BY(listen_mu_) =
      0;  // Stands for any, with kAny.
  std::vector<std::string> bound_ ABSL_GUARDED_BY(listen_mu_);
  Acceptor tcp_ ABSL_GUARDED_BY(listen_mu_);
  Acceptor unix_ ABSL_GUARDED_BY(listen_mu_);

  absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::list<std::unique_ptr<Client>> live_ ABSL_GUARDED_BY(mu_);
  std::list<std::unique_ptr<Client>> ended_
      ABSL_GUARDED_BY(mu_);  // Threads to be joined.
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_CONNECTION_CLIENT_SERVER_H_
