#include "server/app/limits.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <limits>

#include "absl/strings/str_cat.h"

namespace holdfast::server {
namespace {

int64_t NumberIn(const char* path) {
  FILE* file = fopen(path, "re");
  if (file == nullptr) return 0;
  long long number = 0;
  const int fields = fscanf(file, "%lld", &number);
  fclose(file);
  return fields == 1 && number > 0 ? number : 0;
}

int64_t Bounded(rlim_t value) {
  constexpr auto kMost =
      static_cast<rlim_t>(std::numeric_limits<int64_t>::max());
  return static_cast<int64_t>(std::min(value, kMost));
}

}  // namespace

SystemLimits ReadSystemLimits() {
  SystemLimits limits;
  rlimit limit = {};
  // Unknown is taken for the customary 1024.
  limits.open_files =
      getrlimit(RLIMIT_NOFILE, &limit) == 0 ? Bounded(limit.rlim_cur) : 1024;
  limits.pid_max = NumberIn("/proc/sys/kernel/pid_max");
  limits.threads_max = NumberIn("/proc/sys/kernel/threads-max");
  limits.max_map_count = NumberIn("/proc/sys/vm/max_map_count");
  if (geteuid() != 0 && getrlimit(RLIMIT_NPROC, &limit) == 0 &&
      limit.rlim_cur != RLIM_INFINITY) {
    limits.user_processes = Bounded(limit.rlim_cur);
  }
  return limits;
}

Capacity CapacityOf(const SystemLimits& limits) {
  Capacity capacity;
  capacity.clients = std::max<int64_t>(0, limits.open_files - kReservedFiles);
  capacity.tightest =
      absl::StrCat("open files (ulimit -n ", limits.open_files, ")");
  const auto bound = [&capacity](const char* name, int64_t value,
                                 int64_t clients) {
    if (value <= 0 || clients >= capacity.clients) return;
    capacity.clients = std::max<int64_t>(0, clients);
    capacity.tightest = absl::StrCat(name, " ", value);
  };
  bound("kernel.pid_max", limits.pid_max, limits.pid_max - kReservedThreads);
  bound("kernel.threads-max", limits.threads_max,
        limits.threads_max - kReservedThreads);
  bound("processes (ulimit -u)", limits.user_processes,
        limits.user_processes - kReservedThreads);
  bound("vm.max_map_count", limits.max_map_count,
        limits.max_map_count / 2 - kReservedThreads);
  return capacity;
}

int64_t RaiseOpenFilesFor(int64_t clients) {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024 - kReservedFiles;
  const int64_t have = Bounded(limit.rlim_cur);
  const int64_t want =
      std::min(clients, std::numeric_limits<int64_t>::max() - kReservedFiles) +
      kReservedFiles;
  if (have >= want) return clients;
  rlimit raised = limit;
  raised.rlim_cur = static_cast<rlim_t>(want);
  raised.rlim_max =
      std::max(limit.rlim_max, raised.rlim_cur);  // Allowed to root.
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return clients;
  raised.rlim_cur = raised.rlim_max = limit.rlim_max;
  if (Bounded(limit.rlim_max) > have &&
      setrlimit(RLIMIT_NOFILE, &raised) == 0) {
    return std::min(clients, Bounded(limit.rlim_max) - kReservedFiles);
  }
  return have - kReservedFiles;
}

}  // namespace holdfast::server
