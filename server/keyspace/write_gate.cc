#include "server/keyspace/write_gate.h"

#include <atomic>

namespace holdfast::server {

size_t WriteGate::StripeOfThread() {
  static std::atomic<size_t> next_thread{0};
  thread_local const size_t stripe = next_thread.fetch_add(1, std::memory_order_relaxed) % kStripes;
  return stripe;
}

}  // namespace holdfast::server
