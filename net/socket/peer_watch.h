#ifndef HOLDFAST_NET_SOCKET_PEER_WATCH_H_
#define HOLDFAST_NET_SOCKET_PEER_WATCH_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

namespace holdfast::net {

// Notices that the peers of connections go away while their threads wait for
// something else (BLPOP): one thread with one epoll(7) for all of them. Bytes
// that arrive meanwhile are no event, only the end of the peer's stream, and an
// error.
//
// Thread-safe. The first Watch() starts the thread, the destructor ends it.
class PeerWatch {
 public:
  PeerWatch() = default;
  ~PeerWatch();
  PeerWatch(const PeerWatch&) = delete;
  PeerWatch& operator=(const PeerWatch&) = delete;

  // Calls `gone` at most once, from the thread of this object, when the peer of
  // `fd` has ended the connection, or has done so already. It must not block
  // and may not call Watch() or Unwatch(). Returns what Unwatch() wants; 0, and
  // nothing is watched, if the kernel refuses (out of memory, bad descriptor).
  uint64_t Watch(int fd, std::function<void()> gone);
  // After this `gone` is not called any more. The descriptor must still be
  // open.
  void Unwatch(uint64_t id);

 private:
  struct Watched {
    int fd;
    std::function<void()> gone;
  };

  bool Start() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Run();

  absl::Mutex mu_;
  uint64_t last_id_ ABSL_GUARDED_BY(mu_) = 0;
  absl::flat_hash_map<uint64_t, Watched> watched_ ABSL_GUARDED_BY(mu_);
  bool started_ ABSL_GUARDED_BY(mu_) = false;
  int epoll_fd_ = -1;  // Set once, before the thread starts, as the next.
  int stop_fd_ = -1;   // An eventfd(2).
  std::thread thread_;
};

}  // namespace holdfast::net

#endif  // HOLDFAST_NET_SOCKET_PEER_WATCH_H_
