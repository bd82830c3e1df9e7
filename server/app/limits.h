#ifndef HOLDFAST_SERVER_APP_LIMITS_H_
#define HOLDFAST_SERVER_APP_LIMITS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::server {

// What the system lets this process have: a client takes a file descriptor, a
// thread, and with its stack two memory mappings (proc(5), getrlimit(2)).
struct SystemLimits {
  int64_t open_files = 0;  // The soft RLIMIT_NOFILE.
  // 0: unknown, which limits nothing.
  int64_t pid_max = 0;        // /proc/sys/kernel/pid_max
  int64_t threads_max = 0;    // /proc/sys/kernel/threads-max
  int64_t max_map_count = 0;  // /proc/sys/vm/max_map_count
  int64_t user_processes =
      0;  // RLIMIT_NPROC, 0 for root, whom it does not bind.
};
SystemLimits ReadSystemLimits();

// Kept for listeners, files, replication links and their threads.
inline constexpr int64_t kReservedFiles = 32;
inline constexpr int64_t kReservedThreads = 64;

// How many clients limits allow, and which one is the tightest, in words.
struct Capacity {
  int64_t clients = 0;
  std::string tightest;
};
Capacity CapacityOf(const SystemLimits& limits);

// Raises the soft limit of open files for so many clients, up to the hard one,
// and beyond it where that is allowed. Returns for how many clients it is now
// enough; less than asked for, or not even one (<= 0), if it could not be
// raised.
int64_t RaiseOpenFilesFor(int64_t clients);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_APP_LIMITS_H_
