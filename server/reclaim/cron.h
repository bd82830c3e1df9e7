#ifndef HOLDFAST_SERVER_RECLAIM_CRON_H_
#define HOLDFAST_SERVER_RECLAIM_CRON_H_

#include <cstdint>
#include <thread>

#include "net/socket/stop_signal.h"
#include "server/engine/engine.h"
#include "server/reclaim/expiry_cycle.h"

namespace holdfast::server {

// The thread of periodic work: LRU clock, memory peak, rates of INFO stats, and
// the expiry cycle, `hz` times a second. Runs from construction to destruction.
class Cron {
 public:
  explicit Cron(Engine* engine);
  ~Cron();
  Cron(const Cron&) = delete;
  Cron& operator=(const Cron&) = delete;

 private:
  // Turns a counter into its growth a second, once a second or so.
  struct Rate {
    int64_t last = 0;
  };
  void Run();
  void SampleRates();

  Engine& engine_;
  ExpiryCycle expiry_;
  net::MonoTime sampled_;
  Rate commands_, input_, output_, repl_input_, repl_output_;
  net::StopSignal stop_;
  std::thread thread_;  // Last: it uses the others.
};

}  // namespace holdfast::server

#endif  // HOLDFAST_SERVER_RECLAIM_CRON_H_
