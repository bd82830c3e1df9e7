#ifndef HOLDFAST_SERVER_SESSION_MAILBOX_H_
#define HOLDFAST_SERVER_SESSION_MAILBOX_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "net/socket/socket.h"
#include "net/time/clock.h"

namespace holdfast::server {

// What other threads have for a client: messages of channels that it is
// subscribed to. They put whole RESP values in, at any time, and never wait;
// only the client's own thread takes them out and writes to its socket. It
// learns of them through a descriptor (an eventfd) that it polls beside the
// socket.
//
// Thread-safe; the lock is a leaf. Bounded by what Post() is given.
class Mailbox {
 public:
  // How much a client may have waiting (client-output-buffer-limit); 0: no
  // bound.
  struct Limit {
    size_t hard_bytes = 0;
    size_t soft_bytes = 0;
    absl::Duration soft_time;
  };

  // kResourceExhausted when the process has no descriptor left.
  static absl::StatusOr<std::unique_ptr<Mailbox>> Create();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // Adds a value. `unsent`: bytes that the client's thread has taken and not
  // sent yet, which count as well. False when the client is beyond its limit,
  // with this value or for too long: from then on the box is closed, for the
  // client's thread to see, takes nothing and is empty.
  bool Post(absl::string_view value, size_t unsent, const Limit& limit,
            net::MonoTime now);

  // For the client's own thread. The descriptor is readable while there is
  // something to take, and once the box is closed.
  int fd() const { return event_.fd(); }
  bool HasMail() const { return bytes_.load(std::memory_order_acquire) != 0; }
  // The client is to be closed.
  bool closed() const { return closed_.load(std::memory_order_acquire); }
  // Appends all to `out`.
  void Take(std::string* out);

  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  void Ring();

  explicit Mailbox(net::Socket event) : event_(std::move(event)) {}

  const net::Socket event_;       // An eventfd, 1 while values_ is not empty.
  std::atomic<size_t> bytes_{0};  // Of values_.
  std::atomic<bool> closed_{false};
  absl::Mutex mu_;
  std::string values_ ABSL_GUARDED_BY(mu_);
  // Since when the client has had more than the soft limit.
  net::MonoTime over_since_ ABSL_GUARDED_BY(mu_);
  bool over_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_SESSION_MAILBOX_H_
