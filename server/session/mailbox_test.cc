#include "server/session/mailbox.h"

#include <poll.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace holdfast::server {
namespace {

constexpr Mailbox::Limit kNoLimit;

std::unique_ptr<Mailbox> NewBox() {
  auto box = Mailbox::Create();
  EXPECT_TRUE(box.ok()) << box.status();
  return *std::move(box);
}

bool Readable(const Mailbox& box) {
  pollfd p = {box.fd(), POLLIN, 0};
  return poll(&p, 1, 0) == 1;
}

net::MonoTime At(absl::Duration d) { return net::MonoTime() + d; }

TEST(MailboxTest, GivesWhatWasPostedInOrderAndRingsWhileThereIsMail) {
  const auto box = NewBox();
  EXPECT_FALSE(box->HasMail());
  EXPECT_FALSE(Readable(*box));
  EXPECT_TRUE(box->Post("one", 0, kNoLimit, At(absl::ZeroDuration())));
  EXPECT_TRUE(box->Post("two", 0, kNoLimit, At(absl::ZeroDuration())));
  EXPECT_TRUE(box->HasMail());
  EXPECT_TRUE(Readable(*box));
  EXPECT_EQ(box->bytes(), 6u);
  std::string out = "zero";
  box->Take(&out);
  EXPECT_EQ(out, "zeroonetwo");
  EXPECT_FALSE(box->HasMail());
  EXPECT_FALSE(Readable(*box));
  box->Take(&out);
  EXPECT_EQ(out, "zeroonetwo");
  EXPECT_TRUE(box->Post("three", 0, kNoLimit, At(absl::ZeroDuration())));
  EXPECT_TRUE(Readable(*box));
  out.clear();
  box->Take(&out);
  EXPECT_EQ(out, "three");
}

TEST(MailboxTest, TakesNothingMoreOnceBeyondItsHardLimit) {
  const auto box = NewBox();
  const Mailbox::Limit limit{
      .hard_bytes = 10, .soft_bytes = 0, .soft_time = absl::ZeroDuration()};
  EXPECT_TRUE(box->Post("12345", 5, limit, At(absl::ZeroDuration())));
  EXPECT_FALSE(box->Post("6", 5, limit, At(absl::ZeroDuration())));
  EXPECT_FALSE(box->HasMail());
  EXPECT_TRUE(box->closed());
  EXPECT_TRUE(Readable(*box));
  EXPECT_EQ(box->bytes(), 0u);
  EXPECT_FALSE(box->Post("", 0, kNoLimit, At(absl::ZeroDuration())));
}

TEST(MailboxTest, BearsTheSoftLimitForItsTimeOnly) {
  const auto box = NewBox();
  const Mailbox::Limit limit{
      .hard_bytes = 100, .soft_bytes = 4, .soft_time = absl::Seconds(10)};
  EXPECT_TRUE(box->Post("12345", 0, limit, At(absl::Seconds(1))));
  EXPECT_TRUE(box->Post("6", 0, limit, At(absl::Seconds(11))));
  std::string out;
  box->Take(&out);
  // Below it in between: the time starts anew.
  EXPECT_TRUE(box->Post("1", 0, limit, At(absl::Seconds(12))));
  EXPECT_TRUE(box->Post("2345", 0, limit, At(absl::Seconds(13))));
  EXPECT_TRUE(box->Post("6", 0, limit, At(absl::Seconds(23))));
  EXPECT_FALSE(box->Post("7", 0, limit, At(absl::Seconds(24))));
}

TEST(MailboxTest, LosesNothingBetweenThreads) {
  const auto box = NewBox();
  constexpr int kThreads = 4, kEach = 2000;
  std::vector<std::thread> posters;
  for (int t = 0; t < kThreads; ++t) {
    posters.emplace_back([&box, t] {
      const std::string value(1, static_cast<char>('a' + t));
      for (int i = 0; i < kEach; ++i)
        box->Post(value, 0, kNoLimit, net::MonoTime());
    });
  }
  std::string all;
  while (all.size() < kThreads * kEach) {
    pollfd p = {box->fd(), POLLIN, 0};
    ASSERT_EQ(poll(&p, 1, 20000), 1);
    box->Take(&all);
  }
  for (std::thread& poster : posters) poster.join();
  EXPECT_FALSE(box->HasMail());
  EXPECT_FALSE(Readable(*box));
  for (int t = 0; t < kThreads; ++t)
    EXPECT_EQ(std::count(all.begin(), all.end(), 'a' + t), kEach);
}

}  // namespace
}  // namespace holdfast::server
