// Nanoseconds a command of the parser alone:
//   bazel run -c opt //net/resp:request_decoder_benchmark
// The target is under 60 ns for a pipelined SET or GET of small arguments.

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "benchmark/benchmark.h"
#include "net/resp/input_buffer.h"
#include "net/resp/reply_writer.h"
#include "net/resp/request_decoder.h"

namespace holdfast::net {
namespace {

// Feeds `pipeline` commands at a time, as one recv() would bring them.
void Run(benchmark::State& state, const std::string& command, int pipeline) {
  std::string wire;
  for (int i = 0; i < pipeline; ++i) wire += command;
  InputBuffer buf;
  RequestDecoder decoder;
  int64_t commands = 0;
  for (auto _ : state) {
    buf.Append(wire);
    while (decoder.Next(&buf) == RequestDecoder::Result::kCommand) {
      benchmark::DoNotOptimize(decoder.args().data());
      ++commands;
    }
  }
  state.SetItemsProcessed(commands);
  state.counters["ns_per_command"] = benchmark::Counter(
      static_cast<double>(commands) * 1e-9,
      benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void BM_Get(benchmark::State& state) {
  Run(state, EncodeCommand({"GET", "key:000000012345"}),
      static_cast<int>(state.range(0)));
}
BENCHMARK(BM_Get)->Arg(1)->Arg(16)->Arg(200);

void BM_Set(benchmark::State& state) {
  Run(state, EncodeCommand({"SET", "key:000000012345", "xxx"}),
      static_cast<int>(state.range(0)));
}
BENCHMARK(BM_Set)->Arg(1)->Arg(16)->Arg(200);

void BM_Inline(benchmark::State& state) { Run(state, "PING\r\n", 16); }
BENCHMARK(BM_Inline);

void BM_Mset100(benchmark::State& state) {
  std::string wire = "*201\r\n$4\r\nMSET\r\n";
  for (int i = 0; i < 100; ++i) {
    absl::StrAppend(&wire, "$7\r\nkey:", 100 + i, "\r\n$10\r\n0123456789\r\n");
  }
  Run(state, wire, 4);
}
BENCHMARK(BM_Mset100);

void BM_Set64K(benchmark::State& state) {
  Run(state, EncodeCommand({"SET", "k", std::string(65536, 'x')}), 1);
}
BENCHMARK(BM_Set64K);

}  // namespace
}  // namespace holdfast::net
