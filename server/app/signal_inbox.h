#ifndef HOLDFAST_SERVER_APP_SIGNAL_INBOX_H_
#define HOLDFAST_SERVER_APP_SIGNAL_INBOX_H_

#include <atomic>

#include "net/socket/socket.h"

namespace holdfast::server {

// What asks a server to end: signals, and the SHUTDOWN command, which has done
// all the rest already. One thread waits; any may ask. OnSignal() is
// async-signal-safe.
//
// A second SIGINT before the first was acted upon to its end insists: the last
// save is given up. The third signal of any kind, or one while the server is
// stopping, ends the process at once.
class SignalInbox {
 public:
  SignalInbox();  // CHECKs that there is a descriptor to have.
  SignalInbox(const SignalInbox&) = delete;
  SignalInbox& operator=(const SignalInbox&) = delete;

  void OnSignal(int number);
  // SHUTDOWN.
  void RequestEnd();

  // Sleeps until there is a signal, or an end was requested.
  void Wait();
  // The signal to be acted upon, or 0; it is withdrawn by that.
  int Take();
  bool end_requested() const {
    return end_requested_.load(std::memory_order_acquire);
  }
  // Whether there is reason to begin nothing long (loading).
  bool end_wanted() const {
    return end_requested() || pending_.load(std::memory_order_acquire) != 0;
  }
  bool insisted() const { return insisted_.load(std::memory_order_acquire); }

  // The signal was acted upon and the server goes on.
  void GoOn();
  // From now on a signal ends the process.
  void NoteStopping() { stopping_.store(true, std::memory_order_release); }

 private:
  void Ring();

  std::atomic<int> pending_{0};   // A signal's number.
  std::atomic<int> received_{0};  // Since the last GoOn().
  std::atomic<bool> insisted_{false};
  std::atomic<bool> end_requested_{false};
  std::atomic<bool> stopping_{false};
  net::Socket bell_;  // An eventfd.
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_APP_SIGNAL_INBOX_H_
