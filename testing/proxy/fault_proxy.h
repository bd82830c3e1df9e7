#ifndef HOLDFAST_TESTING_PROXY_FAULT_PROXY_H_
#define HOLDFAST_TESTING_PROXY_FAULT_PROXY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "net/socket/socket.h"
#include "net/time/mono_cond_var.h"
#include "testing/proxy/proxy_engine.h"
#include "testing/proxy/shaper.h"

namespace holdfast::test {

// A TCP proxy between a client (or replica) and a server that a test makes
// misbehave. Listens on a port of 127.0.0.1 of its own for its whole life and
// forwards to a target. A rule holds for every connection, present and future,
// until it is changed.
//
// All calls may come from any thread. A call that changes something returns
// when the proxy's one thread has taken it up: after Freeze() no further byte
// passes, after CutNow() the reset is sent. That takes milliseconds and blocks
// on no peer. The destructor resets what is open and joins the thread, in
// bounded time too.
//
// Offsets count the bytes that go out in a direction, over all connections,
// from the moment of the call; test with one connection where that matters.
class FaultProxy {
 public:
  // `host` is an IPv4 or IPv6 literal. Fails when no port can be had.
  static absl::StatusOr<std::unique_ptr<FaultProxy>> Start(
      absl::string_view host, int port);
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  int port() const { return port_; }
  // Where new connections go; existing ones stay. For a server that has moved.
  void SetTarget(absl::string_view host, int port);

  // --- How bytes travel. Each replaces the direction's rule. ---
  void SetRule(Direction d, const FlowRule& rule);
  FlowRule rule(Direction d) const;
  void Pass(Direction d) { SetRule(d, {}); }
  void Delay(Direction d, absl::Duration latency) {
    SetRule(d, {.delay = latency});
  }
  void Throttle(Direction d, int64_t bytes_per_second) {
    SetRule(d, {.bytes_per_second = bytes_per_second});
  }
  void Trickle(Direction d, absl::Duration interval) {
    SetRule(d, {.trickle = interval});
  }
  // Connections are taken and held, no byte is read or forwarded: the sender's
  // window fills up.
  void Freeze(Direction d) { SetRule(d, {.frozen = true}); }

  // --- Once. ---
  void CutNow(CutKind kind);
  // Ends the connection that carries it behind the `n`-th byte from now, which
  // the receiver still gets; with n = 0, the next one that has a byte to
  // carry. One is armed a direction; a later call replaces it. n >= 0.
  void CutAfter(Direction d, int64_t n, CutKind kind);
  void DisarmCut(Direction d);
  // Flips the bits of `mask` (not 0) in the byte at `offset` (0: the next).
  void CorruptAt(Direction d, int64_t offset, uint8_t mask = 0xff);
  // The receiver of `d` gets an end of stream after what is on its way; bytes
  // sent later are swallowed. The other direction goes on.
  void HalfClose(Direction d);

  // --- New connections. ---
  void SetAcceptMode(AcceptMode mode);

  // Nothing passes, either way, and connections are made by the kernel but not
  // taken, as if the network had gone; both ends keep their connections.
  void Partition();
  // Undoes everything: partition, rules, accept mode, what is armed. What was
  // held goes on its way; black holes stay what they are.
  void Heal();

  // As of the last turn of the loop: what a peer has seen already may be
  // counted a moment later, so wait for a count with WaitFor().
  ProxyStats stats() const;
  // Blocks until `done(stats)` is true; false on timeout. `done` is called
  // with a lock held and only computes.
  bool WaitFor(const std::function<bool(const ProxyStats&)>& done,
               absl::Duration timeout = absl::Seconds(10));

 private:
  FaultProxy();

  void Run();
  void Wake();
  // Makes `change` and waits until the thread has taken it up.
  void Apply(const std::function<void(ProxySettings*,
                                      std::vector<ProxyOrder>*)>& change)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Fixed after Start().
  int port_ = 0;
  net::Socket wake_;  // An eventfd.
  // Of the thread.
  std::unique_ptr<ProxyEngine> engine_;

  mutable absl::Mutex mu_;
  net::MonoCondVar changed_;
  ProxySettings settings_ ABSL_GUARDED_BY(mu_);
  std::vector<ProxyOrder> orders_ ABSL_GUARDED_BY(mu_);
  uint64_t asked_ ABSL_GUARDED_BY(mu_) = 0;  // Changes made ...
  uint64_t done_ ABSL_GUARDED_BY(mu_) = 0;   // ... and taken up.
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  ProxyStats stats_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace holdfast::test

#endif  // HOLDFAST_TESTING_PROXY_FAULT_PROXY_H_
