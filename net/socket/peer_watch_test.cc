#include "net/socket/peer_watch.h"

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"

namespace holdfast::net {
namespace {

class PeerWatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds_), 0);
  }
  void TearDown() override {
    close(fds_[0]);
    if (fds_[1] >= 0) close(fds_[1]);
  }
  void ClosePeer() {
    close(fds_[1]);
    fds_[1] = -1;
  }

  int fds_[2];
};

TEST_F(PeerWatchTest, TellsThatThePeerHasClosed) {
  PeerWatch watch;
  absl::Notification gone;
  const uint64_t id = watch.Watch(fds_[0], [&] { gone.Notify(); });
  ASSERT_NE(id, 0u);
  ClosePeer();
  gone.WaitForNotification();
  watch.Unwatch(id);
}

TEST_F(PeerWatchTest, TellsThatItHasClosedBefore) {
  PeerWatch watch;
  ClosePeer();
  absl::Notification gone;
  const uint64_t id = watch.Watch(fds_[0], [&] { gone.Notify(); });
  gone.WaitForNotification();
  watch.Unwatch(id);
}

TEST_F(PeerWatchTest, AHalfCloseIsAnEndToo) {
  PeerWatch watch;
  absl::Notification gone;
  const uint64_t id = watch.Watch(fds_[0], [&] { gone.Notify(); });
  shutdown(fds_[1], SHUT_WR);
  gone.WaitForNotification();
  watch.Unwatch(id);
}

TEST_F(PeerWatchTest, BytesAreNoEndAndUnwatchedMeansNotCalled) {
  PeerWatch watch;
  std::atomic<int> calls{0};
  const uint64_t id = watch.Watch(fds_[0], [&] { ++calls; });
  ASSERT_EQ(send(fds_[1], "x", 1, 0), 1);
  // A second connection's end comes after that byte.
  int other[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, other), 0);
  absl::Notification gone;
  const uint64_t other_id = watch.Watch(other[0], [&] { gone.Notify(); });
  close(other[1]);
  gone.WaitForNotification();
  watch.Unwatch(other_id);
  close(other[0]);
  EXPECT_EQ(calls, 0);
  watch.Unwatch(id);
  ClosePeer();
  EXPECT_EQ(calls, 0);
}

TEST_F(PeerWatchTest, RefusesWhatIsNoConnection) {
  PeerWatch watch;
  EXPECT_EQ(watch.Watch(-1, [] {}), 0u);
  watch.Unwatch(0);
  watch.Unwatch(12345);
}

TEST_F(PeerWatchTest, OneDescriptorAgainAndAgain) {
  PeerWatch watch;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t id = watch.Watch(fds_[0], [] {});
    ASSERT_NE(id, 0u);
    watch.Unwatch(id);
  }
}

}  // namespace
}  // namespace holdfast::net
