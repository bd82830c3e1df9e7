#ifndef HOLDFAST_NET_LISTEN_LISTENER_H_
#define HOLDFAST_NET_LISTEN_LISTENER_H_

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "net/socket/socket.h"
#include "net/socket/stop_signal.h"

namespace holdfast::net {

struct TcpListenOptions {
  // Redis's `bind` directive: IPv4 and IPv6 literals, "*" (all of IPv4),
  // "::*" (all of IPv6); a leading '-' marks one that may be unavailable on
  // this machine. At least one must succeed.
  std::vector<std::string> bind = {"*", "-::*"};
  int port = 0;  // 0 to 65535; 0: the kernel chooses one, the same for all.
  int backlog = 511;
};

struct UnixListenOptions {
  std::string path;  // At most 107 bytes.
  mode_t mode = 0;   // unixsocketperm; 0: as the umask has it.
  int backlog = 511;
};

// Listening sockets of one kind and the accept loop's only blocking call.
// One thread in Accept(); Shutdown() and the accessors from any.
class Listener {
 public:
  // Failures name the address: kFailedPrecondition (in use, unavailable),
  // kPermissionDenied, kInvalidArgument (a malformed address or port).
  static absl::StatusOr<std::unique_ptr<Listener>> Tcp(
      const TcpListenOptions& options);

  // A stale socket file at the path is removed; a file of another kind, or a
  // socket that somebody still listens on, is refused.
  static absl::StatusOr<std::unique_ptr<Listener>> Unix(
      const UnixListenOptions& options);

  // Stops, closes, and removes the socket file it made. REQUIRES: nobody is in
  // Accept().
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Waits for a connection. kCancelled after Shutdown(). Any other failure is
  // passing (EMFILE, a peer that left meanwhile): log it and call again, as
  // often as you like; after one that lack of resources caused, the next call
  // first waits kPauseAfterFailure, stoppable, so the loop cannot spin.
  absl::StatusOr<Socket> Accept();

  // Makes Accept() return kCancelled, now and for good, and refuses new
  // connections. Idempotent, does not block.
  void Shutdown();

  // TCP: the bound port. Unix: 0.
  int port() const { return port_; }
  // Where it listens, as in "127.0.0.1:6379"; unix: the path.
  const std::vector<std::string>& addresses() const { return addresses_; }

  static constexpr int kPauseAfterFailureMs = 100;

 private:
  Listener() = default;

  std::vector<Socket> sockets_;  // Fixed, as are the next three.
  std::vector<std::string> addresses_;
  std::string unlink_path_;  // Unix: what to remove at the end.
  dev_t unlink_device_ = 0;  // Only if it is still the same file.
  ino_t unlink_inode_ = 0;
  int port_ = 0;
  StopSignal stop_;
  size_t next_ = 0;           // Of the accepting thread: fairness.
  bool pause_first_ = false;  // Of the accepting thread.
};

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_LISTEN_LISTENER_H_
