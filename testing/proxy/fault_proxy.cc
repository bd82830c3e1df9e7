#include "testing/proxy/fault_proxy.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "net/dial/resolver.h"
#include "net/socket/errors.h"
#include "net/socket/socket.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"
#include "testing/proxy/proxy_engine.h"
#include "testing/support/port_reservation.h"

namespace holdfast::test {

using net::Deadline;

FaultProxy::FaultProxy() = default;

absl::StatusOr<std::unique_ptr<FaultProxy>> FaultProxy::Start(
    absl::string_view host, int port) {
  absl::StatusOr<net::ResolvedAddress> target = net::ParseLiteral(host, port);
  if (!target.ok()) return target.status();
  absl::StatusOr<PortReservation> reserved = PortReservation::Make();
  if (!reserved.ok()) return reserved.status();
  net::Socket wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return net::ErrnoStatus(errno, "eventfd");

  std::unique_ptr<FaultProxy> proxy(new FaultProxy);
  proxy->port_ = reserved->port();
  proxy->wake_ = std::move(wake);
  {
    absl::MutexLock lock(&proxy->mu_);
    proxy->settings_.target = *target;
  }
  proxy->engine_ =
      std::make_unique<ProxyEngine>(*std::move(reserved), proxy->wake_.fd());
  absl::Status listening = proxy->engine_->Listen();
  if (!listening.ok()) return listening;
  proxy->thread_ = std::thread([p = proxy.get()] { p->Run(); });
  return proxy;
}

FaultProxy::~FaultProxy() {
  if (!thread_.joinable()) return;
  {
    absl::MutexLock lock(&mu_);
    stop_ = true;
  }
  Wake();
  thread_.join();
}

void FaultProxy::Run() {
  for (;;) {
    ProxySettings settings;
    std::vector<ProxyOrder> orders;
    uint64_t asked = 0;
    {
      absl::MutexLock lock(&mu_);
      if (stop_) break;
      settings = settings_;
      orders.swap(orders_);
      asked = asked_;
    }
    engine_->TakeUp(settings, orders);
    {
      absl::MutexLock lock(&mu_);
      done_ = asked;
      stats_ = engine_->stats();
      changed_.SignalAll();
    }
    engine_->Step();
    absl::MutexLock lock(&mu_);
    stats_ = engine_->stats();
    changed_.SignalAll();
  }
  engine_.reset();  // Resets what is open, in this thread.
}

void FaultProxy::Wake() {
  const uint64_t one = 1;
  const ssize_t n = write(wake_.fd(), &one, sizeof one);
  // EAGAIN: the counter is full, so the thread has been woken.
  CHECK(n == sizeof one || errno == EAGAIN);
}

void FaultProxy::Apply(
    const std::function<void(ProxySettings*, std::vector<ProxyOrder>*)>&
        change) {
  absl::MutexLock lock(&mu_);
  change(&settings_, &orders_);
  const uint64_t mine = ++asked_;
  Wake();
  // The thread blocks on nothing but poll(2), which Wake() ends.
  changed_.WaitUntil(&mu_, Deadline::Never(), [this, mine] {
    mu_.AssertHeld();
    return done_ >= mine;
  });
}

void FaultProxy::SetTarget(absl::string_view host, int port) {
  absl::StatusOr<net::ResolvedAddress> target = net::ParseLiteral(host, port);
  CHECK(target.ok()) << target.status();
  Apply([&](ProxySettings* s, auto*) { s->target = *target; });
}

void FaultProxy::SetRule(Direction d, const FlowRule& rule) {
  Apply([&](ProxySettings* s, auto*) { s->rules[static_cast<int>(d)] = rule; });
}

FlowRule FaultProxy::rule(Direction d) const {
  absl::MutexLock lock(&mu_);
  return settings_.rules[static_cast<int>(d)];
}

void FaultProxy::CutNow(CutKind kind) {
  Apply([&](auto*, std::vector<ProxyOrder>* orders) {
    orders->push_back({.what = ProxyOrder::kCutNow, .cut = kind});
  });
}

void FaultProxy::CutAfter(Direction d, int64_t n, CutKind kind) {
  CHECK_GE(n, 0);
  Apply([&](auto*, std::vector<ProxyOrder>* orders) {
    orders->push_back({.what = ProxyOrder::kArmCut,
                       .direction = d,
                       .cut = kind,
                       .offset = n});
  });
}

void FaultProxy::DisarmCut(Direction d) {
  Apply([&](auto*, std::vector<ProxyOrder>* orders) {
    orders->push_back({.what = ProxyOrder::kDisarmCut, .direction = d});
  });
}

void FaultProxy::CorruptAt(Direction d, int64_t offset, uint8_t mask) {
  CHECK_GE(offset, 0);
  CHECK_NE(mask, 0);
  Apply([&](auto*, std::vector<ProxyOrder>* orders) {
    orders->push_back({.what = ProxyOrder::kArmCorruption,
                       .direction = d,
                       .offset = offset,
                       .mask = mask});
  });
}

void FaultProxy::HalfClose(Direction d) {
  Apply([&](auto*, std::vector<ProxyOrder>* orders) {
    orders->push_back({.what = ProxyOrder::kHalfClose, .direction = d});
  });
}

void FaultProxy::SetAcceptMode(AcceptMode mode) {
  Apply([&](ProxySettings* s, auto*) { s->accept = mode; });
}

void FaultProxy::Partition() {
  Apply([](ProxySettings* s, auto*) { s->partitioned = true; });
}

void FaultProxy::Heal() {
  Apply([](ProxySettings* s, std::vector<ProxyOrder>* orders) {
    const net::ResolvedAddress target = s->target;
    *s = ProxySettings{};
    s->target = target;
    orders->push_back({.what = ProxyOrder::kDisarmAll});
  });
}

ProxyStats FaultProxy::stats() const {
  absl::MutexLock lock(&mu_);
  return stats_;
}

bool FaultProxy::WaitFor(const std::function<bool(const ProxyStats&)>& done,
                         absl::Duration timeout) {
  absl::MutexLock lock(&mu_);
  return changed_.WaitUntil(&mu_, Deadline::After(net::Clock::Real(), timeout),
                            [this, &done] {
                              mu_.AssertHeld();
                              return done(stats_);
                            });
}

}  // namespace holdfast::test
