#ifndef HOLDFAST_SERVER_COMMANDS_INFO_SECTIONS_H_
#define HOLDFAST_SERVER_COMMANDS_INFO_SECTIONS_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/engine/engine.h"

// The writers of INFO's sections, for the registry in info.cc, and what they
// share.
namespace holdfast::server {

void InfoServer(Engine& engine, std::string* out);
void InfoClients(Engine& engine, std::string* out);
void InfoMemory(Engine& engine, std::string* out);
void InfoPersistence(Engine& engine, std::string* out);
void InfoStats(Engine& engine, std::string* out);
void InfoReplication(Engine& engine, std::string* out);
void InfoCpu(Engine& engine, std::string* out);
void InfoModules(Engine& engine, std::string* out);
void InfoCommandStats(Engine& engine, std::string* out);
void InfoErrorStats(Engine& engine, std::string* out);
void InfoLatencyStats(Engine& engine, std::string* out);
void InfoCluster(Engine& engine, std::string* out);
void InfoKeyspace(Engine& engine, std::string* out);

// "name:value\r\n".
template <typename T>
void InfoField(std::string* out, absl::string_view name, const T& value) {
  absl::StrAppend(out, name, ":", value, "\r\n");
}
// With so many digits after the point.
void InfoFixed(std::string* out, absl::string_view name, double value,
               int digits, absl::string_view unit = {});

// "2.00M" as Redis writes sizes for people.
std::string HumanBytes(uint64_t bytes);

// Where memory goes, for INFO memory and MEMORY STATS.
struct MemoryReport {
  uint64_t used = 0;  // By the allocator's count.
  uint64_t peak = 0;
  uint64_t startup = 0;
  uint64_t backlog = 0;   // The command log's window.
  uint64_t replicas = 0;  // What it holds beyond that for replicas.
  uint64_t clients = 0;   // Their buffers.
  uint64_t overhead = 0;  // All of startup, backlog, replicas and clients.
  uint64_t dataset = 0;   // The rest.
  double dataset_percent = 0;
  double peak_percent = 0;
  uint64_t allocated = 0, active = 0, resident = 0;
  uint64_t process_resident = 0;
};
MemoryReport MeasureMemory(Engine& engine);

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_COMMANDS_INFO_SECTIONS_H_
