#include "server/app/signal_inbox.h"

#include <csignal>

#include "gtest/gtest.h"

namespace holdfast::server {
namespace {

TEST(SignalInboxTest, ASignalIsTakenOnce) {
  SignalInbox inbox;
  EXPECT_FALSE(inbox.end_wanted());
  inbox.OnSignal(SIGTERM);
  EXPECT_TRUE(inbox.end_wanted());
  inbox.Wait();
  EXPECT_EQ(inbox.Take(), SIGTERM);
  EXPECT_EQ(inbox.Take(), 0);
  EXPECT_FALSE(inbox.insisted());
}

TEST(SignalInboxTest, ASecondInterruptInsistsAndASecondTermDoesNot) {
  SignalInbox inbox;
  inbox.OnSignal(SIGINT);
  inbox.OnSignal(SIGTERM);
  EXPECT_FALSE(inbox.insisted());
  SignalInbox other;
  other.OnSignal(SIGINT);
  EXPECT_EQ(other.Take(), SIGINT);
  other.OnSignal(SIGINT);
  EXPECT_TRUE(other.insisted());
}

TEST(SignalInboxTest, AfterAShutdownThatFailedItBeginsAnew) {
  SignalInbox inbox;
  inbox.OnSignal(SIGINT);
  inbox.Take();
  inbox.GoOn();
  inbox.OnSignal(SIGINT);
  EXPECT_FALSE(inbox.insisted());
  EXPECT_EQ(inbox.Take(), SIGINT);
}

TEST(SignalInboxTest, ARequestWakesAndStays) {
  SignalInbox inbox;
  inbox.RequestEnd();
  inbox.Wait();
  EXPECT_TRUE(inbox.end_requested());
  EXPECT_TRUE(inbox.end_wanted());
  EXPECT_EQ(inbox.Take(), 0);
}

TEST(SignalInboxDeathTest, SignalsWhileStoppingOrTooManyEndTheProcess) {
  EXPECT_EXIT(
      {
        SignalInbox inbox;
        inbox.NoteStopping();
        inbox.OnSignal(SIGTERM);
      },
      testing::ExitedWithCode(128 + SIGTERM), "");
  EXPECT_EXIT(
      {
        SignalInbox inbox;
        for (int i = 0; i < 3; ++i) inbox.OnSignal(SIGTERM);
      },
      testing::ExitedWithCode(128 + SIGTERM), "");
}

}  // namespace
}  // namespace holdfast::server
