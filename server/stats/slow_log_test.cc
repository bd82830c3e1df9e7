#include "server/stats/slow_log.h"

#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace holdfast::server {
namespace {

SlowLog::Entry Took(int64_t micros) {
  SlowLog::Entry entry;
  entry.micros = micros;
  return entry;
}

TEST(SlowLogTest, LatestComesFirstAndIdsCountUp) {
  SlowLog log;
  for (int i = 0; i < 3; ++i) log.Add({"get", "k"}, Took(i), 10);
  const auto entries = log.Latest(-1);
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0]->id, 2);
  EXPECT_EQ(entries[0]->micros, 2);
  EXPECT_EQ(entries[2]->id, 0);
  EXPECT_EQ(log.Latest(2).size(), 2u);
  EXPECT_EQ(log.Latest(0).size(), 0u);
  EXPECT_EQ(log.Latest(1000).size(), 3u);
}

TEST(SlowLogTest, KeepsNoMoreThanTheLimitAndNothingWhenItIsZero) {
  SlowLog log;
  for (int i = 0; i < 10; ++i) log.Add({"get"}, Took(i), 4);
  EXPECT_EQ(log.size(), 4u);
  EXPECT_EQ(log.Latest(-1).back()->micros, 6);
  log.Trim(1);
  EXPECT_EQ(log.Latest(-1).front()->micros, 9);
  EXPECT_EQ(log.size(), 1u);
  log.Add({"get"}, Took(1), 0);
  EXPECT_EQ(log.size(), 0u);
  log.Add({"get"}, Took(1), -5);
  EXPECT_EQ(log.size(), 0u);
}

TEST(SlowLogTest, ResetEmptiesItAndIdsGoOn) {
  SlowLog log;
  log.Add({"get"}, Took(1), 4);
  log.Reset();
  EXPECT_EQ(log.size(), 0u);
  log.Add({"get"}, Took(1), 4);
  EXPECT_EQ(log.Latest(-1)[0]->id, 1);
}

TEST(SlowLogTest, TooManyArgumentsAreCountedInTheLastOne) {
  SlowLog log;
  std::vector<absl::string_view> args(32, "a");
  log.Add(args, Took(1), 4);
  EXPECT_EQ(log.Latest(1)[0]->args.size(), 32u);
  EXPECT_EQ(log.Latest(1)[0]->args.back(), "a");
  args.resize(33, "a");
  log.Add(args, Took(1), 4);
  EXPECT_EQ(log.Latest(1)[0]->args.size(), 32u);
  EXPECT_EQ(log.Latest(1)[0]->args.back(), "... (2 more arguments)");
}

TEST(SlowLogTest, LongArgumentsAreCut) {
  SlowLog log;
  const std::string fits(128, 'x');
  const std::string longer(130, 'x');
  log.Add({fits, longer, absl::string_view("\0\n", 2)}, Took(1), 4);
  const auto entry = log.Latest(1)[0];
  EXPECT_EQ(entry->args[0], fits);
  EXPECT_EQ(entry->args[1], fits + "... (2 more bytes)");
  EXPECT_EQ(entry->args[2], std::string("\0\n", 2));
}

TEST(SlowLogTest, ManyThreadsAddWhileOthersReadAndReset) {
  SlowLog log;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&log, t] {
      for (int i = 0; i < 500; ++i) {
        if (t == 3 && i % 50 == 0) log.Reset();
        log.Add({"get"}, Took(i), 16);
        for (const auto& entry : log.Latest(4))
          ASSERT_EQ(entry->args[0], "get");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(log.size(), 16u);
}

}  // namespace
}  // namespace holdfast::server
