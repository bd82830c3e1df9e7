#include "net/dial/resolver.h"

#include <sys/socket.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "net/socket/stop_signal.h"
#include "net/time/clock.h"
#include "net/time/deadline.h"

namespace holdfast::net {
namespace {

Deadline In(absl::Duration d) { return Deadline::After(Clock::Real(), d); }
Deadline Late() { return In(absl::Seconds(60)); }

absl::StatusOr<std::vector<ResolvedAddress>> NeverCalled(const std::string& h,
                                                         int) {
  ADD_FAILURE() << "looked up " << h;
  return absl::InternalError("");
}

// A name server that does not answer until it is let go.
class StuckServer {
 public:
  Resolver::LookupFn fn() {
    return
        [go = go_](const std::string&,
                   int port) -> absl::StatusOr<std::vector<ResolvedAddress>> {
          go->WaitForNotification();
          return std::vector<ResolvedAddress>{*ParseLiteral("127.0.0.1", port)};
        };
  }
  void LetGo() { go_->Notify(); }

 private:
  std::shared_ptr<absl::Notification> go_ =
      std::make_shared<absl::Notification>();
};

TEST(ResolverTest, LiteralsAreNotLookedUp) {
  Resolver resolver(NeverCalled);
  auto v4 = resolver.Resolve("127.0.0.1", 80, Late(), nullptr);
  ASSERT_TRUE(v4.ok());
  EXPECT_EQ((*v4)[0].addr()->sa_family, AF_INET);
  auto v6 = resolver.Resolve("::1", 80, Late(), nullptr);
  ASSERT_TRUE(v6.ok());
  EXPECT_EQ((*v6)[0].addr()->sa_family, AF_INET6);
}

TEST(ResolverTest, NonsenseIsRefusedWithoutALookUp) {
  Resolver resolver(NeverCalled);
  for (absl::string_view host :
       {absl::string_view(), absl::string_view("a\0b", 3)}) {
    EXPECT_TRUE(absl::IsInvalidArgument(
        resolver.Resolve(host, 80, Late(), nullptr).status()));
  }
  EXPECT_TRUE(absl::IsInvalidArgument(
      resolver.Resolve(std::string(254, 'a'), 80, Late(), nullptr).status()));
  for (int port : {-1, 0, 65536}) {
    EXPECT_TRUE(absl::IsInvalidArgument(
        resolver.Resolve("127.0.0.1", port, Late(), nullptr).status()));
  }
}

TEST(ResolverTest, ResolvesLocalhost) {
  auto found = Resolver::Default()->Resolve("localhost", 80, Late(), nullptr);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_FALSE(found->empty());
}

TEST(ResolverTest, AStuckLookUpDoesNotOutlastTheDeadline) {
  StuckServer server;
  Resolver resolver(server.fn());
  const MonoTime start = Clock::Real()->Now();
  EXPECT_TRUE(absl::IsDeadlineExceeded(
      resolver.Resolve("x.example", 80, In(absl::Milliseconds(30)), nullptr)
          .status()));
  const absl::Duration took = Clock::Real()->Now() - start;
  EXPECT_GE(took, absl::Milliseconds(30));
  EXPECT_LT(took, absl::Seconds(5));
  server.LetGo();
}

TEST(ResolverTest, StopEndsTheWaitAtOnce) {
  StuckServer server;
  Resolver resolver(server.fn());
  StopSignal stop;
  std::thread caller([&] {
    EXPECT_TRUE(absl::IsCancelled(
        resolver.Resolve("x.example", 80, Deadline::Never(), &stop).status()));
  });
  stop.Stop();
  caller.join();
  EXPECT_TRUE(absl::IsCancelled(
      resolver.Resolve("127.0.0.1", 80, Late(), &stop).status()));
  server.LetGo();
}

TEST(ResolverTest, LookUpsLeftBehindAreBounded) {
  StuckServer server;
  auto resolver = std::make_unique<Resolver>(server.fn());
  const Deadline expired = In(-absl::Seconds(1));
  for (int i = 0; i < Resolver::kMaxInFlight; ++i) {
    EXPECT_TRUE(absl::IsDeadlineExceeded(
        resolver->Resolve("x.example", 80, expired, nullptr).status()));
  }
  EXPECT_TRUE(absl::IsResourceExhausted(
      resolver->Resolve("x.example", 80, Late(), nullptr).status()));
  EXPECT_TRUE(resolver->Resolve("127.0.0.1", 80, Late(), nullptr).ok());
  server.LetGo();
  // As they end, new ones may begin.
  absl::Status status = absl::ResourceExhaustedError("");
  while (absl::IsResourceExhausted(status)) {
    std::this_thread::yield();
    status = resolver->Resolve("x.example", 80, Late(), nullptr).status();
  }
  EXPECT_TRUE(status.ok()) << status;
}

TEST(ResolverTest, MayBeGoneBeforeItsLookUps) {
  StuckServer server;
  {
    Resolver resolver(server.fn());
    EXPECT_FALSE(
        resolver.Resolve("x.example", 80, In(-absl::Seconds(1)), nullptr).ok());
  }
  server.LetGo();
}

TEST(ResolverTest, FailuresAndEmptyAnswersAreStatuses) {
  Resolver failing([](const std::string&,
                      int) -> absl::StatusOr<std::vector<ResolvedAddress>> {
    return absl::UnavailableError("no name server");
  });
  EXPECT_TRUE(absl::IsUnavailable(
      failing.Resolve("x.example", 80, Late(), nullptr).status()));
  Resolver empty([](const std::string&,
                    int) -> absl::StatusOr<std::vector<ResolvedAddress>> {
    return std::vector<ResolvedAddress>();
  });
  EXPECT_TRUE(absl::IsNotFound(
      empty.Resolve("x.example", 80, Late(), nullptr).status()));
}

}  // namespace
}  // namespace holdfast::net
