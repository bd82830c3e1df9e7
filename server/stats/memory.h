#ifndef HOLDFAST_SERVER_STATS_MEMORY_H_
#define HOLDFAST_SERVER_STATS_MEMORY_H_

#include <cstddef>
#include <string>

namespace holdfast::server {

// What the allocator says of the process: jemalloc's counters where it is
// linked (the server), glibc's elsewhere (tests under sanitizers). Takes
// microseconds.
struct MemoryUse {
  size_t allocated = 0;  // Bytes in use by the program.
  size_t active = 0;     // Pages with any of them.
  size_t resident = 0;   // What the allocator holds of real memory.
};
MemoryUse AllocatorUse();
const char* AllocatorName();
// Its own report for people, some kilobytes of it; slow.
std::string AllocatorReport();

// Resident set of the process and the machine's memory, in bytes; 0 if unknown.
size_t ResidentBytes();
size_t SystemMemoryBytes();

// Hands unused pages back to the kernel (MEMORY PURGE). False if that cannot
// be.
bool PurgeAllocator();

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_STATS_MEMORY_H_
