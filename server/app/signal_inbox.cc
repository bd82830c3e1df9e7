#include "server/app/signal_inbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>

#include "glog/logging.h"

namespace holdfast::server {
namespace {

constexpr int kPatience = 2;  // Signals that are taken with composure.

}  // namespace

SignalInbox::SignalInbox() : bell_(eventfd(0, EFD_CLOEXEC)) {
  PCHECK(bell_.valid()) << "eventfd";
}

void SignalInbox::OnSignal(int number) {
  const int before = received_.fetch_add(1, std::memory_order_acq_rel);
  if (before >= kPatience || stopping_.load(std::memory_order_acquire))
    _exit(128 + number);
  if (before > 0 && number == SIGINT)
    insisted_.store(true, std::memory_order_release);
  pending_.store(number, std::memory_order_release);
  Ring();
}

void SignalInbox::RequestEnd() {
  end_requested_.store(true, std::memory_order_release);
  Ring();
}

void SignalInbox::Ring() {
  const uint64_t one = 1;
  // It could only fail with the counter full, and then there is a sound.
  [[maybe_unused]] const ssize_t n = write(bell_.fd(), &one, sizeof(one));
}

void SignalInbox::Wait() {
  uint64_t rung = 0;
  while (!end_wanted()) {
    // EINTR: a handler has run, on this very thread perhaps.
    [[maybe_unused]] const ssize_t n = read(bell_.fd(), &rung, sizeof(rung));
  }
}

int SignalInbox::Take() {
  return pending_.exchange(0, std::memory_order_acq_rel);
}

void SignalInbox::GoOn() {
  received_.store(pending_.load(std::memory_order_acquire) != 0 ? 1 : 0,
                  std::memory_order_release);
  insisted_.store(false, std::memory_order_release);
}

}  // namespace holdfast::server
