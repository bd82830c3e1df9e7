#include "net/dial/dialer.h"

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "net/dial/resolver.h"
#include "net/listen/listener.h"
#include "net/socket/stream.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"

namespace holdfast::net {
namespace {

using Addresses = std::vector<ResolvedAddress>;

// Fails a given number of times, then gives out the loopback.
class FlakyResolver {
 public:
  explicit FlakyResolver(int failures)
      : resolver_(
            [n = std::make_shared<int>(failures)](
                const std::string&, int port) -> absl::StatusOr<Addresses> {
              if ((*n)-- > 0) return absl::UnavailableError("flaky");
              return Addresses{*ParseLiteral("127.0.0.1", port)};
            }) {}
  Resolver* get() { return &resolver_; }

 private:
  Resolver resolver_;
};

std::unique_ptr<Listener> Listen() {
  TcpListenOptions options;
  options.bind = {"127.0.0.1"};
  auto l = Listener::Tcp(options);
  EXPECT_TRUE(l.ok());
  return *std::move(l);
}

DialerOptions Quick(Resolver* resolver) {
  DialerOptions options;
  options.dial.resolver = resolver;
  options.backoff.base = absl::Milliseconds(2);
  options.backoff.cap = absl::Milliseconds(8);
  options.uniform01 = [] { return 0.5; };
  return options;
}

TEST(DialerTest, TriesUntilConnected) {
  FlakyResolver flaky(5);
  auto l = Listen();
  DialerOptions options = Quick(flaky.get());
  std::vector<absl::Duration> pauses;
  options.on_failure = [&](int64_t attempt, const absl::Status& error,
                           absl::Duration pause) {
    EXPECT_TRUE(absl::IsUnavailable(error));
    pauses.push_back(pause);
    EXPECT_EQ(attempt, static_cast<int64_t>(pauses.size()));
  };
  Dialer dialer(options);
  auto s = dialer.Dial("x.example", l->port());
  ASSERT_TRUE(s.ok()) << s.status();
  EXPECT_EQ(pauses, (std::vector<absl::Duration>{
                        absl::Milliseconds(1), absl::Milliseconds(2),
                        absl::Milliseconds(4), absl::Milliseconds(4),
                        absl::Milliseconds(4)}));
}

TEST(DialerTest, ThePauseGrowsOverDialsUntilALinkHeld) {
  FlakyResolver flaky(1000);
  DialerOptions options = Quick(flaky.get());
  options.max_attempts = 1;
  std::vector<absl::Duration> pauses;
  Dialer dialer([&] {
    options.max_attempts = 2;
    options.on_failure = [&](int64_t, const absl::Status&, absl::Duration p) {
      pauses.push_back(p);
    };
    return options;
  }());
  EXPECT_FALSE(dialer.Dial("x.example", 1).ok());
  EXPECT_FALSE(dialer.Dial("x.example", 1).ok());
  EXPECT_FALSE(dialer.NoteHealthy(absl::Seconds(1)));
  EXPECT_FALSE(dialer.Dial("x.example", 1).ok());
  EXPECT_TRUE(dialer.NoteHealthy(absl::Seconds(10)));
  EXPECT_FALSE(dialer.Dial("x.example", 1).ok());
  EXPECT_EQ(pauses, (std::vector<absl::Duration>{
                        absl::Milliseconds(1), absl::Milliseconds(2),
                        absl::Milliseconds(4), absl::Milliseconds(1)}));
}

TEST(DialerTest, GivesUpAfterItsAttemptsAndSaysSo) {
  FlakyResolver flaky(1000);
  DialerOptions options = Quick(flaky.get());
  options.max_attempts = 3;
  Dialer dialer(options);
  const absl::Status s = dialer.Dial("x.example", 1).status();
  EXPECT_TRUE(absl::IsUnavailable(s));
  EXPECT_TRUE(absl::StrContains(s.message(), "3 attempts")) << s;
}

TEST(DialerTest, HoldsItsDeadline) {
  FlakyResolver flaky(1 << 30);
  Dialer dialer(Quick(flaky.get()));
  const MonoTime start = Clock::Real()->Now();
  const absl::Status s =
      dialer
          .Dial("x.example", 1,
                Deadline::After(Clock::Real(), absl::Milliseconds(40)))
          .status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(s)) << s;
  EXPECT_GE(Clock::Real()->Now() - start, absl::Milliseconds(40));
  EXPECT_LT(Clock::Real()->Now() - start, absl::Seconds(5));
}

TEST(DialerTest, WhatTimeDoesNotCureIsNotTriedAgain) {
  FlakyResolver flaky(0);
  Dialer dialer(Quick(flaky.get()));
  EXPECT_TRUE(absl::IsInvalidArgument(dialer.Dial("", 1).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(dialer.Dial("127.0.0.1", 0).status()));
}

TEST(DialerTest, StopEndsALongPauseAtOnce) {
  FlakyResolver flaky(1000);
  DialerOptions options = Quick(flaky.get());
  options.backoff.base = options.backoff.cap = absl::Hours(10);
  absl::Notification failed;
  options.on_failure = [&](int64_t, const absl::Status&, absl::Duration) {
    failed.Notify();
  };
  Dialer dialer(options);
  std::thread caller([&] {
    EXPECT_TRUE(absl::IsCancelled(dialer.Dial("x.example", 1).status()));
    EXPECT_FALSE(dialer.Pause());
  });
  failed.WaitForNotification();
  dialer.Stop();
  caller.join();
  EXPECT_TRUE(absl::IsCancelled(dialer.Dial("x.example", 1).status()));
}

TEST(DialerTest, StopEndsAStuckLookUpAtOnce) {
  auto go = std::make_shared<absl::Notification>();
  auto entered = std::make_shared<absl::Notification>();
  Resolver stuck(
      [go, entered](const std::string&, int) -> absl::StatusOr<Addresses> {
        entered->Notify();
        go->WaitForNotification();
        return absl::UnavailableError("late");
      });
  DialerOptions options = Quick(&stuck);
  options.dial.timeout = absl::Hours(1);
  Dialer dialer(options);
  std::thread caller([&] {
    EXPECT_TRUE(absl::IsCancelled(dialer.Dial("x.example", 1).status()));
  });
  entered->WaitForNotification();
  dialer.Stop();
  caller.join();
  go->Notify();
}

TEST(DialerTest, PauseReturnsWhenItIsOver) {
  FlakyResolver flaky(0);
  Dialer dialer(Quick(flaky.get()));
  EXPECT_TRUE(dialer.Pause());
}

}  // namespace
}  // namespace holdfast::net
