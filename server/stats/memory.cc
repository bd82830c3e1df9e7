#include "server/stats/memory.h"

#include <malloc.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>

// jemalloc(3). Weak: null where jemalloc is not linked in.
extern "C" int mallctl(const char* name, void* oldp, size_t* oldlenp,
                       void* newp, size_t newlen) __attribute__((weak));
extern "C" void malloc_stats_print(void (*write)(void* opaque,
                                                 const char* text),
                                   void* opaque, const char* options)
    __attribute__((weak));

namespace holdfast::server {
namespace {

size_t JemallocNumber(const char* name) {
  size_t value = 0;
  size_t length = sizeof(value);
  return mallctl(name, &value, &length, nullptr, 0) == 0 ? value : 0;
}

}  // namespace

MemoryUse AllocatorUse() {
  if (mallctl != nullptr) {
    uint64_t epoch = 1;
    size_t length = sizeof(epoch);
    mallctl("epoch", &epoch, &length, &epoch, sizeof(epoch));
    return {JemallocNumber("stats.allocated"), JemallocNumber("stats.active"),
            JemallocNumber("stats.resident")};
  }
  const struct mallinfo2 info = mallinfo2();
  const size_t used = info.uordblks + info.hblkhd;
  return {used, info.arena + info.hblkhd, info.arena + info.hblkhd};
}

const char* AllocatorName() { return mallctl != nullptr ? "jemalloc" : "libc"; }

std::string AllocatorReport() {
  if (malloc_stats_print == nullptr)
    return "Stats not supported for the current allocator";
  std::string report;
  malloc_stats_print(
      [](void* out, const char* text) {
        static_cast<std::string*>(out)->append(text);
      },
      &report, nullptr);
  return report;
}

size_t ResidentBytes() {
  FILE* file = fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long total = 0;
  unsigned long resident = 0;
  const int fields = fscanf(file, "%lu %lu", &total, &resident);
  fclose(file);
  return fields == 2 ? resident * static_cast<size_t>(sysconf(_SC_PAGESIZE))
                     : 0;
}

size_t SystemMemoryBytes() {
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page = sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0
             ? static_cast<size_t>(pages) * static_cast<size_t>(page)
             : 0;
}

bool PurgeAllocator() {
  if (mallctl == nullptr) return malloc_trim(0) == 1;
  // 4096 is MALLCTL_ARENAS_ALL.
  return mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0) == 0;
}

}  // namespace holdfast::server
